"""Waiting for a job on the wire: what is polled through, and that a wait ends in time."""

import asyncio
import contextlib
import gc
import importlib
import itertools
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from conftest import each_transport
from faults import Fault, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import AuthenticatedClient, VideoJob, errors, get_video
from making import document, made_from
from ways import WAYS, Clock, Way, cancel_when

DONE = {"status": "done", "video": {"url": "https://cdn.example/v.mp4", "respect_moderation": True}}
PENDING = {"status": "pending", "progress": 10}
PATIENCE = httpx.Timeout(0.5)


def wait(way: Way, base_url: str, each: httpx.Timeout = PATIENCE, **options: Any) -> VideoJob:
    client = AuthenticatedClient(base_url, "token", timeout=each)
    job: VideoJob = way.call(get_video, "wait", client, "job-1", **options)
    return job


UNFINISHED: dict[str, Fault] = {
    "pending": responding(200, PENDING),
    "202 without a body": responding(202, b""),
    "429": responding(429),
    "502": responding(502),
    "reset": reset,
    "disconnect": hang_up,
    "half a response": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "no response": no_response,
}


@pytest.mark.parametrize("fault", UNFINISHED.values(), ids=UNFINISHED)
def test_polling_goes_on_until_the_job_has_ended(fault: Fault, way: Way, clock: Clock) -> None:
    with serving(fault, fault, responding(200, DONE)) as server:
        job = wait(way, server.base_url)
    assert job["video"]["url"] == "https://cdn.example/v.mp4"
    assert len(server.arrived) == 3
    assert all(request.startswith(b"GET /v1/videos/job-1 ") for request in server.arrived)
    assert len(clock.slept) == 2


def test_a_job_that_failed_ends_the_wait(way: Way, clock: Clock) -> None:
    failed = responding(200, {"status": "failed"})
    with serving(failed) as server, pytest.raises(errors.JobFailedError):
        wait(way, server.base_url)
    assert not clock.slept


def dripping_for_ever(start: bytes, drop: bytes) -> Fault:
    def fault(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + start)
        for _ in range(1000):
            time.sleep(0.02)
            connection.sendall(drop)

    return fault


def one_byte_late(connection: Any) -> None:
    time.sleep(0.25)
    saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", then=no_response)(connection)


NEVER_WHOLE: dict[str, Fault] = {
    "no response": no_response,
    "a body that drips": dripping_for_ever(b"\r\n", b" "),
    "a byte and no more": one_byte_late,
    "resets": reset,
    "pending": responding(200, PENDING),
}


@pytest.mark.parametrize("fault", NEVER_WHOLE.values(), ids=NEVER_WHOLE)
def test_no_request_outlives_the_deadline(fault: Fault, way: Way) -> None:
    started = time.monotonic()
    with serving(fault) as server, pytest.raises(errors.WaitTimeoutError):
        wait(way, server.base_url, timeout=0.3, interval=0.05, each=httpx.Timeout(30))
    assert time.monotonic() - started < 1.3
    assert server.arrived


@pytest.mark.parametrize("way", WAYS[1:], indirect=True, ids=lambda way: way.name)
def test_headers_that_drip_do_not_outlive_the_deadline_of_asyncio(way: Way) -> None:
    test_no_request_outlives_the_deadline(dripping_for_ever(b"", b"X-A: b\r\n"), way)


def test_waits_on_a_server_that_drips_leave_no_thread_and_no_permit_behind() -> None:
    drips = dripping_for_ever(b"\r\n", b" ")
    limits = httpx.Limits(max_connections=1)
    with serving(drips, drips, drips, responding(200, DONE)) as server:
        client = AuthenticatedClient(server.base_url, "token", httpx_args={"limits": limits})
        with client:
            before = set(threading.enumerate())
            for _ in range(3):
                with pytest.raises(errors.WaitTimeoutError):
                    get_video.wait("job-1", client=client, timeout=0.1)
            started = set(threading.enumerate()) - before
            assert get_video.wait("job-1", client=client, timeout=5)
    assert all("_serve" in thread.name for thread in started)  # the server's own


@each_transport
def test_cancelling_ends_the_wait(transport: Any) -> None:
    async def cancel(base_url: str) -> None:
        async with AuthenticatedClient(base_url, "token", async_transport=transport) as client:
            wait = get_video.asyncio_wait("1", client=client)
            await cancel_when(wait, lambda: server.arrived)

    with serving(responding(200, PENDING)) as server:
        asyncio.run(cancel(server.base_url))
    assert len(server.arrived) == 1


@each_transport
def test_two_thousand_wait_on_one_client(transport: Any) -> None:
    """httpx alone gets none of them a response in a minute."""
    asked: set[bytes] = set()
    connections: set[asyncio.Task[Any] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError), contextlib.closing(writer):
            while request := await reader.readuntil(b"\r\n\r\n"):
                asked.add(request.split()[1])
                writer.write(done)

    async def all_of_them() -> list[VideoJob]:
        server = await asyncio.start_server(answer, "127.0.0.1")
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, AuthenticatedClient(url, "token", async_transport=transport) as client:
            waits = [get_video.asyncio_wait(str(n), client=client, timeout=60) for n in range(2000)]
            return await asyncio.gather(*waits)

    body = json.dumps(DONE).encode()
    done = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert len(asyncio.run(all_of_them())) == len(asked) == 2000


@pytest.mark.usefixtures("clock")
def test_a_long_wait_takes_no_more_memory_than_a_short_one() -> None:
    blocks: dict[int, int] = {}
    numbers = itertools.count(1)

    async def answer(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if (number := next(numbers)) in (1000, 6000):
            gc.collect()
            blocks[number] = sys.getallocatedblocks()
        return httpx.Response(200, json=DONE if number == 6000 else PENDING)

    async def wait() -> None:
        transport = httpx.MockTransport(answer)
        async with AuthenticatedClient("https://a.example", "t", async_transport=transport) as one:
            await get_video.asyncio_wait("1", client=one, timeout=1e6)

    asyncio.run(wait())
    assert blocks[6000] - blocks[1000] < 1.5 * 5000  # the clock above notes every pause


RENDER = """
x-job:
  id: [key]
  status: [state.name]
  progress: [done]
  succeeded: [READY]
  failed: []
  expired: []
  result: [files.0]
  allowed: [ok]
  error: [reason]
type: object
"""


def test_any_operation_that_responds_with_a_job_can_be_waited_for(
    tmp_path: Path, clock: Clock
) -> None:
    schema = {"$ref": "#/components/schemas/Rendering"}
    responses = {
        "200": {"description": "ok", "content": {"application/json": {"schema": schema}}},
        "202": {"description": "Not yet."},
    }
    operation = {"operationId": "render", "tags": ["pets"], "responses": responses}
    rules = YAML(typ="safe").load(RENDER)
    rendering = made_from(document({"/r": {"get": operation}}, Rendering=rules), tmp_path)
    clock.rule(importlib.import_module(f"{rendering.__name__}._drivers"))
    ready = {"state": {"name": "Ready"}, "files": ["a"]}
    for way in WAYS:
        with serving(responding(202), responding(200, ready)) as server:
            job = way.call(rendering.render, "wait", rendering.Client(server.base_url))
        assert job.to_dict() == ready
