"""One run of a command: what it shows on the way, and how it ends."""

import contextlib
import logging
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
from attrs import define, field
from cyclopts import CycloptsError
from rich.filesize import decimal

from .._jobs import status_of
from ..client import AuthenticatedClient, Client
from ..errors import one_line
from .display import Display
from .exits import EXPECTED, LEFT, ExitCode, UsageError, ending, mistake_of
from .settings import Options


@define
class Run:
    """The run of a command: what is typed for the program, its clients, options and operations.

    The stage is "sending", "waiting" for a job of our own, "asking" for another one, "saving" its
    result, or a "batch".
    """

    name: str
    plain: type[Client]
    authenticated: type[AuthenticatedClient]
    display: Display
    options: Any = field(factory=Options)
    job: Any = None
    job_id: str | None = None
    stage: str = ""
    code: ExitCode = ExitCode.DONE
    _start: float = field(factory=time.monotonic, init=False)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Do the work of the command; if it does not end well, say how, and what to do next."""
        interrupted = _interrupt_on_signals()
        try:
            yield
        except KeyboardInterrupt:
            self._fail((*interrupted, ExitCode.INTERRUPTED)[0], LEFT[self.stage])
        except CycloptsError as error:
            self._fail(ExitCode.USAGE, mistake_of(error, self.name))
        except EXPECTED as error:
            variable = self.plain.package.environment.get("token", "the key")
            key = "Leave out --no-key." if self.options.no_key else f"Check {variable}."
            self._fail(*ending(error, self.stage, self.options.base_url, key))
        finally:
            self.display.close()
            for logger in (self.plain.package.logger, logging.getLogger("httpx")):
                logger.removeHandler(self.display)
                logger.setLevel(logging.NOTSET)

    def begin(self, options: Any, job: Any = None) -> None:
        """Show what happens as the options say, also what is logged."""
        self.options, self.job, self.display = options, job, Display(options)
        for logger in [self.plain.package.logger] + [logging.getLogger("httpx")] * options.verbose:
            logger.addHandler(self.display)
            logger.setLevel(logging.INFO)

    def _fail(self, code: ExitCode, text: str) -> None:
        self.code, text = code, one_line(text, 2000)
        can_go_on = code == ExitCode.UNFINISHED or code >= ExitCode.HUNG_UP
        command = self._command(self.job_id) if self.job_id and can_go_on else None
        fields: Any = {"code": int(code), "message": text, "job_id": self.job_id, "next": command}
        self.display.show("error", f"{text}\nTo resume: {command}" if command else text, **fields)

    def _command(self, job_id: str) -> str | None:
        """What is typed to go on with a job, if the command waits for one."""
        if "force" not in attrs.fields_dict(type(self.options)):
            return None
        last = ["--", job_id] if job_id.startswith("-") else [job_id]
        words = [self.job.wait, *self.options.typed(self.plain.package), *last]
        return f"{self.name} {shlex.join(words)}"

    def client(self) -> Client:
        """A client; a UsageError if something is not set or cannot be used."""
        url, variables = self.options.base_url, self.plain.package.environment
        key = self.display.secret = self.options.key(self.plain.package)
        is_needed = "token" in variables and not self.options.no_key
        ways = {} if url else {"base_url": "--base-url URL"}
        ways |= {"token": "--no-key"} if is_needed and not key else {}
        sets = {name: f"set {variable} or " for name, variable in variables.items()}
        if ways:
            msg = ", and ".join(f"{sets.get(name, '')}pass {way}" for name, way in ways.items())
            raise UsageError(msg)
        if key.lower().startswith("bearer "):
            msg = f'{variables["token"]} begins with "Bearer": set it to the key alone'
            raise UsageError(msg)
        try:
            if not key:
                return self.plain(url)
            is_allowed = self.options.allow_plain_http
            return self.authenticated(url, key, allow_plain_http=is_allowed)
        except ValueError as error:
            msg = str(error).replace("allow_plain_http=True", "--allow-plain-http")
            raise UsageError(msg) from None

    def created(self, job_id: str, *, is_left: bool = False) -> None:
        """Show the id of a job at once, so that it is never lost."""
        self.job_id, self.stage, shown = job_id, "waiting", one_line(job_id, 500)
        text, fields = f"created the job {shown}", {"job_id": job_id}
        if is_left:
            fields["next"] = command = str(self._command(job_id))
            text = f"{text}\nTo resume: {command}"
        self.display.show("created", text, shown if is_left else None, **fields)

    def progress(self, job: Any) -> None:
        """Show how far a job is."""
        status, percent = status_of(self.job.module.JOB, job), self.job.module.progress(job)
        text, share = one_line(status or "pending", 100), None
        if percent is not None:
            text, share = f"{text} {int(percent)}%", percent / 100
        seconds = round(time.monotonic() - self._start, 1)
        self.display.move("progress", text, share, status=status, percent=percent, seconds=seconds)

    def save(self, client: Client, job: Any) -> None:
        """Save what a job has made, or write it to the standard output."""
        self.stage, module = "saving", self.job.module
        url, path = module.result(job), self.options.path(self.job_id, module.JOB.suffix)

        def on_progress(done: int, total: int | None) -> None:
            self.display.move("", f"saving {decimal(done)}", done / total if total else None)

        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder) / "result" if path is None else path
            try:
                client.download(url, saved, on_progress=on_progress)
                if path is None:
                    sys.stdout.buffer.write(saved.read_bytes())
                    sys.stdout.buffer.flush()
            except OSError as error:
                error.filename = f"Cannot write to {path or 'the standard output'}"
                raise
            size, cost, result = saved.stat().st_size, module.cost(job), path and str(path)
        text = f"saved {path or 'to the standard output'} ({decimal(size)}{cost_text(cost)})"
        fields = {"job_id": self.job_id, "path": result, "bytes": size, "cost": cost}
        self.display.show("saved", text, result, **fields)


def cost_text(cost: float | None) -> str:
    """A price as people write it, after a comma; "" if it is not known."""
    return "" if cost is None else f", ${cost:.2f}"


def _interrupt_on_signals() -> list[ExitCode]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does; the list gets their exit codes."""
    received: list[ExitCode] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(ExitCode(128 + number))
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # it is ignored, as in the background of a script
            raise KeyboardInterrupt
        handler(number, frame)

    for number in filter(None, (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, interrupt)
    return received
