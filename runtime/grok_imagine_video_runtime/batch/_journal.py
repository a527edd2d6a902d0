"""What became of each request of a batch, in an SQLite file that survives a kill at any moment."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import astuple, evolve, frozen

from .._files import atomic_file

SCHEMA = """
CREATE TABLE batch (gateway TEXT NOT NULL, source TEXT NOT NULL, total INTEGER NOT NULL);
CREATE TABLE entries (
    number INTEGER, digest TEXT, attempt INTEGER, state TEXT, job_id TEXT, cost REAL, error TEXT,
    response BLOB, PRIMARY KEY (number, attempt)
);
"""

ENTRIES = "SELECT number, digest, attempt, state, job_id, cost, error FROM entries"
PRICES = "SELECT total(cost), ifnull(max(cost), 0), count(*) - count(cost) FROM entries"


class JournalError(OSError):
    """The journal cannot be written, or the file is no longer where it was."""

    def __init__(self, msg: str, jobs: Mapping[int, str] | None = None) -> None:
        super().__init__(msg)
        self.jobs = {} if jobs is None else jobs  #: The jobs that are not in the file, by number.


@frozen
class Entry:
    """A request that was sent, or is about to be sent.

    It is "unknown" before it is sent, so that one that is killed stays unknown; "created" once
    there is a job; "done" or "failed" when the job has ended.
    """

    number: int  #: The number of the request.
    digest: str  #: The SHA-256 of what is sent.
    attempt: int = 1  #: How often it was sent, with this one.
    state: Literal["unknown", "created", "done", "failed"] = "unknown"
    job_id: str | None = None  #: The id of the job.
    cost: float | None = None  #: The price of the job in US dollars, if a response reported it.
    error: str | None = None  #: Why it has no result.
    response: bytes | None = None  #: What left it unknown, for a person to read; on disk alone.


class Journal(contextlib.AbstractContextManager["Journal"]):
    """The entries of one batch: `journal.sqlite` in its folder.

    When `put` or `remove` returns, the change is on disk, and survives a crash of the machine; a
    kill during the call leaves all of it or nothing. Earlier attempts stay in the file, with their
    jobs and prices. One process at a time can open it, and the system releases the lock however
    that process ends; `read_only` needs no lock, and reads what another process may be writing.
    It is an OSError if the folder or the file is not there or cannot be written, and a ValueError
    if the file is not the journal of a batch, or another process has it open.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.path = folder.resolve() / "journal.sqlite"  #: The file.
        self.entries: dict[int, Entry] = {}  #: The latest attempt of each request, by number.
        self._unwritten: dict[int, str] = {}  # jobs that are not on disk yet, by number
        self._lock = threading.Lock()
        lock = self.path.with_name(".journal.lock")
        #: Whether another process has it open.
        self.is_running = read_only and lock.exists() and _is_locked(lock)
        if read_only and not self.path.exists():
            msg = f"{self.path.parent}: there is no batch here"
            raise FileNotFoundError(msg)
        try:
            with contextlib.ExitStack() as stack:
                if not read_only:
                    lock.touch()  # says what is wrong if nothing can be written here
                    held = stack.enter_context(_opened(lock, timeout=0.2))
                    held.execute("BEGIN EXCLUSIVE")
                    if not self.path.exists():
                        with _opened(":memory:") as empty, atomic_file(self.path) as file:
                            empty.executescript(SCHEMA)
                            file.write(empty.serialize())  # at once: an empty file is never ours
                self._connection = stack.enter_context(_opened(self.path))
                self._connection.execute("PRAGMA synchronous = FULL")
                self._read()
                about = self._connection.execute("SELECT gateway, source, total FROM batch")
                #: The gateway, where the requests come from, and their number; "" and 0 at first.
                self.about: tuple[str, str, int] = about.fetchone() or ("", "", 0)
                #: What all jobs cost in US dollars, the dearest, how many attempts have no price.
                self.prices: tuple[float, float, int] = self._connection.execute(PRICES).fetchone()
                self._stat = self.path.stat()
                self._stack = stack.pop_all()
        except sqlite3.Error as error:
            msg = f"{self.path} is not the journal of a batch ({error}); restore it"
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
                msg = f"another batch is running in {folder}; wait for it"
            raise ValueError(f"{msg}, or use another folder") from error

    def _read(self, condition: str = "1", *values: int) -> None:
        """Read the entries for which this is true in SQL."""
        query = f"{ENTRIES} WHERE {condition} ORDER BY number, attempt"
        rows = self._connection.execute(query, values).fetchall()  # at once: nobody waits for us
        self.entries |= {row[0]: Entry(*row) for row in rows}

    def describe(self, gateway: str, source: str, total: int) -> None:
        """Write down what `about` says."""
        self.about = gateway, source, total
        query = "INSERT OR REPLACE INTO batch (rowid, gateway, source, total) VALUES (1, ?, ?, ?)"
        self._write(query, *self.about)

    def put(self, entry: Entry) -> None:
        """Write an entry, or raise JournalError. Any thread may call this."""
        # A new attempt replaces none: should two runs get past the lock, one of them ends here.
        verb = "INSERT" + " OR REPLACE" * (entry.state != "unknown" or entry.error is not None)
        values = f"{verb} INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        with self._lock:
            if entry.job_id and entry.state == "created":
                self._unwritten[entry.number] = entry.job_id
            self._write(values, *astuple(entry))
            self._unwritten.pop(entry.number, None)
            self.entries[entry.number] = evolve(entry, response=None)

    def remove(self, entry: Entry) -> None:
        """Undo the entry that was written before sending, for no job was created; as `put` does."""
        query = "DELETE FROM entries WHERE number = ? AND attempt = ?"
        with self._lock:
            self._write(query, entry.number, entry.attempt)
            del self.entries[entry.number]
            self._read("number = ?", entry.number)  # the attempt before, if there is one

    def _write(self, query: str, *values: object) -> None:
        """Make sure that the file is in its place, for SQLite goes on without it, and change it."""
        try:
            if not os.path.samestat(self.path.stat(), self._stat):
                raise FileNotFoundError
            self._connection.execute(query, values)
        except (OSError, sqlite3.Error) as error:
            is_gone, what = isinstance(error, OSError), f"cannot be written: {error}"
            if is_gone:
                what = "was removed, moved or replaced: put it back, or the next run pays again"
            if is_gone or type(error) is sqlite3.DatabaseError:  # it is no longer a database
                self._unwritten |= {n: e.job_id for n, e in self.entries.items() if e.job_id}
            raise JournalError(f"the journal {self.path} {what}", self._unwritten) from error

    def __exit__(self, *exc_info: object) -> None:
        """Close the file, and release its lock."""
        self._stack.close()


def _opened(path: Path | str, timeout: float = 60.0) -> contextlib.closing[sqlite3.Connection]:
    """A database in which each statement is a transaction, for all threads."""
    options: dict[str, Any] = {"isolation_level": None, "check_same_thread": False}
    return contextlib.closing(sqlite3.connect(path, timeout, **options))


def _is_locked(lock: Path) -> bool:
    """Whether a process holds a lock: an empty database, which SQLite locks on every system."""
    try:
        with _opened(lock, timeout=0) as connection:
            connection.execute("SELECT * FROM sqlite_master")
    except sqlite3.Error as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False
