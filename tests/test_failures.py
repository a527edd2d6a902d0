"""What a caller gets when a call goes wrong on the wire, and how many requests the server got."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import BODY, TOKEN, assert_well_made, client_of, each_async_way
from faults import OK, Fault, dripping, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import _io, create_video, errors, get_video
from ways import Clock, Way, cancel_when

pytestmark = pytest.mark.usefixtures("clock")  # retries take no time


def create(way: Way, base_url: str, **options: Any) -> Any:
    return way.call(create_video, "sync", client_of(base_url, **options), body=BODY)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANNOUNCED = HEAD + b"Content-Length: 99\r\n\r\n"
FAULTS: dict[str, Fault] = {
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
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_post_that_may_have_been_carried_out_is_sent_once(fault: Fault, way: Way) -> None:
    with serving(fault) as server, pytest.raises(errors.OutcomeUnknownError) as raised:
        create(way, server.base_url)
    assert_well_made(raised.value)
    assert len(server.arrived) == 1


def test_a_get_is_retried(way: Way) -> None:
    with serving(FAULTS["cut in the body"]) as server, pytest.raises(errors.APIConnectionError):
        way.call(get_video, "sync", client_of(server.base_url), "1")
    assert len(server.arrived) == 3


def test_a_post_that_was_refused_for_now_is_retried(way: Way, clock: Clock) -> None:
    with serving(responding(429), dripping(b'{"request_id": "1"}')) as server:
        assert create(way, server.base_url)["request_id"] == "1"
    assert (len(server.arrived), len(clock.slept)) == (2, 1)


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


def unknown_host() -> contextlib.AbstractContextManager[str]:
    return contextlib.nullcontext("https://no-such-host.invalid")


@pytest.mark.parametrize("place", [nobody_listening, nobody_accepting, unknown_host])
def test_a_post_that_was_never_sent_is_retried(
    place: Callable[[], contextlib.AbstractContextManager[str]], way: Way, clock: Clock
) -> None:
    with place() as base_url, pytest.raises(errors.APIConnectionError) as raised:
        create(way, base_url, max_retries=1, timeout=0.5)
    assert_well_made(raised.value)
    assert isinstance(raised.value.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
    assert len(clock.slept) == 1


def test_a_proxy_that_refuses_has_sent_nothing(way: Way) -> None:
    with serving(responding(407)) as proxy, pytest.raises(errors.APIConnectionError) as raised:
        create(way, "https://gateway.example", httpx_args={"proxy": proxy.base_url})
    assert "nothing was sent" in str(raised.value)
    assert [request.split()[0] for request in proxy.arrived] == [b"CONNECT"] * 3


def test_a_server_that_comes_up_meanwhile_gets_one_post(way: Way, clock: Clock) -> None:
    with nobody_listening() as base_url, contextlib.ExitStack() as stack:
        server = serving(OK, port=int(base_url.rpartition(":")[2]))
        clock.meanwhile = lambda: started.append(stack.enter_context(server))
        started: list[Any] = []
        assert create(way, base_url)["request_id"] == "1"
    assert [len(server.arrived) for server in started] == [1]


def test_an_event_hook_that_raises_for_status_gets_the_same_error(way: Way) -> None:
    async def raise_for_status(response: httpx.Response) -> None:
        response.raise_for_status()

    hook: Any = httpx.Response.raise_for_status if way.is_sync else raise_for_status
    args = {"event_hooks": {"response": [hook]}}
    with serving(responding(400)) as server, pytest.raises(errors.BadRequestError):
        create(way, server.base_url, httpx_args=args)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_leads_a_call_elsewhere(status: int, way: Way) -> None:
    secrets: dict[str, Any] = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    secrets["httpx_args"] = {"auth": ("user", TOKEN), "params": {"key": TOKEN}}
    with serving(OK) as other:
        away = other.base_url.replace("127.0.0.1", "localhost") + "/elsewhere"
        faults = responding(307, Location="/v2"), responding(status, Location=away)
        with serving(*faults) as server, pytest.raises(errors.APIError, match=f"{away}, which was"):
            create(way, server.base_url, follow_redirects=True, auth_header_name="X-Key", **secrets)
    for request in server.arrived:
        for secret in (b"X-Key: Bearer ", b"X-Secret: ", b"secret=", b"Authorization: Basic "):
            assert secret in request
    assert not other.arrived


def test_a_location_that_is_no_url_leaks_no_connection(way: Way) -> None:
    """A client has one connection here, which is free again each time."""
    args = {"limits": httpx.Limits(max_connections=1)}
    with serving(responding(307, Location="http://xn--/x")) as server:
        client = client_of(server.base_url, timeout=httpx.Timeout(5, pool=0.2), httpx_args=args)
        with way.using(client) as call:
            for _ in range(3):
                with pytest.raises(errors.OutcomeUnknownError, match="http://xn--/x"):
                    call(create_video, "sync", body=BODY)
    assert len(server.arrived) == 3


def close_session(client: Any, way: Way) -> None:
    """As another thread or task would, while the wait sleeps."""
    if way.is_sync:
        client.close()
        return
    closing = client.aclose()
    with contextlib.suppress(StopIteration):  # idle connections of httpx are closed at once
        closing.send(None)


def test_closing_a_client_ends_a_wait_elsewhere_with_the_id_of_its_job(
    way: Way, clock: Clock
) -> None:
    with serving(PENDING) as server:
        client = client_of(server.base_url)
        with way.using(client) as call:
            clock.meanwhile = lambda: close_session(client, way)
            with pytest.raises(errors.APIConnectionError) as raised:
                call(get_video, "wait", "job-1")
    assert raised.value.job_id == "job-1"
    assert isinstance(raised.value.__cause__, RuntimeError)
    assert len(server.arrived) == 1


def test_the_token_is_in_no_log_line(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(responding(429), reset) as server, pytest.raises(errors.OutcomeUnknownError):
        create(way, server.base_url)
    assert caplog.records
    assert TOKEN not in caplog.text


HALF = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=no_response)
PENDING = responding(200, {"status": "pending"})
CANCELLED = {
    **{"call": no_response, "pause of a call": responding(429), "download": HALF},
    **{"wait": no_response, "pause of a wait": PENDING},
}


@each_async_way
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", CANCELLED)
def test_cancelling_ends_what_a_client_does_and_it_can_go_on(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep_for_ever(_: float) -> None:
        reached.append(True)
        await asyncio.Event().wait()

    def saving(*_: object) -> None:
        reached.append(any(tmp_path.iterdir()))

    async def cancel() -> Any:
        args = {"limits": httpx.Limits(max_connections=1)}
        client = client_of(server.base_url, timeout=httpx.Timeout(30, pool=1), httpx_args=args)
        async with client:
            call: Any
            if name == "download":
                call = client.asyncio_download("/v.mp4", tmp_path / "v.mp4", on_progress=saving)
            elif "wait" in name:
                call = get_video.asyncio_wait("1", client=client)
            else:
                call = create_video.asyncio(client=client, body=BODY)
            await cancel_when(call, lambda: reached or (has_no_pause and server.arrived))
            return await create_video.asyncio(client=client, body=BODY)

    reached: list[bool] = []
    has_no_pause = CANCELLED[name] is no_response
    monkeypatch.setattr(_io, "_asyncio_sleep", sleep_for_ever)
    with serving(CANCELLED[name], OK) as server:
        assert asyncio.run(cancel())["request_id"] == "1"
    assert len(server.arrived) == 2
    assert all(reached)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_the_wait_between_attempts(clock: Clock) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.meanwhile = interrupt
    with serving(responding(429), OK) as server, pytest.raises(KeyboardInterrupt):
        create(Way("sync"), server.base_url)
    assert len(server.arrived) == 1


def test_a_request_of_an_event_hook_says_nothing_about_ours(way: Way) -> None:
    """The hook's own request fails after the POST was carried out."""

    def hook(_: httpx.Response) -> None:
        httpx.get("http://127.0.0.1:9/")

    async def asyncio_hook(response: httpx.Response) -> None:
        hook(response)

    hooks = {"response": [hook if way.is_sync else asyncio_hook]}
    with serving(OK) as server, pytest.raises(errors.OutcomeUnknownError):
        create(way, server.base_url, httpx_args={"event_hooks": hooks})
    assert len(server.arrived) == 1


def test_what_arrived_before_the_connection_broke_is_kept(way: Way) -> None:
    chunk = b'{"request_id":"paid-1"}'
    head = HEAD + b"X-Request-Id: r1\r\nTransfer-Encoding: chunked\r\n\r\n"
    fault = saying(head, b"%x\r\n%s\r\n" % (len(chunk), chunk))
    with serving(fault) as server, pytest.raises(errors.OutcomeUnknownError) as raised:
        create(way, server.base_url)
    error = raised.value
    assert (error.status_code, error.content, error.request_id) == (200, chunk, "r1")
