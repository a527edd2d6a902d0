"""Waiting for a job: what ends it, what does not, and that it ends in time."""

import asyncio
import contextlib
import gc
import importlib
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from conftest import each_transport
from faults import Fault, answering, hang_up, no_answer, reset, saying, serving
from grok_imagine_video import AuthenticatedClient, VideoJob, errors, get_video, waiting
from making import document, made_from

DONE = {"status": "done", "video": {"url": "https://cdn.example/v.mp4", "respect_moderation": True}}
PENDING = {"status": "pending", "progress": 10}
REFERENCE = "#/components/schemas/Rendering"

Call = Callable[..., Any]


PATIENCE = httpx.Timeout(0.5)


def wait_sync(base_url: str, each: httpx.Timeout = PATIENCE, **options: Any) -> Any:
    with AuthenticatedClient(base_url, "token", timeout=each) as client:
        return get_video.wait("job-1", client=client, **options)


def wait_async(
    base_url: str, each: httpx.Timeout = PATIENCE, async_transport: Any = None, **options: Any
) -> Any:
    async def wait() -> Any:
        arguments = {"timeout": each, "async_transport": async_transport}
        async with AuthenticatedClient(base_url, "token", **arguments) as client:
            return await get_video.asyncio_wait("job-1", client=client, **options)

    return asyncio.run(wait())


def wait_aiohttp(base_url: str, **options: Any) -> Any:
    return wait_async(base_url, async_transport="aiohttp", **options)


each_way = pytest.mark.parametrize("wait", [wait_sync, wait_async, wait_aiohttp])


class Clock:
    """The time as the package sees it between two requests: it passes only where it waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._monkeypatch = monkeypatch
        self.rule(waiting)

    def rule(self, module: ModuleType) -> None:
        fake = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        self._monkeypatch.setattr(module, "time", fake)
        self._monkeypatch.setattr(module, "_asyncio_sleep", self._asyncio_sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def _asyncio_sleep(self, seconds: float) -> None:
        self._sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


UNFINISHED: dict[str, Fault] = {
    "pending": answering(200, PENDING),
    "unknown status": answering(200, {"status": "dreaming", "video": DONE["video"]}),
    "no status": answering(200, {"video": DONE["video"]}),
    "empty object": answering(200, {}),
    "null everywhere": answering(200, dict.fromkeys(["status", "progress", "video", "error"])),
    "status of another type": answering(200, {"status": 3}),
    "202 without a body": answering(202, b""),
    "202 with a blank body": answering(202, b" \n"),
    "202 with a body": answering(202, PENDING),
    "200 without a body": answering(200, b""),
    "parts of other kinds": answering(200, {"video": "", "usage": 3, "error": []}),
    "a list of videos": answering(200, {"status": "running", "video": [DONE["video"]]}),
    **{
        status: answering(200, {"status": status})
        for status in ("queued", "submitted", "processing", "in_progress", "running", "NOT_START")
    },
    "429": answering(429),
    "408": answering(408),
    "500": answering(500, b"<html>"),
    "502": answering(502),
    "524": answering(524),
    "reset": reset,
    "disconnect": hang_up,
    "half an answer": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
    "no answer": no_answer,
}


@each_way
@pytest.mark.parametrize("fault", UNFINISHED.values(), ids=UNFINISHED)
def test_what_does_not_say_that_the_job_has_ended_is_waited_out(
    fault: Fault, wait: Call, clock: Clock
) -> None:
    with serving(fault, fault, answering(200, DONE)) as server:
        job = wait(server.base_url)
    assert job.video.url == "https://cdn.example/v.mp4"
    assert len(server.arrived) == 3
    assert all(request.startswith(b"GET /v1/videos/job-1 ") for request in server.arrived)
    assert all(4 <= seconds <= 6 for seconds in clock.slept)


ENDINGS: dict[str, tuple[Fault, type[Exception] | None, str]] = {
    **{
        status: (answering(200, DONE | {"status": status}), None, "")
        for status in ("done", "completed", "succeeded", "SUCCESS", "Done")
    },
    "done, and nothing said of moderation": (
        answering(200, {"status": "done", "video": {"url": "https://cdn.example/v.mp4"}}),
        None,
        "",
    ),
    **{
        status: (
            answering(200, {"status": status, "error": {"code": "c1", "message": "because"}}),
            errors.JobFailedError,
            f"the job is {status.lower()}: c1: because",
        )
        for status in ("failed", "FAILURE", "error", "cancelled", "canceled")
    },
    "failed without a reason": (
        answering(200, {"status": "failed", "error": None}),
        errors.JobFailedError,
        "the job is failed",
    ),
    "failed with a reason in words": (
        answering(200, {"status": "failed", "error": "because"}),
        errors.JobFailedError,
        "the job is failed: because",
    ),
    "failed with parts of other kinds": (
        answering(200, {"status": "error", "video": "", "usage": []}),
        errors.JobFailedError,
        "the job is error",
    ),
    "expired": (
        answering(200, {"status": "expired", "error": {"code": 410, "message": "too late"}}),
        errors.JobExpiredError,
        "the job is expired: 410: too late",
    ),
    "done, and a reason": (
        answering(200, {"status": "done", "error": {"message": "nudity"}}),
        errors.VideoWithheldError,
        "may have been billed: nudity",
    ),
    "done with an empty URL": (
        answering(200, {"status": "done", "video": {"url": ""}}),
        errors.VideoWithheldError,
        "may have been billed",
    ),
    "done with a video of another kind": (
        answering(200, {"status": "done", "video": "https://cdn.example/v.mp4"}),
        errors.VideoWithheldError,
        "may have been billed",
    ),
    "done without a video": (
        answering(200, {"status": "done"}),
        errors.VideoWithheldError,
        "may have been billed",
    ),
    "done without a URL": (
        answering(200, {"status": "done", "video": {"url": None}}),
        errors.VideoWithheldError,
        "may have been billed",
    ),
    "done and withheld": (
        answering(200, {"status": "done", "video": {"url": "u", "respect_moderation": False}}),
        errors.VideoWithheldError,
        "may have been billed",
    ),
    "400": (answering(400, {"error": "unknown task"}), errors.BadRequestError, "unknown task"),
    "401": (answering(401), errors.AuthenticationError, "401"),
    "403": (answering(403), errors.PermissionDeniedError, "403"),
    "404": (answering(404), errors.NotFoundError, "404"),
    "410": (answering(410), errors.APIStatusError, "410"),
    "422": (answering(422), errors.UnprocessableEntityError, "422"),
    "redirect": (answering(302, Location="/x"), errors.APIStatusError, "302"),
    "HTML": (answering(200, b"<html>"), errors.APIResponseValidationError, "spec"),
    "list": (answering(200, []), errors.APIResponseValidationError, "spec"),
}


@each_way
@pytest.mark.parametrize(("fault", "error", "told"), ENDINGS.values(), ids=ENDINGS)
def test_what_ends_a_job_or_can_not_change_ends_the_wait_at_once(
    fault: Fault, error: type[Exception] | None, told: str, wait: Call, clock: Clock
) -> None:
    with serving(fault) as server:
        if error is None:
            assert wait(server.base_url).video.url == "https://cdn.example/v.mp4"
        else:
            with pytest.raises(error) as raised:
                wait(server.base_url)
            assert type(raised.value) is error
            assert told in str(raised.value)
            if "job" in told or "billed" in told:
                assert isinstance(raised.value.job, VideoJob)  # type: ignore[attr-defined]
    assert len(server.arrived) == 1
    assert not clock.slept


@each_way
def test_the_wait_ends_when_the_time_is_up_and_can_go_on(wait: Call, clock: Clock) -> None:
    with (
        serving(answering(200, PENDING)) as server,
        pytest.raises(errors.WaitTimeoutError, match=r"after 20 seconds; waiting can go on$") as up,
    ):
        wait(server.base_url, timeout=20)
    assert clock.now == 1020
    assert up.value.job.to_dict() == PENDING
    assert 4 <= len(server.arrived) <= 6


@each_way
@pytest.mark.parametrize("asked", ["3600", "999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_honoured_and_does_not_outlive_the_deadline(
    asked: str, wait: Call, clock: Clock
) -> None:
    faults = answering(429, Retry_After="7"), answering(503, Retry_After=asked)
    with serving(*faults) as server, pytest.raises(errors.WaitTimeoutError) as up:
        wait(server.base_url, timeout=60)
    assert 7.5 < clock.slept[0] < 8.5  # not all who were told the same come back at the same time
    assert len(clock.slept) == 2
    assert (clock.now, up.value.job) == (1060, None)
    assert isinstance(up.value.__cause__, errors.InternalServerError)


@each_way
@pytest.mark.parametrize("asked", ["0", "-1", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"])
def test_retry_after_does_not_make_the_wait_ask_more_often(
    asked: str, wait: Call, clock: Clock
) -> None:
    busy = answering(429, Retry_After=asked)
    with serving(busy, busy, answering(200, DONE)) as server:
        wait(server.base_url)
    assert all(4 <= seconds < 7.5 for seconds in clock.slept)


@each_way
def test_the_last_answer_is_kept_when_later_requests_fail(wait: Call, clock: Clock) -> None:
    with (
        serving(answering(200, PENDING), answering(500)) as server,
        pytest.raises(errors.WaitTimeoutError) as up,
    ):
        wait(server.base_url, timeout=20)
    assert up.value.job.to_dict() == PENDING
    assert isinstance(up.value.__cause__, errors.InternalServerError)
    assert len(clock.slept) > 2


@each_way
def test_a_failure_that_passed_is_not_the_cause_of_a_timeout(wait: Call, clock: Clock) -> None:
    with (
        serving(answering(500), answering(200, PENDING)) as server,
        pytest.raises(errors.WaitTimeoutError) as up,
    ):
        wait(server.base_url, timeout=20)
    assert up.value.__cause__ is None
    assert len(clock.slept) > 2


def dripping_for_ever(start: bytes, drop: bytes) -> Fault:
    def fault(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + start)
        for _ in range(1000):
            time.sleep(0.02)
            connection.sendall(drop)

    return fault


def one_byte_late(connection: Any) -> None:
    time.sleep(0.25)
    saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", then=no_answer)(connection)


NEVER_WHOLE: dict[str, Fault] = {
    "no answer": no_answer,
    "headers for ever": dripping_for_ever(b"", b"X-A: b\r\n"),
    "body for ever": dripping_for_ever(b"\r\n", b" "),
    "a byte and no more": one_byte_late,
    "resets": reset,
    "pending": answering(200, PENDING),
}


@each_way
@pytest.mark.parametrize("fault", NEVER_WHOLE.values(), ids=NEVER_WHOLE)
def test_no_request_outlives_the_deadline(fault: Fault, wait: Call) -> None:
    started = time.monotonic()
    with serving(fault) as server, pytest.raises(errors.WaitTimeoutError):
        wait(server.base_url, timeout=0.3, interval=0.05, each=httpx.Timeout(30))
    assert time.monotonic() - started < 1.3
    assert server.arrived


def test_a_request_that_is_left_to_itself_ends_soon() -> None:
    with serving(no_answer) as server:
        with pytest.raises(errors.WaitTimeoutError):
            wait_sync(server.base_url, timeout=0.2, each=httpx.Timeout(30))
        for left in threading.enumerate():
            if left.name == "request-in-time":
                left.join(5)
                assert not left.is_alive()


def test_a_slow_search_for_an_address_does_not_outlive_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    let_go = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: let_go.wait(30) and [])
    started = time.monotonic()
    with pytest.raises(errors.WaitTimeoutError):
        wait_sync("http://localhost:9", timeout=0.3)
    let_go.set()
    assert time.monotonic() - started < 1.3


@each_way
def test_progress_is_reported_for_each_answer_and_readable_as_one_number(
    wait: Call, clock: Clock
) -> None:
    told = [42, "42", "42%", " 7.5% ", 0, None, "soon", True, [1], "nan", 101, "inf", 10**400, -1]
    faults = [answering(200, {"status": "running", "progress": value}) for value in told]
    seen: list[Any] = []
    with serving(*faults, answering(200, DONE)) as server:
        wait(server.base_url, on_progress=seen.append)
    read = [get_video.progress(job) for job in seen]
    assert read == [42, 42, 42, 7.5, 0, *[None] * 10]
    assert len(clock.slept) == len(told)


def test_those_who_wait_do_not_ask_in_step(clock: Clock) -> None:
    with serving(*[answering(200, PENDING)] * 30, answering(200, DONE)) as server:
        wait_sync(server.base_url, interval=10)
    assert len(set(clock.slept)) == 30
    assert min(clock.slept) < 9
    assert max(clock.slept) > 11
    assert all(8 <= seconds <= 12 for seconds in clock.slept)


@each_way
@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"interval": 0}, ValueError),
        ({"interval": -1}, ValueError),
        ({"interval": float("nan")}, ValueError),
        ({"interval": "5"}, TypeError),
        ({"timeout": float("inf")}, ValueError),
        ({"timeout": None}, TypeError),
        ({"timeout": True}, TypeError),
    ],
)
def test_times_that_make_no_sense_are_refused(
    options: dict[str, Any], kind: type[Exception], wait: Call
) -> None:
    (name,) = options
    with pytest.raises(kind, match=f"^'{name}' must be"):
        wait("http://127.0.0.1:9", **options)


@each_transport
def test_cancelling_ends_the_wait(transport: Any) -> None:
    async def cancel(base_url: str) -> None:
        async with AuthenticatedClient(base_url, "token", async_transport=transport) as client:
            waiter = asyncio.create_task(get_video.asyncio_wait("1", client=client))
            await asyncio.wait([waiter], timeout=0.2)
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter

    with serving(answering(200, PENDING)) as server:
        asyncio.run(cancel(server.base_url))
    assert len(server.arrived) == 1


@each_transport
def test_two_thousand_wait_on_one_client(transport: Any) -> None:
    """Left to itself, httpx gets none of them an answer in a minute."""
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
  status: state.name
  progress: done
  succeeded: [READY]
  failed: []
  expired: []
  result: files
  allowed: ok
  error: reason
type: object
"""


def render_sync(rendering: ModuleType, base_url: str) -> Any:
    with rendering.Client(base_url) as client:
        return rendering.render.wait(client=client)


def render_async(rendering: ModuleType, base_url: str) -> Any:
    async def wait() -> Any:
        async with rendering.Client(base_url) as client:
            return await rendering.render.asyncio_wait(client=client)

    return asyncio.run(wait())


@pytest.mark.parametrize("render", [render_sync, render_async])
def test_any_operation_that_answers_with_a_job_can_be_waited_for(
    render: Call, tmp_path: Path, clock: Clock
) -> None:
    answer = {"description": "ok", "content": {"application/json": {"schema": {"$ref": REFERENCE}}}}
    responses = {"200": answer, "202": {"description": "Not yet."}}
    operation = {"operationId": "render", "tags": ["pets"], "responses": responses}
    job = YAML(typ="safe").load(RENDER)
    rendering = made_from(document({"/r": {"get": operation}}, Rendering=job), tmp_path)
    clock.rule(importlib.import_module(f"{rendering.__name__}.waiting"))
    running = {"state": {"name": "done"}, "done": 5}
    ready = {"state": {"name": "Ready"}, "files": ["a"]}
    with serving(answering(202), answering(200, running), answering(200, ready)) as server:
        found = render(rendering, server.base_url)
    assert found.to_dict() == ready
    assert len(clock.slept) == 2
