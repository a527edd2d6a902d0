"""One wait: when to ask again, whether the job has ended, and where its result is.

Nothing here does I/O; see `_calls`. The rules come from the `x-job` of the spec.
"""

import json
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast

from attrs import frozen

from . import errors
from ._bodies import Received
from ._calls import Now, Sleep, Steps, call, is_passing, is_transient, read, result_of
from ._opening import Opened
from ._redirects import redacted
from .client import MAX_SECONDS, Client

R = TypeVar("R")
T = TypeVar("T")

# The arguments of a request, and what reads its response.
Request = tuple[dict[str, Any], Callable[[Received], T]]

_logger = logging.getLogger(__package__)

# Of the interval, so that many waits do not ask in step.
_JITTER = 0.2

# The last request goes out before the deadline: a part of the timeout, and at most seconds.
_LAST_CHANCE = 0.1
_MAX_LAST_CHANCE = 1.0

# US dollars; a larger number is not a price.
_MAX_COST = 1e5


@frozen
class JobRules:
    """The `x-job` of the spec: where in a response things are, and what each status means.

    Places are lists of paths with dots, such as `videos.0.url`; the first that has a value counts.

    Attributes:
        id: Places of the id.
        status: Places of the status.
        succeeded: Statuses of a job that has its result, in lower case.
        failed: Statuses of a job that ended without a result.
        expired: Statuses of a job that is no longer kept.
        progress: Places of the progress.
        result: Places of the result.
        allowed: Places of the flag that is false if moderation withheld the result.
        error: Places of the reason why a job failed.
        cost: Places of the price of the job.
        cost_unit: The unit of the price, in US dollars.
        suffix: The end of the name of the file with the result.
    """

    id: Sequence[str]
    status: Sequence[str]
    succeeded: Sequence[str]
    failed: Sequence[str]
    expired: Sequence[str]
    progress: Sequence[str]
    result: Sequence[str]
    allowed: Sequence[str]
    error: Sequence[str]
    cost: Sequence[str] = ()
    cost_unit: float = 1.0
    suffix: str = ""


def create_and_wait(
    client: Client,
    opened: Opened,
    creating: Request[R],
    follow: Callable[[str], dict[str, Any]],
    parse: Callable[[Received], T],
    rules: JobRules,
    interval: float,
    timeout: float,
    on_progress: Callable[[T], object] | None,
    on_created: Callable[[str], object] | None,
) -> Steps[T]:
    """Create a job, and wait for it. Every error after the creation has the id of the job."""
    check_seconds(interval, timeout)
    job_id = id_of(rules, (yield from result_of(client, opened, *creating)))
    _logger.info("created the job %s", job_id)
    try:
        if on_created is not None:
            on_created(job_id)
        following = (follow(job_id), parse), rules, job_id, interval, timeout, on_progress
        return (yield from wait(client, opened, *following))
    except errors.APIError as error:  # on_created may raise one too
        error.job_id = job_id
        raise
    except BaseException:
        _logger.warning("the job %s goes on, and can be waited for again", job_id)
        raise


def wait(
    client: Client,
    opened: Opened,
    request: Request[T],
    rules: JobRules,
    job_id: str | None,
    interval: float,
    timeout: float,
    on_progress: Callable[[T], object] | None,
) -> Steps[T]:
    """Poll until the job has ended or the deadline has passed, and return the last response."""
    check_seconds(interval, timeout)
    deadline = (yield Now()) + timeout
    last_poll = deadline - min(_LAST_CHANCE * timeout, _MAX_LAST_CHANCE)
    job: T | None = None
    error: errors.APIError | None = None
    now = deadline - timeout
    try:
        while now < deadline:
            try:
                job = yield from _poll(client, opened, request, rules, deadline)
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
    except errors.APIError as failure:
        failure.job_id = job_id
        raise


def check_seconds(interval: float, timeout: float) -> None:
    """Check the arguments of a wait."""
    for name, value in (("interval", interval), ("timeout", timeout)):
        _check(name, value)


def _check(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{name!r} must be float, not {type(value).__name__}: {value!r}"
        raise TypeError(msg)
    if not 0 < value <= MAX_SECONDS:
        msg = f"{name!r} must be a number of seconds above 0, at most {MAX_SECONDS:g}: {value!r}"
        raise ValueError(msg)


def _poll(
    client: Client, opened: Opened, request: Request[T], rules: JobRules, deadline: float
) -> Steps[T]:
    """Ask once."""
    kwargs, parse = request
    response = yield from call(client, opened, kwargs, deadline=deadline, max_retries=0)
    job = read(client, kwargs["method"], response, parse)
    said = errors.APIStatusError("an error, and no job", *redacted(client, response))
    if is_only_an_error(rules, job, said):
        raise said
    return job


def is_only_an_error(rules: JobRules, job: Any, said: errors.APIStatusError) -> bool:
    """Whether a 2xx response holds an error and no job."""
    status = _text_at(job, rules.status)
    is_api_error = said.type == "error" or _is_error_code(rules, said.code or "")
    is_job = bool(status and not status.isdecimal()) or bool(_result_at(job, rules.result))
    is_job = is_job or bool(_text_at(job, rules.id) and not is_api_error)  # or that of the request
    is_error = is_api_error or _at(job, rules.error) is not None
    return not is_job and bool(said.message) and is_error


# Codes beside a message that tells of no error.
_FINE = frozenset(
    {"ok", "pending", "queued", "submitted", "created", "waiting", "processing", "running"}
)


def _is_error_code(rules: JobRules, code: str) -> bool:
    if code.isdecimal():
        return len(code) == 3 and code[0] in "45"
    return bool(code) and code.lower() not in _FINE.union(rules.succeeded)


def _may_pass(error: errors.APIError) -> bool:
    """Whether the next poll may have another outcome; a maintenance page may come with 200."""
    if isinstance(error, errors.APIStatusError):
        return is_transient(error.status_code)
    if isinstance(error, errors.APIConnectionError):
        return is_passing(error.__cause__)
    return isinstance(error, errors.APIResponseValidationError)


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
    """Whether the job has its result; one with a result and no status has it.

    Raises:
        errors.JobFailedError: It failed.
        errors.JobExpiredError: It, or its result, is no longer kept.
        errors.VideoWithheldError: Moderation withheld its result.
        errors.ResultMissingError: Its result is in no known place.
    """
    status = status_of(rules, job).lower()
    if status in rules.expired:
        raise errors.JobExpiredError(f"the job is {status}{_reason(rules, job)}", job)
    if status in rules.failed:
        raise errors.JobFailedError(f"the job is {status}{_reason(rules, job)}", job)
    if status in rules.succeeded or (not status and _result_at(job, rules.result)):
        result(rules, job)
        return True
    return False


def result(rules: JobRules, job: Any) -> str:
    """Where the result of a job is that has succeeded."""
    if _at(job, rules.allowed) is False:
        what = "moderation withheld the result, which may have been billed"
        raise errors.VideoWithheldError(what + _reason(rules, job), job)
    if found := _result_at(job, rules.result):
        return found
    what = "the job is done and paid for, but no known place has its result: look at .job"
    raise errors.ResultMissingError(what + _reason(rules, job), job)


def id_of(rules: JobRules, job: Any) -> str:
    """The id of a job: itself, or in the response that created it."""
    if not hasattr(job, "to_dict"):
        return cast(str, job)
    found = _text_at(job, rules.id)
    if found and found.isprintable():
        return found
    what = "the job was accepted, but no known place has its id"
    content = json.dumps(job.to_dict()).encode()
    raise errors.APIResponseValidationError(what, content=content)


def _reason(rules: JobRules, job: Any) -> str:
    error = _at(job, rules.error)
    parts = [error.get("code"), error.get("message")] if isinstance(error, dict) else [error]
    return "".join(f": {part}" for part in parts if part)


def status_of(rules: JobRules, job: Any) -> str:
    """The status of a job, as the gateway calls it; "" if there is none."""
    return _text_at(job, rules.status)


def progress(rules: JobRules, job: Any) -> float | None:
    """How much of a job is done, 0 to 100: 42, "42" and "42%" are one number, all else is None."""
    value = _at(job, rules.progress)
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if not isinstance(value, bool) and 0 <= number <= 100 else None


def cost_of(rules: JobRules, job: Any) -> float | None:
    """The price of a job in US dollars, if its last response reports it."""
    value = _at(job, rules.cost)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    cost = value * rules.cost_unit
    return cost if 0 <= cost <= _MAX_COST else None


def _values(job: Any, places: Sequence[str]) -> Iterator[Any]:
    """What a response has at these places, without null."""
    body = {} if job is None else job.to_dict()
    for place in places:
        value = body
        for name in place.split("."):
            if isinstance(value, list) and name.isdecimal():
                value = value[int(name)] if int(name) < len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
        if value is not None:
            yield value


def _at(job: Any, places: Sequence[str]) -> Any:
    return next(_values(job, places), None)


def _text_at(job: Any, places: Sequence[str]) -> str:
    """The first text or whole number; "" if there is none."""
    values = (value for value in _values(job, places) if type(value) in (str, int))
    return next((str(value) for value in values if value != ""), "")


def _result_at(job: Any, places: Sequence[str]) -> str:
    """The first text; "" if there is none."""
    values = (value for value in _values(job, places) if isinstance(value, str))
    return next((value for value in values if value), "")


def body(response: Received) -> Any:
    """The JSON of a response about a job; that of a pending one may be empty."""
    return response.json() if response.content.strip() else {}
