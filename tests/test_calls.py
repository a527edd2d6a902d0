"""What a call decides: tried on its generator, without a socket or a clock."""

import datetime
import gzip
import itertools
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conftest import TOKEN, assert_well_made, client_of
from grok_imagine_video import AuthenticatedClient, create_video, errors
from grok_imagine_video_runtime import _calls
from grok_imagine_video_runtime.operations import Request
from playing import GATEWAYS, URL, Play, asking, status

POST, OK = asking(), status(200, {"id": "1"})


def play(request: Any, *outcomes: Any, session: Any = None, **options: Any) -> Play:
    call = client_of(URL, **options), _calls.parsed, request
    return Play(*call, outcomes=outcomes, session=session)


def test_of_all_methods_those_that_only_read_are_retried() -> None:
    for method in ("GET", "HEAD", "OPTIONS", "TRACE"):
        assert play(asking(method), status(500), OK).end == {"id": "1"}
    for method in ("PUT", "POST", "PATCH", "DELETE"):
        assert type(play(asking(method), status(500)).end) is errors.OutcomeUnknownError


NOT_AS_SPECIFIED: dict[str, bytes] = {
    **{"nothing": b"", "HTML": b"<html><title>Hi</title>", "half of it": b'{"request_id": "1"'},
    **{"null": b"null", "list": b"[]", "not UTF-8": b'{"a": "\xff"}', "too deep": b"[" * 10**6},
    "deep": b'{"a": 1, "x": ' * 900 + b"5" + b"}" * 900,
    "lists": b'{"x": ' + b"[" * 900 + b"]" * 900 + b"}",
}


@pytest.mark.parametrize("content", NOT_AS_SPECIFIED.values(), ids=NOT_AS_SPECIFIED)
def test_a_success_that_is_not_as_specified_is_kept_in_the_error(content: bytes) -> None:
    request = Request(create_video.OPERATION, POST.arguments)
    end = play(request, status(200, content)).end
    assert (type(end), end.content) == (errors.APIResponseValidationError, content)
    assert_well_made(end)
    call = client_of(URL, max_retries=0), _calls.detailed, request
    for code in (200, 401, 429, 502, 999):
        end = Play(*call, outcomes=[status(code, content, X_Some="thing")]).end
        assert (end.status_code, end.content, end.parsed) == (code, content, None)
        assert end.headers["x-some"] == "thing"
    assert Play(*call, outcomes=[status(200, {"id": "1"})]).end.parsed["id"] == "1"


AWAY = "https://me:word@other.example/new?key=s3cret#part"
ELSEWHERE = ("http://gateway.example/new", f"{URL}:444/new", f"{URL}:99999/new", AWAY)
UNREADABLE = ("http://xn--/new", "https://me:word@[::1/new?key=s3cret")  # by httpx, which raises


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["/new", *ELSEWHERE, *UNREADABLE])
def test_a_redirect_that_is_not_followed_names_the_new_address(place: str, code: int) -> None:
    kinds: dict[str, Any] = dict.fromkeys(("GET", "POST"), errors.APIStatusError)
    if place in UNREADABLE:
        kinds["GET"] = errors.APIConnectionError
    if place in UNREADABLE or code == 303:
        kinds["POST"] = errors.OutcomeUnknownError
    for method, follows in itertools.product(kinds, (False, place != "/new")):
        moved = [status(code, Location=place)] * 3
        end = play(asking(method), *moved, follow_redirects=follows).end
        assert type(end) is kinds[method]
        assert not re.search("s3cret|word", str(end))
        if method == "POST":
            assert "/new" in str(end)
            assert end.status_code == code


OTHER = httpx.Request("POST", "https://telemetry.example/")


class UnreadableError(Exception):
    request = "POST /"

    def __str__(self) -> str:
        raise KeyError


# What a hook raises of a request that arrived.
OF_HOOKS: list[Callable[[httpx.Request], Exception]] = [
    lambda request: httpx.ConnectError("down", request=request),
    lambda _: httpx.HTTPStatusError("", request=OTHER, response=httpx.Response(429, request=OTHER)),
    lambda sent: httpx.HTTPStatusError("", request=sent, response=httpx.Response(200)),
    lambda _: ZeroDivisionError("\ud800"),
    lambda _: UnreadableError(),
]


@pytest.mark.parametrize("error_of", OF_HOOKS)
def test_what_an_event_hook_raises_does_not_say_that_nothing_was_sent(error_of: Any) -> None:
    def hook(response: httpx.Response) -> None:
        raise error_of(response.request)

    hooks = {"event_hooks": {"response": [hook]}}
    played = play(POST, *[status(201, X_Request_Id="r1")] * 3, session=hooks)
    assert type(played.end) is errors.OutcomeUnknownError
    assert (played.end.status_code, played.end.request_id) == (201, "r1")
    assert len(played.requests) == 1


def test_an_exception_of_another_request_proves_nothing_and_keeps_no_key() -> None:
    def hook(_: httpx.Request) -> None:
        raise httpx.ConnectError("down", request=other)

    other = httpx.Request("POST", f"{URL}/keys", headers={"Authorization": TOKEN})
    end = play(POST, OK, session={"event_hooks": {"request": [hook]}}).end
    assert type(end) is errors.OutcomeUnknownError
    assert "authorization" not in other.headers


def test_an_event_hook_may_read_the_body_and_raise_for_the_status() -> None:
    hooks = {"event_hooks": {"response": [httpx.Response.read, httpx.Response.raise_for_status]}}
    content = b'{"error": "why"}'
    wrong = status(400, gzip.compress(content), Content_Encoding="gzip")
    end = play(POST, wrong, session=hooks).end
    assert (type(end), end.content) == (errors.BadRequestError, content)
    assert play(POST, wrong | {"status_code": 200}, session=hooks).end == {"error": "why"}


UNPAID = status(402, {"error": "is there any credit?"})
ECHOES: list[Any] = [
    status(401, {"error": {"message": f"Incorrect API key provided: {TOKEN}"}}),
    status(401, b'{"error": "' + TOKEN.replace("/", "\\/").encode() + b'"}'),
    *(status(code, f"<h1>{TOKEN}</h1>".encode(), X_Request_Id=TOKEN) for code in (200, 400, 502)),
    httpx.LocalProtocolError(f"illegal header value {TOKEN}"),
    status(302, Location=f"/{TOKEN}"),
]


@pytest.mark.parametrize("echo", ECHOES, ids=str)
def test_a_token_that_a_server_quotes_is_in_no_error(echo: Any) -> None:
    assert_well_made(play(POST, echo).end)
    short = Play(AuthenticatedClient(URL, "any"), _calls.parsed, POST, outcomes=[UNPAID])
    assert short.end.message == "is there any credit?"  # such a token garbles no text


def test_the_url_and_the_exception_are_named_without_secrets() -> None:
    request = asking("GET", f"/v1/{TOKEN}", params={"key": "s3cret"})
    quoting = httpx.LocalProtocolError(f"illegal header value {TOKEN}")
    url = f"{URL}/v1/[token]"
    unsent = f"no response from {url} (illegal header value [token])"
    for outcome, told in (status(404), f"404: nothing at {url}: why"), (quoting, unsent):
        assert str(play(request, *[outcome] * 3).end) == told


@pytest.mark.parametrize("header", ["Retry-After", "llm_provider-retry-after"])
@pytest.mark.parametrize(("value", "pause"), GATEWAYS["delays"].items())
def test_a_429_is_retried_when_the_server_asks_for_it(value: str, pause: Any, header: str) -> None:
    in_half_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=30)
    busy = status(429) | {"headers": {header: in_half_a_minute.strftime(value)}}
    played = play(POST, busy, OK)
    asked = errors.RateLimitError(headers=busy["headers"]).retry_after
    assert (asked is None) == (pause == "backoff")
    if pause == "error":
        assert (type(played.end), played.slept) == (errors.RateLimitError, [])
        assert played.end.retry_after > 60
    else:
        least = 0.5 if pause == "backoff" else pause
        assert played.end == {"id": "1"}
        assert least - 1 < played.slept[0] <= least + 1 + (pause == 29)
        assert played.slept[0] > (0 if pause == 29 else least)  # jitter spreads out who was refused


def test_the_backoff_doubles_with_jitter_up_to_a_bound() -> None:
    for least, most, retry in ((0.5, 1.5, 0), (1, 2, 1), (2, 3, 2), (4, 5, 3), (8, 8, 4)):
        plays = [play(POST, *[status(429)] * 10, max_retries=9) for _ in range(20)]
        pauses = [played.slept[retry] for played in plays]
        assert all(least <= pause <= most for pause in pauses)
        assert len(set(pauses)) > 1 or least == most
