"""What a call decides: tried on its generator, without a socket or a clock."""

import datetime
import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from grok_imagine_video import AuthenticatedClient, Client, _calls, errors
from playing import URL, Play, status

TOKEN = "sk-secret-0123456789"
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "POST", "PATCH", "DELETE")
SAFE = METHODS[:4]


def client_of(**arguments: Any) -> AuthenticatedClient:
    return AuthenticatedClient(URL, TOKEN, **arguments)


def play(client: Client, method: str, *outcomes: Any, session: Any = None) -> Play:
    steps = _calls.result(client, {"method": method, "url": "/v1"}, httpx.Response.json)
    return Play(steps, *outcomes, session=session)


OK = {"status_code": 200, "json": {"id": "1"}}

STATUS_ERRORS = {
    **{400: errors.BadRequestError, 401: errors.AuthenticationError},
    **{403: errors.PermissionDeniedError, 404: errors.NotFoundError},
    **{409: errors.ConflictError, 422: errors.UnprocessableEntityError},
    429: errors.RateLimitError,
}
UNKNOWN = (408, *range(500, 600))


@pytest.mark.parametrize("method", METHODS)
def test_every_status_has_its_error_and_its_number_of_requests(method: str) -> None:
    for code in [*range(201, 1000)]:
        played = play(client_of(max_retries=1), method, *[status(code)] * 2)
        end = played.end
        again = code == 429 or (method in SAFE and (code == 408 or 500 <= code <= 599))
        assert len(played.requests) == 1 + again, code
        if code <= 299:
            assert end == {"error": {"message": "why"}}
            continue
        fallback = errors.InternalServerError if 500 <= code <= 599 else errors.APIStatusError
        is_unknown = code in UNKNOWN and method not in SAFE
        expected = errors.OutcomeUnknownError if is_unknown else STATUS_ERRORS.get(code, fallback)
        assert type(end) is expected, code
        assert (end.status_code, end.message) == (code, "why")
        assert type(end.status_code) is int


def subclasses(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for sub in kind.__subclasses__():
        yield from subclasses(sub)


HTTPX = sorted(
    {*subclasses(httpx.TransportError), *httpx.StreamError.__subclasses__()}
    | {httpx.DecodingError, httpx.TooManyRedirects, httpx.InvalidURL},
    key=lambda kind: kind.__name__,
)
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
PERMANENT = (httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", HTTPX)
def test_every_exception_of_httpx_has_its_error_and_its_number_of_requests(
    kind: type[Exception], method: str
) -> None:
    played = play(client_of(), method, *[kind] * 3)
    end = played.end
    was_not_sent = kind in (*NEVER_SENT, httpx.UnsupportedProtocol)
    is_safe = method == "GET" or was_not_sent
    assert type(end) is (errors.APIConnectionError if is_safe else errors.OutcomeUnknownError)
    assert ("nothing was sent" in str(end)) == was_not_sent
    assert type(end.__cause__) is kind
    assert kind.__name__ in str(end)
    assert len(played.requests) == (3 if is_safe and kind not in PERMANENT else 1)
    assert TOKEN not in str(played.requests[-1].headers.raw)


NEUTRAL = {"accept", "accept-encoding", "content-length", "content-type"}
# What follows a redirect of a POST to a GET, and how many requests there are in all.
AFTER_SEEN: dict[str, tuple[list[Any], int]] = {
    "reset": ([httpx.ReadError], 2),
    "no connection": ([httpx.ConnectError], 2),
    "no permit": ([httpx.PoolTimeout], 2),
    **{str(code): ([status(code)], 2) for code in (400, 404, 409, 422, 429, 500, 502)},
    "more redirects": ([status(302, Location="/seen")] * 20, 21),
}


@pytest.mark.parametrize("moved", [301, 302, 303])
@pytest.mark.parametrize(("outcomes", "number"), AFTER_SEEN.values(), ids=AFTER_SEEN)
def test_a_post_that_was_redirected_to_a_get_has_been_carried_out(
    outcomes: list[Any], number: int, moved: int
) -> None:
    first = status(moved, Location="/seen")
    played = play(client_of(follow_redirects=True), "POST", first, *outcomes)
    assert type(played.end) is errors.OutcomeUnknownError
    assert len(played.requests) == number


def test_a_post_that_was_redirected_as_a_post_is_not_sent_again() -> None:
    played = play(client_of(follow_redirects=True), "POST", status(307, Location="/"), status(429))
    assert (type(played.end), len(played.requests)) == (errors.RateLimitError, 2)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_what_tells_who_is_calling_goes_to_the_own_origin_only(code: int) -> None:
    away = ("https://other.example/", "http://gateway.example/", "https://gateway.example:444/")
    moves = [status(code, Location=place) for place in (URL + "/v2", *away)]
    client = client_of(follow_redirects=True, auth_header_name="X-Api-Key")
    secret = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    played = play(client, "POST", *moves, OK, session=secret)
    sent = [TOKEN in str(request.headers.raw) for request in played.requests]
    assert sent == played.have_auth == [True, True, False, False, False]
    for request in played.requests[:2]:
        assert request.headers["cookie"] == f"secret={TOKEN}"
        assert request.headers["x-secret"] == TOKEN
    for request in played.requests[2:]:
        assert TOKEN not in str(request.headers.raw)
        assert set(request.headers) <= {*NEUTRAL, "host", "user-agent"}


@pytest.mark.parametrize("code", [400, 429, 500])
def test_an_event_hook_that_raises_for_status_gets_the_same_error(code: int) -> None:
    hooks = {"event_hooks": {"response": [httpx.Response.raise_for_status]}}
    for method in ("GET", "POST"):
        with_hook = play(client_of(), method, *[status(code)] * 3, session=hooks)
        without = play(client_of(), method, *[status(code)] * 3)
        assert type(with_hook.end) is type(without.end)
        assert with_hook.end.status_code == code
        assert len(with_hook.requests) == len(without.requests)


def test_a_path_that_is_too_long_for_a_url_is_an_error_of_ours() -> None:
    kwargs = {"method": "GET", "url": "/v1/" + "x" * 70_000}
    played = Play(_calls.result(client_of(), kwargs, httpx.Response.json))
    assert type(played.end) is errors.APIConnectionError
    assert "nothing was sent" in str(played.end)


def test_a_token_in_the_text_of_an_exception_is_not_shown() -> None:
    quoting = httpx.LocalProtocolError(f"illegal header value {TOKEN}")
    assert "illegal header value [token]" in str(play(client_of(), "POST", quoting).end)


def test_a_token_too_short_to_be_a_secret_does_not_garble_messages() -> None:
    end = play(AuthenticatedClient(URL, "why"), "POST", status(400)).end
    assert end.message == "why"


# The pause that each asks for, without jitter; None for the error at once, "" for a backoff.
RETRY_AFTER: dict[str, float | str | None] = {
    **{"3": 3, "0.5": 0.5, "0": 0, "-5": 0, "60": 60, "nan": "", "soon": "", "": ""},
    **{"61": None, "86400": None, "9" * 4000: None, "inf": None},
    "%a, %d %b %Y %H:%M:%S GMT": 29,
    "%A, %d-%b-%y %H:%M:%S GMT": 29,
    "%a %b %e %H:%M:%S %Y": 29,
    "Sun, 06 Nov 1994 08:49:37 GMT": 0,
    "Fri, 31 Dec 9999 23:59:59 GMT": None,
    "Mon, 01 Jan 2024 00:00:00 XYZ": 0,
    "Mon, 01 Jan 2024 00:00:00 +2500": 0,
}


@pytest.mark.parametrize("header", ["Retry-After", "llm_provider-retry-after"])
@pytest.mark.parametrize("value", RETRY_AFTER, ids=lambda value: value[:20])
def test_a_429_is_retried_when_the_server_asks_for_it(value: str, header: str) -> None:
    in_half_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    busy = status(429) | {"headers": {header: in_half_a_minute.strftime(value)}}
    played = play(client_of(), "POST", busy, OK)
    if (pause := RETRY_AFTER[value]) is None:
        assert (type(played.end), played.slept) == (errors.RateLimitError, [])
        assert played.end.retry_after is None or played.end.retry_after > 60
    else:
        least = 0.5 if isinstance(pause, str) else pause
        assert played.end == {"id": "1"}
        assert least - 1 < played.slept[0] <= least + 1 + (pause == 29)
        assert played.slept[0] >= (0 if pause == 29 else least)


def test_the_backoff_doubles_with_jitter_up_to_a_bound() -> None:
    for least, most, retry in ((0.5, 1.5, 0), (1, 2, 1), (2, 3, 2), (4, 5, 3), (8, 8, 4)):
        client = client_of(max_retries=9)
        pauses = [play(client, "POST", *[status(429)] * 10).slept[retry] for _ in range(20)]
        assert all(least <= pause <= most for pause in pauses)
        assert len(set(pauses)) > 1 or least == most


@pytest.mark.parametrize(("max_retries", "requests"), [(0, 1), (1, 2), (5, 6)])
def test_max_retries_bounds_the_requests(max_retries: int, requests: int) -> None:
    busy = status(429, Retry_After="7")
    played = play(client_of(max_retries=max_retries), "POST", *[busy] * 6)
    assert (type(played.end), played.end.retry_after) == (errors.RateLimitError, 7)
    assert len(played.requests) == requests
    assert [int(pause) for pause in played.slept] == [7] * max_retries
    assert len(set(played.slept)) == max_retries  # callers who were refused together spread out


def test_each_retry_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "grok_imagine_video")
    echo = status(429, {"error": f"{TOKEN} is too fast"}, Retry_After="2")
    play(client_of(), "POST", echo, httpx.ConnectError, OK)
    first, second = (record.getMessage() for record in caplog.records)
    assert re.match(r"retry 1 of 2 in [23]\.\d s: status 429", first)
    assert "ConnectError" in second
    assert TOKEN not in caplog.text


def test_a_404_names_the_url_that_was_asked_for_without_secrets() -> None:
    client = AuthenticatedClient(URL, TOKEN)
    kwargs = {"method": "GET", "url": f"/v1/{TOKEN}", "params": {"key": "s3cret"}}
    end = Play(_calls.result(client, kwargs, httpx.Response.json), status(404)).end
    assert str(end) == f"GET {URL}/v1/[token]: status 404: why"
