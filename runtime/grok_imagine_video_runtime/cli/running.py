"""One run of a command: what it shows on the way, and how it ends."""

import contextlib
import logging
import os
import re
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import cyclopts
from cyclopts.completion import ShellDetectionError
from rich.filesize import decimal

from .. import errors
from .._jobs import Waiting, reading_of
from ..batch import JournalError
from ..client import Client
from .display import Display
from .options import UsageError, why


class ExitCode(IntEnum):
    """The exit code of a command; docs/command.md says what each means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    UNFINISHED = 4
    OVER_BUDGET = 5


# What can go wrong; anything else is a bug, and has a traceback.
_OF_CALLS = (errors.APIError, ImportError, OSError, RuntimeError, TypeError, ValueError)
_EXPECTED = (*_OF_CALLS, ShellDetectionError)

# By its stage, what an interrupted command has left.
_LEFT = {
    "": "Interrupted. Nothing was sent.",
    "sending": f"Interrupted; {errors.MAY_BE_DONE}.",
    "saving": "Interrupted while saving. The result is ready, and was not saved.",
    "batch": "Interrupted. Start the batch again to go on.",
}


@attrs.define
class Run:
    """The run of a command: what is typed for the program, its client, display and operations.

    The stage is "sending", "waiting" for a job of our own, "asking" for another one, "saving" its
    result, or a "batch". Two names are those of the variables for the address and the key.
    """

    name: str
    client_class: type[Client]
    display: Display
    options: Any
    labels: Mapping[str, str] = {}
    loggers: Sequence[logging.Logger] = ()
    url_name: str = ""
    key_name: str = ""
    job: Any = None
    job_id: str = ""
    stage: str = ""
    code: int = ExitCode.DONE

    @contextlib.contextmanager
    def ending(self) -> Iterator[None]:
        """Do the work of the command; if it does not end well, say how, and what to do next."""
        for name in ("SIGTERM", "SIGHUP"):  # which Windows lacks
            number = getattr(signal, name, signal.SIGTERM)
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._interrupt)
        if sys.platform != "win32" and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # In the background of a script. It stays without effect; asyncio needs its handler.
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        except KeyboardInterrupt:
            left = _LEFT.get(self.stage, "Interrupted. The job goes on.")
            self._fail(self.code or 130, left)
        except cyclopts.CycloptsError as error:
            self._fail(ExitCode.USAGE, _mistake_of(error, self.name))
        except _EXPECTED as error:
            self._fail(*_ending_of(error, self.stage, self.key_name))
        finally:
            self.display.close()
            for logger in self.loggers:
                logger.removeHandler(self.display)
                logger.setLevel(logging.NOTSET)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.code = 128 + number
        handler: Any = signal.getsignal(signal.SIGINT)  # that of asyncio, while it runs
        handler(number, frame)

    def begin(self, options: Any, job: Any, /, **labels: str) -> None:
        """Take what is typed, what messages call fields of a request, and show what is logged."""
        package = self.client_class.package
        self.url_name = package.environment.get("base_url", "")
        self.key_name = package.environment.get("token", "the key")
        self.options, self.job = options, job
        self.display = Display(options, os.environ.get(self.key_name, ""))
        names = attrs.fields_dict(type(options))
        self.labels = {name: f"--{name.replace('_', '-')}" for name in names} | labels
        self.labels |= {"token": self.key_name, job.module.OPERATION.parameters[0].name: "ID"}
        self.loggers = [package.logger, logging.getLogger("httpx")][: 1 + options.verbose]
        for logger in self.loggers:
            logger.addHandler(self.display)
            logger.setLevel(logging.INFO)

    def _fail(self, code: int, text: str) -> None:
        for name, label in self.labels.items():
            text = text.replace(repr(name), label)
        self.code, text = code, errors.one_line(text, 2000)
        fields: Any = {"message": text, "job_id": self.job_id or None, "next": None}
        can_go_on = code in (ExitCode.UNFINISHED, 129, 130, 143)
        if self.job_id and can_go_on and self.options.force is not None:  # not for `get`
            words = ["-o", self.options.output] * bool(self.options.output)
            fields["next"] = command = self.line(self.job.wait, self.job_id, *words)
            text = f"{text}\nTo resume: {command}"
        self.display.show("error", text, code=int(code), **fields)

    def line(self, command: str, argument: str, *words: str) -> str:
        """What is typed to run a command in the same way as this one."""
        url, options = self.options.base_url, [*words]
        options += ["--base-url", url] * (url not in ("", os.environ.get(self.url_name)))
        if budget := getattr(self.options, "budget", None):
            options += ["--budget", f"{budget:g}"]
        switches = [name for name in ("force", "allow_plain_http") if getattr(self.options, name)]
        options += [self.labels[name] for name in switches]
        options += ["--"] * argument.startswith("-")
        return f"{self.name} {command} {shlex.join([*options, argument])}"

    def client(self) -> Client:
        """A client; a UsageError if something is not set or cannot be used."""
        has_key = "token" in self.client_class.package.environment
        key, url = os.environ.get(self.key_name, ""), self.options.base_url
        ways = [f"set {self.url_name}"] * bool(self.url_name) + ["pass --base-url URL"]
        missing = [" or ".join(ways)] * (not url) + [f"set {self.key_name}"] * (has_key and not key)
        if missing:
            raise UsageError(", and ".join(missing))
        if key.lower().startswith("bearer "):
            raise UsageError(f'{self.key_name} begins with "Bearer": set it to the key alone')
        more = {"allow_plain_http": self.options.allow_plain_http} if has_key else {}
        return self.client_class(url, **more)

    def waiting(self) -> dict[str, Any]:
        """How to wait for a job; an error if that cannot be."""
        times = Waiting[Any](self.options.interval, self.options.timeout)
        return {"interval": times.interval, "timeout": times.timeout, "on_progress": self._progress}

    def created(self, job_id: str) -> None:
        """Show the id of a job at once, so that it is never lost."""
        self.job_id, self.stage, shown = job_id, "waiting", errors.one_line(job_id, 500)
        result = shown if self.options.no_wait else None
        is_told = self.display.show("created", f"created the job {shown}", result, job_id=job_id)
        if result and not is_told:  # whoever reads the output does not know the id
            self.code = ExitCode.UNFINISHED

    def _progress(self, job: Any) -> None:
        status, percent = reading_of(self.job.module.JOB, job).status, self.job.module.progress(job)
        text, share = errors.one_line(status or "pending", 100), None
        if percent is not None:
            text, share = f"{text} {int(percent)}%", percent / 100
        self.display.move("progress", text, share, status=status, percent=percent)

    def save(self, client: Client, job: Any) -> None:
        """Save what a job has made, or write it to the standard output."""
        self.stage, module = "saving", self.job.module
        url, path = module.result(job), self.options.path(self.job_id, module.JOB.suffix)
        self.display.move("", "saving")
        with tempfile.TemporaryDirectory() as folder:
            saved = Path(folder) / "result" if path is None else path
            try:
                client.download(url, saved)
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


def _ending_of(error: BaseException, stage: str, key: str) -> tuple[ExitCode, str]:
    """The exit code after an error, and what to say: what happened, and what to do about it."""
    is_of_gateway = isinstance(error, errors.APIError)
    has_job = stage in ("waiting", "saving") or (stage == "asking" and is_of_gateway)
    code = ExitCode.UNFINISHED if has_job else ExitCode.FAILED if is_of_gateway else ExitCode.USAGE
    text, advice = str(error), ""
    match error:
        case errors.JobFailedError() | errors.JobExpiredError() | errors.VideoWithheldError():
            code = ExitCode.FAILED
        case errors.ResultMissingError():
            code, advice = ExitCode.UNKNOWN, "`get` shows the whole response."
        case errors.WaitTimeoutError() if error.__cause__:
            return code, text
        case errors.NotFoundError() if stage == "asking":
            code, advice = ExitCode.FAILED, "Check the id."
        case errors.APIStatusError(status_code=401 | 403) if stage != "saving":
            advice = f"Check {key}."
        case errors.APIConnectionError() if stage != "saving":  # which is at another host
            advice = "Check the address."
        case errors.APIResponseValidationError() if stage != "saving":
            shown = errors.one_line(error.content.decode("utf-8", "replace"), errors.MAX_LINE)
            advice = f"The response: {shown or 'nothing'}"
            if not has_job:
                code, text = ExitCode.UNKNOWN, f"{text}; {errors.MAY_BE_DONE}"
        case errors.OutcomeUnknownError() | JournalError():
            code = ExitCode.UNKNOWN
        case OSError():
            text = f"{error.filename}: {why(error)}" if error.filename else why(error)
    return code, f"{_sentence(text)} {advice}".rstrip()


def _mistake_of(error: Any, name: str) -> str:
    """What was typed wrong, and which help tells more; `name` is what is typed for the program."""
    command, error.verbose = " ".join([name, *(error.command_chain or ())]), False
    text = re.sub(': unable to convert (".*") into .*', r": \1", str(error))
    match error:
        case cyclopts.MissingArgumentError(argument=argument, keyword=typed) if argument:
            text = f"{typed} needs a value." if typed else f"Missing: {argument.name}."
        case cyclopts.UnusedCliTokensError(unused_tokens=words):
            text = f'What is "{" ".join(words or ())}"? An argument with blanks needs quotes.'
        case cyclopts.UnknownOptionError(token=token, argument_collection=arguments):
            option = (token.keyword or token.value).partition("=")[0]
            label = option.strip("-").replace("-", "_").upper()
            if label in (known for argument in arguments for known in argument.names):
                text = f'{label} is an argument, not an option: {command} "{label}".'
            elif " " in option:
                text = f'"{option}" begins with a dash: an argument that does comes after --.'
    return f"{_sentence(text)} See: {command} --help"


def _sentence(text: str) -> str:
    """A text that ends with a full stop, with a capital unless it begins with a path or a name."""
    text = text[:1].upper() + text[1:] if re.match(r"[a-z]+ [\w'-]+([ :,]|$)", text) else text
    return text if text.endswith((".", "?", "!")) else f"{text}."
