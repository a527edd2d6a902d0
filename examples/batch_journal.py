"""The outcome of each line of a batch, in an SQLite file that survives a kill at any moment."""

import sqlite3
from pathlib import Path

from attrs import astuple, frozen

TICKS_A_DOLLAR = 10_000_000_000

# The system releases the lock when the process ends, even if it is killed.
OPENING = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = FULL;
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS lines (
    number INTEGER PRIMARY KEY, digest TEXT, gateway TEXT, state TEXT, job TEXT, ticks INTEGER,
    error TEXT, response BLOB
);
COMMIT;
"""


@frozen
class Entry:
    """A line that was sent or is about to be sent.

    Attributes:
        number: The number of the line in the file.
        digest: The hash of its request.
        gateway: The gateway that it was sent to.
        state: "unknown" before it is sent, so that a killed line stays unknown; "created" once
            there is a job; "done" or "failed" when the job has ended.
        job: The id of the job.
        ticks: The price of the job, if a response reported it.
        error: Why it is unknown or failed.
        response: The response that left it unknown, for a person to read.
    """

    number: int
    digest: str
    gateway: str
    state: str = "unknown"
    job: str | None = None
    ticks: int | None = None
    error: str | None = None
    response: bytes | None = None


class Journal:
    """The entries of one batch. Every change is on disk when its call returns.

    Attributes:
        path: The file, locked against other batches until it is closed or the process ends.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite"
        self._connection = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            self._connection.executescript(OPENING)
        except sqlite3.Error as error:
            self.close()
            is_locked = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            why = "another batch is running in this folder" if is_locked else str(error)
            raise ValueError(f"{self.path}: {why}") from error

    def close(self) -> None:
        self._connection.close()

    def get(self, number: int) -> Entry | None:
        return next(iter(self._select("WHERE number = ?", number)), None)

    def entries(self) -> list[Entry]:
        return self._select("ORDER BY number")

    def _select(self, which: str, *values: object) -> list[Entry]:
        rows = self._connection.execute(f"SELECT * FROM lines {which}", values)  # noqa: S608
        return [Entry(*row) for row in rows]

    def put(self, entry: Entry) -> None:
        values = "INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._connection.execute(values, astuple(entry))

    def restore(self, number: int, before: Entry | None) -> None:
        """Undo the entry that was written before sending, because no job was created."""
        if before:
            self.put(before)
        else:
            self._connection.execute("DELETE FROM lines WHERE number = ?", (number,))

    def counts(self) -> dict[str, int]:
        """The number of lines in each state."""
        rows = self._connection.execute("SELECT state, COUNT(*) FROM lines GROUP BY state")
        return dict(rows.fetchall())

    def dollars(self) -> float:
        """The price of all jobs together, as far as responses reported it."""
        (ticks,) = self._connection.execute("SELECT TOTAL(ticks) FROM lines").fetchone()
        return float(ticks) / TICKS_A_DOLLAR
