# Do not edit: copied from runtime/_cli/running.py, whatever the spec says.
# To change it, edit runtime/_cli/running.py and run: make generate
"""One run of a command: what it shows on the way, and how it ends."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, field

from .. import _polling
from ..client import Client
from ..errors import APIError
from . import terminal
from .exits import Ending, ExitCode, Known, ending
from .settings import Settings
from .terminal import Lines
from .trace import Trace

_EXPECTED = (APIError, ImportError, OSError, TypeError, ValueError)

# Bytes that are written to find out whether a disk is full.
_PROBE_SIZE = 1_048_576


@define
class Run:
    """One run of a command.

    Attributes:
        name: What is typed for the command line.
        settings: The options for all commands.
        operation: The operation that follows the job.
        go_on: Makes what is to be typed to go on with a job.
        job_id: The id of the job, once it is known.
        displays: Makes what shows things.
        has_warnings: Whether the warnings of the package are shown.
    """

    name: str
    settings: Settings
    operation: Any = None
    go_on: Callable[[str], str] | None = None
    job_id: str | None = None
    displays: Callable[..., Lines] = terminal.display
    has_warnings: bool = False
    _is_created: bool = field(default=False, init=False)
    display: Lines = field(init=False)
    trace: Trace = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Decide where things are shown."""
        self.display = self.displays(self.name, is_json=self.settings.is_json)
        self.trace = Trace(
            self.display.say,
            is_shown=self.settings.is_verbose,
            has_warnings=self.has_warnings,
        )

    def do(self, work: Callable[[], ExitCode | None]) -> ExitCode:
        """Do the work of the command; if it does not end well, say how, and what to do next."""
        with self.display, self.trace.log():
            try:
                return work() or ExitCode.DONE
            except (*_EXPECTED, KeyboardInterrupt) as error:
                known = Known(self.job_id, self._is_created, self.trace.has_posted)
                return self._end(ending(error, known))

    def _end(self, end: Ending) -> ExitCode:
        go_on = self._next(self.job_id) if end.is_resumable and self.job_id else ""
        self.display.failed(end, self.job_id, go_on)
        return end.code

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """A client whose requests are seen."""
        with self.settings.client(self.trace) as client:
            yield client

    def created(self, job_id: str) -> None:
        """Show the id of a job at once, so that it is never lost."""
        self.job_id, self._is_created = job_id, True
        self.display.created(job_id)

    def progress(self, job: Any) -> None:
        """Show how far a job is."""
        status = _polling.status_of(self.operation._JOB, job)
        self.display.progress(status, self.operation.progress(job))

    def save(self, client: Client, job: Any, path: Path) -> None:
        """Save what a job has made."""
        try:
            client.download(self.operation.result(job), path, on_progress=self.display.saving)
        except APIError as error:
            error.job_id = self.job_id
            raise
        except OSError as error:
            error.filename = error.filename or str(path)
            raise
        self.display.saved(self.job_id or "", path)

    def leave(self, job_id: str) -> None:
        """Show the id of a job that is not waited for."""
        self.display.left(job_id, self._next(job_id))

    def _next(self, job_id: str) -> str:
        return self.go_on(job_id) if self.go_on else ""


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
