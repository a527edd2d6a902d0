"""What became of each request of a batch, in an SQLite file that survives a kill at any moment."""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

from attrs import astuple, evolve, fields, frozen

from .._files import keep_other_file, sync_folder, temporary_path
from ._lock import is_locked, locked

State = Literal["unknown", "created", "done", "failed"]
STATES = ("unknown", "created", "done", "failed")

SCHEMA = """
PRAGMA journal_mode = OFF;
CREATE TABLE batch (gateway TEXT NOT NULL, source TEXT NOT NULL, total INTEGER NOT NULL);
CREATE TABLE entries (
    number INTEGER, digest TEXT, attempt INTEGER, state TEXT, job_id TEXT, cost REAL, error TEXT,
    response BLOB, PRIMARY KEY (number, attempt)
);
"""

# Seconds that a reader, which needs milliseconds, may keep a writer waiting.
_BUSY_TIMEOUT = 10.0


class JournalError(OSError):
    """The journal cannot be written, or the file is no longer where it was.

    Attributes:
        jobs: The ids of all jobs that it had, by the number of their request.
    """

    jobs: dict[int, str]


@frozen
class Entry:
    """A request that was sent, or is about to be sent.

    Attributes:
        number: The number of the request.
        digest: The SHA-256 of what is sent.
        attempt: How often it was sent, if it was sent again after an unknown or a failed attempt.
        state: "unknown" before it is sent, so that one that is killed stays unknown; "created" once
            there is a job; "done" or "failed" when the job has ended.
        job_id: The id of the job.
        cost: The price of the job in US dollars, if a response reported it.
        error: Why it is unknown or failed.
        response: The response that left it unknown, for a person to read; on disk alone.
    """

    number: int
    digest: str
    attempt: int = 1
    state: State = "unknown"
    job_id: str | None = None
    cost: float | None = None
    error: str | None = None
    response: bytes | None = None


@frozen
class Change:
    """An entry to write; or one to remove, and the one that was there before."""

    entry: Entry
    is_removal: bool = False
    before: Entry | None = None


class Journal:
    """The entries of one batch: `journal.sqlite` in its folder.

    What it promises:

    - When `put` or `remove` returns, the change is on disk, and survives a crash of the machine.
    - A kill during a call leaves all of its change or nothing of it.
    - The entry of a request is on disk before the request is sent, so a kill between the two leaves
      "unknown", and never a paid job of which nothing is known.
    - Earlier attempts stay in the file, with their jobs and their prices.
    - One process at a time can open it; the operating system releases the lock when that process
      ends, however it ends. `read_only` needs no lock.

    Args:
        folder: The folder of the batch, which must exist.
        read_only: Read what another process may be writing.

    Raises:
        OSError: The folder or the file is not there, or cannot be written.
        ValueError: The file is not the journal of a batch, or another process has it open.

    Attributes:
        path: The file.
        entries: The latest attempt of each request, by number.
        counts: The number of requests in each state.
        cost: The price of all jobs in US dollars, as far as responses reported it.
        is_running: Whether another process has it open.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.path = folder.resolve() / "journal.sqlite"
        self.entries: dict[int, Entry] = {}
        self.counts: Counter[str] = Counter()
        self.cost = 0.0
        self.is_running = read_only and is_locked(folder)
        with contextlib.ExitStack() as stack:
            self._connection = stack.enter_context(self._open(folder, read_only=read_only))
            self._load()
            self._opened = self.path.stat()
            self._size = self._opened.st_size
            self._stack = stack.pop_all()

    @contextlib.contextmanager
    def _open(self, folder: Path, *, read_only: bool) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.ExitStack() as stack:
                if not read_only:
                    stack.enter_context(locked(folder))
                    if not self.path.exists():
                        _create(self.path)
                connection = stack.enter_context(contextlib.closing(_connect(self.path)))
                stack = stack.pop_all()
        except sqlite3.Error as error:
            is_there = self.path.exists() or not read_only
            msg = f"{self.path}: {error}" if is_there else f"{folder}: there is no batch here"
            raise OSError(msg) from error
        with stack:
            yield connection

    def _load(self) -> None:
        try:
            self._read()
        except (sqlite3.Error, ValueError) as error:
            msg = f"{self.path} is not the journal of a batch ({error}); restore it"
            raise ValueError(f"{msg}, or use another folder") from error

    def _read(self) -> None:
        self._connection.execute("PRAGMA synchronous = FULL")
        columns = [name for _, name, *_ in self._connection.execute("PRAGMA table_info(entries)")]
        names = [field.name for field in fields(Entry)]
        if columns != names:
            raise ValueError("it has other columns" if columns else "it has no entries")
        query = f"SELECT {', '.join(names[:-1])} FROM entries ORDER BY number, attempt"  # noqa: S608
        for row in self._connection.execute(query):
            entry = Entry(*row)
            if entry.state not in STATES or (entry.state == "created" and not entry.job_id):
                msg = f"request {entry.number} has no state"
                raise ValueError(msg)
            self.keep(Change(entry))

    @property
    def about(self) -> tuple[str, str, int]:
        """The gateway, where the requests come from, and their number; "" and 0 at first."""
        row = self._connection.execute("SELECT gateway, source, total FROM batch").fetchone()
        return row or ("", "", 0)

    def describe(self, gateway: str, source: str, total: int) -> None:
        """Write down what `about` says."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM batch")
            connection.execute("INSERT INTO batch VALUES (?, ?, ?)", (gateway, source, total))

    def put(self, entry: Entry) -> None:
        """Write an entry.

        Raises:
            JournalError: It is not on disk.
        """
        self._apply(Change(entry))

    def remove(self, entry: Entry, before: Entry | None) -> None:
        """Undo the entry that was written before sending, because no job was created.

        Raises:
            JournalError: It is still on disk.
        """
        self._apply(Change(entry, is_removal=True, before=before))

    def _apply(self, change: Change) -> None:
        self.commit(change)
        self.keep(change)

    def commit(self, change: Change) -> None:
        """Put a change on disk. Any thread may do that, one at a time, and `keep` must follow."""
        with self._transaction() as connection:
            _write(connection, change)

    def keep(self, change: Change) -> None:
        """Have a change in `entries` that is on disk."""
        entry = change.entry
        latest = change.before if change.is_removal else evolve(entry, response=None)
        if old := self.entries.pop(entry.number, None):
            self.counts[old.state] -= 1
            is_same = old.attempt == entry.attempt
            self.cost -= (old.cost or 0) if is_same else 0
        if latest:
            self.entries[entry.number] = latest
            self.counts[latest.state] += 1
            self.cost += (latest.cost or 0) if not change.is_removal else 0

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self.check()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                yield self._connection
        except sqlite3.Error as error:
            msg = f"the journal {self.path} cannot be written: {error}"
            raise self._error(msg) from error

    def check(self) -> None:
        """Make sure that the file is in its place, because SQLite goes on without it.

        Raises:
            JournalError: It is not, and what is written to it is lost.
        """
        with contextlib.suppress(OSError):
            found, opened = self.path.stat(), self._opened
            is_same = (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)
            if is_same and found.st_size >= self._size:
                self._size = found.st_size
                return
        msg = f"the journal {self.path} was removed, moved, cut or replaced; put it back, or the"
        raise self._error(f"{msg} next run sends all requests again, and pays for them")

    def _error(self, msg: str) -> JournalError:
        error = JournalError(msg)
        entries = self.entries.values()
        error.jobs = {entry.number: entry.job_id for entry in entries if entry.job_id}
        return error

    def close(self) -> None:
        """Close the file, and release its lock."""
        self._stack.close()

    def __enter__(self) -> Self:
        """Enter a block at whose end the file is closed."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the file."""
        self.close()


def _write(connection: sqlite3.Connection, change: Change) -> None:
    entry = change.entry
    if change.is_removal:
        query = "DELETE FROM entries WHERE number = ? AND attempt = ?"
        connection.execute(query, (entry.number, entry.attempt))
        return
    values = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    connection.execute(values, astuple(entry))


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database that exists."""
    return sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_TIMEOUT,
        check_same_thread=False,
    )


def _create(path: Path) -> None:
    """Create an empty journal at once, so that an empty file is never one of ours."""
    temporary = temporary_path(path)
    try:
        with contextlib.closing(sqlite3.connect(temporary)) as connection:
            connection.executescript(SCHEMA)
        keep_other_file(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


__all__ = ["Change", "Entry", "Journal", "JournalError", "State"]
