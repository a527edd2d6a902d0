"""One wait, sans-I/O: when to poll, whether the job has ended, and where its result is.

A wait is a generator, as calls are; see `_calls`. The rules are the `x-job` of the spec.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

from attrs import field, frozen

from . import errors
from ._calls import (
    Exchange,
    Now,
    Sleep,
    Steps,
    call,
    is_transient_error,
    is_transient_status,
    parse_response,
    parsed,
)
from ._redirects import redact_response
from .config import MAX_SECONDS, Config, Opened
from .models import OpenObject
from .operations import Job, Operation, Request
from .validators import gt, le, number

T = TypeVar("T")

# A share of the interval, so that many waits do not poll together.
_JITTER = 0.2

# How long before the deadline the last poll is: a share of the timeout, and at most seconds.
_LAST_POLL = 0.1
_MAX_LAST_POLL = 1.0

# US dollars; a larger number is not a price.
_MAX_COST = 1e5

# Codes of a message that is not an error.
_NO_ERROR_CODES = frozenset(
    {"ok", "pending", "queued", "submitted", "created", "waiting", "processing", "running"}
)

_WITHHELD = "moderation withheld the result, which may have been billed"

_SECONDS = [number, gt(0), le(MAX_SECONDS)]


@frozen
class Waiting(Generic[T]):
    """How to wait for a job: seconds between two polls, seconds in all, and a callback."""

    interval: float = field(validator=_SECONDS)
    timeout: float = field(validator=_SECONDS)
    on_progress: Callable[[T], object] | None = None


def create_and_wait(
    config: Config,
    opened: Opened,
    creating: Request[Any],
    waiting: Waiting[T],
    on_created: Callable[[str], object] | None,
) -> Steps[T]:
    """Create a job and wait for it; every error after the creation has the id of the job."""
    logger, follower = config.package.logger, creating.operation.follower
    created = yield from parsed(config, opened, creating)
    job_id = id_of(follower.rules, created)
    logger.info("created the job %s", job_id)
    try:
        if on_created is not None:
            on_created(job_id)
        if has_succeeded(follower.rules, created):
            job: T = follower.read_json(created.to_dict())
            return job
        request: Request[T] = follower.follow(job_id)
        return (yield from wait(config, opened, request, job_id, waiting))
    except errors.APIError as error:  # on_created may raise one too
        error.job_id = job_id
        raise
    except BaseException:
        logger.warning("the job %s goes on, and can be waited for again", job_id)
        raise


def wait(
    config: Config,
    opened: Opened,
    request: Request[T],
    job_id: str | None,
    waiting: Waiting[T],
) -> Steps[T]:
    """Poll until the job has ended or the deadline has passed, and return the last response."""
    rules, timeout = cast(Job, request.operation.job), waiting.timeout
    deadline = (yield Now()) + timeout
    last_poll = deadline - min(_LAST_POLL * timeout, _MAX_LAST_POLL)
    job: T | None = None
    error: errors.APIError | None = None
    now = deadline - timeout
    try:
        while now < deadline:
            try:
                exchange = yield from call(
                    config, opened, request, deadline=deadline, max_retries=0
                )
                job = _job_of(config, request.operation, rules, exchange)
            except errors.APIError as failure:
                if not _is_transient(failure):
                    raise
                error = failure
            else:
                error = None
                if waiting.on_progress is not None:
                    waiting.on_progress(job)
                if has_ended(rules, job):
                    return job
            now = yield Now()
            next_poll = now + _poll_delay(waiting.interval, error)
            if now < last_poll < next_poll and not _retry_after(error):
                next_poll = last_poll
            yield Sleep(max(0.0, min(next_poll, deadline) - now))
            now = yield Now()
        msg = f"the job had not ended after {timeout:g} seconds; waiting can go on"
        raise errors.WaitTimeoutError(msg, job) from error
    except errors.APIError as failure:
        failure.job_id = job_id
        raise


def _job_of(config: Config, operation: Operation[T], rules: Job, exchange: Exchange) -> T:
    """The job in the response to a poll; a 2xx response with an error and no job is an error.

    Raises:
        errors.VideoWithheldError, errors.JobFailedError, errors.JobExpiredError: The job has ended,
            whatever the status of the response: that of xAI is 400 if moderation rejected it.
    """
    if not exchange.is_success and exchange.status_code not in _CALLER_STATUSES:
        _raise_for_failure(rules, _job_in_error(operation, exchange), is_error=True)
    job = parse_response(config, operation, exchange)
    if not status_of(rules, job) and is_only_an_error(rules, job, exchange.content):
        raise errors.APIStatusError("an error, and no job", *redact_response(config, exchange))
    return job


# Statuses that are about the caller, not about the job.
_CALLER_STATUSES = (401, 403, 429)


def _job_in_error(operation: Operation[T], exchange: Exchange) -> T | None:
    """The job in a response whose status is an error; None if it is not a JSON object."""
    try:
        return operation.read_json(json.loads(exchange.content))
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None


def is_only_an_error(rules: Job, job: Any, content: bytes) -> bool:
    """Whether a 2xx response has an error and no job, if the job has no status."""
    if _first_text(rules, job, rules.result):
        return False
    error = errors.read_error_body(content)
    is_api_error = error.get("type") == "error" or _is_error_code(rules, error.get("code", ""))
    if _first_id(rules, job) and not is_api_error:  # else the id is that of the request
        return False
    has_error = is_api_error or bool(_first_value(rules, job, rules.error))
    return has_error and bool(error.get("message"))


def _is_error_code(rules: Job, code: str) -> bool:
    if code.isdecimal():
        return len(code) == 3 and code[0] in "45"
    return bool(code) and code.lower() not in _NO_ERROR_CODES.union(rules.succeeded)


def _is_transient(error: errors.APIError) -> bool:
    """Whether the next poll may succeed; a maintenance page may come with status 200."""
    if isinstance(error, errors.APIStatusError):
        return is_transient_status(error.status_code)
    if isinstance(error, errors.APIConnectionError):
        return is_transient_error(error.__cause__)
    return isinstance(error, errors.APIResponseValidationError)


def _poll_delay(interval: float, error: errors.APIError | None) -> float:
    """Seconds until the next poll: what the server asks for, but not less than the interval."""
    delay = interval * random.uniform(1 - _JITTER, 1 + _JITTER)
    return max(delay, _retry_after(error) + _JITTER * delay)


def _retry_after(error: errors.APIError | None) -> float:
    """Seconds that the server asks to wait; 0 if it does not."""
    if not isinstance(error, errors.APIStatusError):
        return 0.0
    return errors.retry_after(error.headers) or 0.0


def is_lost(rules: Job, error: Exception) -> bool:
    """Whether an error says that the gateway does not find a job or its result."""
    if not isinstance(error, errors.APIStatusError):
        return False
    text = f"{error.code} {error.message}".lower()
    return error.status_code in (404, 410) or any(word in text for word in rules.lost)


def has_ended(rules: Job, job: Any) -> bool:
    """Whether the job has ended; an error if it has no result."""
    _raise_for_failure(rules, job)
    status = status_of(rules, job)
    if status in rules.succeeded or (not status and _first_text(rules, job, rules.result)):
        result(rules, job)
        return True
    return False


def has_succeeded(rules: Job, job: Any) -> bool:
    """Whether a job has ended well, and has its result."""
    is_allowed = _first_value(rules, job, rules.allowed) is not False
    has_status = status_of(rules, job) in rules.succeeded
    return has_status and is_allowed and bool(_first_text(rules, job, rules.result))


def _raise_for_failure(rules: Job, job: Any, *, is_error: bool = False) -> None:
    """Raise an error if a job has ended without a result.

    In a response whose HTTP status is an error, the status of the job counts only beside its price
    or its id.
    """
    status = status_of(rules, job)
    if is_error and not (_first_value(rules, job, rules.cost) or _first_id(rules, job)):
        status = ""
    has_failed = status in (*rules.failed, *rules.expired)
    code, reason = _reason(rules, job, [*rules.error, *(rules.reasons if has_failed else ())])
    text = f"{code} {reason}".lower()
    if any(word in text for word in rules.moderation) and not has_succeeded(rules, job):
        raise _job_error(errors.VideoWithheldError, _WITHHELD, rules, job, code, reason)
    if status in rules.expired:
        raise _job_error(errors.JobExpiredError, f"the job is {status}", rules, job, code, reason)
    if status in rules.failed:
        raise _job_error(errors.JobFailedError, f"the job is {status}", rules, job, code, reason)


def _job_error(
    error_type: type[errors.JobError], msg: str, rules: Job, job: Any, code: str | None, reason: str
) -> errors.JobError:
    error = error_type(": ".join(filter(None, [msg, code, reason])), job, code)
    error.job_id = _first_id(rules, job) or None
    return error


def result(rules: Job, job: Any) -> str:
    """The URL of the result of a job that has succeeded."""
    code, reason = _reason(rules, job, rules.error)
    if _first_value(rules, job, rules.allowed) is False:
        raise _job_error(errors.VideoWithheldError, _WITHHELD, rules, job, code, reason)
    if url := _first_text(rules, job, rules.result):
        return url
    if code or reason:
        raise _job_error(errors.JobFailedError, "the job has no result", rules, job, code, reason)
    msg = "the job is done and paid for, but the response has no result where we look for one"
    raise _job_error(errors.ResultMissingError, f"{msg}: look at .job", rules, job, None, "")


def id_of(rules: Job, job: Any) -> str:
    """The id of a job, from the response that created it; an id is returned as it is."""
    if not isinstance(job, OpenObject):
        return cast(str, job)
    job_id = _first_id(rules, job)
    if job_id and job_id.isprintable():
        return job_id
    msg = "the job was accepted, but the response has no id where we look for one"
    content = json.dumps(job.to_dict()).encode()
    raise errors.APIResponseValidationError(msg, content=content)


def _reason(rules: Job, job: Any, paths: Sequence[str]) -> tuple[str | None, str]:
    """The code and the message of an error, which is an object, or a text beside its code."""
    for layer, error in _values_at(rules, job, paths):
        fields = error if isinstance(error, dict) else {**layer, "message": error}
        code, message = fields.get("code"), fields.get("message")
        if message or (code and fields is error):
            return None if code is None else str(code), str(message or "")
    return None, ""


def status_of(rules: Job, job: Any) -> str:
    """The status of a job in lower case; "" if there is none. A number is an HTTP status."""
    values = _values_at(rules, job, rules.status)
    texts = (value.lower() for _, value in values if isinstance(value, str) and value)
    return next((text for text in texts if not text.isdecimal()), "")


def progress(rules: Job, job: Any) -> float | None:
    """How much of a job is done, 0 to 100, from 42, "42" or "42%"; None if it is anything else."""
    value = _first_value(rules, job, rules.progress)
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if not isinstance(value, bool) and 0 <= number <= 100 else None


def cost_of(rules: Job, job: Any) -> float | None:
    """The price of a job in US dollars, if its last response reports it."""
    value = _first_value(rules, job, rules.cost)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    cost = value * rules.cost_unit
    return cost if 0 <= cost <= _MAX_COST else None


def _first(value: Any) -> Any:
    """The first item of a list, however nested; any other value as it is."""
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _layers(value: Any, wrappers: Sequence[str], depth: int = 4) -> Iterator[dict[str, Any]]:
    """The objects that may be the job, from the innermost wrapper to the outermost object."""
    value = _first(value)
    if isinstance(value, dict) and depth:
        for name in wrappers:
            yield from _layers(value.get(name), wrappers, depth - 1)
        yield value


def _values_at(rules: Job, job: Any, paths: Sequence[str]) -> Iterator[tuple[dict[str, Any], Any]]:
    """The values at these paths, without null, each after the layer that holds it."""
    for layer in _layers({} if job is None else job.to_dict(), rules.wrappers):
        for path in paths:
            value: Any = layer
            for name in path.split("."):
                value = _first(value.get(name) if isinstance(value, dict) else None)
            if value is not None:
                yield layer, value


def _first_value(rules: Job, job: Any, paths: Sequence[str]) -> Any:
    return next((value for _, value in _values_at(rules, job, paths)), None)


def _first_text(rules: Job, job: Any, paths: Sequence[str]) -> str:
    """The first text; "" if there is none."""
    values = _values_at(rules, job, paths)
    return next((value for _, value in values if isinstance(value, str) and value), "")


def _first_id(rules: Job, job: Any) -> str:
    """The first text or whole number that is an id; "" if there is none."""
    values = _values_at(rules, job, rules.id)
    ids = (value for _, value in values if type(value) in (str, int) and value != "")
    return str(next(ids, ""))
