"""Every sequence of events that a call can meet, tried on its generator.

What must come of each is worked out here from the table in docs/failures.md.
"""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from conftest import TOKEN
from grok_imagine_video import AuthenticatedClient, errors
from grok_imagine_video_runtime import _calls
from grok_imagine_video_runtime._bodies import TooLargeError
from playing import URL, Play, asking, status

# What happens to a request: a response, as arguments of `httpx.Response`, or an exception.
Event = dict[str, Any] | type[Exception]

BUSY = [status(429), *(status(429, Retry_After=value) for value in ("1.5", "60"))]
BUSY_FOR_LONG = [status(code, Retry_After="61") for code in (429, 503)]
REDIRECTS = [
    status(code, Location=f"{origin}/v1/jobs/1")
    for code in (301, 302, 303, 307, 308)
    for origin in (URL, "https://elsewhere.example")
]
CLASSES = [kind for kind in vars(httpx).values() if isinstance(kind, type)]
HTTPX = (httpx.RequestError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)
# What a mock, a hook, a closed session, a `Location` that is no URL, or a bug may raise.
OTHERS = (RuntimeError, ValueError, UnicodeError, AssertionError, OSError)
EXCEPTIONS = [*(kind for kind in CLASSES if issubclass(kind, HTTPX)), *OTHERS, TooLargeError]
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
NEVER_SENT = (*NOT_SENT, httpx.UnsupportedProtocol)
CODES = (201, 204, 299, 300, 304, *range(399, 432), 499, 500, 501, 524, 599, 600, 999)
FINE, PAGE = status(200), status(200, b"<html>")
EVENTS: list[Event] = [FINE, PAGE, *map(status, CODES), *BUSY, *BUSY_FOR_LONG, *REDIRECTS]
EVENTS += EXCEPTIONS
# One of each kind, for every place but the first.
KINDS: list[Event] = [FINE, status(400), status(500), BUSY[1], BUSY_FOR_LONG[0], RuntimeError]
KINDS += [httpx.ReadTimeout, httpx.ConnectError, REDIRECTS[2], REDIRECTS[3], REDIRECTS[6]]

STATUS_ERRORS = {
    **{400: errors.BadRequestError, 401: errors.AuthenticationError},
    **{403: errors.PermissionDeniedError, 404: errors.NotFoundError, 409: errors.ConflictError},
    **{422: errors.UnprocessableEntityError, 429: errors.RateLimitError},
    **dict.fromkeys(range(500, 600), errors.InternalServerError),
}


def is_followed(event: Any) -> bool:
    return isinstance(event, dict) and event["headers"].get("Location", "").startswith(URL)


def must_be(events: Sequence[Event], *, reads: bool, is_ours: bool, max_retries: int) -> Any:
    """How a call must end after these events, by the table of errors; None if it must go on."""
    left = iter(events)
    for retry in range(max_retries + 1):
        redirects, became_get = 0, False
        event: Any = next(left, None)
        while is_followed(event) and redirects < 1:  # the session follows one
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
    method: str, max_retries: int, is_ours: bool
) -> None:
    client = AuthenticatedClient(URL, TOKEN, max_retries=max_retries, follow_redirects=True)
    request = asking(method, "/v1/jobs/2")
    playing: Any = {"is_ours": is_ours, "session": {"max_redirects": 1}}
    case: Any = {"reads": method == "GET", "is_ours": is_ours, "max_retries": max_retries}

    unfinished: list[list[Event]] = [[]]
    tried = 0
    while unfinished:
        events = unfinished.pop()
        played = Play(client, _calls.parsed, request, outcomes=events, **playing)
        end = must_be(events, **case)
        assert played.has_ended == (end is not None), events
        assert len(played.slept) <= max_retries
        assert sum(played.slept) <= max_retries * 61
        if end is None:
            unfinished += [[*events, event] for event in (KINDS if events else EVENTS)]
            continue
        assert type(played.end) is end, (events, played.end)
        assert len(played.requests) == len(events)
        if isinstance(events[-1], type):  # an error has no status of a redirect before it
            assert not getattr(played.end, "status_code", None), events
        carried_out = map(may_have_been_carried_out, played.requests, events)
        assert sum(carried_out) <= 1, events
        tried += 1
    assert tried > (800 if is_ours else 200)
