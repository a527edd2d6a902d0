"""What a caller gets when a call goes wrong on the wire, and how many requests the server got."""

import asyncio
import contextlib
import copy
import gc
import logging
import pickle
import random
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bodies import TEXT
from conftest import each_transport
from faults import (
    OK,
    Fault,
    Server,
    dripping,
    hang_up,
    no_response,
    reset,
    responding,
    saying,
    serving,
)
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    _drivers,
    create_video,
    errors,
    get_video,
)
from ways import Clock, Way, cancel_when

TOKEN = "sk-secret-0123456789"
BODY = CreateVideoRequest.from_dict(TEXT)
TIMEOUT = httpx.Timeout(0.3)


@pytest.fixture(autouse=True)
def _no_sleep(clock: Clock) -> None:
    """Retries take no time."""


def client_of(base_url: str, **arguments: Any) -> AuthenticatedClient:
    return AuthenticatedClient(base_url, TOKEN, **{"timeout": TIMEOUT} | arguments)


def create(way: Way, client: AuthenticatedClient) -> Any:
    return way.call(create_video, "sync", client, body=BODY)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANNOUNCED = HEAD + b"Content-Length: 99\r\n\r\n"
FAULTS: dict[type[Exception] | None, dict[str, Fault]] = {
    errors.OutcomeUnknownError: {
        "no response": no_response,
        "hung up": hang_up,
        "reset": reset,
        "cut in the header": saying(HEAD),
        "reset in the header": saying(HEAD, then=reset),
        "cut in the body": saying(ANNOUNCED, b'{"request_id":'),
        "body stops coming": saying(ANNOUNCED, b"{", then=no_response),
        "cut between chunks": saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        "slow drip that stops": dripping(b'{"request_id"', then=no_response),
        "wrongly compressed": saying(HEAD + b"Content-Encoding: gzip\r\n\r\njunk"),
        "garbage bytes": saying(b"\x00\xff\x16\x03 garbage\r\n\r\n"),
        "only status 103": saying(b"HTTP/1.1 103 Early Hints\r\n\r\n", then=no_response),
        "status 500": responding(500),
        "status 598": responding(598, {"error": {"message": "why"}}),
    },
    errors.APIResponseValidationError: {
        "silent success": saying(HEAD + b"\r\n"),
        "HTML": responding(200, b"<html><title>Hi</title>"),
        "null": responding(200, None),
        "list": responding(200, []),
        "number": responding(200, 4),
        "not UTF-8": responding(200, b'{"a": "\xff"}'),
        "half of it": responding(200, b'{"request_id": "1"'),
        "too deep": responding(200, b"[" * 10**6),
        "10 MB of junk": responding(200, b"x" * 10_000_000),
    },
    errors.RateLimitError: {"refused for now": responding(429)},
    errors.APIStatusError: {
        "redirect": responding(307, Location="/elsewhere"),
        "redirect to nowhere": responding(307, Location="http://[/"),
        "status 999": responding(999, b"why"),
    },
    None: {
        "slow drip": dripping(b'{"request_id": "1"}'),
        "10 MB of JSON": responding(200, {"a": "x" * 10_000_000}),
        "created": responding(201, {"request_id": "1"}),
    },
}
CASES = {name: (kind, fault) for kind, faults in FAULTS.items() for name, fault in faults.items()}


@pytest.mark.parametrize(("error", "fault"), CASES.values(), ids=CASES)
def test_a_post_is_not_sent_twice_and_its_failure_has_a_name(
    error: type[Exception] | None, fault: Fault, way: Way
) -> None:
    with serving(fault) as server:
        if error is None:
            assert create(way, client_of(server.base_url)).to_dict()
        else:
            with pytest.raises(error) as raised:
                create(way, client_of(server.base_url))
            assert type(raised.value) is error
            assert_well_made(raised.value)
    assert len(server.arrived) == (3 if error is errors.RateLimitError else 1)


def assert_well_made(error: Exception) -> None:
    """One useful line without the token, and the same again from a pickle or a copy."""
    assert isinstance(error, errors.APIError)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))
    assert 10 < len(str(error)) <= 500
    assert len(str(error).splitlines()) == 1
    assert "<html" not in str(error)
    assert TOKEN not in str(error) + repr(error) + repr(vars(error))
    assert TOKEN.encode() not in pickle.dumps(error)


@contextlib.contextmanager
def nobody_listening() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def nobody_accepting() -> Iterator[str]:
    """A queue of connections that is full, so that the next one is never made."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


@contextlib.contextmanager
def unknown_host() -> Iterator[str]:
    yield "https://no-such-host.invalid"


@pytest.mark.parametrize("place", [nobody_listening, nobody_accepting, unknown_host])
def test_a_post_that_was_never_sent_is_retried(
    place: Callable[[], contextlib.AbstractContextManager[str]], way: Way, clock: Clock
) -> None:
    with place() as base_url, pytest.raises(errors.APIConnectionError) as raised:
        create(way, client_of(base_url))
    assert_well_made(raised.value)
    assert isinstance(raised.value.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
    assert len(clock.slept) == 2


def test_a_proxy_that_refuses_has_sent_nothing(way: Way) -> None:
    with serving(responding(407)) as proxy:
        client = client_of("https://gateway.example", httpx_args={"proxy": proxy.base_url})
        with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
            create(way, client)
    assert len(proxy.arrived) == 3
    assert all(request.startswith(b"CONNECT ") for request in proxy.arrived)


def test_a_server_that_comes_up_meanwhile_gets_one_post(way: Way, clock: Clock) -> None:
    started: list[Server] = []
    with nobody_listening() as base_url, contextlib.ExitStack() as stack:
        port = int(base_url.rpartition(":")[2])
        clock.meanwhile = lambda: started.append(stack.enter_context(serving(OK, port=port)))
        assert create(way, client_of(base_url))["request_id"] == "1"
    assert [len(server.arrived) for server in started] == [1]


@pytest.mark.parametrize(
    ("status", "content", "parsed"),
    [
        *((200, b'{"a": 1}', {"a": 1}), (200, b"<html>", None), (200, b"[]", None)),
        *((401, b"no", None), (429, b"{}", None), (502, b"", None), (999, b"x", None)),
    ],
)
def test_detailed_returns_every_response_whatever_its_status(
    status: int, content: bytes, parsed: Any, way: Way
) -> None:
    with serving(responding(status, content, X_Some="thing")) as server:
        client = client_of(server.base_url, max_retries=0)
        response = way.call(create_video, "sync_detailed", client, body=BODY)
    assert (response.status_code, response.content) == (status, content)
    assert response.headers["x-some"] == "thing"
    assert (response.parsed and response.parsed.to_dict()) == parsed


def test_an_event_hook_that_raises_for_status_gets_the_same_error(way: Way) -> None:
    async def raise_for_status(response: httpx.Response) -> None:
        response.raise_for_status()

    hook: Any = httpx.Response.raise_for_status if way.name == "sync" else raise_for_status
    args = {"event_hooks": {"response": [hook]}}
    with serving(responding(400)) as server, pytest.raises(errors.BadRequestError):
        create(way, client_of(server.base_url, httpx_args=args))


def test_a_get_is_retried(way: Way) -> None:
    for name in ("cut in the body", "no response"):
        with serving(CASES[name][1]) as server, pytest.raises(errors.APIConnectionError):
            way.call(get_video, "sync", client_of(server.base_url), "1")
        assert len(server.arrived) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_stay_at_home_when_a_redirect_leads_elsewhere(status: int, way: Way) -> None:
    secrets: dict[str, Any] = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    with serving(OK) as other:
        away = other.base_url.replace("127.0.0.1", "localhost") + "/elsewhere"
        faults = responding(307, Location="/v2"), responding(status, Location=away)
        with serving(*faults) as server:
            auth = {"httpx_args": {"auth": ("user", TOKEN), "params": {"key": TOKEN}}}
            options = {"auth_header_name": "X-Key", "follow_redirects": True} | auth | secrets
            assert create(way, client_of(server.base_url, **options))["request_id"] == "1"
    for request in server.arrived:
        for secret in (b"X-Key: Bearer ", b"X-Secret: ", b"secret=", b"Authorization: Basic "):
            assert secret in request
    assert TOKEN.encode() not in other.arrived[0]
    assert b"authorization" not in other.arrived[0].lower()
    if status in (307, 308):  # the others lead to a GET
        assert other.arrived[0].endswith(server.arrived[0].partition(b"\r\n\r\n")[2])


def test_a_token_that_the_server_echoes_is_in_no_error(way: Way) -> None:
    for status, content in (
        (401, {"error": {"message": f"Incorrect API key provided: {TOKEN}"}}),
        *((502, f"<h1>{TOKEN}</h1>".encode()), (200, [TOKEN])),
    ):
        echoing = pytest.raises(errors.APIError)
        again = {"X_Request_Id": TOKEN, "X_Debug": f"Bearer {TOKEN}"}
        with serving(responding(status, content, **again)) as server, echoing as raised:
            create(way, client_of(server.base_url))
        assert_well_made(raised.value)
        assert TOKEN not in "".join(traceback.format_exception(raised.value))


def test_the_token_is_in_no_log_line(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(responding(429), reset) as server, pytest.raises(errors.OutcomeUnknownError):
        create(way, client_of(server.base_url))
    assert caplog.records
    assert TOKEN not in caplog.text


@each_transport
@pytest.mark.parametrize("fault", [no_response, responding(429)], ids=["call", "pause"])
def test_cancelling_ends_a_call_and_a_pause_and_sends_nothing_more(
    fault: Fault, transport: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancel(server: Server) -> None:
        options = {"timeout": httpx.Timeout(30), "async_transport": transport}
        async with client_of(server.base_url, **options) as client:
            call = create_video.asyncio(client=client, body=BODY)
            await cancel_when(call, lambda: server.arrived if fault is no_response else paused)

    async def sleep_for_ever(_: float) -> None:
        paused.append(True)
        await asyncio.Event().wait()

    paused: list[bool] = []
    monkeypatch.setattr(_drivers, "_asyncio_sleep", sleep_for_ever)
    with serving(fault, OK) as server:
        asyncio.run(cancel(server))
    assert len(server.arrived) == 1


def test_ctrl_c_ends_the_wait_between_attempts(clock: Clock) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.meanwhile = interrupt
    with serving(responding(429), OK) as server, pytest.raises(KeyboardInterrupt):
        create(Way("sync"), client_of(server.base_url))
    assert len(server.arrived) == 1


CALLS = 900
SEED = 20_260_131


def test_at_random_no_call_that_was_sent_is_sent_again() -> None:
    """Each call has a prompt of its own, by which the server's requests are counted."""
    chance = random.Random(SEED)
    slow = ("10 MB", "too deep", "slow drip", "only status 103")
    quick = [fault for name, (_, fault) in CASES.items() if not name.startswith(slow)]
    kinds = quick + [OK] * 20 + [responding(429, Retry_After="0")] * 9
    decided: dict[bytes, list[Fault]] = {}

    def at_random(connection: socket.socket) -> None:
        fault = chance.choice(kinds)
        decided.setdefault(server.latest[connection].partition(b"\r\n\r\n")[2], []).append(fault)
        fault(connection)

    def body(number: int) -> CreateVideoRequest:
        return CreateVideoRequest.from_dict(TEXT | {"prompt": f"video {number}"})

    def many_sync(numbers: range) -> None:
        def one(number: int) -> None:
            with contextlib.suppress(errors.APIError):
                create_video.sync(client=client, body=body(number))

        with client_of(server.base_url, timeout=quickly) as client, ThreadPoolExecutor(6) as pool:
            list(pool.map(one, numbers))

    async def many(numbers: range, transport: Any) -> None:
        async def some(numbers: range) -> None:
            for number in numbers:
                with contextlib.suppress(errors.APIError):
                    await create_video.asyncio(client=client, body=body(number))

        options = {"timeout": quickly, "async_transport": transport}
        async with client_of(server.base_url, **options) as client:
            await asyncio.gather(*[some(numbers[start::6]) for start in range(6)])
        for _ in range(9):  # the loop finalizes streams in tasks of their own
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    quickly = httpx.Timeout(0.5, connect=5)
    with serving(at_random) as server:
        many_sync(range(CALLS // 3))
        asyncio.run(many(range(CALLS // 3, CALLS // 3 * 2), None))
        asyncio.run(many(range(CALLS // 3 * 2, CALLS), "aiohttp"))
        patience = time.monotonic() + 10
        while len(decided) < CALLS and time.monotonic() < patience:
            time.sleep(0.01)  # a request that its caller gave up may still be on its way
    assert len(decided) == CALLS
    for faults in decided.values():
        assert len(faults) <= 3
        for fault in faults[:-1]:  # only a 429 lets the same call through once more
            assert getattr(fault, "status", None) == 429
    gc.collect()  # a socket left open is a ResourceWarning, and that an error
