"""One run of a command: what it shows on the way, and how it ends."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, field

from .._jobs import status_of
from ..client import Client
from ..errors import APIError, one_line
from .exits import ExitCode, ending
from .settings import Clients, Settings
from .terminal import Display, next_line, printable
from .trace import Trace

_EXPECTED = (APIError, ImportError, OSError, TypeError, ValueError)

# Bytes that are written to find out whether a disk is full.
_PROBE_SIZE = 1_048_576

# Characters of a status, so that a bar fits in beside it.
_MAX_STATUS = 14


@define
class Run:
    """One run of a command.

    Attributes:
        name: What is typed for the command line.
        settings: The options for all commands.
        clients: The clients of the package.
        follower: The module of the operation that follows the job.
        go_on: Makes what is to be typed to go on with a job.
        is_many: Whether it is about many jobs, and then with asyncio.
        job_id: The id of the job, once it is known.
        code: The exit code.
    """

    name: str
    settings: Settings
    clients: Clients
    follower: Any = None
    go_on: Callable[[str], str] = field(default=lambda _: "")
    is_many: bool = False
    job_id: str | None = None
    code: ExitCode = ExitCode.DONE
    _is_created: bool = field(default=False, init=False)
    _last_line: str = field(default="", init=False)
    display: Display = field(init=False)
    trace: Trace = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Decide where things are shown."""
        is_json, is_shown = self.settings.is_json, self.settings.is_verbose
        self.display = Display(self.name, is_json=is_json, is_many=self.is_many)
        self.trace = Trace(
            self.display.say,
            self.clients.package.logger,
            is_shown=is_shown,
            is_many=self.is_many,
        )

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Do the work of the command; if it does not end well, say how, and what to do next."""
        with self.trace.log():
            try:
                yield
            except (*_EXPECTED, KeyboardInterrupt) as error:
                end = ending(error, self.job_id, self._is_created, self.trace.has_posted)
                can_go_on = end.code in (ExitCode.UNFINISHED, ExitCode.INTERRUPTED)
                go_on = self.go_on(self.job_id) if can_go_on and self.job_id else ""
                self.display.failed(end, self.job_id, go_on)
                self.code = end.code
            finally:
                self.display.stop()

    def client(self) -> Client:
        """A client whose requests are seen."""
        self.trace.client = client = self.settings.client(self.clients, self.trace.hooks)
        return client

    def created(self, job_id: str) -> None:
        """Show the id of a job at once, so that it is never lost."""
        self.job_id, self._is_created = job_id, True
        line = f"created the job {one_line(job_id, 500)}"
        self.display.show("created", {"job_id": job_id}, line=line)

    def progress(self, job: Any) -> None:
        """Show how far a job is."""
        status = status_of(self.follower.JOB, job)
        percent = self.follower.progress(job)
        text = status or "pending"
        total = None if percent is None else 100
        self.display.move(one_line(text, _MAX_STATUS), percent or 0, total)
        line = one_line(text, 100) + ("" if percent is None else f"  {int(percent)}%")
        fields = {"status": status, "percent": percent, "seconds": round(self.display.seconds, 1)}
        self.display.show_progress("progress", fields, "" if line == self._last_line else line)
        self._last_line = line

    def save(self, client: Client, job: Any, path: Path) -> None:
        """Save what a job has made."""
        try:
            client.download(self.follower.result(job), path, on_progress=self._saving)
        except OSError as error:
            error.filename = error.filename or str(path)
            raise
        self.display.move("saved", 100, 100)
        fields = {"job_id": self.job_id, "path": str(path), "bytes": path.stat().st_size}
        self.display.show("saved", fields, result=f"saved {printable(str(path))}")

    def _saving(self, done: int, total: int | None) -> None:
        self.display.move("saving", 100 * done / total if total else 0, total and 100)

    def leave(self, job_id: str) -> None:
        """Show the id of a job that is not waited for."""
        go_on = self.go_on(job_id)
        fields = {"job_id": job_id, "next": go_on}
        result = one_line(job_id, 500)
        self.display.show("created", fields, result=result, line=next_line(go_on))


def check_output(path: Path | None, otherwise: str = "") -> Path:
    """Find out whether a file can be written, before anything is paid for.

    Raises:
        ValueError: It cannot.
    """
    if path is None:
        msg = f"say where to save the result: -o FILE{otherwise}"
        raise ValueError(msg)
    if path.exists() and not path.is_file():
        msg = f"-o {path}: exists and is not a file"
        raise ValueError(msg)
    folder = path.resolve().parent
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_SIZE))
            file.flush()
    except OSError as error:
        msg = f"-o {path}: nothing can be written in {folder}: {error.strerror}"
        raise ValueError(msg) from None
    return path
