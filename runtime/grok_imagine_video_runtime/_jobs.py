"""One wait, sans-I/O: when to poll, whether the job has ended, and where its result is.

A wait is a generator, as calls are; see `_calls`. The rules are the `x-job` of the spec.
"""

import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

import httpx
from attrs import field, frozen
from attrs.validators import is_callable, optional

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
from ._redirects import redact, redact_response
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
    on_progress: Callable[[T], object] | None = field(
        default=None, validator=optional(is_callable())
    )


def create_and_wait(
    config: Config,
    opened: Opened,
    creating: Request[Any],
    waiting: Waiting[T],
    on_created: Callable[[str], object] | None,
) -> Steps[T]:
    """Create a job and wait for it; every error after the creation has the id of the job."""
    if on_created is not None and not callable(on_created):
        msg = f"'on_created' must be callable, not {type(on_created).__name__}"
        raise TypeError(msg)
    logger, follower = config.package.logger, creating.operation.follower
    created = yield from parsed(config, opened, creating)
    job_id = _id_in(follower.rules, created)
    logger.info("created the job %s", job_id, extra={"event": "created", "job_id": job_id})
    try:
        if on_created is not None:
            on_created(job_id)
        _raise_for_failure(follower.rules, created)
        if has_succeeded(follower.rules, created):
            job: T = follower.read_json(created.to_dict())
            return job
        request: Request[T] = follower.follow(job_id)
        return (yield from wait(config, opened, request, job_id, waiting))
    except errors.APIError as error:  # a callback may raise one, of another job
        error.job_id = error.job_id or job_id
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
    rules, timeout = request.operation.rules, waiting.timeout
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
                job = _job_of(config, request.operation, rules, exchange, job_id)
            except errors.APIError as failure:
                if not _is_transient(failure):
                    raise
                error = failure
                _log_failed_poll(config, job_id, failure)
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
        msg = f"still running after {timeout:g} s; wait again to go on"
        if error is not None:
            msg = f"gave up after {timeout:g} s: {_reason_of(error)}"
        raise errors.WaitTimeoutError(msg, job) from error
    except errors.APIError as failure:
        failure.job_id = failure.job_id or job_id
        raise


def _log_failed_poll(config: Config, job_id: str | None, error: errors.APIError) -> None:
    reason = _reason_of(error)
    extra = {"event": "poll_failed", "job_id": job_id, "reason": reason, "url": config.base_url}
    config.package.logger.info("the job %s: %s, still trying", job_id, reason, extra=extra)


def _reason_of(error: errors.APIError) -> str:
    """Why a poll failed, in a few words."""
    if not isinstance(error, errors.APIConnectionError):
        return str(error)
    cause: BaseException | None = error.__cause__
    why = "timed out" if isinstance(cause, httpx.TimeoutException) else str(cause or "")
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:  # those of a name lookup are negative
            why = (os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)).lower()
        cause = cause.__cause__ or cause.__context__
    return "no response from the gateway" + (f" ({why})" if why else "")


def _job_of(
    config: Config, operation: Operation[T], rules: Job, exchange: Exchange, job_id: str | None
) -> T:
    """The job in the response to a poll; a 2xx response with an error and no job is an error."""
    if not exchange.is_success and exchange.status_code not in _CALLER_STATUSES:
        _raise_for_error(config, operation, rules, exchange, job_id)
    job = parse_response(config, operation, exchange)
    if not status_of(rules, job) and is_only_an_error(rules, job, exchange.content):
        raise errors.APIStatusError("an error, and no job", *redact_response(config, exchange))
    return job


# Statuses that are about the caller, not about the job.
_CALLER_STATUSES = (401, 403, 429)


def _raise_for_error(
    config: Config, operation: Operation[T], rules: Job, exchange: Exchange, job_id: str | None
) -> None:
    """Raise an error if a response with an error status says that the job has ended.

    xAI answers 400 if moderation rejected the video. A price shows that a response is about the
    job. Without one it says nothing if its status is transient, or that of a job that is not found.
    """
    content = redact(config, exchange.content)
    try:
        job = operation.read_json(json.loads(content))
        has_price = _first_value(rules, job, rules.cost) is not None
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        job, has_price = None, False
    status = exchange.status_code
    if not has_price and (status in (404, 410) or is_transient_status(status)):
        return
    error = errors.read_error_body(content)
    code, reason = error.get("code"), error.get("message", "")
    if _says(rules.moderation, f"{code} {reason}"):
        raise _job_error(errors.VideoWithheldError, _WITHHELD, rules, job, code, reason)
    job_status, is_same = status_of(rules, job), job_id == _first_id(rules, job)
    has_failed = job_status in (*rules.failed, *rules.expired)
    if (has_failed and is_same) or (has_price and (has_failed or not job_status)):
        error_type = (
            errors.JobExpiredError if job_status in rules.expired else errors.JobFailedError
        )
        msg = f"the job is {job_status or 'failed'}"
        raise _job_error(error_type, msg, rules, job, code, reason)


def _says(patterns: Sequence[str], text: str) -> bool:
    """Whether a text says one of these, in which `*` stands for any words."""
    text = text.lower().replace("_", " ")
    return any(re.search(".*".join(map(re.escape, each.split("*"))), text) for each in patterns)


def is_only_an_error(rules: Job, job: Any, content: bytes) -> bool:
    """Whether a 2xx response has an error and no job, if the job has no status."""
    if _first_url(rules, job):
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
        code = error.code or ""  # the status of HTTP, in a response with status 200
        is_code = error.status_code < 300 and code.isdecimal() and len(code) == 3
        return is_transient_status(int(code) if is_code else error.status_code)
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
    if not isinstance(error, errors.APIStatusError) or error.status_code in _CALLER_STATUSES:
        return False
    text = f"{error.code} {error.message}"
    return error.status_code in (404, 410) or _says(rules.lost, text)


def has_ended(rules: Job, job: Any) -> bool:
    """Whether the job has ended; an error if it has no result."""
    _raise_for_failure(rules, job)
    status = status_of(rules, job)
    if status in rules.succeeded or (not status and _first_url(rules, job)):
        result(rules, job)
        return True
    return False


def has_succeeded(rules: Job, job: Any) -> bool:
    """Whether a job has ended well, and has its result."""
    is_allowed = _first_value(rules, job, rules.allowed) is not False
    has_status = status_of(rules, job) in rules.succeeded
    return has_status and is_allowed and bool(_first_url(rules, job))


def _raise_for_failure(rules: Job, job: Any) -> None:
    """Raise an error if a job has ended without a result."""
    status = status_of(rules, job)
    has_failed = status in (*rules.failed, *rules.expired)
    code, reason = _reason(rules, job, [*rules.error, *(rules.reasons if has_failed else ())])
    is_withheld = (code or reason) and _says(rules.moderation, f"{code} {reason}")
    if is_withheld and not has_succeeded(rules, job):
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
    if url := _first_url(rules, job):
        return url
    if code or reason:
        raise _job_error(errors.JobFailedError, "the job has no result", rules, job, code, reason)
    status = status_of(rules, job)
    msg = "the job is done and paid for, but the response has no result where we look for one"
    if status and status not in rules.succeeded:
        msg = f"the job is {status}, and has no result"
    raise _job_error(errors.ResultMissingError, f"{msg}: look at .job", rules, job, None, "")


def id_of(rules: Job, job: Any) -> str:
    """The id of a job, from the response that created it; an id is returned as it is."""
    if not isinstance(job, OpenObject):
        return cast(str, job)
    job_id = _first_id(rules, job)
    if re.fullmatch(r"(?!\.{1,2}$)\S+", job_id) and job_id.isprintable():
        return job_id
    msg = "the job was accepted, but the response has no id where we look for one"
    raise errors.APIResponseValidationError(msg, content=json.dumps(job.to_dict()).encode())


def _id_in(rules: Job, created: Any) -> str:
    """The id of the job that was created; a response that is only an error has none."""
    content = json.dumps(created.to_dict()).encode()
    if not status_of(rules, created) and is_only_an_error(rules, created, content):
        raise errors.APIResponseValidationError("an error, and no job", content=content)
    return id_of(rules, created)


def _reason(rules: Job, job: Any, paths: Sequence[str]) -> tuple[str | None, str]:
    """The code and the message of an error, which is an object, or a text beside its code."""
    for layer, error in _values_at(rules, job, paths):
        fields = error if isinstance(error, dict) else {**layer, "message": error}
        code, message = fields.get("code"), fields.get("message")
        if message or (code and fields is error):
            return None if code is None else str(code), str(message or "")
    return None, ""


def status_of(rules: Job, job: Any) -> str:
    """The status of a job in lower case; "" if there is none.

    A number is an HTTP status, and so is an ambiguous word if there is no result.
    """
    values = _values_at(rules, job, rules.status)
    texts = (value.lower() for _, value in values if isinstance(value, str) and value)
    ignored = () if _first_url(rules, job) else rules.ambiguous
    return next((text for text in texts if not text.isdecimal() and text not in ignored), "")


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


def _first_url(rules: Job, job: Any) -> str:
    """The first URL, or path from the root, that is a result; "" if there is none."""
    texts = (str(value).strip() for _, value in _values_at(rules, job, rules.result))
    return next((text for text in texts if re.match(r"(https?:/)?/\S*$", text)), "")


def _first_id(rules: Job, job: Any) -> str:
    """The first text or whole number that is an id; "" if there is none."""
    values = _values_at(rules, job, rules.id)
    ids = (value for _, value in values if type(value) in (str, int) and value != "")
    return str(next(ids, ""))
