# Do not edit: copied from runtime/_polling.py, whatever the spec says.
# To change it, edit runtime/_polling.py and run: make generate
"""One wait: when to ask again, whether the job has ended, and where its result is.

Nothing here does I/O; see `_calls`. The rules come from the `x-job` of the spec.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import httpx
from attrs import frozen

from . import errors
from ._calls import (
    Now,
    Open,
    RetryableResponse,
    Session,
    Sleep,
    Steps,
    attempt,
    build_request,
    is_transient,
    read,
    redacted,
)
from .client import Client

T = TypeVar("T")

# Of the interval, so that many waits do not ask in step.
_JITTER = 0.2

# The job is asked for once more right before the deadline: of the timeout, and at most seconds.
_LAST_CHANCE = 0.1
_MAX_LAST_CHANCE = 1.0

# Far below what the clocks of the operating system can count.
_MAX_SECONDS = 1e9


@frozen
class JobRules:
    """The `x-job` of the spec: where in a response things are, and what each status means.

    Attributes:
        status: Path of the status.
        succeeded: Statuses of a job that has its result, in lower case.
        failed: Statuses of a job that ended without a result.
        expired: Statuses of a job that is no longer kept.
        progress: Path of the progress.
        result: Path of the result.
        allowed: Path of the flag that is false if moderation withheld the result.
        error: Path of the reason why a job failed.
    """

    status: str
    succeeded: Sequence[str]
    failed: Sequence[str]
    expired: Sequence[str]
    progress: str
    result: str
    allowed: str
    error: str


def wait(
    client: Client,
    kwargs: dict[str, Any],
    parse: Callable[[httpx.Response], T],
    rules: JobRules,
    interval: float,
    timeout: float,
    on_progress: Callable[[T], object] | None,
) -> Steps[T]:
    """Poll until the job has ended or the deadline has passed, and return the last response."""
    _check("interval", interval)
    _check("timeout", timeout)
    session: Session = yield Open()
    start: float = yield Now()
    deadline = start + timeout
    last_poll = deadline - min(_LAST_CHANCE * timeout, _MAX_LAST_CHANCE)
    job: T | None = None
    error: errors.APIError | None = None
    now = start
    while now < deadline:
        try:
            job = yield from _poll(client, session, kwargs, parse, deadline)
        except errors.APIError as failure:
            if not _may_pass(failure):
                raise
            error = failure
        else:
            error = None
            if on_progress is not None:
                on_progress(job)
            if has_ended(rules, job):
                return job
        now = yield Now()
        next_poll = now + _pause(interval, error)
        if now < last_poll < next_poll and not _is_asked_to_wait(error):
            next_poll = last_poll
        yield Sleep(max(0.0, min(next_poll, deadline) - now))
        now = yield Now()
    what = f"the job had not ended after {timeout:g} seconds; waiting can go on"
    raise errors.WaitTimeoutError(what, job) from error


def _check(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{name!r} must be float, not {type(value).__name__}: {value!r}"
        raise TypeError(msg)
    if not 0 < value <= _MAX_SECONDS:
        msg = f"{name!r} must be a number of seconds above 0, at most {_MAX_SECONDS:g}: {value!r}"
        raise ValueError(msg)


def _poll(
    client: Client,
    session: Session,
    kwargs: dict[str, Any],
    parse: Callable[[httpx.Response], T],
    deadline: float,
) -> Steps[T]:
    """Ask once."""
    try:
        response = yield from attempt(client, build_request(session, kwargs), deadline)
    except RetryableResponse as error:
        response = error.response
    else:
        return read(client, "GET", response, parse)
    raise errors.status_error(*redacted(client, response))


def _may_pass(error: errors.APIError) -> bool:
    """Whether the next poll may have another outcome; a maintenance page may come with 200."""
    if isinstance(error, errors.APIStatusError):
        return is_transient(error.status_code)
    return isinstance(error, errors.APIConnectionError | errors.APIResponseValidationError)


def _pause(interval: float, error: errors.APIError | None) -> float:
    """Seconds until the next poll: what the server asks for, but no less than the interval."""
    usual = interval * random.uniform(1 - _JITTER, 1 + _JITTER)
    return max(usual, _asked(error) + _JITTER * usual) if _is_asked_to_wait(error) else usual


def _is_asked_to_wait(error: errors.APIError | None) -> bool:
    return _asked(error) > 0


def _asked(error: errors.APIError | None) -> float:
    """Seconds that the server asks to wait."""
    asked = errors.retry_after(error.headers) if isinstance(error, errors.APIStatusError) else None
    return asked or 0.0


def has_ended(rules: JobRules, job: Any) -> bool:
    """Whether the job has its result.

    Raises:
        errors.JobFailedError: It failed.
        errors.JobExpiredError: It, or its result, is no longer kept.
        errors.VideoWithheldError: Moderation withheld its result.
    """
    status = str(_at(job, rules.status)).lower()
    if status in rules.succeeded:
        if _at(job, rules.allowed) is False or not _at(job, rules.result):
            what = (
                f"the job is {status}, and moderation withheld the result; it may have been billed"
            )
            raise errors.VideoWithheldError(what + _reason(rules, job), job)
        return True
    if status in rules.expired:
        raise errors.JobExpiredError(f"the job is {status}{_reason(rules, job)}", job)
    if status in rules.failed:
        raise errors.JobFailedError(f"the job is {status}{_reason(rules, job)}", job)
    return False


def _reason(rules: JobRules, job: Any) -> str:
    error = _at(job, rules.error)
    parts = [error.get("code"), error.get("message")] if isinstance(error, dict) else [error]
    return "".join(f": {part}" for part in parts if part)


def progress(rules: JobRules, job: Any) -> float | None:
    """How much of a job is done, 0 to 100: 42, "42" and "42%" are one number, all else is None."""
    value = _at(job, rules.progress)
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if not isinstance(value, bool) and 0 <= number <= 100 else None


def _at(job: Any, path: str) -> Any:
    """The value at a dotted path in a response, or None."""
    value = {} if job is None else job.to_dict()
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def body(response: httpx.Response) -> Any:
    """The JSON of a response about a job; that of a pending one may be empty."""
    return response.json() if response.content.strip() else {}
