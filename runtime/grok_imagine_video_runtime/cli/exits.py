"""How a command ends: its exit code, what went wrong, and what to do next."""

from enum import IntEnum

from attrs import frozen

from .. import errors


class ExitCode(IntEnum):
    """The exit code of a command.

    | code | meaning |
    |---|---|
    | 0 | done: the result is saved, or with --no-wait the job is created |
    | 1 | refused or failed: no job was created, or it ended without a result |
    | 2 | wrong usage or settings, or a file that cannot be read or written; nothing was sent |
    | 3 | the outcome is unknown: the result may exist and be billed, look before you send again |
    | 4 | not finished or not saved: the job exists, wait for it again; of a batch: start it again |
    | 130 | interrupted by Ctrl-C |
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    UNFINISHED = 4
    INTERRUPTED = 130


@frozen
class Ending:
    """The end of a command that did not do what was asked for.

    Attributes:
        code: The exit code.
        message: What went wrong, in one line.
        advice: What to do next; "" if that is all.
    """

    code: ExitCode
    message: str
    advice: str = ""


_ENDED = (errors.JobExpiredError, errors.JobFailedError, errors.VideoWithheldError)
_LOOK = "the video may exist and may be billed: look at the gateway before you send it again"
_CHECK_KEY = "is the key right? `config` shows where it comes from"
_CHECK_URL = "is the address right? `config` shows where it comes from"


def ending(error: BaseException, job_id: str | None, is_created: bool, has_posted: bool) -> Ending:
    """How a command ends after an error.

    Args:
        error: What went wrong.
        job_id: The id of the job, if there is one.
        is_created: Whether this command has created the job.
        has_posted: Whether a request that creates a job may have left.
    """
    message = str(error) or type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return _interrupted(job_id, has_posted)
    if isinstance(error, _ENDED):
        return Ending(ExitCode.FAILED, message)
    if isinstance(error, errors.ResultMissingError):
        return Ending(ExitCode.UNKNOWN, message, advice="`get` shows the whole response")
    if isinstance(error, errors.NotFoundError) and job_id and not is_created:
        return Ending(ExitCode.FAILED, message, advice="is the id right, and that of this gateway?")
    if isinstance(error, OSError):
        message = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
    if job_id:
        return Ending(ExitCode.UNFINISHED, message)
    return _before_a_job(error, message)


def _interrupted(job_id: str | None, has_posted: bool) -> Ending:
    if job_id:
        return Ending(ExitCode.INTERRUPTED, "interrupted; the job goes on")
    if has_posted:
        return Ending(ExitCode.INTERRUPTED, "interrupted", advice=_LOOK)
    return Ending(ExitCode.INTERRUPTED, "interrupted; nothing was sent")


def _before_a_job(error: BaseException, message: str) -> Ending:
    if isinstance(error, errors.OutcomeUnknownError):
        return Ending(ExitCode.UNKNOWN, message, advice=_LOOK)
    if isinstance(error, errors.APIResponseValidationError):
        content = errors.one_line(error.content.decode("utf-8", "replace"), errors.MAX_LINE)
        return Ending(ExitCode.UNKNOWN, f"{message}; the response: {content}", advice=_LOOK)
    if isinstance(error, errors.AuthenticationError | errors.PermissionDeniedError):
        return Ending(ExitCode.FAILED, message, advice=_CHECK_KEY)
    if isinstance(error, errors.APIConnectionError):
        return Ending(ExitCode.FAILED, message, advice=_CHECK_URL)
    if isinstance(error, errors.RateLimitError) and error.retry_after is not None:
        return Ending(ExitCode.FAILED, message, advice=f"try again in {error.retry_after:.0f} s")
    if isinstance(error, errors.APIError):
        return Ending(ExitCode.FAILED, message)
    return Ending(ExitCode.USAGE, message)
