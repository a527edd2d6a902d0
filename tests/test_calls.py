"""What a call decides: tried on its generator, without a socket or a clock."""

import datetime
import logging
import re
from typing import Any

import httpx
import pytest

from conftest import TOKEN, assert_well_made, client_of
from grok_imagine_video import AuthenticatedClient, _calls, create_video, errors
from playing import URL, Play, status

METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "POST", "PATCH", "DELETE")
SAFE = METHODS[:4]


REQUEST = {"method": "POST", "url": "/v1", "json": {}}


def play(method: str, *outcomes: Any, session: Any = None, **options: Any) -> Play:
    client = client_of(URL, **options)
    steps = _calls.result(client, REQUEST | {"method": method}, httpx.Response.json)
    return Play(steps, *outcomes, session=session)


OK = status(200, {"id": "1"})
LARGE = {"method": "POST", "url": "/v1", "content": bytes(range(256)) * 2048 + b"x"}

STATUS_ERRORS = {
    **{400: errors.BadRequestError, 401: errors.AuthenticationError},
    **{403: errors.PermissionDeniedError, 404: errors.NotFoundError},
    **{409: errors.ConflictError, 422: errors.UnprocessableEntityError},
    429: errors.RateLimitError,
}
UNKNOWN = (408, *range(500, 600))
CODES = (201, 204, 299, 300, 304, *range(399, 432), 499, 500, 501, 502, 524, 598, 599, 600, 999)


@pytest.mark.parametrize("method", METHODS)
def test_every_status_has_its_error_and_its_number_of_requests(method: str) -> None:
    for code in CODES:
        played = play(method, *[status(code)] * 2, max_retries=1)
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
        where = f"{method} {URL}/v1: " if code == 404 else ""
        assert is_unknown or str(end) == f"{where}status {code}: why"
        assert (end.status_code, end.message) == (code, "why")
        assert type(end.status_code) is int


NOT_AS_SPECIFIED: dict[str, bytes] = {
    **{"nothing": b"", "HTML": b"<html><title>Hi</title>", "half of it": b'{"request_id": "1"'},
    **{"null": b"null", "list": b"[]", "number": b"4", "not UTF-8": b'{"a": "\xff"}'},
    **{"too deep": b"[" * 10**6, "much junk": b"x" * 10**6},
}


@pytest.mark.parametrize("content", NOT_AS_SPECIFIED.values(), ids=NOT_AS_SPECIFIED)
def test_a_success_that_is_not_as_specified_is_kept_in_the_error(content: bytes) -> None:
    parse = create_video._parse_response
    end = Play(_calls.result(client_of(URL), REQUEST, parse), status(200, content)).end
    assert type(end) is errors.APIResponseValidationError
    assert end.content == content
    assert_well_made(end)
    for code in (200, 401, 429, 502, 999):
        steps = _calls.detailed(client_of(URL, max_retries=0), REQUEST, parse)
        end = Play(steps, status(code, content, X_Some="thing")).end
        assert (end.status_code, end.content, end.parsed) == (code, content, None)
        assert end.headers["x-some"] == "thing"
    steps = _calls.detailed(client_of(URL), REQUEST, parse)
    assert Play(steps, status(200, {"id": "1"})).end.parsed["id"] == "1"


RAISED = (httpx.RequestError, httpx.InvalidURL, httpx.StreamError)
CLASSES = [each for each in vars(httpx).values() if isinstance(each, type)]
HTTPX = [each for each in CLASSES if issubclass(each, RAISED) and each is not httpx.StreamError]
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
PERMANENT = (httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", HTTPX)
def test_every_exception_of_httpx_has_its_error_and_its_number_of_requests(
    kind: type[Exception], method: str
) -> None:
    played = play(method, *[kind] * 3)
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
AFTER_SEEN: list[list[Any]] = [
    *([kind] for kind in (httpx.ReadError, httpx.ConnectError, httpx.PoolTimeout)),
    *([status(code)] for code in (400, 404, 409, 422, 429, 500, 502)),
    [status(302, Location="/seen")] * 20,
]


@pytest.mark.parametrize("moved", [301, 302, 303])
@pytest.mark.parametrize("outcomes", AFTER_SEEN, ids=str)
def test_a_post_that_was_redirected_to_a_get_has_been_carried_out(
    outcomes: list[Any], moved: int
) -> None:
    first = status(moved, Location="/seen")
    played = play("POST", first, *outcomes, follow_redirects=True)
    assert type(played.end) is errors.OutcomeUnknownError
    assert len(played.requests) == 1 + len(outcomes)


def test_a_post_that_was_redirected_as_a_post_is_not_sent_again() -> None:
    played = play("POST", status(307, Location="/"), status(429), follow_redirects=True)
    assert (type(played.end), len(played.requests)) == (errors.RateLimitError, 2)
    played = play("POST", status(307, Location="/"), httpx.ReadError, follow_redirects=True)
    assert (type(played.end), len(played.requests)) == (errors.OutcomeUnknownError, 2)
    assert TOKEN not in "".join(str(request.headers.raw) for request in played.requests)


def test_a_redirect_that_is_not_followed_is_an_error() -> None:
    for place in ("/elsewhere", "http://[/"):
        assert type(play("POST", status(307, Location=place)).end) is errors.APIStatusError


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_what_tells_who_is_calling_goes_to_the_own_origin_only(code: int) -> None:
    away = ("https://other.example/", "http://gateway.example/", "https://gateway.example:444/")
    moves = [status(code, Location=place) for place in (URL + "/v2", *away, URL + "/v3")]
    secret = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    options = {"follow_redirects": True, "auth_header_name": "X-Api-Key", "session": secret}
    played = play("POST", *moves, OK, **options)
    sent = [TOKEN in str(request.headers.raw) for request in played.requests]
    assert sent == played.have_auth == [True, True, False, False, False, True]
    assert TOKEN in played.requests[-1].headers["x-api-key"]
    bodies = [b"".join(request.stream) for request in played.requests]  # type: ignore[arg-type]
    assert bodies == [b"{}", *[b"{}" if code in (307, 308) else b""] * 5]
    for request in played.requests[:2]:
        assert request.headers["cookie"] == f"secret={TOKEN}"
        assert request.headers["x-secret"] == TOKEN
    for request in played.requests[2:-1]:
        assert TOKEN not in str(request.headers.raw)
        assert set(request.headers) <= {*NEUTRAL, "host", "user-agent"}


def test_a_redirect_is_followed_with_the_cookies_of_the_session_and_of_one_call() -> None:
    client = client_of(URL, follow_redirects=True).with_cookies({"b": "2", "c": "3"})
    session = {"a": "1=2", "d": "4", "b": "9=9"}  # that of the call counts
    for cookies, sent in (({}, "b=2; c=3"), (session, "a=1=2; d=4; b=2; c=3")):
        steps = _calls.result(client, REQUEST, httpx.Response.json)
        moved = status(307, Location="/x")
        played = Play(steps, moved, OK, session={"cookies": cookies})
        sent_cookies = [request.headers["cookie"].split("; ") for request in played.requests]
        assert [sorted(each) for each in sent_cookies] == [sorted(sent.split("; "))] * 2


@pytest.mark.parametrize("code", [400, 429, 500])
def test_an_event_hook_that_raises_for_status_gets_the_same_error(code: int) -> None:
    hooks = {"event_hooks": {"response": [httpx.Response.raise_for_status]}}
    outcomes = [status(code, b"", X_Request_Id="r1")] * 3
    for method in ("GET", "POST"):
        with_hook = play(method, *outcomes, session=hooks)
        without = play(method, *outcomes)
        assert type(with_hook.end) is type(without.end)
        assert (with_hook.end.status_code, with_hook.end.request_id) == (code, "r1")
        assert len(with_hook.requests) == len(without.requests)


OTHER = httpx.Request("POST", "https://telemetry.example/")
OF_HOOKS = [
    httpx.ConnectError("down", request=OTHER),
    *(httpx.HTTPStatusError("", request=OTHER, response=httpx.Response(n)) for n in (404, 429)),
]


@pytest.mark.parametrize("error", OF_HOOKS, ids=repr)
def test_what_an_event_hook_does_itself_says_nothing_about_ours(error: httpx.HTTPError) -> None:
    def hook(_: httpx.Response) -> None:
        raise error

    played = play("POST", *[OK] * 3, session={"event_hooks": {"response": [hook]}})
    assert type(played.end) is errors.OutcomeUnknownError
    assert len(played.requests) == 1


def test_what_arrived_before_the_connection_broke_is_kept_without_the_token() -> None:
    broken = httpx.ReadError("reset")
    content = f'{{"request_id": "1", "echo": "{TOKEN}"'.encode()
    vars(broken)["received"] = httpx.Response(200, headers={"X-Request-Id": "r1"}, content=content)
    end = play("POST", broken).end
    assert "ReadError reset (it was sent" in str(end)
    assert (end.status_code, end.request_id) == (200, "r1")
    assert end.content == content.replace(TOKEN.encode(), b"[token]")
    assert_well_made(end)


def test_a_path_that_is_too_long_for_a_url_is_an_error_of_ours() -> None:
    kwargs = REQUEST | {"url": "/v1/" + "x" * 70_000}
    end = Play(_calls.result(client_of(URL), kwargs, httpx.Response.json)).end
    assert type(end) is errors.APIConnectionError
    assert "nothing was sent" in str(end)


ECHOES: list[Any] = [
    status(401, {"error": {"message": f"Incorrect API key provided: {TOKEN}"}}),
    status(401, b'{"error": "' + TOKEN.replace("/", "\\/").encode() + b'"}'),
    *(status(code, f"<h1>{TOKEN}</h1>".encode(), X_Request_Id=TOKEN) for code in (200, 400, 502)),
    httpx.LocalProtocolError(f"illegal header value {TOKEN}"),
]


@pytest.mark.parametrize("echo", ECHOES, ids=str)
def test_a_token_that_a_server_or_an_exception_quotes_is_in_no_error(echo: Any) -> None:
    end = play("POST", echo).end
    if isinstance(echo, Exception):
        assert "illegal header value [token]" in str(end)
    else:
        assert_well_made(end)


def test_a_token_too_short_to_be_a_secret_does_not_garble_messages() -> None:
    client = AuthenticatedClient(URL, "why")
    end = Play(_calls.result(client, REQUEST, httpx.Response.json), status(400)).end
    assert end.message == "why"


# The pause that each asks for, without jitter; None for the error at once, "" for a backoff.
RETRY_AFTER: dict[str, float | str | None] = {
    **{"3": 3, "0.5": 0.5, "0": 0, "-5": 0, "60": 60, "nan": "", "soon": "", "": ""},
    **{"61": None, "86400": None, "9" * 4000: None, "inf": None},
    **dict.fromkeys(("%a, %d %b %Y %T GMT", "%A, %d-%b-%y %T GMT", "%a %b %e %T %Y"), 29),
    **{"Sun, 06 Nov 1994 08:49:37 GMT": 0, "Fri, 31 Dec 9999 23:59:59 GMT": None},
    **{"Mon, 01 Jan 2024 00:00:00 XYZ": 0, "Mon, 01 Jan 2024 00:00:00 +2500": 0},
}


@pytest.mark.parametrize("header", ["Retry-After", "llm_provider-retry-after"])
@pytest.mark.parametrize("value", RETRY_AFTER, ids=lambda value: value[:20])
def test_a_429_is_retried_when_the_server_asks_for_it(value: str, header: str) -> None:
    in_half_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    busy = status(429) | {"headers": {header: in_half_a_minute.strftime(value)}}
    played = play("POST", busy, OK)
    error = errors.RateLimitError(headers=busy["headers"])
    assert (error.retry_after is None) == isinstance(RETRY_AFTER[value], str)
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
        plays = [play("POST", *[status(429)] * 10, max_retries=9) for _ in range(20)]
        pauses = [played.slept[retry] for played in plays]
        assert all(least <= pause <= most for pause in pauses)
        assert len(set(pauses)) > 1 or least == most


@pytest.mark.parametrize(("max_retries", "requests"), [(0, 1), (1, 2), (5, 6)])
def test_max_retries_bounds_the_requests(max_retries: int, requests: int) -> None:
    busy = status(429, Retry_After="7")
    played = play("POST", *[busy] * 6, max_retries=max_retries)
    assert (type(played.end), played.end.retry_after) == (errors.RateLimitError, 7)
    assert len(played.requests) == requests
    assert [int(pause) for pause in played.slept] == [7] * max_retries
    assert len(set(played.slept)) == max_retries  # callers who were refused together spread out


def test_each_retry_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "grok_imagine_video")
    echo = status(429, {"error": f"{TOKEN} is too fast"}, Retry_After="2")
    play("POST", echo, httpx.ConnectError, OK)
    first, second = (record.getMessage() for record in caplog.records)
    assert re.match(r"retry 1 of 2 in [23]\.\d s: status 429", first)
    assert "ConnectError" in second
    assert TOKEN not in caplog.text


def test_a_large_body_is_sent_in_chunks() -> None:
    (request,) = Play(_calls.result(client_of(URL), LARGE, httpx.Response.json), OK).requests
    assert list(map(len, request.stream)) == [262_144, 262_144, 1]  # type: ignore[arg-type]
    assert b"".join(request.stream) == LARGE["content"]  # type: ignore[arg-type]


def test_the_url_that_was_asked_for_is_named_without_secrets() -> None:
    client = AuthenticatedClient(URL, TOKEN)
    kwargs = {"method": "GET", "url": f"/v1/{TOKEN}", "params": {"key": "s3cret"}}
    for outcome, why in ((status(404), "status 404: why"), (httpx.ReadError, "ReadError boom")):
        end = Play(_calls.result(client, kwargs, httpx.Response.json), *[outcome] * 3).end
        assert str(end) == f"GET {URL}/v1/[token]: {why}"
