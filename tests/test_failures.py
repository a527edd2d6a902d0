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

from conftest import (
    BODY,
    TOKEN,
    assert_well_made,
    client_of,
    create,
    each_async_way,
    sync_and_asyncio,
)
from faults import OK, Fault, dripping, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import _io, create_video, errors, get_video
from ways import Clock, Way, cancel_when

pytestmark = pytest.mark.usefixtures("clock")  # retries take no time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANNOUNCED = HEAD + b"Content-Length: 99\r\n\r\n"
FAULTS: dict[str, Fault] = {
    "no response": no_response,
    "hung up": hang_up,
    "reset": reset,
    "cut in the header": saying(HEAD),
    "cut in the body": saying(ANNOUNCED, b'{"request_id":'),
    "reset in the body": saying(ANNOUNCED, b"{", then=reset),
    "body stops coming": saying(ANNOUNCED, b"{", then=no_response),
    "garbage bytes": saying(b"\x00\xff\x16\x03 garbage\r\n\r\n"),
    "only status 103": saying(b"HTTP/1.1 103 Early Hints\r\n\r\n", then=no_response),
    "status 500": responding(500, X_Some="é"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_post_that_may_have_been_carried_out_is_sent_once(fault: Fault, way: Way) -> None:
    with serving(fault) as server, pytest.raises(errors.OutcomeUnknownError) as raised:
        create(way, client_of(server.base_url, timeout=0.3))
    assert_well_made(raised.value)
    assert len(server.arrived) == 1


def test_what_arrived_before_the_connection_broke_is_kept_without_the_token(way: Way) -> None:
    chunk = f'{{"request_id": "paid-1", "echo": "{TOKEN}"'.encode()
    head = HEAD + b"X-Request-Id: r1\r\nTransfer-Encoding: chunked\r\n\r\n"
    fault = saying(head, b"%x\r\n%s\r\n" % (len(chunk), chunk))
    with serving(fault) as server, pytest.raises(errors.OutcomeUnknownError) as raised:
        create(way, client_of(server.base_url))
    assert_well_made(raised.value)
    kept = b'{"request_id": "paid-1", "echo": "[token]"'
    error = raised.value
    assert (error.status_code, error.content, error.request_id) == (200, kept, "r1")


def test_a_post_that_was_refused_for_now_is_retried(way: Way, clock: Clock) -> None:
    with serving(responding(429), dripping(b'{"request_id": "1"}')) as server:
        assert create(way, client_of(server.base_url))["request_id"] == "1"
    assert (len(server.arrived), len(clock.slept)) == (2, 1)


def nobody_listening() -> contextlib.AbstractContextManager[str]:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return contextlib.nullcontext(f"http://127.0.0.1:{gone.getsockname()[1]}")


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


@sync_and_asyncio
@pytest.mark.parametrize("place", [nobody_listening, nobody_accepting, unknown_host])
def test_a_post_that_was_never_sent_is_retried(
    place: Callable[[], contextlib.AbstractContextManager[str]], way: Way, clock: Clock
) -> None:
    with place() as base_url, pytest.raises(errors.APIConnectionError) as raised:
        create(way, client_of(base_url, max_retries=1, timeout=0.2))
    assert_well_made(raised.value)
    assert isinstance(raised.value.__cause__, httpx.ConnectError | httpx.ConnectTimeout)
    assert len(clock.slept) == 1


def test_a_proxy_that_refuses_has_sent_nothing(way: Way) -> None:
    with serving(responding(407)) as proxy, pytest.raises(errors.APIConnectionError) as raised:
        create(way, client_of("https://gateway.example", httpx_args={"proxy": proxy.base_url}))
    assert "nothing was sent" in str(raised.value)
    assert [request.split()[0] for request in proxy.arrived] == [b"CONNECT"] * 3


def send_another(_: httpx.Response) -> None:
    httpx.get("http://127.0.0.1:9/")  # it fails, after the POST was carried out


HOOKS = [
    (httpx.Response.raise_for_status, 400, errors.BadRequestError),
    (httpx.Response.raise_for_status, 303, errors.OutcomeUnknownError),
    (send_another, 200, errors.OutcomeUnknownError),
]


@pytest.mark.parametrize(("hook", "code", "error"), HOOKS)
def test_what_an_event_hook_raises_proves_nothing_but_the_status(
    hook: Callable[[httpx.Response], object], code: int, error: type[Exception], way: Way
) -> None:
    async def asyncio_hook(response: httpx.Response) -> None:
        hook(response)

    args = {"event_hooks": {"response": [hook if way.is_sync else asyncio_hook]}}
    with serving(responding(code, {})) as server, pytest.raises(error):
        create(way, client_of(server.base_url, httpx_args=args))
    assert len(server.arrived) == 1


def test_no_redirect_leads_a_call_elsewhere(way: Way) -> None:
    options: dict[str, Any] = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    options["httpx_args"] = {"auth": ("user", TOKEN), "params": {"key": TOKEN}}
    options |= {"follow_redirects": True, "auth_header_name": "X-Key"}
    with serving(OK) as other:
        away = other.base_url.replace("127.0.0.1", "localhost") + "/elsewhere"
        faults = responding(307, Location="/v2"), responding(307, Location=away)
        with (
            serving(*faults) as server,
            pytest.raises(errors.APIStatusError, match=f"{away}, which was not followed"),
        ):
            create(way, client_of(server.base_url, **options))
    assert len(server.arrived) == 2
    for request in server.arrived:
        for secret in (b"X-Key: Bearer ", b"X-Secret: ", b"secret=", b"Authorization: Basic "):
            assert secret in request
        assert request.endswith(b"}")  # the whole body
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


PENDING = responding(200, {"status": "pending"})


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
        create(way, client_of(server.base_url))
    assert caplog.records
    assert TOKEN not in caplog.text


HALF = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=no_response)
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
