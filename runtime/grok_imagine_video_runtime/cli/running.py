"""One run of a command: what it shows on the way, and how it ends."""

import contextlib
import logging
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from attrs import define, field
from cyclopts import CycloptsError
from rich.filesize import decimal

from .._jobs import status_of
from ..client import AuthenticatedClient, Client
from ..errors import one_line
from .display import Display
from .exits import EXPECTED, LEFT, ExitCode, UsageError, ending, mistake_of

# What does the same as Ctrl-C.
_SIGNALS = ("SIGTERM", "SIGHUP")


@define
class Run:
    """The run of a command: what is typed for the program, its clients, options and operations.

    The stage is "sending", "waiting" for a job of our own, "asking" for another one, "saving" its
    result, or a "batch". A source is the option or the variable that sets a value.
    """

    name: str
    plain: type[Client]
    authenticated: type[AuthenticatedClient]
    display: Display
    options: Any
    job: Any = None
    job_id: str = ""
    stage: str = ""
    code: ExitCode = ExitCode.DONE
    key: str = ""
    key_source: str | None = None
    url_source: str | None = None
    _start: float = field(factory=time.monotonic, init=False)

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Do the work of the command; if it does not end well, say how, and what to do next."""
        for number in filter(None, (getattr(signal, name, None) for name in _SIGNALS)):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._interrupt)
        try:
            yield
        except KeyboardInterrupt:
            is_signal = self.code >= ExitCode.HUNG_UP
            self._fail(self.code if is_signal else ExitCode.INTERRUPTED, LEFT[self.stage])
        except CycloptsError as error:
            self._fail(ExitCode.USAGE, mistake_of(error, self.name))
        except EXPECTED as error:
            self._fail(*ending(error, self.stage, self.key_source))
        finally:
            self.display.close()
            for logger in (self.plain.package.logger, logging.getLogger("httpx")):
                logger.removeHandler(self.display)
                logger.setLevel(logging.NOTSET)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.code, handler = ExitCode(128 + number), signal.getsignal(signal.SIGINT)
        if not callable(handler):  # it is ignored, as in the background of a script
            raise KeyboardInterrupt
        handler(number, frame)

    def begin(self, options: Any, job: Any = None) -> None:
        """Take what is typed and what the environment says, and show what is logged."""
        self.options, self.job, self.display = options, job, Display(options)
        url, key = map(self.plain.package.environment.get, ("base_url", "token"))
        is_typed = options.base_url != os.environ.get(url or "", "")
        self.url_source = "--base-url" if is_typed else url
        self.key_source = "--no-key" if options.no_key else key
        self.key = self.display.secret = os.environ.get(key or "", "") * (not options.no_key)
        for logger in (self.plain.package.logger, *[logging.getLogger("httpx")] * options.verbose):
            logger.addHandler(self.display)
            logger.setLevel(logging.INFO)

    def _fail(self, code: ExitCode, text: str) -> None:
        self.code, text = code, one_line(text, 2000)
        can_go_on = self.job_id and (code == ExitCode.UNFINISHED or code >= ExitCode.HUNG_UP)
        command = self._command() if can_go_on else None
        fields: Any = {"message": text, "job_id": self.job_id or None, "next": command}
        text = f"{text}\nTo resume: {command}" if command else text
        self.display.show("error", text, code=int(code), **fields)

    def _command(self) -> str | None:
        """What is typed to go on with the job, if the command waits for one."""
        output, force = self.options.output, self.options.force
        if force is None:
            return None
        # What has come to that place meanwhile stays there; the id of the job is a name too.
        words = ["-o", output] * bool(output and (force or not Path(output).is_file()))
        last = ["--"] * self.job_id.startswith("-") + [self.job_id]
        return f"{self.name} {shlex.join([self.job.wait, *words, *self.typed(), *last])}"

    def typed(self) -> list[str]:
        """What has to be typed to do it in the same way."""
        words = ["--base-url", self.options.base_url] * (self.url_source == "--base-url")
        if budget := getattr(self.options, "budget", None):
            words += ["--budget", f"{budget:g}"]
        names = ("force", "no_key", "allow_plain_http")
        return words + [f"--{n.replace('_', '-')}" for n in names if getattr(self.options, n)]

    def client(self) -> Client:
        """A client; a UsageError if something is not set or cannot be used."""
        url = self.options.base_url
        missing = [] if url else [(self.url_source, "--base-url URL")]
        if not self.key and self.key_source not in (None, "--no-key"):
            missing.append((self.key_source, "--no-key"))
        if missing:
            ways = (f"{f'set {name} or ' if name else ''}pass {way}" for name, way in missing)
            raise UsageError(", and ".join(ways))
        if self.key.lower().startswith("bearer "):
            raise UsageError(f'{self.key_source} begins with "Bearer": set it to the key alone')
        if not self.key:
            return self.plain(url)
        is_allowed = self.options.allow_plain_http
        return self.authenticated(url, self.key, allow_plain_http=is_allowed)

    def waiting(self) -> dict[str, Any]:
        """How to wait for a job."""
        times = {"interval": self.options.interval, "timeout": self.options.timeout}
        return times | {"on_progress": self._progress}

    def created(self, job_id: str) -> None:
        """Show the id of a job at once, so that it is never lost."""
        self.job_id, self.stage, shown = job_id, "waiting", one_line(job_id, 500)
        text, fields, result = f"created the job {shown}", {"job_id": job_id}, None
        if self.options.no_wait:
            fields["next"] = command = str(self._command())
            text, result = f"{text}\nTo resume: {command}", shown
        if not self.display.show("created", text, result, **fields) and result:
            self.code = ExitCode.UNFINISHED  # whoever reads the output does not know the id

    def _progress(self, job: Any) -> None:
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
