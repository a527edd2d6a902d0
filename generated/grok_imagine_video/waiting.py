# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Waiting for a job: ask how it is until it has ended, by the rules in the spec's `x-job`."""

import math
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import httpx
from attrs import frozen

from . import errors
from .client import Client
from .sending import asyncio_send_in_time, is_passing, result, send_in_time

T = TypeVar("T")

# Of the interval, so that many who wait do not ask in step.
_JITTER = 0.2


@frozen
class Rules:
    """What the spec's `x-job` says: where in an answer things are, and which status means what.

    Attributes:
        status: Where the status is.
        succeeded: The statuses of a job that has made what it was to make, in lower case.
        failed: The statuses of a job that has not.
        expired: The statuses of a job that is no longer kept.
        progress: Where it is told how much is done.
        result: Where that is which a job that succeeded has made.
        allowed: Where it is false that moderation lets it out.
        error: Where it is told why a job failed.
    """

    status: str
    succeeded: Sequence[str]
    failed: Sequence[str]
    expired: Sequence[str]
    progress: str
    result: str
    allowed: str
    error: str


def _at(job: Any, path: str) -> Any:
    """What stands at a dotted path in an answer, or None."""
    found = {} if job is None else job.to_dict()
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def progress_of(rules: Rules, job: Any) -> float | None:
    """How much of a job is done, 0 to 100: 42, "42" and "42%" are one number, all else is None."""
    told = _at(job, rules.progress)
    try:
        number = float(told.strip().removesuffix("%") if isinstance(told, str) else told)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if not isinstance(told, bool) and 0 <= number <= 100 else None


def _has_ended(rules: Rules, job: Any) -> bool:
    """Whether the job has made what it was to make; raises if it never will."""
    status = str(_at(job, rules.status)).lower()
    if status in rules.succeeded:
        if _at(job, rules.allowed) is False or not _at(job, rules.result):
            what = (
                f"the job is {status} and moderation withheld what it made; it may have been billed"
            )
            raise errors.VideoWithheldError(what + _reason(rules, job), job)
        return True
    if status in rules.expired:
        raise errors.JobExpiredError(f"the job is {status}{_reason(rules, job)}", job)
    if status in rules.failed:
        raise errors.JobFailedError(f"the job is {status}{_reason(rules, job)}", job)
    return False


def _reason(rules: Rules, job: Any) -> str:
    told = _at(job, rules.error)
    parts = [told.get("code"), told.get("message")] if isinstance(told, dict) else [told]
    return "".join(f": {part}" for part in parts if part)


def body_of(response: httpx.Response) -> Any:
    """The JSON of an answer about a job; one that is pending may have no body."""
    return response.json() if response.content.strip() else {}


def _may_pass(error: errors.GrokImagineVideoError) -> bool:
    """Whether asking again may have another outcome."""
    if isinstance(error, errors.APIStatusError):
        return is_passing(error.status_code)
    return isinstance(error, errors.APIConnectionError)


def _pause(interval: float, error: errors.GrokImagineVideoError | None) -> float:
    """Seconds until the next request: what the server asks for, and never less than usual."""
    usual = interval * random.uniform(1 - _JITTER, 1 + _JITTER)
    asked = errors.retry_after(error.headers) if isinstance(error, errors.APIStatusError) else None
    return usual if asked is None else max(usual, asked + _JITTER * usual)


def _check(interval: float, timeout: float) -> None:
    for name, value in (("interval", interval), ("timeout", timeout)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            msg = f"{name!r} must be float, not {type(value).__name__}: {value!r}"
            raise TypeError(msg)
        if not 0 < value < math.inf:
            msg = f"{name!r} must be a number of seconds above 0: {value!r}"
            raise ValueError(msg)


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # slow to import, and of no use to those who wait without it

    await asyncio.sleep(seconds)


def wait(
    client: Client,
    kwargs: dict[str, Any],
    parse: Callable[[httpx.Response], T],
    rules: Rules,
    *,
    interval: float,
    timeout: float,
    on_progress: Callable[[T], object] | None,
) -> T:
    """Ask until the job has ended or the time is up, and return the last answer."""
    _check(interval, timeout)
    deadline = time.monotonic() + timeout
    job: T | None = None
    error: errors.GrokImagineVideoError | None = None
    while (left := deadline - time.monotonic()) > 0:
        try:
            response = send_in_time(client, kwargs, left)
            job = result(client, "GET", response, parse)
        except errors.GrokImagineVideoError as failure:
            if not _may_pass(failure):
                raise
            error = failure
        else:
            error = None
            if on_progress is not None:
                on_progress(job)
            if _has_ended(rules, job):
                return job
        left = max(0.0, deadline - time.monotonic())
        time.sleep(min(_pause(interval, error), left))
    what = f"the job had not ended after {timeout:g} seconds; waiting can go on"
    raise errors.WaitTimeoutError(what, job) from error


async def asyncio_wait(
    client: Client,
    kwargs: dict[str, Any],
    parse: Callable[[httpx.Response], T],
    rules: Rules,
    *,
    interval: float,
    timeout: float,
    on_progress: Callable[[T], object] | None,
) -> T:
    """Ask until the job has ended or the time is up, and return the last answer."""
    _check(interval, timeout)
    deadline = time.monotonic() + timeout
    job: T | None = None
    error: errors.GrokImagineVideoError | None = None
    while (left := deadline - time.monotonic()) > 0:
        try:
            response = await asyncio_send_in_time(client, kwargs, left)
            job = result(client, "GET", response, parse)
        except errors.GrokImagineVideoError as failure:
            if not _may_pass(failure):
                raise
            error = failure
        else:
            error = None
            if on_progress is not None:
                on_progress(job)
            if _has_ended(rules, job):
                return job
        left = max(0.0, deadline - time.monotonic())
        await _asyncio_sleep(min(_pause(interval, error), left))
    what = f"the job had not ended after {timeout:g} seconds; waiting can go on"
    raise errors.WaitTimeoutError(what, job) from error
