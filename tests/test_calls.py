"""What a call decides: tried on its generator, without a socket or a clock."""

import datetime
import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from conftest import TOKEN, assert_well_made, client_of
from grok_imagine_video import AuthenticatedClient, _calls, create_video, errors
from grok_imagine_video._bodies import Received
from playing import URL, Play, status

METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "POST", "PATCH", "DELETE")
SAFE = METHODS[:4]


REQUEST = {"method": "POST", "url": "/v1", "json": {}}


def play(method: str, *outcomes: Any, session: Any = None, **options: Any) -> Play:
    """A call; `is_ours` tells whether this package opened the transport."""
    is_ours = options.pop("is_ours", True)
    call = client_of(URL, **options), _calls.result_of, REQUEST | {"method": method}
    return Play(*call, Received.json, outcomes=outcomes, session=session, is_ours=is_ours)


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
    client = client_of(URL, max_retries=0)
    end = Play(client, _calls.result_of, REQUEST, parse, outcomes=[status(200, content)]).end
    assert type(end) is errors.APIResponseValidationError
    assert end.content == content
    assert_well_made(end)
    for code in (200, 401, 429, 502, 999):
        call = client, _calls.detailed, REQUEST, parse
        end = Play(*call, outcomes=[status(code, content, X_Some="thing")]).end
        assert (end.status_code, end.content, end.parsed) == (code, content, None)
        assert end.headers["x-some"] == "thing"
    assert Play(*call, outcomes=[status(200, {"id": "1"})]).end.parsed["id"] == "1"


CLASSES = [each for each in vars(httpx).values() if isinstance(each, type)]
HTTPX = [
    *(each for each in CLASSES if issubclass(each, httpx.RequestError | httpx.InvalidURL)),
    *(each for each in CLASSES if issubclass(each, httpx.StreamError | httpx.CookieConflict)),
]
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# What a mock, a hook, a closed session, a `Location` that is no URL, or a bug may raise.
OTHERS = (RuntimeError, ValueError, UnicodeError, AssertionError, OSError, ExceptionGroup)


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", [*HTTPX, *OTHERS])
def test_every_exception_has_its_error_and_its_number_of_requests(
    kind: type[Exception], method: str, is_ours: bool
) -> None:
    raised: Any = ExceptionGroup("", [OSError()]) if kind is ExceptionGroup else kind
    raised = httpx.StreamError("") if kind is httpx.StreamError else raised
    played = play(method, *[raised] * 3, is_ours=is_ours)
    end = played.end
    was_not_sent = is_ours and kind in (*NEVER_SENT, httpx.UnsupportedProtocol)
    is_free = method == "GET" or was_not_sent
    assert type(end) is (errors.APIConnectionError if is_free else errors.OutcomeUnknownError)
    assert ("nothing was sent" in str(end)) == was_not_sent
    assert type(end.__cause__) is kind
    assert kind.__name__ in str(end)
    passes = issubclass(kind, httpx.TransportError | httpx.DecodingError)
    again = is_free and passes and kind is not httpx.UnsupportedProtocol
    assert len(played.requests) == (3 if again else 1)
    assert TOKEN not in str(played.requests[-1].headers.raw)


AFTER_SEEN: list[list[Any]] = [
    *([kind] for kind in (httpx.ReadError, httpx.ConnectError, httpx.PoolTimeout)),
    *([status(code)] for code in (400, 404, 409, 422, 429, 500, 502)),
    [status(302, Location="/seen")] * 20,
    [status(302, Location="https://other.example/")],
]


@pytest.mark.parametrize("moved", [301, 302, 303])
@pytest.mark.parametrize("outcomes", AFTER_SEEN, ids=str)
def test_a_post_that_was_redirected_to_a_get_has_been_carried_out(
    outcomes: list[Any], moved: int
) -> None:
    first = status(moved, Location="/seen")
    played = play("POST", first, *outcomes, follow_redirects=True)
    assert type(played.end) is errors.OutcomeUnknownError
    assert f"GET {URL}/seen" in str(played.end)
    assert len(played.requests) == 1 + len(outcomes)


def test_a_post_that_was_redirected_as_a_post_is_not_sent_again() -> None:
    played = play("POST", status(307, Location="/"), status(429), follow_redirects=True)
    assert (type(played.end), len(played.requests)) == (errors.RateLimitError, 2)
    for kind in (httpx.ReadError, httpx.ConnectError):
        played = play("POST", status(307, Location="/"), kind, follow_redirects=True)
        assert (type(played.end), len(played.requests)) == (errors.OutcomeUnknownError, 2)
        assert TOKEN not in str(played.requests[-1].headers.raw)


AWAY = "https://me:word@other.example/new?key=s3cret#part"
ELSEWHERE = ("http://gateway.example/new", "https://gateway.example:444/new", AWAY)
# No URLs, or none that can be asked for.
UNREADABLE = (
    *("http://xn--/new", "http://a..b/new", f"http://{'a' * 64}.example/new", "http://[/new"),
    *("https://gateway.example:99999/new", "https://me:word@[::1/new?key=s3cret"),
)


@pytest.mark.parametrize("follows", [False, True])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["/new", *ELSEWHERE, *UNREADABLE])
def test_a_redirect_that_is_not_followed_names_the_new_address(
    place: str, code: int, follows: bool
) -> None:
    moved = [status(code, Location=place)] * 3
    for method in ("GET", "POST"):
        if follows and place == "/new":
            continue
        played = play(method, *moved, follow_redirects=follows)
        assert len(played.requests) == 1 or (method == "GET" and place in UNREADABLE)
        if method == "GET":
            kinds: Any = errors.APIStatusError | errors.APIConnectionError
        elif code == 303 or isinstance(played.end.__cause__, Exception):
            kinds = errors.OutcomeUnknownError
        else:
            kinds = errors.APIStatusError
        assert isinstance(played.end, kinds), played.end
        assert method == "GET" or "/new" in str(played.end)
        assert method == "GET" or played.end.status_code == code
        assert "s3cret" not in str(played.end)
        assert "word" not in str(played.end)
        assert played.end.__cause__ is None or place in UNREADABLE


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_origin_is_followed_with_all_credentials(code: int) -> None:
    secret = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    options = {"follow_redirects": True, "auth_header_name": "X-Api-Key", "session": secret}
    moves = [status(code, Location=place) for place in (URL + "/v2", "/v3")]
    played = play("POST", *moves, OK, **options)
    assert played.have_auth == [True] * 3
    bodies = [b"".join(request.stream) for request in played.requests]  # type: ignore[arg-type]
    assert bodies == [b"{}", *[b"{}" if code in (307, 308) else b""] * 2]
    for request in played.requests:
        assert request.headers["cookie"] == f"secret={TOKEN}"
        assert TOKEN in request.headers["x-secret"]
        assert TOKEN in request.headers["x-api-key"]


def test_a_redirect_is_followed_with_the_cookies_of_the_session_and_of_one_call() -> None:
    client = client_of(URL, follow_redirects=True).with_cookies({"b": "2", "c": "3"})
    session = {"a": "1=2", "d": "4", "b": "9=9"}  # that of the call counts
    call = client, _calls.result_of, REQUEST, Received.json
    for cookies, sent in (({}, "b=2; c=3"), (session, "a=1=2; d=4; b=2; c=3")):
        outcomes = [status(307, Location="/x"), OK]
        played = Play(*call, outcomes=outcomes, session={"cookies": cookies})
        sent_cookies = [request.headers["cookie"].split("; ") for request in played.requests]
        assert [sorted(each) for each in sent_cookies] == [sorted(sent.split("; "))] * 2


@pytest.mark.parametrize("code", [303, 307, 400, 429, 500])
def test_an_event_hook_that_raises_for_status_gets_the_same_error(code: int) -> None:
    hooks = {"event_hooks": {"response": [httpx.Response.raise_for_status]}}
    outcomes = [status(code, b"", X_Request_Id="r1", Location="/x")] * 3
    for method in ("GET", "POST"):
        with_hook = play(method, *outcomes, session=hooks)
        without = play(method, *outcomes)
        assert type(with_hook.end) is type(without.end)
        assert (with_hook.end.status_code, with_hook.end.request_id) == (code, "r1")
        assert len(with_hook.requests) == len(without.requests)


OTHER = httpx.Request("POST", "https://telemetry.example/")
OF_HOOKS: list[Any] = [
    lambda _: httpx.ConnectError("down"),
    lambda _: httpx.ConnectError("down", request=OTHER),
    lambda request: httpx.ConnectError("down", request=request),
    *(
        lambda _, code=code: httpx.HTTPStatusError(
            "", request=OTHER, response=httpx.Response(code, request=OTHER)
        )
        for code in (404, 429)
    ),
    lambda _: ZeroDivisionError(),
]


@pytest.mark.parametrize("error_of", OF_HOOKS)
def test_what_an_event_hook_raises_says_nothing_about_our_request(error_of: Any) -> None:
    def hook(response: httpx.Response) -> None:
        raise error_of(response.request)

    hooks = {"event_hooks": {"response": [hook]}}
    played = play("POST", *[status(201, X_Request_Id="r1")] * 3, session=hooks)
    assert type(played.end) is errors.OutcomeUnknownError
    assert (played.end.status_code, played.end.request_id) == (201, "r1")
    assert len(played.requests) == 1


def test_what_arrived_before_the_connection_broke_is_kept_without_the_token() -> None:
    def breaks_off() -> Iterator[bytes]:
        yield f'{{"request_id": "1", "echo": "{TOKEN}"'.encode()
        raise httpx.ReadError("reset")

    broken = httpx.Response(200, headers={"X-Request-Id": "r1"}, content=breaks_off())
    end = play("POST", broken).end
    assert "ReadError reset (it may have been carried out" in str(end)
    assert (end.status_code, end.request_id) == (200, "r1")
    assert end.content == b'{"request_id": "1", "echo": "[token]"'
    assert_well_made(end)


def test_a_path_that_is_too_long_for_a_url_is_an_error_of_ours() -> None:
    kwargs = REQUEST | {"url": "/v1/" + "x" * 70_000}
    end = Play(client_of(URL), _calls.result_of, kwargs, Received.json).end
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
    end = Play(client, _calls.result_of, REQUEST, Received.json, outcomes=[status(400)]).end
    assert end.message == "why"


# The pause that each asks for, without jitter; None for the error at once, "" for a backoff.
RETRY_AFTER: dict[str, float | str | None] = {
    **{"3": 3, "0.5": 0.5, "0": 0, "-5": 0, "60": 60, "nan": "", "soon": "", "": ""},
    **{"61": None, "86400": None, "9" * 4000: None, "inf": None, "9" * 30 + "h": ""},
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
    call = client_of(URL), _calls.result_of, LARGE, Received.json
    (request,) = Play(*call, outcomes=[OK]).requests
    assert list(map(len, request.stream)) == [262_144, 262_144, 1]  # type: ignore[arg-type]
    assert b"".join(request.stream) == LARGE["content"]  # type: ignore[arg-type]


def test_the_url_that_was_asked_for_is_named_without_secrets() -> None:
    client = AuthenticatedClient(URL, TOKEN)
    kwargs = {"method": "GET", "url": f"/v1/{TOKEN}", "params": {"key": "s3cret"}}
    for outcome, why in ((status(404), "status 404: why"), (httpx.ReadError, "ReadError boom")):
        call = client, _calls.result_of, kwargs, Received.json
        end = Play(*call, outcomes=[outcome] * 3).end
        assert str(end) == f"GET {URL}/v1/[token]: {why}"
