"""What became of each request of a batch, in an SQLite file that survives a kill at any moment."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, Self, get_args

from attrs import astuple, evolve, frozen

from .._files import atomic_file, keep_other_file
from ._lock import is_locked, locked

State = Literal["unknown", "created", "done", "failed"]

SCHEMA = """
CREATE TABLE batch (gateway TEXT NOT NULL, source TEXT NOT NULL, total INTEGER NOT NULL);
CREATE TABLE entries (
    number INTEGER, digest TEXT, attempt INTEGER, state TEXT, job_id TEXT, cost REAL, error TEXT,
    response BLOB, PRIMARY KEY (number, attempt)
);
"""


class JournalError(OSError):
    """The journal cannot be written, or the file is no longer where it was."""

    def __init__(self, msg: str, jobs: Mapping[int, str] | None = None) -> None:
        super().__init__(msg)
        self.jobs = dict(jobs or {})  #: The ids of the jobs that are not in the file, by number.


@frozen
class Entry:
    """A request that was sent, or is about to be sent.

    It is "unknown" before it is sent, so that one that is killed stays unknown; "created" once
    there is a job; "done" or "failed" when the job has ended.
    """

    number: int  #: The number of the request.
    digest: str  #: The SHA-256 of what is sent.
    attempt: int = 1  #: How often it was sent, if it was sent again after an unknown or failed one.
    state: State = "unknown"
    job_id: str | None = None  #: The id of the job.
    cost: float | None = None  #: The price of the job in US dollars, if a response reported it.
    error: str | None = None  #: Why it is unknown or failed.
    response: bytes | None = None  #: What left it unknown, for a person to read; on disk alone.


class Journal:
    """The entries of one batch: `journal.sqlite` in its folder.

    When `put` or `remove` returns, the change is on disk, and survives a crash of the machine; a
    kill during the call leaves all of it or nothing. Earlier attempts stay in the file, with their
    jobs and prices. One process at a time can open it, and the system releases the lock however
    that process ends; `read_only` needs no lock.

    Args:
        folder: The folder of the batch, which must exist.
        read_only: Read what another process may be writing.

    Raises:
        OSError: The folder or the file is not there, or cannot be written.
        ValueError: The file is not the journal of a batch, or another process has it open.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.path = folder.resolve() / "journal.sqlite"  #: The file.
        self.entries: dict[int, Entry] = {}  #: The latest attempt of each request, by number.
        self.is_running = read_only and is_locked(folder)  #: Whether another process has it open.
        self._unwritten: dict[int, str] = {}  # jobs that are not on disk yet, by number
        with contextlib.ExitStack() as stack:
            if not read_only:
                stack.enter_context(locked(folder))
            self._connection = self._open(read_only=read_only)
            stack.callback(self._connection.close)
            self._load()
            self._opened = self.path.stat()
            self._size = self._opened.st_size
            self._stack = stack.pop_all()

    def _open(self, *, read_only: bool) -> sqlite3.Connection:
        if not self.path.exists():
            if read_only:
                msg = f"{self.path.parent}: there is no batch here"
                raise FileNotFoundError(msg)
            with (
                contextlib.closing(sqlite3.connect(":memory:")) as empty,
                atomic_file(self.path, keep_other_file) as file,
            ):
                empty.executescript(SCHEMA)
                file.write(empty.serialize())  # at once: an empty file is never one of ours
        try:
            uri = f"{self.path.as_uri()}?mode=rw"
            return sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            msg = f"{self.path}: {error}"
            raise OSError(msg) from error

    def _load(self) -> None:
        columns = "number, digest, attempt, state, job_id, cost, error"
        query = f"SELECT {columns} FROM entries ORDER BY number, attempt"  # noqa: S608 - our own
        try:
            self._connection.execute("PRAGMA synchronous = FULL")
            for row in self._connection.execute(query):
                entry = self.entries[row[0]] = Entry(*row)
                has_state = entry.state in get_args(State)
                if not has_state or (entry.state == "created" and not entry.job_id):
                    msg = f"request {entry.number} has no state"
                    raise ValueError(msg)
        except (sqlite3.Error, ValueError) as error:
            msg = f"{self.path} is not the journal of a batch ({error}); restore it, or use another"
            raise ValueError(f"{msg} folder") from error

    @property
    def about(self) -> tuple[str, str, int]:
        """The gateway, where the requests come from, and their number; "" and 0 at first."""
        row = self._connection.execute("SELECT gateway, source, total FROM batch").fetchone()
        return row or ("", "", 0)

    @property
    def prices(self) -> tuple[float, float, int]:
        """The price of all jobs in US dollars, the dearest, and how many attempts have no price."""
        query = "SELECT total(cost), ifnull(max(cost), 0), count(*) - count(cost) FROM entries"
        row: tuple[float, float, int] = self._connection.execute(query).fetchone()
        return row

    def describe(self, gateway: str, source: str, total: int) -> None:
        """Write down what `about` says."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM batch")
            connection.execute("INSERT INTO batch VALUES (?, ?, ?)", (gateway, source, total))

    def put(self, entry: Entry) -> None:
        """Write an entry, or raise JournalError. Any thread may call this, one at a time."""
        if entry.job_id and entry.state == "created":
            self._unwritten[entry.number] = entry.job_id
        with self._transaction() as connection:
            values = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            connection.execute(values, astuple(entry))
        self._unwritten.pop(entry.number, None)
        self.entries[entry.number] = evolve(entry, response=None)

    def remove(self, entry: Entry, before: Entry | None) -> None:
        """Undo the entry that was written before sending, for no job was created; as `put` does."""
        with self._transaction() as connection:
            query = "DELETE FROM entries WHERE number = ? AND attempt = ?"
            connection.execute(query, (entry.number, entry.attempt))
        del self.entries[entry.number]
        if before:
            self.entries[entry.number] = before

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self.check()
        try:
            with self._connection:
                yield self._connection
        except sqlite3.Error as error:
            msg = f"the journal {self.path} cannot be written: {error}"
            raise JournalError(msg, self._unwritten) from error

    def check(self) -> None:
        """Make sure that the file is in its place, because SQLite goes on without it.

        Raises:
            JournalError: It is not, and what is written to it is lost.
        """
        with contextlib.suppress(OSError):
            file, opened = self.path.stat(), self._opened
            is_same = (file.st_dev, file.st_ino) == (opened.st_dev, opened.st_ino)
            if is_same and file.st_size >= self._size:
                self._size = file.st_size
                return
        msg = f"the journal {self.path} was removed, moved, cut or replaced: put it back, or the"
        msg = f"{msg} next run sends all requests again, and pays for them"
        jobs = {entry.number: entry.job_id for entry in self.entries.values() if entry.job_id}
        raise JournalError(msg, jobs | self._unwritten)

    def close(self) -> None:
        """Close the file, and release its lock."""
        self._stack.close()

    def __enter__(self) -> Self:
        """Enter a block at whose end the file is closed."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the file."""
        self.close()
