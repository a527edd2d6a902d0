"""How a command ends: its exit code, what went wrong, and what to do next."""

import re
from enum import IntEnum
from http.client import responses
from typing import Any

import cyclopts

from .. import errors
from .._jobs import reason_of


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
EXPECTED = (errors.APIError, ImportError, OSError, RuntimeError, TypeError, ValueError)

# How the reason begins if there was none.
NO_RESPONSE = "no response from the gateway"
_LOOK = "It may exist and be billed: look at the gateway before you send it again."
# How a text of ours begins, and no path or name before a colon.
_OURS = re.compile(
    r"(an?|another|it|moderation|no|pass|request|set|status|still|the|there|this) (?!\S*:)|in --"
)
# ESC [ ... letter, which is a color, and ESC ] ... BEL, which is a title or a link.
_ESCAPES = re.compile(r"(\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?")
# By its stage, what an interrupted command has left.
LEFT = {
    "": "Interrupted. Nothing was sent.",
    "sending": f"Interrupted. {_LOOK}",
    "asking": "Interrupted. The job goes on.",
    "waiting": "Interrupted. The job goes on.",
    "saving": "Interrupted while saving. The result is ready, and was not saved.",
    "batch": "Interrupted. Start the batch again to go on.",
}


def ending(error: BaseException, stage: str, url: str, key: str) -> tuple[ExitCode, str]:
    """The exit code after an error, and what to say; the key is what to do about that."""
    has_job = stage in ("waiting", "saving") or (
        stage == "asking" and isinstance(error, errors.APIError)
    )
    text = error.args[0] if isinstance(error, errors.JobError) else str(error)
    text = sentence(errors.one_line(without_escapes(text), 2 * errors.MAX_LINE))
    code = ExitCode.UNFINISHED if has_job else ExitCode.FAILED
    text = text.replace(": undo", ". Undo")  # a request of a batch that was changed
    match error:
        case errors.JobFailedError() | errors.JobExpiredError():
            verb = "failed" if isinstance(error, errors.JobFailedError) else "expired"
            return ExitCode.FAILED, f"The job {verb}{_reason_words(text, error.code or '')}"
        case errors.VideoWithheldError():
            return ExitCode.FAILED, text
        case errors.ResultMissingError():
            return ExitCode.UNKNOWN, f"{text} `get` shows the whole response."
        case errors.WaitTimeoutError():
            text = str(error).partition(";")[0]
            return code, text if error.__cause__ else sentence(text)
        case errors.APIStatusError(status_code=status):
            is_lost = status == 404 and stage == "asking"
            is_refused = status in (401, 403) and stage != "saving"  # which is at another host
            hint = f" {key}" * is_refused + " Check the id." * is_lost
            return ExitCode.FAILED if is_lost else code, _status_words(error) + hint
        case errors.APIConnectionError():
            return code, _connection_words(error, stage, url)
        case errors.OutcomeUnknownError(status_code=status) if not has_job:
            text = reason_of(error).replace(NO_RESPONSE, f"No usable response from {url}") + "."
            is_whole = status and not 200 <= status < 300
            return ExitCode.UNKNOWN, f"{_status_words(error) if is_whole else text} {_LOOK}"
        case errors.APIResponseValidationError() if stage != "saving":
            shown = without_escapes(error.content.decode("utf-8", "replace"))
            shown = errors.one_line(shown, errors.MAX_LINE)
            text = f"{sentence(reason_of(error))} The response: {shown or 'nothing'}."
            return (code, text) if has_job else (ExitCode.UNKNOWN, f"{text} {_LOOK}")
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            unknown = ExitCode.UNKNOWN if stage == "sending" else ExitCode.USAGE  # of a batch
            return code if has_job else unknown, f"{place}{why(error).rstrip('.')}."
    is_usage = not (has_job or isinstance(error, errors.APIError))
    return ExitCode.USAGE if is_usage else code, text


def _connection_words(error: errors.APIConnectionError, stage: str, url: str) -> str:
    what, advice = f"Cannot reach {url}", " Check the address."
    if stage == "saving":  # from an address of its own
        address, _, rest = str(error).removeprefix("GET ").partition(": ")
        is_sent = not rest.endswith("(nothing was sent)")
        what, advice = "The download broke off" if is_sent else f"Cannot reach {address}", ""
    return f"{reason_of(error).replace(NO_RESPONSE, what)}.{advice}"


def _status_words(error: Any) -> str:
    status, message = error.status_code, error.message or responses.get(error.status_code, "")
    if 300 <= status < 400:  # it says where to
        message = error.args[0].partition("; it may have been")[0]
    code = None if error.code == str(status) else error.code  # some repeat the status there
    hints = [hint for hint in (code, error.param) if hint]
    hints += [f"request id {error.request_id}"] if error.request_id else []
    text = f"{status}: {message.rstrip('.') or 'no reason given'}"
    text += f" ({', '.join(hints)})." if hints else "."
    text, delay = without_escapes(text), errors.retry_after(error.headers)
    return text if delay is None else f"{text} Try again in {delay:.0f} s."


def _reason_words(text: str, code: str) -> str:
    """The gateway's own words, without the status of the job, and with its code at the end."""
    reason = text.partition(": ")[2]
    if code and reason.startswith(code):
        reason = f"{reason[len(code) :].removeprefix(': ').rstrip('.')} ({code})".strip()
    return f": {sentence(reason)}" if reason else "."


def mistake_of(error: Any, name: str) -> str:
    """What was typed wrong, and which help tells more; `name` is what is typed for the program."""
    command, error.verbose = " ".join([name, *(error.command_chain or ())]), False
    text = str(error)
    match error:
        case cyclopts.MissingArgumentError(argument=argument) if argument:
            option, metavar = min(argument.names, key=len), argument.parameter.metavar
            typed = error.keyword or next((t.keyword for t in argument.tokens if t.keyword), "")
            needed = f"{option} {metavar or ''}".strip()
            text = f"{typed} needs a value." if typed else f"Missing: {needed}."
        case cyclopts.UnusedCliTokensError(unused_tokens=words):
            text = f'What is "{" ".join(words or ())}"? An argument with blanks needs quotes.'
        case cyclopts.UnknownOptionError(token=token, argument_collection=arguments):
            option = token.keyword or token.value
            label = option.strip("-").replace("-", "_").upper()
            if label in (known for argument in arguments for known in argument.names):
                text = f'{label} is an argument, not an option: {command} "{label}".'
            elif " " in option:
                text = f'"{option}" begins with a dash: an argument that does comes after --.'
            elif "--" in (error.root_input_tokens or ()):
                text = f"{option} is an option: it comes before --."
        case cyclopts.CoercionError(argument=argument, token=token) if argument and token:
            if "unable to convert" in text:
                text = f'{argument.name} cannot be "{token.value}".'
    return f"{sentence(text)} See: {command} --help"


def why(error: OSError) -> str:
    """What an error says, without the file."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason[:1].lower()}{reason[1:]}"


def without_escapes(text: str) -> str:
    """A text without the escape sequences of a terminal, such as those of colors."""
    return _ESCAPES.sub("", text)


def sentence(text: str) -> str:
    """A text that ends with a full stop, with a capital if it begins with a word of ours."""
    text = text[:1].upper() + text[1:] if _OURS.match(text) else text
    return text if text.endswith((".", "?", "!")) else f"{text}."
