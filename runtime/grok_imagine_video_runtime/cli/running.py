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
from ..client import Client
from ..errors import one_line
from .display import Display
from .exits import EXPECTED, LEFT, ExitCode, UsageError, ending, mistake_of

# What does the same as Ctrl-C.
_SIGNALS = ("SIGTERM", "SIGHUP")


@define
class Run:
    """The run of a command: what is typed for the program, its client, options and operations.

    The stage is "sending", "waiting" for a job of our own, "asking" for another one, "saving" its
    result, or a "batch".
    """

    name: str
    client_class: type[Client]
    display: Display
    options: Any
    job: Any = None
    job_id: str = ""
    stage: str = ""
    code: ExitCode = ExitCode.DONE
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
            self._fail(*ending(error, self.stage, self.key_name))
        finally:
            self.display.close()
            for logger in (self.client_class.package.logger, logging.getLogger("httpx")):
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
        self.display.secret = self._variable("token")[1]
        for logger in (
            self.client_class.package.logger,
            *[logging.getLogger("httpx")] * options.verbose,
        ):
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
        url = self.options.base_url
        words = ["--base-url", url] * (url != self._variable("base_url")[1])
        if budget := getattr(self.options, "budget", None):
            words += ["--budget", f"{budget:g}"]
        names = ("force", "allow_plain_http")
        return words + [f"--{n.replace('_', '-')}" for n in names if getattr(self.options, n)]

    def _variable(self, argument: str) -> tuple[str | None, str]:
        """The variable that sets an argument of the client, if there is one, and its value."""
        name = self.client_class.package.environment.get(argument)
        return name, os.environ.get(name or "", "")

    @property
    def key_name(self) -> str:
        """What messages call the API key."""
        return self._variable("token")[0] or "the key"

    def client(self) -> Client:
        """A client; a UsageError if something is not set or cannot be used."""
        (address, _), (variable, key) = map(self._variable, ("base_url", "token"))
        ways = [f"set {address}"] * bool(address) + ["pass --base-url URL"]
        missing = [" or ".join(ways)] * (not self.options.base_url)
        missing += [f"set {variable}"] * bool(variable and not key)
        if missing:
            raise UsageError(", and ".join(missing))
        if key.lower().startswith("bearer "):
            raise UsageError(f'{variable} begins with "Bearer": set it to the key alone')
        more = {"allow_plain_http": self.options.allow_plain_http} if variable else {}
        return self.client_class(self.options.base_url, **more)

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
