"""One wait: when to ask again, whether the job has ended, and where its result is.

Nothing here does I/O; see `_calls`. The rules come from the `x-job` of the spec.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

from attrs import field, frozen

from . import errors
from ._calls import Exchange, Now, Sleep, Steps, call, is_passing, is_transient, parsed, parsed_of
from ._redirects import redacted
from .config import MAX_SECONDS, Config, Opened
from .models import OpenObject
from .operations import Job, Operation, Request
from .validators import gt, le, number

T = TypeVar("T")

# Of the interval, so that many waits do not ask in step.
_JITTER = 0.2

# The last request goes out before the deadline: a part of the timeout, and at most seconds.
_LAST_CHANCE = 0.1
_MAX_LAST_CHANCE = 1.0

# US dollars; a larger number is not a price.
_MAX_COST = 1e5

# Codes beside a message that tells of no error.
_FINE = frozenset(
    {"ok", "pending", "queued", "submitted", "created", "waiting", "processing", "running"}
)


_SECONDS = [number, gt(0), le(MAX_SECONDS)]


@frozen
class Waiting(Generic[T]):
    """How to wait for a job: seconds between two requests, seconds in all, and who is told."""

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
    """Create a job, and wait for it. Every error after the creation has the id of the job."""
    logger, follower = config.package.logger, creating.operation.follower
    created = yield from parsed(config, opened, creating)
    job_id = id_of(follower.rules, created)
    logger.info("created the job %s", job_id)
    try:
        if on_created is not None:
            on_created(job_id)
        if is_done(follower.rules, created):
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
    last_poll = deadline - min(_LAST_CHANCE * timeout, _MAX_LAST_CHANCE)
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
                if not _may_pass(failure):
                    raise
                error = failure
            else:
                error = None
                if waiting.on_progress is not None:
                    waiting.on_progress(job)
                if has_ended(rules, job):
                    return job
            now = yield Now()
            next_poll = now + _pause(waiting.interval, error)
            if now < last_poll < next_poll and not _asked(error):
                next_poll = last_poll
            yield Sleep(max(0.0, min(next_poll, deadline) - now))
            now = yield Now()
        what = f"the job had not ended after {timeout:g} seconds; waiting can go on"
        raise errors.WaitTimeoutError(what, job) from error
    except errors.APIError as failure:
        failure.job_id = job_id
        raise


def _job_of(config: Config, operation: Operation[T], rules: Job, exchange: Exchange) -> T:
    """What a poll has found. A 2xx response that holds an error and no job is an error.

    Raises:
        errors.VideoWithheldError, errors.JobFailedError, errors.JobExpiredError: The job has ended,
            whatever the status of the response is: xAI answers 400 if moderation has rejected it.
    """
    if not exchange.is_success and exchange.status_code not in _ABOUT_THE_CALLER:
        _check_ending(rules, _in_error(operation, exchange), is_error=True)
    job = parsed_of(config, operation, exchange)
    if not status_of(rules, job) and is_only_an_error(rules, job, exchange.content):
        raise errors.APIStatusError("an error, and no job", *redacted(config, exchange))
    return job


# Statuses that say nothing of the job.
_ABOUT_THE_CALLER = (401, 403, 429)


def _in_error(operation: Operation[T], exchange: Exchange) -> T | None:
    """The job in a response whose status is an error; None if it is no object of JSON."""
    try:
        return operation.read_json(json.loads(exchange.content))
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return None


def is_only_an_error(rules: Job, job: Any, content: bytes) -> bool:
    """Whether a 2xx response without a status holds an error and no job."""
    if _text_at(rules, job, rules.result):
        return False
    said = errors.read_error_body(content)
    is_api_error = said.get("type") == "error" or _is_error_code(rules, said.get("code", ""))
    if _id_at(rules, job) and not is_api_error:  # or the id is that of the request
        return False
    return bool(said.get("message")) and (is_api_error or bool(_at(rules, job, rules.error)))


def _is_error_code(rules: Job, code: str) -> bool:
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
    return max(usual, _asked(error) + _JITTER * usual)


def _asked(error: errors.APIError | None) -> float:
    """Seconds that the server asks to wait; 0 if it does not."""
    asked = errors.retry_after(error.headers) if isinstance(error, errors.APIStatusError) else None
    return asked or 0.0


def is_lost(rules: Job, error: Exception) -> bool:
    """Whether an error says that the gateway does not find a job or its result."""
    if not isinstance(error, errors.APIStatusError):
        return False
    said = f"{error.code} {error.message}".lower()
    return error.status_code in (404, 410) or any(word in said for word in rules.lost)


def has_ended(rules: Job, job: Any) -> bool:
    """Whether the job has its result; one that has ended without it is an error."""
    _check_ending(rules, job)
    status = status_of(rules, job)
    if status in rules.succeeded or (not status and _text_at(rules, job, rules.result)):
        result(rules, job)
        return True
    return False


def is_done(rules: Job, job: Any) -> bool:
    """Whether a response has the status of a job that ended well, and its result."""
    is_allowed = _at(rules, job, rules.allowed) is not False
    has_succeeded = status_of(rules, job) in rules.succeeded
    return has_succeeded and is_allowed and bool(_text_at(rules, job, rules.result))


def _check_ending(rules: Job, job: Any, *, is_error: bool = False) -> None:
    """Raise the error of a job that has ended without a result.

    A response with the status of an error has to tell that it is about the job, by its price or id.
    """
    status = status_of(rules, job)
    if is_error and not (_at(rules, job, rules.cost) or _id_at(rules, job)):
        status = ""
    has_failed = status in (*rules.failed, *rules.expired)
    code, why = _reason(rules, job, [*rules.error, *(rules.reasons if has_failed else ())])
    said = f"{code} {why}".lower()
    if any(word in said for word in rules.moderation) and not is_done(rules, job):
        what = "moderation withheld the result, which may have been billed"
        raise _ended(errors.VideoWithheldError, what, rules, job, code, why)
    if status in rules.expired:
        raise _ended(errors.JobExpiredError, f"the job is {status}", rules, job, code, why)
    if status in rules.failed:
        raise _ended(errors.JobFailedError, f"the job is {status}", rules, job, code, why)


def _ended(
    kind: type[errors.JobError], what: str, rules: Job, job: Any, code: str | None, why: str
) -> errors.JobError:
    error = kind(": ".join(filter(None, [what, code, why])), job, code)
    error.job_id = _id_at(rules, job) or None
    return error


def result(rules: Job, job: Any) -> str:
    """Where the result of a job is that has succeeded."""
    code, why = _reason(rules, job, rules.error)
    if _at(rules, job, rules.allowed) is False:
        what = "moderation withheld the result, which may have been billed"
        raise _ended(errors.VideoWithheldError, what, rules, job, code, why)
    if found := _text_at(rules, job, rules.result):
        return found
    if code or why:
        raise _ended(errors.JobFailedError, "the job has no result", rules, job, code, why)
    what = "the job is done and paid for, but the response has no result where we look for one"
    raise _ended(errors.ResultMissingError, f"{what}: look at .job", rules, job, None, "")


def id_of(rules: Job, job: Any) -> str:
    """The id of a job: itself, or in the response that created it."""
    if not isinstance(job, OpenObject):
        return cast(str, job)
    found = _id_at(rules, job)
    if found and found.isprintable():
        return found
    what = "the job was accepted, but the response has no id where we look for one"
    content = json.dumps(job.to_dict()).encode()
    raise errors.APIResponseValidationError(what, content=content)


def _reason(rules: Job, job: Any, places: Sequence[str]) -> tuple[str | None, str]:
    """The code of an error and its text: of the object that it is, or beside the text."""
    for around, error in _values(rules, job, places):
        said = error if isinstance(error, dict) else {**around, "message": error}
        code, why = said.get("code"), said.get("message")
        if why or (code and said is error):
            return None if code is None else str(code), str(why or "")
    return None, ""


def status_of(rules: Job, job: Any) -> str:
    """The status of a job in lower case; "" if there is none. A number is that of HTTP."""
    values = _values(rules, job, rules.status)
    texts = (value.lower() for _, value in values if isinstance(value, str) and value)
    return next((text for text in texts if not text.isdecimal()), "")


def progress(rules: Job, job: Any) -> float | None:
    """How much of a job is done, 0 to 100: 42, "42" and "42%" are one number, all else is None."""
    value = _at(rules, job, rules.progress)
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if not isinstance(value, bool) and 0 <= number <= 100 else None


def cost_of(rules: Job, job: Any) -> float | None:
    """The price of a job in US dollars, if its last response reports it."""
    value = _at(rules, job, rules.cost)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    cost = value * rules.cost_unit
    return cost if 0 <= cost <= _MAX_COST else None


def _first(value: Any) -> Any:
    """A list stands for its first member."""
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def _layers(value: Any, wrappers: Sequence[str], depth: int = 4) -> Iterator[dict[str, Any]]:
    """The objects that may describe the job, each before the one that it is wrapped in."""
    value = _first(value)
    if isinstance(value, dict) and depth:
        for name in wrappers:
            yield from _layers(value.get(name), wrappers, depth - 1)
        yield value


def _values(rules: Job, job: Any, places: Sequence[str]) -> Iterator[tuple[dict[str, Any], Any]]:
    """What a response has at these places, without null, and the object that has it."""
    for layer in _layers({} if job is None else job.to_dict(), rules.wrappers):
        for place in places:
            value: Any = layer
            for name in place.split("."):
                value = _first(value.get(name) if isinstance(value, dict) else None)
            if value is not None:
                yield layer, value


def _at(rules: Job, job: Any, places: Sequence[str]) -> Any:
    return next((value for _, value in _values(rules, job, places)), None)


def _text_at(rules: Job, job: Any, places: Sequence[str]) -> str:
    """The first text; "" if there is none."""
    values = _values(rules, job, places)
    return next((value for _, value in values if isinstance(value, str) and value), "")


def _id_at(rules: Job, job: Any) -> str:
    """The first text or whole number that is an id; "" if there is none."""
    values = _values(rules, job, rules.id)
    ids = (value for _, value in values if type(value) in (str, int) and value != "")
    return str(next(ids, ""))
