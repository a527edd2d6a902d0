"""How a command ends: its exit code, what went wrong, and what to do next."""

import re
from enum import IntEnum
from http.client import responses
from typing import Any

import cyclopts
from cyclopts.completion import ShellDetectionError

from .. import errors
from .._jobs import reason_of
from ..batch import JournalError


class ExitCode(IntEnum):
    """The exit code of a command.

    | code | meaning |
    |---|---|
    | 0 | done: the result is saved, or with --no-wait the job is created |
    | 1 | refused or failed: no job was created, or it ended without a result |
    | 2 | wrong usage or settings, or a file that cannot be read or written; nothing was sent |
    | 3 | the outcome is unknown: the result may exist and be billed, look before you send again |
    | 4 | not finished or not saved: the job exists, wait for it again; of a batch: start it again |
    | 5 | a batch has reached its budget, and the rest is queued |
    | 129, 130, 143 | interrupted: the terminal was closed, Ctrl-C, SIGTERM |
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    UNFINISHED = 4
    OVER_BUDGET = 5
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class UsageError(ValueError):
    """What was typed cannot be done."""


# What can go wrong; anything else is a bug, and has a traceback.
_OF_CALLS = (errors.APIError, ImportError, OSError, RuntimeError, TypeError, ValueError)
EXPECTED = (*_OF_CALLS, ShellDetectionError)

_LOOK = "It may exist and be billed: look at the gateway before you send it again."

# An argument in Python that an option has set.
_ARGUMENTS = re.compile(r"^'?(base_url|\w+(?=' must))'?|(allow_plain_http)=True")

# By its stage, what an interrupted command has left.
LEFT = {
    "": "Interrupted. Nothing was sent.",
    "sending": f"Interrupted. {_LOOK}",
    "asking": "Interrupted. The job goes on.",
    "waiting": "Interrupted. The job goes on.",
    "saving": "Interrupted while saving. The result is ready, and was not saved.",
    "batch": "Interrupted. Start the batch again to go on.",
}


def ending(error: BaseException, stage: str, key: str) -> tuple[ExitCode, str]:
    """The exit code after an error, and what to say: what happened, and what to do about it."""
    is_of_gateway = isinstance(error, errors.APIError)
    has_job = stage in ("waiting", "saving") or (stage == "asking" and is_of_gateway)
    code = ExitCode.UNFINISHED if has_job else ExitCode.FAILED if is_of_gateway else ExitCode.USAGE
    text = str(error)
    match error:
        case errors.JobFailedError() | errors.JobExpiredError() | errors.VideoWithheldError():
            verb = "expired" if isinstance(error, errors.JobExpiredError) else "failed"
            code, text = ExitCode.FAILED, re.sub("^the job is [^:]*", f"the job {verb}", text)
        case errors.ResultMissingError():
            code, text = ExitCode.UNKNOWN, f"{text}. `get` shows the whole response"
        case errors.WaitTimeoutError():
            text = text.partition(";")[0]
            return code, text if error.__cause__ else sentence(text)
        case errors.NotFoundError() if stage == "asking":
            code, text = ExitCode.FAILED, f"{_status_words(error)} Check the id"
        case errors.APIStatusError(status_code=status):
            is_refused = status in (401, 403) and stage != "saving"  # which is at another host
            text = _status_words(error) + f" Check {key}." * is_refused
        case errors.APIConnectionError():
            text = _no_response(error) + ". Check the address" * (stage != "saving")
        case errors.OutcomeUnknownError(status_code=status):
            is_whole = status and not 200 <= status < 300
            text = _status_words(error) if is_whole else f"{_no_response(error)}."
            code, text = ExitCode.UNKNOWN, f"{text} {_LOOK}"
        case errors.APIResponseValidationError() if stage != "saving":
            shown = errors.one_line(error.content.decode("utf-8", "replace"), errors.MAX_LINE)
            text = f"{reason_of(error)}. The response: {shown or 'nothing'}"
            if not has_job:
                code, text = ExitCode.UNKNOWN, f"{text}. {_LOOK}"
        case JournalError():
            code = ExitCode.UNKNOWN
        case OSError():
            text = f"{error.filename}: {why(error)}" if error.filename else why(error)
    text = _ARGUMENTS.sub(lambda name: f"--{(name[1] or name[2]).replace('_', '-')}", text)
    return code, sentence(text.replace(": undo", ". Undo"))  # a request of a batch that was changed


def _no_response(error: errors.APIError) -> str:
    """Which address has not responded, and why."""
    address = str(error).partition(": ")[0].partition(" ")[2]
    return reason_of(error).replace("the gateway", address)


def _status_words(error: Any) -> str:
    status, message = error.status_code, error.message or responses.get(error.status_code, "")
    if 300 <= status < 400:  # it says where to
        message = error.args[0].partition("; it may have been")[0]
    hints = [hint for hint in (error.code, error.param) if hint and hint != str(status)]
    hints += [f"request id {error.request_id}"] if error.request_id else []
    text = f"{status}: {message.rstrip('.') or 'no reason given'}"
    text += f" ({', '.join(hints)})." if hints else "."
    delay = errors.retry_after(error.headers)
    return text if delay is None else f"{text} Try again in {delay:.0f} s."


def mistake_of(error: Any, name: str) -> str:
    """What was typed wrong, and which help tells more; `name` is what is typed for the program."""
    command, error.verbose = " ".join([name, *(error.command_chain or ())]), False
    text = re.sub(': unable to convert (".*") into .*', r": \1", str(error))
    match error:
        case cyclopts.MissingArgumentError(argument=argument, keyword=typed) if argument:
            text = f"{typed} needs a value." if typed else f"Missing: {argument.name}."
        case cyclopts.UnusedCliTokensError(unused_tokens=words):
            text = f'What is "{" ".join(words or ())}"? An argument with blanks needs quotes.'
        case cyclopts.UnknownOptionError(token=token, argument_collection=arguments):
            option = token.keyword or token.value
            label = option.strip("-").replace("-", "_").upper()
            if label in (known for argument in arguments for known in argument.names):
                text = f'{label} is an argument, not an option: {command} "{label}".'
            elif " " in option:
                text = f'"{option}" begins with a dash: an argument that does comes after --.'
    return f"{sentence(text)} See: {command} --help"


def why(error: OSError) -> str:
    """What an error says, without the file."""
    return (error.strerror or "").lower() or str(error) or type(error).__name__


def sentence(text: str) -> str:
    """A text that ends with a full stop, with a capital unless it begins with a path or a name."""
    text = text[:1].upper() + text[1:] if re.match(r"[a-z]+ [\w'-]+([ :,]|$)", text) else text
    return text if text.endswith((".", "?", "!")) else f"{text}."
