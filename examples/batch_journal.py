"""The outcome of each line of a batch, in an SQLite file that survives a kill at any moment."""

import contextlib
import sqlite3
from collections import Counter
from pathlib import Path

from attrs import astuple, fields, frozen

from batch_videos import put_in_place, temporary_path

TICKS_A_DOLLAR = 10_000_000_000
STATES = ("unknown", "created", "done", "failed")

SCHEMA = """
PRAGMA journal_mode = OFF;
CREATE TABLE lines (
    number INTEGER PRIMARY KEY, digest TEXT, gateway TEXT, state TEXT, job TEXT, ticks INTEGER,
    error TEXT, response BLOB
);
"""
# The system releases the lock when the process ends, even if it is killed. COMMIT would make an
# empty file look like a database.
OPENING = """
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA synchronous = FULL;
BEGIN EXCLUSIVE;
ROLLBACK;
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
        entries: What the file holds, by number of line.
        counts: The number of lines in each state.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite"
        self.entries: dict[int, Entry] = {}
        self.counts: Counter[str] = Counter()
        self._ticks = 0
        if not self.path.exists():
            create(self.path)
        self._connection = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            self._connection.executescript(OPENING)
            self._load()
        except (sqlite3.Error, ValueError) as error:
            self.close()
            is_locked = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
            why = f"it is not the journal of a batch ({error}); restore it"
            why = "another batch is running in this folder" if is_locked else why
            raise ValueError(f"{self.path}: {why}, or use another folder with -o") from error
        self._opened = self.path.stat()
        self._size = self._opened.st_size

    def _load(self) -> None:
        columns = [name for _, name, *_ in self._connection.execute("PRAGMA table_info(lines)")]
        if columns != [field.name for field in fields(Entry)]:
            raise ValueError("it has other columns" if columns else "it has no lines")
        for row in self._connection.execute("SELECT * FROM lines ORDER BY number"):
            entry = Entry(*row)
            if entry.state not in STATES or (entry.state == "created" and not entry.job):
                raise ValueError(f"line {entry.number} has no state")
            self._keep(entry.number, entry)

    def close(self) -> None:
        self._connection.close()

    def check(self) -> None:
        """Make sure that the file is in its place, because SQLite goes on without it.

        Raises:
            sqlite3.Error: It is not, and what is written to it is lost.
        """
        with contextlib.suppress(OSError):
            found, opened = self.path.stat(), self._opened
            is_same = (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)
            if is_same and found.st_size >= self._size:
                self._size = found.st_size
                return
        raise sqlite3.OperationalError(f"{self.path} was removed, moved, cut or replaced")

    def put(self, entry: Entry) -> None:
        self.check()
        values = "INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._connection.execute(values, astuple(entry))
        self._keep(entry.number, entry)

    def restore(self, number: int, before: Entry | None) -> None:
        """Undo the entry that was written before sending, because no job was created."""
        if before:
            self.put(before)
            return
        self.check()
        self._connection.execute("DELETE FROM lines WHERE number = ?", (number,))
        self._keep(number, None)

    def _keep(self, number: int, entry: Entry | None) -> None:
        if before := self.entries.pop(number, None):
            self.counts[before.state] -= 1
            self._ticks -= before.ticks or 0
        if entry:
            self.entries[number] = entry
            self.counts[entry.state] += 1
            self._ticks += entry.ticks or 0

    def dollars(self) -> float:
        """The price of all jobs together, as far as responses reported it."""
        return self._ticks / TICKS_A_DOLLAR


def create(path: Path) -> None:
    """Create an empty journal at once, so that an empty file is never one of ours."""
    with contextlib.closing(sqlite3.connect(temporary := temporary_path(path))) as connection:
        connection.executescript(SCHEMA)
    with contextlib.suppress(FileExistsError):
        put_in_place(temporary, path)
