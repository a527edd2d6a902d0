"""What connections are used for, what becomes of them, and how much they may bring."""

import asyncio
import contextlib
import gc
import gzip
import random
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from bodies import TEXT
from conftest import each_async_way
from faults import OK, Fault, Server, hang_up, responding, serving
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    create_video,
    errors,
    get_video,
)
from ways import Way

BODY = CreateVideoRequest.from_dict(TEXT)
LARGE = CreateVideoRequest.from_dict(TEXT | {"prompt": "x" * 20_000_000})


def create(
    way: Way,
    server: Server,
    *,
    body: CreateVideoRequest = BODY,
    meanwhile: Sequence[Callable[[], object]] = (),
    **options: Any,
) -> None:
    """Create a video, and another one with the same client after each thing that happens."""
    with way.using(AuthenticatedClient(server.base_url, "token", **options)) as call:
        call(create_video, "sync", body=body)
        for happen in meanwhile:
            happen()
            call(create_video, "sync", body=body)


HEAD, TOO_BIG = b"HTTP/1.1 413 Too Large\r\nContent-Length: 20\r\n\r\n", b'{"error": "too big"}'


def read_all(connection: socket.socket) -> None:
    connection.settimeout(0.1)
    with contextlib.suppress(TimeoutError):
        while connection.recv(1_000_000):
            pass


def read_nothing(_: socket.socket) -> None:
    time.sleep(1)


# What a server does once a request has begun to arrive; a timeout is 0.3 seconds.
EARLY: dict[str, tuple[list[bytes | Fault], type[errors.APIError] | None]] = {
    "whole response, then it reads": ([HEAD + TOO_BIG, read_all], errors.APIStatusError),
    "whole response, and it reads no more": ([HEAD + TOO_BIG, read_nothing], None),
    "whole response, then it closes": ([HEAD + TOO_BIG, hang_up], None),
    "head, reads, body": ([HEAD, read_all, TOO_BIG], errors.APIStatusError),
    "head, body, no more": ([HEAD, TOO_BIG, read_nothing], None),
    "head, and no more": ([HEAD, read_nothing], errors.OutcomeUnknownError),
    "head, and no body": ([HEAD, read_all, read_nothing], errors.OutcomeUnknownError),
    "head, then it closes": ([HEAD, hang_up], errors.OutcomeUnknownError),
    "half a head, then it closes": ([HEAD[:20], hang_up], errors.OutcomeUnknownError),
    "late response": ([read_all, HEAD + TOO_BIG], errors.APIStatusError),
}


@pytest.mark.parametrize("name", EARLY)
def test_a_response_may_arrive_before_the_request_has_left(name: str, way: Way) -> None:
    acts, expected = EARLY[name]

    def fault(connection: socket.socket) -> None:
        connection.recv(1000)
        for act in acts:
            connection.sendall(act) if isinstance(act, bytes) else act(connection)

    with serving(fault, whole=False) as server:
        started = time.monotonic()
        with pytest.raises(expected or (errors.APIStatusError, errors.OutcomeUnknownError)):
            create(way, server, body=LARGE, timeout=0.3)
        assert time.monotonic() - started < 3


MORE: dict[str, Any] = {"httpx_args": {"limits": httpx.Limits(max_connections=500)}}


@pytest.mark.parametrize(("seconds", "options"), [(0.5, {}), (1.1, {}), (1.1, MORE)])
def test_a_post_takes_a_connection_of_the_last_second_or_a_new_one(
    seconds: float, options: Any, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers close connections that idle, and nobody knows what became of a POST in one."""

    def idle() -> None:
        now = time.monotonic
        for module in (time, aiohttp.connector):
            monkeypatch.setattr(module, "monotonic", lambda: now() + seconds)

    with serving(OK) as server:
        create(way, server, meanwhile=[idle], **options)
    assert len(server.connections) == (1 if seconds < 1 else 2)


def test_a_response_that_nobody_asked_for_is_not_that_to_the_next_request(way: Way) -> None:
    def respond_twice(connection: socket.socket) -> None:
        for number in (len(server.arrived), 0):
            responding(200, {"request_id": str(number)})(connection)
            sent.set() if not number else time.sleep(0.02)

    sent = threading.Event()
    with serving(respond_twice, OK) as server:
        client = AuthenticatedClient(server.base_url, "token")
        with way.using(client) as call:
            assert call(create_video, "sync", body=BODY).request_id == "1"
            assert sent.wait(5)
            assert call(create_video, "sync", body=BODY).request_id == "1"
    assert len(server.connections) == 2


@each_async_way
def test_two_event_loops_have_a_session_each(way: Way) -> None:
    async def call() -> None:
        await create_video.asyncio(client=client, body=BODY)

    with serving(OK) as server, asyncio.Runner() as one, asyncio.Runner() as other:
        client = way.client(AuthenticatedClient(server.base_url, "token"))
        for loop in (one, other, one, other):
            loop.run(call())
        assert len(server.connections) == 2
        one.run(client.get_async_httpx_client().aclose())  # the session of the first loop
        other.run(client.aclose())


@each_async_way
@pytest.mark.filterwarnings("ignore")  # nobody can close the connections of a loop that is closed
def test_a_client_can_be_closed_in_another_loop_than_it_was_used_in(way: Way) -> None:
    with serving(OK) as server:
        client = way.client(AuthenticatedClient(server.base_url, "token"))
        asyncio.run(create_video.asyncio(client=client, body=BODY))
        asyncio.run(client.aclose())
        gc.collect()


def test_a_redirect_may_name_a_user(way: Way) -> None:
    def redirect(connection: socket.socket) -> None:
        place = server.base_url.replace("//", "//user:word@")
        responding(303, Location=f"{place}/v1/videos/1")(connection)

    with serving(redirect, OK) as server:
        create(way, server, follow_redirects=True)
    assert b"user" not in server.arrived[1].partition(b"\r\n")[0]


@each_async_way
def test_a_connection_that_idled_too_long_is_closed(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the one that is needed: each would keep a socket of the server's."""
    now = time.monotonic

    async def burst_and_call(base_url: str) -> None:
        client = way.client(AuthenticatedClient(base_url, "token"))
        async with client:
            calls = [create_video.asyncio(client=client, body=BODY) for _ in range(9)]
            await asyncio.gather(*calls)
            for module in (time, aiohttp.connector):
                monkeypatch.setattr(module, "monotonic", lambda: now() + 1.5)
            await create_video.asyncio(client=client, body=BODY)
            while sum(each.fileno() != -1 for each in server.connections) > 1:
                await asyncio.wait([asyncio.create_task(asyncio.sleep(0.01))])

    with serving(OK) as server:
        asyncio.run(asyncio.wait_for(burst_and_call(server.base_url), 5))


def test_a_few_bytes_do_not_become_gigabytes(way: Way) -> None:
    bomb = responding(200, gzip.compress(b" " * 60_000_000), Content_Encoding="gzip")
    with serving(bomb) as server:
        tracemalloc.start()
        try:
            with pytest.raises(errors.OutcomeUnknownError, match="more than 1000000 bytes"):
                create(way, server, max_response_size=1_000_000)
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


def test_a_response_that_is_compressed_more_than_once_is_refused(way: Way) -> None:
    bomb = gzip.compress(gzip.compress(b" " * 1_000_000))
    fault = responding(200, bomb, Content_Encoding="gzip, gzip")
    with (
        serving(fault) as server,
        pytest.raises(errors.OutcomeUnknownError, match="more than once"),
    ):
        create(way, server)


def gzipped(size: int) -> Fault:
    return responding(200, gzip.compress(b" " * size), Content_Encoding="gzip")


@pytest.mark.parametrize("fault", [responding(200, b" " * 2000), gzipped(2000)])
def test_a_response_that_is_too_large_is_not_read_on(
    fault: Fault, way: Way, tmp_path: Path
) -> None:
    with serving(fault) as server:
        with pytest.raises(errors.OutcomeUnknownError, match=r"more than 1999 bytes.*it was sent"):
            create(way, server, max_response_size=1999)
        client = AuthenticatedClient(server.base_url, "token", max_response_size=1999)
        with pytest.raises(errors.APIConnectionError, match="more than 1999 bytes"):
            way.call(get_video, "sync", client, "1")
        assert len(server.arrived) == 2
        with pytest.raises(errors.APIResponseValidationError):
            create(way, server, max_response_size=2000)
        client = AuthenticatedClient(server.base_url, "token", max_response_size=1)
        way.call(None, "download", client, "/v.mp4", tmp_path / "v.mp4")
    assert (tmp_path / "v.mp4").stat().st_size == 2000


@each_async_way
def test_cancelled_calls_leave_no_connection_behind(way: Way) -> None:
    def respond(connection: socket.socket) -> None:
        time.sleep(random.uniform(0, 0.01))
        OK(connection)

    async def cancel_most(base_url: str) -> None:
        options: dict[str, Any] = {"async_transport": way.transport, "max_retries": 0, "timeout": 2}
        options["httpx_args"] = {"limits": httpx.Limits(max_connections=3)}
        async with AuthenticatedClient(base_url, "token", **options) as client:

            def begin() -> asyncio.Task[Any]:
                return asyncio.create_task(create_video.asyncio(client=client, body=BODY))

            for _ in range(5):
                calls = [begin() for _ in range(30)]
                for call in calls:
                    await asyncio.sleep(random.uniform(0, 0.002))
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
            await asyncio.gather(*[begin() for _ in range(9)])

    with serving(respond) as server:
        asyncio.run(cancel_most(server.base_url))
