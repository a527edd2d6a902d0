"""What a call decides: tried on its generator, without a socket or a clock."""

import datetime
import logging
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


def play(client: Client, method: str, *outcomes: Any) -> Play:
    steps = _calls.result(client, {"method": method, "url": "/v1"}, httpx.Response.json)
    return Play(steps, *outcomes)


OK = {"status_code": 200, "json": {"id": "1"}}

STATUS_ERRORS = {
    **{400: errors.BadRequestError, 401: errors.AuthenticationError},
    **{403: errors.PermissionDeniedError, 404: errors.NotFoundError},
    **{409: errors.ConflictError, 422: errors.UnprocessableEntityError},
    429: errors.RateLimitError,
}
UNKNOWN = (408, 502, 504, 520, 524)


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


MOVED = status(303, Location="/seen")
# What follows a redirect of a POST, and how many requests there are in all.
REDIRECTED: dict[str, tuple[list[Any], int]] = {
    "reset": ([MOVED, httpx.ReadError], 2),
    "no connection": ([MOVED, httpx.ConnectError], 2),
    "no permit": ([MOVED, httpx.PoolTimeout], 2),
    "429": ([MOVED, status(429)], 2),
    "in circles": ([MOVED] * 21, 21),
}


@pytest.mark.parametrize(("outcomes", "number"), REDIRECTED.values(), ids=REDIRECTED)
def test_a_post_that_was_redirected_was_received_and_is_not_sent_again(
    outcomes: list[Any], number: int
) -> None:
    played = play(client_of(follow_redirects=True), "POST", *outcomes)
    assert isinstance(played.end, errors.APIError)
    assert not isinstance(played.end, errors.APIConnectionError)
    assert len(played.requests) == number


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_the_token_goes_to_the_own_origin_only(header: str) -> None:
    away = ("https://other.example/", "http://gateway.example/", "https://gateway.example:444/")
    moves = [status(307, Location=place) for place in (*away, URL + "/back")]
    client = client_of(follow_redirects=True, auth_header_name=header)
    sent = play(client, "POST", *moves, OK).requests
    assert [TOKEN in str(request.headers.raw) for request in sent] == [True, *[False] * 3, True]


def test_a_token_in_the_text_of_an_exception_is_not_shown() -> None:
    quoting = httpx.LocalProtocolError(f"illegal header value {TOKEN}")
    assert "illegal header value [token]" in str(play(client_of(), "POST", quoting).end)


def test_a_token_too_short_to_be_a_secret_does_not_garble_messages() -> None:
    end = play(AuthenticatedClient(URL, "why"), "POST", status(400)).end
    assert end.message == "why"


RETRY_AFTER = {
    "seconds": ("3", 3, 3),
    "fraction": ("0.5", 0.5, 0.5),
    "none": ("0", 0, 0),
    "negative": ("-5", 0, 0),
    "IMF-fixdate": ("%a, %d %b %Y %H:%M:%S GMT", 28, 30),
    "RFC 850": ("%A, %d-%b-%y %H:%M:%S GMT", 28, 30),
    "asctime": ("%a %b %e %H:%M:%S %Y", 28, 30),
    "past date": ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
    "hostile": ("999999999", 60, 60),
    "hostile digits": ("9" * 4000, 60, 60),
    "infinite": ("inf", 60, 60),
    "far date": ("Fri, 31 Dec 9999 23:59:59 GMT", 60, 60),
    "not a number": ("nan", 0.5, 1.5),
    "nonsense": ("soon", 0.5, 1.5),
    "date without a zone": ("Mon, 01 Jan 2024 00:00:00 XYZ", 0, 0),
    "date of an impossible zone": ("Mon, 01 Jan 2024 00:00:00 +2500", 0, 0),
    "empty": ("", 0.5, 1.5),
}


@pytest.mark.parametrize(("value", "least", "most"), RETRY_AFTER.values(), ids=RETRY_AFTER)
def test_a_429_is_retried_when_the_server_asks_for_it_but_not_later(
    value: str, least: float, most: float
) -> None:
    in_half_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    busy = status(429, Retry_After=in_half_a_minute.strftime(value))
    played = play(client_of(), "POST", busy, OK)
    assert (played.end, len(played.requests)) == ({"id": "1"}, 2)
    assert least <= played.slept[0] <= most


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
    assert played.slept == [7] * max_retries


def test_each_retry_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "grok_imagine_video")
    echo = status(429, {"error": f"{TOKEN} is too fast"}, Retry_After="2")
    play(client_of(), "POST", echo, httpx.ConnectError, OK)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("retry 1 of 2 in 2.0 s: status 429")
    assert "ConnectError" in second
    assert TOKEN not in caplog.text
