"""One wait, sans-I/O: when to poll, whether the job has ended, and where its result is.

A wait is a generator, as calls are; see `_calls`. The rules are the `x-job` of the spec.
"""

import contextlib
import functools
import inspect
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar, cast

from attrs import field, frozen

from . import _calls, errors
from ._redirects import redact_response
from .config import Config, Opened, seconds
from .models import OpenObject
from .operations import Job, Operation, Request
from .validators import show

T = TypeVar("T")

# A share of the interval, so that many waits do not poll together.
_JITTER = 0.2


def callback(_: Any, attribute: Any, value: Any) -> None:
    """A validator of a callback, which may be None; nobody awaits what it returns."""
    if value is not None and (not callable(value) or inspect.iscoroutinefunction(value)):
        msg = f"{attribute.name!r} must be a plain function, not an async one: {show(value)}"
        raise TypeError(msg)


@frozen
class Waiting(Generic[T]):
    """How to wait for a job: seconds between two polls, seconds in all, and callbacks."""

    interval: float = field(validator=seconds)
    timeout: float = field(validator=seconds)
    on_progress: Callable[[T], object] | None = field(default=None, validator=callback)
    on_created: Callable[[str], object] | None = field(default=None, validator=callback)


def create_and_wait(
    config: Config, opened: Opened, creating: Request[Any], waiting: Waiting[T]
) -> _calls.Steps[T]:
    """Create a job and wait for it; every error after the creation has the id of the job."""
    logger = config.package.logger
    follower: Operation[T] = creating.operation.follower
    created = yield from _calls.parsed(config, opened, creating)
    job_id = id_of(follower.rules, created)
    logger.info("created the job %s", job_id, extra={"event": "created", "job_id": job_id})
    try:
        if waiting.on_created is not None:
            waiting.on_created(job_id)
        reading = Reading(follower.rules, created)
        # A link without a status may be that of the job, and a status alone that of the request.
        if reading.status and (reading.url or not reading.is_done) and reading.final_url():
            with contextlib.suppress(Exception):  # its model needs more: a poll has it
                return follower.read_json(created.to_dict())
        return (yield from wait(config, opened, follower.follow(job_id), job_id, waiting))
    except errors.APIError as error:  # a callback may raise one, of another job
        error.job_id = error.job_id or job_id
        raise
    except BaseException:
        logger.warning("the job %s goes on, and can be waited for again", job_id)
        raise


def wait(
    config: Config, opened: Opened, request: Request[T], job_id: str | None, waiting: Waiting[T]
) -> _calls.Steps[T]:
    """Poll until the job has ended or the deadline has passed, and return the last response."""
    job: T | None = None
    error: errors.APIError | None = None
    deadline = time.monotonic() + waiting.timeout
    try:
        while time.monotonic() < deadline:
            poll = _calls.call(config, opened, request, deadline)
            try:
                reading = _read(config, request.operation, (yield from poll), job_id)
            except errors.APIError as failure:
                if not _is_transient(failure):
                    raise
                if (job or error) and time.monotonic() >= deadline:
                    break  # the poll was cut short: what came before tells more
                error, why = failure, reason_of(failure)
                extra = {"event": "poll_failed", "job_id": job_id, "reason": why}
                extra["url"] = config.base_url
                config.package.logger.info("the job %s: %s, still trying", job_id, why, extra=extra)
            else:
                job, error = cast(T, reading.job), None
                if waiting.on_progress is not None:
                    waiting.on_progress(job)
                if reading.final_url():
                    return job
            now = time.monotonic()
            yield max(0.0, _next_poll(waiting, now, deadline, error) - now)
        msg = f"still running after {waiting.timeout:g} s"
        if error is not None:
            msg = f"gave up after {waiting.timeout:g} s: {reason_of(error)}"
        raise errors.WaitTimeoutError(msg, job) from error
    except errors.APIError as failure:  # a callback may raise one, of another job
        failure.job_id = failure.job_id or job_id
        raise


def _next_poll(
    waiting: Waiting[Any], now: float, deadline: float, error: errors.APIError | None
) -> float:
    """When to poll next: when the server asks for it, or one interval later and at the end."""
    delay = waiting.interval * random.uniform(1 - _JITTER, 1 + _JITTER)
    if isinstance(error, errors.APIStatusError) and (asked := errors.retry_after(error.headers)):
        return min(now + max(delay, asked + _JITTER * delay), deadline)
    last_poll = deadline - min(waiting.timeout / 10, 1.0)
    return min(now + delay, last_poll if now < last_poll else deadline)


def _is_transient(error: errors.APIError) -> bool:
    """Whether the next poll may succeed; a maintenance page may come with status 200."""
    if isinstance(error, errors.APIStatusError):
        code = error.code or ""  # the status of HTTP, in a response with status 200
        is_status = error.status_code < 300 and re.fullmatch(r"\d{3}", code)
        return _calls.is_transient_status(int(code) if is_status else error.status_code)
    if isinstance(error, errors.APIConnectionError):
        return _calls.is_transient_error(error.__cause__)
    return isinstance(error, errors.APIResponseValidationError)


def reason_of(error: Exception) -> str:
    """What went wrong, in words that do not differ from poll to poll."""
    return re.sub(r"(?<=response from )https?://\S+", "the gateway", _calls.words_of(error))


def _read(
    config: Config, operation: Operation[Any], exchange: _calls.Exchange, job_id: str | None
) -> "Reading":
    """What the response to a poll says of the job; an error if it says nothing of it.

    xAI answers 400 if moderation rejected the video. A price shows that a response is about the
    job. Without one it says nothing if its status is transient, or that of a job that is not found.
    """
    rules, status = operation.rules, exchange.status_code
    if exchange.is_success or status in (401, 403, 429):  # which are about the caller
        reading = Reading(rules, _calls.parse_response(config, operation, exchange), job_id)
        if reading.is_only_an_error():
            msg = "the response is an error, not a job"
            raise errors.APIStatusError(msg, *redact_response(config, exchange))
        return reading
    error: Any = _calls.response_error(config, exchange)
    reading = Reading(rules, None, job_id)
    with contextlib.suppress(Exception):  # what cannot be read is not about a job
        reading = Reading(rules, operation.read_json(json.loads(error.content)), job_id)
    has_price = reading.value(rules.cost) is not None
    if has_price or not (status in (404, 410) or _calls.is_transient_status(status)):
        has_failed = reading.has_failed or (has_price and not reading.status)
        reading.has_failed = has_failed and (has_price or reading.id == job_id)
        reading.is_done = False
        reading.final_url((error.code, error.message))
    raise error


class Reading:
    """What a response says of a job, by the rules of the spec; its status is in lower case."""

    def __init__(self, rules: Job, job: Any, job_id: str | None = None) -> None:
        self._rules, self.job, self._job_id = rules, job, job_id
        self._layers = list(_layers({} if job is None else job.to_dict(), rules.wrappers))
        texts = (str(value).strip() for _, value in self._values(rules.result))
        # A URL, or a path from the root.
        self.url = next((text for text in texts if re.match(r"(https?:/)?/\S*$", text)), "")
        # A number is a status of HTTP, and so is an ambiguous word if there is no result.
        ignored = ("", *(() if self.url else rules.ambiguous))
        words = (x.lower() for _, x in self._values(rules.status) if isinstance(x, str))
        self.status = next((x for x in words if not x.isdecimal() and x not in ignored), "")
        ids = (str(value) for _, value in self._values(rules.id) if type(value) in (str, int))
        self.id = next(filter(None, ids), "")
        self.has_failed = self.status in (*rules.failed, *rules.expired)
        self.is_done = self.status in rules.succeeded or bool(self.url and not self.status)

    def final_url(self, error: tuple[str | None, str] | None = None) -> str:
        """The URL of the result, "" if the job goes on; an error if it ended without a result."""
        rules, status = self._rules, self.status
        code, reason = error or self._reason()
        is_withheld = self.is_done and self.value(rules.allowed) is False
        has_result = status in rules.succeeded and self.url
        said = f"{code} {reason}".lower().replace("_", " ")
        is_moderated = any(fnmatchcase(said, f"*{words}*") for words in rules.moderation)
        kind: type[errors.JobError] = errors.JobFailedError
        if is_withheld or (is_moderated and not has_result):
            kind = errors.VideoWithheldError
            msg = "moderation withheld the result, which may have been billed"
        elif self.has_failed and status in rules.expired:
            kind, msg = errors.JobExpiredError, "the job expired"
        elif self.has_failed:
            msg = "the job failed"
        elif self.url or not self.is_done:
            return self.url if self.is_done else ""
        elif code or reason:
            msg = "the job has no result"
        else:
            kind, reason = errors.ResultMissingError, "look at .job"
            is_unknown = status and status not in rules.succeeded
            msg = f"the job is {status}" if is_unknown else "the job is done and paid for"
            msg += ", but the response has no result where we look for one"
        exception = kind(": ".join(filter(None, [msg, code, reason])), self.job, code)
        exception.job_id = self._job_id or self.id or None
        raise exception

    def _reason(self) -> tuple[str | None, str]:
        """The code and the message of an error, which is an object, or a text beside its code."""
        paths = (*self._rules.error, *(self._rules.reasons if self.has_failed else ()))
        for layer, error in self._values(paths):
            fields = error if isinstance(error, dict) else {**layer, "message": error}
            code, message = fields.get("code"), fields.get("message")
            if message or (code and fields is error):
                return None if code is None else str(code), str(message or "")
        return None, ""

    def is_only_an_error(self) -> bool:
        """Whether a 2xx response has an error and no job; a code may be a status of HTTP."""
        body = errors.read_error_body(json.dumps(self.job.to_dict()).encode())
        is_error = self.value(self._rules.error) or re.fullmatch(r"[45]\d\d", body.get("code", ""))
        return bool(is_error and body["message"]) and not (self.status or self.url or self.id)

    def value(self, paths: Sequence[str]) -> Any:
        """The first value at these paths; None if there is none."""
        return next((value for _, value in self._values(paths)), None)

    def _values(self, paths: Sequence[str]) -> Iterator[tuple[dict[str, Any], Any]]:
        """The values at these paths, without null, each after the layer that holds it."""
        for layer in self._layers:
            for path in paths:
                value = functools.reduce(_field, path.split("."), layer)
                if value is not None:
                    yield layer, value


def _layers(value: Any, wrappers: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The objects that may be the job, from the innermost wrapper to the outermost object."""
    if isinstance(value, dict):
        for name in wrappers:
            yield from _layers(_field(value, name), wrappers)
        yield value


def _field(value: Any, name: str) -> Any:
    """A field of an object, if it has it; a list stands for its first item, however nested."""
    value = value.get(name) if isinstance(value, dict) else None
    while isinstance(value, list):
        value = value[0] if value else None
    return value


def id_of(rules: Job, job: Any) -> str:
    """The id of a job, from the response that created it; an id is returned as it is."""
    if not isinstance(job, OpenObject):
        return cast(str, job)
    reading = Reading(rules, job)
    msg = "the job was accepted, but the response has no id where we look for one"
    if reading.is_only_an_error():
        msg = "the response is an error, not a job"
    elif re.fullmatch(r"(?!\.{1,2}$)\S{1,1000}", reading.id) and reading.id.isprintable():
        return reading.id
    raise errors.APIResponseValidationError(msg, content=json.dumps(job.to_dict()).encode())


def reading_of(rules: Job, job: Any) -> Reading:
    """What the response says that a caller has passed as a job."""
    if not isinstance(job, OpenObject):
        msg = f"job must be a response, not {type(job).__name__}: pass what wait or sync returned"
        raise TypeError(msg)
    return Reading(rules, job)


def result(rules: Job, job: Any) -> str:
    """The URL of the result of a job that has succeeded."""
    reading = reading_of(rules, job)
    reading.is_done = True  # whatever its status is
    return reading.final_url()


def progress(rules: Job, job: Any) -> float | None:
    """How much of a job is done, 0 to 100, from 42, "42" or "42%"; None if it is anything else."""
    text = str(reading_of(rules, job).value(rules.progress)).strip().removesuffix("%")
    percent = float(text) if re.fullmatch(r"\d+(\.\d*)?(e-\d+)?", text) else -1.0
    return percent if 0 <= percent <= 100 else None


def cost_of(rules: Job, job: Any) -> float | None:
    """The price of a job in US dollars, if its last response reports it."""
    value = reading_of(rules, job).value(rules.cost)
    # A number of more than 100,000 dollars is something else.
    is_price = type(value) in (int, float) and 0 <= value <= 1e5 / rules.cost_unit
    return value * rules.cost_unit if is_price else None
