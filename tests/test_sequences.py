"""Every sequence of events that a call and a wait can meet, tried on their generators.

What must come of each is worked out here from the table in docs/failures.md.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from conftest import TOKEN
from grok_imagine_video import (
    AuthenticatedClient,
    VideoJob,
    _calls,
    _polling,
    _redirects,
    errors,
    get_video,
)
from grok_imagine_video._bodies import Received, TooLargeError
from playing import URL, Play, status

# What happens to a request: a response, as arguments of `httpx.Response`, or an exception.
Event = dict[str, Any] | type[Exception]

SOON = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
BUSY = [status(429, Retry_After=value) for value in ("0", "1.5", "60", "-1", "nan", "later", SOON)]
BUSY += [status(429), status(429, llm_provider_retry_after="2")]
BUSY_FOR_LONG = [status(code, Retry_After="61") for code in (429, 503)]
REDIRECTS = [
    status(code, Location=f"{origin}/v1/jobs/1")
    for code in (301, 302, 303, 307, 308)
    for origin in (URL, "https://elsewhere.example")
]
CLASSES = [each for each in vars(httpx).values() if isinstance(each, type)]
HTTPX = (httpx.RequestError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
# What a mock, a hook, a closed session, a `Location` that is no URL, or a bug may raise.
OTHERS = (RuntimeError, ValueError, UnicodeError, AssertionError, OSError, ExceptionGroup)
EXCEPTIONS = [*(each for each in CLASSES if issubclass(each, HTTPX)), *OTHERS, TooLargeError]
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
NEVER_SENT = (*NOT_SENT, httpx.UnsupportedProtocol)
CODES = (201, 204, 299, 300, 304, *range(399, 432), 499, 500, 501, 502, 524, 598, 599, 600, 999)
FINE, PAGE = status(200), status(200, b"<html>")
EVENTS: list[Event] = [FINE, PAGE, *map(status, CODES), *BUSY, *BUSY_FOR_LONG, *REDIRECTS]
EVENTS += EXCEPTIONS
# One of each kind, for every place but the first.
KINDS: list[Event] = [FINE, status(400), status(500), BUSY[1], BUSY_FOR_LONG[0], RuntimeError]
KINDS += [httpx.ReadTimeout, httpx.ConnectError, REDIRECTS[2], REDIRECTS[3], REDIRECTS[6]]

STATUS_ERRORS = {
    **{400: errors.BadRequestError, 401: errors.AuthenticationError},
    **{403: errors.PermissionDeniedError, 404: errors.NotFoundError},
    **{409: errors.ConflictError, 422: errors.UnprocessableEntityError},
    **{429: errors.RateLimitError},
    **dict.fromkeys(range(500, 600), errors.InternalServerError),
}


def sequences(
    first: Sequence[Any], later: Sequence[Any], goes_on: Callable[[list[Any]], bool]
) -> Iterator[list[Any]]:
    """All sequences that come to an end; `goes_on` tells that one has not done so yet."""
    unfinished: list[list[Any]] = [[]]
    while unfinished:
        events = unfinished.pop()
        if goes_on(events):
            unfinished += [[*events, event] for event in (later if events else first)]
        else:
            yield events


def is_followed(event: Any) -> bool:
    return isinstance(event, dict) and event["headers"].get("Location", "").startswith(URL)


def must_be(events: Sequence[Event], *, reads: bool, is_ours: bool, max_retries: int) -> Any:
    """How a call must end after these events, by the table of errors; None if it must go on."""
    left = iter(events)
    for retry in range(max_retries + 1):
        redirects, became_get = 0, False
        event: Any = next(left, None)
        while is_followed(event) and redirects < _redirects.MAX_REDIRECTS:
            became_get = became_get or event["status_code"] in (301, 302, 303)
            redirects, event = redirects + 1, next(left, None)
        if event is None:
            return None
        if isinstance(event, dict):
            end, again = must_be_after_status(event, redirects, became_get, reads=reads)
        else:
            was_not_sent = is_ours and not redirects and event in NEVER_SENT
            is_free = reads or was_not_sent
            end = errors.APIConnectionError if is_free else errors.OutcomeUnknownError
            passes = issubclass(event, httpx.TransportError | httpx.DecodingError)
            again = is_free and passes and event is not httpx.UnsupportedProtocol
        if not again or retry == max_retries:
            return end
    return None


def must_be_after_status(
    event: dict[str, Any], redirects: int, became_get: bool, *, reads: bool
) -> tuple[type, bool]:
    code = event["status_code"]
    if 200 <= code <= 299:
        return (dict if "json" in event else errors.APIResponseValidationError), False
    is_unclear = code == 408 or 500 <= code <= 599
    end = STATUS_ERRORS.get(code, errors.APIStatusError)
    if reads:
        return end, (is_unclear or code == 429) and event not in BUSY_FOR_LONG
    if is_unclear or became_get or code == 303:
        return errors.OutcomeUnknownError, False
    return end, code == 429 and not redirects and event not in BUSY_FOR_LONG


def may_have_been_carried_out(request: httpx.Request, event: Any) -> bool:
    if request.method == "GET":
        return False
    if isinstance(event, dict):
        return event["status_code"] // 100 in (2, 5) or event["status_code"] in (301, 302, 303, 408)
    return event not in NEVER_SENT


@pytest.mark.parametrize(
    ("method", "max_retries", "is_ours"), [("GET", 1, True), ("POST", 2, True), ("POST", 1, False)]
)
def test_a_call_ends_as_the_table_says_after_every_sequence_of_events(
    method: str, max_retries: int, is_ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_calls, "MAX_REDIRECTS", 1)
    monkeypatch.setattr(_redirects, "MAX_REDIRECTS", 1)
    client = AuthenticatedClient(URL, TOKEN, max_retries=max_retries, follow_redirects=True)
    kwargs = {"method": method, "url": "/v1/jobs/2"}
    case: Any = {"reads": method == "GET", "is_ours": is_ours, "max_retries": max_retries}

    def goes_on(events: list[Event]) -> bool:
        call = client, _calls.result_of, kwargs, Received.json
        played = Play(*call, outcomes=events, is_ours=is_ours)
        end = must_be(events, **case)
        assert played.has_ended == (end is not None), events
        if end is not None:
            assert type(played.end) is end, (events, played.end)
            assert len(played.requests) == len(events)
            if end is not dict:
                check_error(played, events[-1], is_ours=is_ours)
        carried_out = map(may_have_been_carried_out, played.requests, events)
        assert sum(carried_out) <= 1, events
        assert len(played.slept) <= max_retries
        assert sum(played.slept) <= max_retries * 61
        return not played.has_ended

    tried = sum(1 for _ in sequences(EVENTS, KINDS, goes_on))
    print(f"{tried} sequences of events")
    assert tried > (1000 if is_ours else 200)


def check_error(played: Play, event: Event, *, is_ours: bool) -> None:
    """An error says what happened, and neither it nor its request has the token."""
    request, text = played.requests[-1], str(played.end)
    if isinstance(event, dict):
        where = f"{request.method} {request.url}: " if event["status_code"] == 404 else ""
        assert f"{where}status {event['status_code']}" in text
        assert played.end.status_code == event["status_code"]
        if isinstance(played.end, errors.OutcomeUnknownError) and request.method == "GET":
            assert f"redirected to GET {request.url}" in text
        return
    assert f"{request.method} {request.url}: {event.__name__}" in text
    was_not_sent = is_ours and event in NEVER_SENT and request.url.path == "/v1/jobs/2"
    assert ("nothing was sent" in text) == was_not_sent
    assert type(played.end.__cause__) is event
    assert TOKEN not in str(request.headers.raw)


DONE = status(200, {"status": "done", "video": {"url": "u"}})
POLLS: dict[str, tuple[Event, Any]] = {
    "pending": (status(200, {"status": "pending"}), None),
    "nothing": (status(202, b""), None),
    "maintenance": (PAGE, None),
    "busy": (BUSY[1], None),
    "busy for long": (status(503, Retry_After="61"), None),
    "unclear": (status(502), None),
    "lost": (httpx.ReadTimeout, None),
    "closed": (RuntimeError, errors.APIConnectionError),
    "done": (DONE, VideoJob),
    "failed": (status(200, {"status": "failed"}), errors.JobFailedError),
    "no job": (status(200, {"error": {"code": "c", "message": "no job"}}), errors.APIStatusError),
    "404": (status(404), errors.NotFoundError),
}
JOBS = ("pending", "nothing")  # what `.job` of the error can be
INTERVAL, SECONDS = 5.0, 0.7


@pytest.mark.parametrize("timeout", [0.5, 4.0, 6.5, 11.0, 50.0])
def test_a_wait_ends_in_time_and_as_the_last_poll_says(timeout: float) -> None:
    """Polls of every kind, one after the other, with the deadline at every point."""
    client = AuthenticatedClient(URL, TOKEN)
    last_chance = timeout - min(0.1 * timeout, 1.0)

    def goes_on(names: list[str]) -> bool:
        random.seed(1)  # a sequence begins like those that it continues
        request = get_video._get_kwargs("1"), get_video._parse_response
        call = client, _polling.wait, request, get_video._JOB, "1", INTERVAL, timeout, None
        played = Play(*call, outcomes=[POLLS[name][0] for name in names], seconds=SECONDS)
        for earlier, later in itertools.pairwise(played.times):
            assert later == pytest.approx(last_chance) or later - earlier >= 0.8 * INTERVAL, names
        if not played.has_ended:
            return len(names) < (4 if timeout < 20 else 3)
        in_time = played.times[-1] + SECONDS <= timeout
        end = (POLLS[names[-1]][1] if in_time else None) or errors.WaitTimeoutError
        assert type(played.end) is end, (names, played.end)
        assert played.now <= timeout
        assert set(played.deadlines) == {timeout}
        if end is errors.WaitTimeoutError:
            assert str(played.end).endswith(f"after {timeout:g} seconds; waiting can go on")
            seen = [name for name in names[: len(names) - (not in_time)] if name in JOBS]
            assert (played.end.job is None) == (not seen), names
            assert (played.end.__cause__ is None) == (in_time and names[-1] in JOBS), names
            was_asked_to_wait = names[-1].startswith("busy") or names[-2:-1] == ["busy for long"]
            assert played.times[-1] + SECONDS >= last_chance or was_asked_to_wait or not in_time, (
                names
            )
        assert end is VideoJob or played.end.job_id == "1"
        return False

    tried = sum(1 for _ in sequences(list(POLLS), list(POLLS), goes_on))
    print(f"{tried} sequences of polls")
