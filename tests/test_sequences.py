"""Every sequence of events that a call and a wait can meet, tried on their generators.

What must come of each is worked out here from the table in docs/failures.md.
"""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeGuard

import httpx
import pytest
from attrs import define, field

from grok_imagine_video import (
    AuthenticatedClient,
    VideoJob,
    _calls,
    _io,
    _polling,
    _redirects,
    errors,
    get_video,
)
from grok_imagine_video._bodies import Received, TooLargeError
from grok_imagine_video._calls import Now, Sleep
from grok_imagine_video._opening import Opened, open_session

HOME, ABROAD = "https://gateway.example", "https://elsewhere.example"
SECRET = "sk-secret-0123456789"

# What happens to a request: a response, as arguments of `httpx.Response`, or an exception.
Event = dict[str, Any] | type[Exception]


def status(code: int, content: bytes = b"{}", **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status_code": code, "headers": named, "content": content}


SOON = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
BUSY = [status(429, Retry_After=value) for value in ("0", "1.5", "60", "-1", "nan", "later", SOON)]
BUSY += [status(429), status(429, llm_provider_retry_after="2")]
BUSY_FOR_LONG = [status(429, Retry_After=value) for value in ("61", "86400", "1e9")]
BUSY_FOR_LONG += [status(503, Retry_After="61")]
REDIRECTS = [
    status(code, Location=f"{origin}/v1/jobs/1")
    for code in (301, 302, 303, 307, 308)
    for origin in (HOME, ABROAD)
]
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
NEVER_SENT = (*NOT_SENT, httpx.UnsupportedProtocol)
HOPELESS = (
    *(httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.StreamClosed, TooLargeError),
    *(RuntimeError, UnicodeError),
)
SENT = (
    *(httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError, httpx.CloseError),
    *(httpx.RemoteProtocolError, httpx.LocalProtocolError, httpx.DecodingError),
)
REFUSED = [status(code) for code in (302, 400, 401, 403, 404, 409, 413, 422, 451, 999)]
UNCLEAR = [status(code) for code in (408, 500, 502, 503, 504, 521, 529, 530, 598, 599)]
FINE = [status(200), status(201), status(200, b"<html>"), status(204, b"")]
EVENTS: list[Event] = [
    *FINE,
    *REFUSED,
    *UNCLEAR,
    *BUSY,
    *BUSY_FOR_LONG,
    *REDIRECTS,
    *NOT_SENT,
    *HOPELESS,
    *SENT,
]
# One of each kind, for every place but the first.
KINDS: list[Event] = [
    *(FINE[0], FINE[2], REFUSED[1], UNCLEAR[1], BUSY[1], BUSY_FOR_LONG[1], HOPELESS[0], SENT[0]),
    *(NOT_SENT[0], REDIRECTS[2], REDIRECTS[3], REDIRECTS[6], REDIRECTS[7]),
]


@define
class Played:
    """What came of a generator; it has not ended if it asks for one more event."""

    methods: list[str] = field(factory=list)
    times: list[float] = field(factory=list)
    slept: list[float] = field(factory=list)
    now: float = 0.0
    end: Any = None
    has_ended: bool = False


def happen(request: httpx.Request) -> httpx.Response:
    """Let the event happen that is noted in a request."""
    assert str(request.url).startswith(HOME)
    assert SECRET in request.headers["Authorization"]
    event: Any = request.extensions["event"]
    if isinstance(event, dict):
        return httpx.Response(**event)
    if issubclass(event, httpx.RequestError):
        raise event("boom", request=request)
    raise event() if event is httpx.StreamClosed else event("boom")


SESSION = open_session({"base_url": HOME, "transport": httpx.MockTransport(happen)})


def play(
    client: AuthenticatedClient,
    steps_of: Any,
    *args: Any,
    events: Sequence[Event],
    is_ours: bool = True,
    seconds: float = 0.0,
) -> Played:
    """Let events happen to a generator, each after some seconds."""
    random.seed(1)  # a sequence begins like those that it continues
    played, left = Played(), iter(events)
    steps = steps_of(client, Opened(SESSION, is_ours), *args)
    try:
        step = next(steps)
        while True:
            if isinstance(step, Now):
                step = steps.send(played.now)
            elif isinstance(step, Sleep):
                played.slept.append(step.seconds)
                played.now += step.seconds
                step = steps.send(None)
            elif (event := next(left, None)) is None:
                steps.close()
                return played
            else:
                played.methods.append(step.request.method)
                played.times.append(played.now)
                played.now += seconds
                if step.deadline is not None and played.now > step.deadline:
                    played.now, event = step.deadline, httpx.ReadTimeout
                step.request.extensions["event"], step.deadline = event, None
                step = steps.send(_io._exchange(SESSION, step, client.max_response_size))
    except StopIteration as end:
        played.end = end.value
    except errors.APIError as error:
        played.end = error
    played.has_ended = True
    assert next(left, None) is None
    return played


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


def is_redirect(event: Event | None) -> TypeGuard[dict[str, Any]]:
    return isinstance(event, dict) and "Location" in event["headers"]


def is_followed(event: Event | None) -> TypeGuard[dict[str, Any]]:
    return is_redirect(event) and event["headers"]["Location"].startswith(HOME)


def must_be(events: Sequence[Event], *, reads: bool, is_ours: bool, max_retries: int) -> Any:
    """How a call must end after these events, by the table of errors; None if it must go on."""
    left = iter(events)
    for retry in range(max_retries + 1):
        redirects, became_get = 0, False
        while is_followed(event := next(left, None)) and redirects < _redirects.MAX_REDIRECTS:
            redirects += 1
            became_get = became_get or event["status_code"] in (301, 302, 303)
        if event is None:
            return None
        if isinstance(event, dict):
            end, again = must_be_after_status(event, redirects, became_get, reads=reads)
        else:
            was_sent = redirects or not (is_ours and event in NEVER_SENT)
            is_unknown = was_sent and not reads
            end = errors.OutcomeUnknownError if is_unknown else errors.APIConnectionError
            again = not is_unknown and event not in HOPELESS
        if not again or retry == max_retries:
            return end
    return None


def must_be_after_status(
    event: dict[str, Any], redirects: int, became_get: bool, *, reads: bool
) -> tuple[type, bool]:
    code = event["status_code"]
    if 200 <= code <= 299:
        return (dict if event["content"] == b"{}" else errors.APIResponseValidationError), False
    is_unclear = code == 408 or 500 <= code <= 599
    if reads:
        return errors.APIStatusError, (is_unclear or code == 429) and event not in BUSY_FOR_LONG
    if is_unclear or became_get or code == 303:
        return errors.OutcomeUnknownError, False
    return errors.APIStatusError, code == 429 and not redirects and event not in BUSY_FOR_LONG


def may_have_been_carried_out(method: str, event: Event) -> bool:
    if method == "GET":
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
    client = AuthenticatedClient(
        HOME, SECRET, max_retries=max_retries, follow_redirects=True, timeout=None
    )
    kwargs = {"method": method, "url": "/v1/jobs/2"}
    reads = method == "GET"

    def goes_on(events: list[Event]) -> bool:
        call = client, _calls.result_of, kwargs, Received.json
        played = play(*call, events=events, is_ours=is_ours)
        end = must_be(events, reads=reads, is_ours=is_ours, max_retries=max_retries)
        assert played.has_ended == (end is not None), events
        if end:
            assert isinstance(played.end, end), (events, played.end)
        carried_out = map(may_have_been_carried_out, played.methods, events)
        assert sum(carried_out) <= 1, events
        assert len(played.slept) <= max_retries
        assert sum(played.slept) <= max_retries * 61
        return not played.has_ended

    tried = sum(1 for _ in sequences(EVENTS, KINDS, goes_on))
    print(f"{tried} sequences of events")
    assert tried > (1000 if is_ours else 200)


DONE, FAILED = {"status": "done", "video": {"url": "u"}}, {"status": "failed"}
PENDING, NO_JOB = {"status": "pending"}, {"error": {"code": "not_found", "message": "no job"}}
POLLS: dict[str, tuple[Event, Any]] = {
    "pending": (status(200, json.dumps(PENDING).encode()), None),
    "nothing": (status(202, b""), None),
    "maintenance": (status(200, b"<html>"), None),
    "busy": (BUSY[1], None),
    "busy for long": (status(503, Retry_After="61"), None),
    "unclear": (UNCLEAR[2], None),
    "lost": (httpx.ReadTimeout, None),
    "closed": (RuntimeError, errors.APIConnectionError),
    "done": (status(200, json.dumps(DONE).encode()), VideoJob),
    "failed": (status(200, json.dumps(FAILED).encode()), errors.JobFailedError),
    "no job": (status(200, json.dumps(NO_JOB).encode()), errors.APIStatusError),
    "404": (status(404), errors.NotFoundError),
}
RULES = get_video._JOB
JOBS = ("pending", "nothing")  # what `.job` of the error can be
INTERVAL, SECONDS = 5.0, 0.7


@pytest.mark.parametrize("timeout", [0.5, 4.0, 6.5, 11.0, 70.0])
def test_a_wait_ends_in_time_and_as_the_last_poll_says(timeout: float) -> None:
    """Polls of every kind, one after the other, with the deadline at every point."""
    client = AuthenticatedClient(HOME, SECRET)
    last_chance = timeout - min(0.1 * timeout, 1.0)

    def goes_on(names: list[str]) -> bool:
        request = get_video._get_kwargs("1"), get_video._parse_response
        call = client, _polling.wait, request, RULES, "1", INTERVAL, timeout, None
        played = play(*call, events=[POLLS[name][0] for name in names], seconds=SECONDS)
        for earlier, later in itertools.pairwise(played.times):
            assert later == pytest.approx(last_chance) or later - earlier >= 0.8 * INTERVAL, names
        if not played.has_ended:
            return len(names) < 4
        in_time = played.times[-1] + SECONDS <= timeout
        end = (POLLS[names[-1]][1] if in_time else None) or errors.WaitTimeoutError
        assert isinstance(played.end, end), (names, played.end)
        assert played.now <= timeout
        if end is errors.WaitTimeoutError:
            seen = [name for name in names[: len(names) - (not in_time)] if name in JOBS]
            assert (played.end.job is None) == (not seen), names
            was_asked_to_wait = names[-1].startswith("busy") or names[-2:-1] == ["busy for long"]
            assert played.times[-1] + SECONDS >= last_chance or was_asked_to_wait or not in_time, (
                names
            )
        return False

    tried = sum(1 for _ in sequences(list(POLLS), list(POLLS), goes_on))
    print(f"{tried} sequences of polls")
