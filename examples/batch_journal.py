"""What became of each line of a batch, in an SQLite file that outlives a kill at any moment."""

import sqlite3
from pathlib import Path

from attrs import astuple, frozen

TICKS_A_DOLLAR = 10_000_000_000

# The lock is let go by the system when the process ends, however it ends.
OPENING = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = FULL;
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS lines (
    number INTEGER PRIMARY KEY, digest TEXT, relay TEXT, state TEXT, job TEXT, ticks INTEGER,
    error TEXT, answer BLOB
);
COMMIT;
"""


@frozen
class Entry:
    """A line that was sent, or is about to be.

    Attributes:
        number: The line in the file.
        digest: What tells its request from every other one.
        relay: Where it was sent.
        state: "unknown" from before it is sent until there is an answer, so that it stays with a
            line whose sender is killed; "created" once there is a job; "done" or "failed" at last.
        job: The id of the job.
        ticks: What the job costs, if an answer told.
        error: Why it is unknown or failed.
        answer: The answer that left it unknown, for a person to read.
    """

    number: int
    digest: str
    relay: str
    state: str = "unknown"
    job: str | None = None
    ticks: int | None = None
    error: str | None = None
    answer: bytes | None = None


class Journal:
    """The entries of one batch; each change is on the disk when its call returns.

    Attributes:
        path: The file, which no other batch can use until this one is closed or dead.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite"
        self._connection = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            self._connection.executescript(OPENING)
        except sqlite3.Error as error:
            self.close()
            is_taken = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
            why = "another batch is at work in this folder" if is_taken else str(error)
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

    def put_back(self, number: int, before: Entry | None) -> None:
        """Undo what was noted before a line was sent, for nothing came of it."""
        if before:
            self.put(before)
        else:
            self._connection.execute("DELETE FROM lines WHERE number = ?", (number,))

    def counts(self) -> dict[str, int]:
        """How many lines there are in each state."""
        rows = self._connection.execute("SELECT state, COUNT(*) FROM lines GROUP BY state")
        return dict(rows.fetchall())

    def dollars(self) -> float:
        """What the jobs cost together, as far as answers told."""
        (ticks,) = self._connection.execute("SELECT TOTAL(ticks) FROM lines").fetchone()
        return float(ticks) / TICKS_A_DOLLAR
