"""What became of each request of a batch, in an SQLite file that survives a kill at any moment."""

import contextlib
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self, get_args

from attrs import astuple, evolve, frozen

from .._files import keep_other_file, sync_folder, temporary_path
from ._lock import is_locked, locked

State = Literal["unknown", "created", "done", "failed"]
STATES: tuple[State, ...] = get_args(State)

SCHEMA = """
PRAGMA journal_mode = OFF;
CREATE TABLE batch (gateway TEXT NOT NULL, source TEXT NOT NULL, total INTEGER NOT NULL);
CREATE TABLE entries (
    number INTEGER, digest TEXT, attempt INTEGER, state TEXT, job_id TEXT, cost REAL, error TEXT,
    response BLOB, PRIMARY KEY (number, attempt)
);
"""


class JournalError(OSError):
    """The journal cannot be written, or the file is no longer where it was.

    Attributes:
        jobs: The ids of all jobs, also of those that could not be written, by number.
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
        self.counts: Counter[State] = Counter()
        self.cost = 0.0
        self.is_running = read_only and is_locked(folder)
        self.changing = threading.Lock()  # held while `entries`, `counts` and `cost` change
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
        uri = f"{self.path.as_uri()}?mode=rw"
        try:
            if not (read_only or self.path.exists()):
                _create(self.path)
            return sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            is_there = self.path.exists() or not read_only
            why = (
                f"{self.path}: {error}"
                if is_there
                else f"{self.path.parent}: there is no batch here"
            )
            raise OSError(why) from error

    def _load(self) -> None:
        columns = "number, digest, attempt, state, job_id, cost, error"
        query = f"SELECT {columns} FROM entries ORDER BY number, attempt"  # noqa: S608 - our own
        try:
            self._connection.execute("PRAGMA synchronous = FULL")
            for row in self._connection.execute(query):
                entry = Entry(*row)
                if entry.state not in STATES or (entry.state == "created" and not entry.job_id):
                    msg = f"request {entry.number} has no state"
                    raise ValueError(msg)
                self._note(entry)
        except (sqlite3.Error, ValueError) as error:
            msg = f"{self.path} is not the journal of a batch ({error}); restore it"
            raise ValueError(f"{msg}, or use another folder") from error

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
        """Write an entry. Any thread may call this and `remove`, one at a time.

        Raises:
            JournalError: It is not on disk.
        """
        if entry.job_id:
            self._unwritten[entry.number] = entry.job_id
        with self._transaction() as connection:
            values = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            connection.execute(values, astuple(entry))
        self._unwritten.pop(entry.number, None)
        with self.changing:
            self._note(evolve(entry, response=None))

    def remove(self, entry: Entry, before: Entry | None) -> None:
        """Undo the entry that was written before sending, because no job was created.

        Raises:
            JournalError: It is still on disk.
        """
        with self._transaction() as connection:
            query = "DELETE FROM entries WHERE number = ? AND attempt = ?"
            connection.execute(query, (entry.number, entry.attempt))
        with self.changing:
            self._replace(entry.number, before)

    def _note(self, entry: Entry) -> None:
        old = self._replace(entry.number, entry)
        self.cost += entry.cost or 0
        if old and old.attempt == entry.attempt:
            self.cost -= old.cost or 0

    def _replace(self, number: int, latest: Entry | None) -> Entry | None:
        if old := self.entries.pop(number, None):
            self.counts[old.state] -= 1
        if latest:
            self.entries[number] = latest
            self.counts[latest.state] += 1
        return old

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self.check()
        try:
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
        written = {entry.number: entry.job_id for entry in entries if entry.job_id}
        error.jobs = written | self._unwritten
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
