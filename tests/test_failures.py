"""What a caller gets when a call or a wait goes wrong on the wire: no money and no id is lost."""

import asyncio
import contextlib
import logging
import pickle
import socket
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bodies import TEXT
from conftest import BODY, TOKEN, assert_well_made, client_of, limited_to
from faults import DONE, OK, Fault, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import CreateVideoResponse, VideoJob, create_video, errors, get_video
from modes import Clock, Mode

HEAD = b"HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\n"
ANNOUNCED = HEAD + b"Content-Length: 99\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HALF = f'{{"request_id": "paid-1", "echo": "{TOKEN}"'.encode()
FAULTS: dict[str, Fault] = {
    **{"no response": no_response, "hung up": hang_up, "reset": reset},
    "cut in the body": saying(ANNOUNCED, HALF),
    "cut between two chunks": saying(CHUNKED, b"%x\r\n%s\r\n" % (len(HALF), HALF)),
    "reset in the body": saying(ANNOUNCED, b"{", then=reset),
    "body stops coming": saying(ANNOUNCED, b"{", then=no_response),
    "garbage bytes": saying(b"\x00\xff\x16\x03 garbage\r\n\r\n"),
    "only status 103": saying(b"HTTP/1.1 103 Early Hints\r\n\r\n", then=no_response),
    "redirect to no URL": responding(307, Location="http://xn--/x"),
    "status 500": responding(500, X_Some="é"),
}


@pytest.mark.usefixtures("clock")  # retries take no time
@pytest.mark.parametrize("name", FAULTS)
def test_a_post_that_may_be_carried_out_is_sent_once(name: str, mode: Mode, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    busy = responding(429, {"error": f"{TOKEN} is too fast"})
    client = partial(limited_to, 1, max_retries=2, read=0.5)
    with mode.against(busy, FAULTS[name], OK, client_of=client) as (server, call):
        with pytest.raises(errors.OutcomeUnknownError) as raised:
            call(create_video, "sync", body=BODY)
        assert len(server.arrived) == 2
        assert call(create_video, "sync", body=BODY)["request_id"] == "1"  # the connection is free
    assert_well_made(error := raised.value)
    if "cut" in name:
        kept = b'{"request_id": "paid-1", "echo": "[token]"'
        assert (error.status_code, error.content, error.request_id) == (200, kept, "r1")
    (retry,) = (vars(record) for record in caplog.records if hasattr(record, "event"))
    assert (retry["event"], retry["attempt"], retry["reason"]) == ("retry", 1, "status 429")
    assert TOKEN not in caplog.text


def test_what_proves_who_calls_goes_to_the_own_origin_alone(mode: Mode, tmp_path: Path) -> None:
    options: dict[str, Any] = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    options["httpx_args"] = {"auth": ("user", TOKEN), "params": {"key": TOKEN}}
    options |= {"follow_redirects": True, "auth_header_name": "X-Key"}
    with serving(responding(200, b"video")) as other:
        away = other.base_url.replace("127.0.0.1", "localhost") + "/elsewhere"
        hops = responding(307, Location="/v2"), responding(307, Location=away)
        client = partial(client_of, **options)
        with mode.against(*hops, *hops, client_of=client) as (server, call):
            with pytest.raises(errors.APIStatusError, match=f"{away}, which was not followed"):
                call(create_video, "sync", body=BODY)
            call(None, "download", "/v1/videos/1/content", tmp_path / "v.mp4")
    for secret in (b"X-Key: Bearer ", b"X-Secret: ", b"secret=", b"Authorization: Basic "):
        assert [secret in request for request in server.arrived] == [True] * 4
    assert [request.endswith(b"}") for request in server.arrived] == [True, True, False, False]
    (elsewhere,) = other.arrived  # the download, and not the call
    assert TOKEN.encode() not in elsewhere
    assert b"authorization" not in elsewhere.lower()


CREATED = responding(200, {"data": {"task_id": "job-1"}})
PENDING = responding(200, {"status": "pending", "progress": 10})
FAILED, UNREADABLE = errors.JobFailedError, errors.APIResponseValidationError

# What comes of a call that creates a job and waits for it, and the id that its error has.
ENDS: dict[str, tuple[list[Fault], type[Any], str | None]] = {
    "done": ([CREATED, PENDING, responding(502), reset, no_response, DONE], VideoJob, None),
    "pending": ([CREATED, responding(202), DONE], VideoJob, None),
    "failed": ([CREATED, responding(200, {"status": "failed"})], FAILED, "job-1"),
    "not found": ([CREATED, responding(404)], errors.NotFoundError, "job-1"),
    "time is up": ([CREATED, PENDING], errors.WaitTimeoutError, "job-1"),
    "no id": ([responding(200, {"ok": True})], UNREADABLE, None),
    "unknown": ([responding(500)], errors.OutcomeUnknownError, None),
    "failed at once": ([responding(200, {"id": "job-1", "status": "failed"})], FAILED, "job-1"),
    "on_created fails": ([CREATED], errors.APIError, "job-1"),
    "on_created raises another job's": ([CREATED], errors.APIError, "job-2"),
    "on_created has a bug": ([CREATED], LookupError, None),
}


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", ENDS)
def test_the_job_is_created_once_and_every_error_has_its_id(name: str, mode: Mode) -> None:
    faults, expected, job_id = ENDS[name]
    created: list[str] = []

    def on_created(created_id: str) -> None:
        created.append(created_id)
        if name.startswith("on_created"):
            error = expected()
            if job_id == "job-2":
                error.job_id = job_id
            raise error

    options: dict[str, Any] = {"timeout": 60, "on_created": on_created}
    with serving(*faults) as server:
        client = client_of(server.base_url)
        try:
            end = mode.call(create_video, "sync_and_wait", client, body=BODY, **options)
        except (errors.APIError, LookupError) as error:
            end = pickle.loads(pickle.dumps(error))
    assert (type(end), getattr(end, "job_id", None)) == (expected, job_id)
    assert created == (["job-1"] if len(faults) > 1 or job_id or "bug" in name else [])
    _, *polls = server.arrived
    assert all(poll.startswith(b"GET /v1/videos/job-1 ") for poll in polls)
    assert len(polls) == len(faults) - 1 or name == "time is up"


NO_CALLBACKS: list[Any] = [{"on_created": 5}, {"on_created": asyncio.sleep}]


@pytest.mark.parametrize("wrong", [*NO_CALLBACKS, {"interval": 0}, {"body": TEXT}])
def test_what_is_wrong_is_refused_before_anything_is_paid(wrong: Any, mode: Mode) -> None:
    with serving(CREATED) as server:
        client = client_of(server.base_url)
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            mode.call(create_video, "sync_and_wait", client, **{"body": BODY, **wrong})
    assert not server.arrived


@pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError])
def test_an_interrupt_logs_the_id(kind: Any, clock: Clock, mode: Mode, caplog: Any) -> None:
    def interrupt() -> None:
        raise kind

    clock.meanwhile = interrupt
    caplog.set_level(logging.INFO, "grok_imagine_video")
    with serving(CREATED, PENDING) as server, pytest.raises(kind):
        mode.call(create_video, "sync_and_wait", client_of(server.base_url), body=BODY)
    assert [record[1:] for record in caplog.record_tuples] == [
        (logging.INFO, "created the job job-1"),
        (logging.WARNING, "the job job-1 goes on, and can be waited for again"),
    ]


def test_closing_a_client_ends_a_wait_elsewhere_with_its_id(mode: Mode, clock: Clock) -> None:
    def close() -> None:  # as another thread or task would, while the wait sleeps
        client.close()
        with contextlib.suppress(StopIteration):  # idle connections are closed at once
            client.aclose().send(None)

    with serving(PENDING) as server:
        client, clock.meanwhile = client_of(server.base_url), close
        with mode.using(client) as call:
            with pytest.raises(errors.APIConnectionError) as raised:
                call(get_video, "wait", "job-1")
            with pytest.raises(RuntimeError, match="this client is closed; make a new one"):
                call(get_video, "wait", "job-1")
    assert raised.value.job_id == "job-1"
    assert isinstance(raised.value.__cause__, RuntimeError)
    assert len(server.arrived) == 1


def test_cancelling_ends_what_a_client_does_and_it_can_go_on(tmp_path: Path, clock: Clock) -> None:
    async def cancel_each() -> None:
        async with limited_to(1, server.base_url, max_retries=1) as client:
            create = partial(create_video.asyncio, client=client, body=BODY)
            path, note = tmp_path / "v", lambda *_: clock.meanwhile()
            saving = client.asyncio_download("/v", path, on_progress=note)
            for begun in (create(), get_video.asyncio_wait("1", client=client), saving):
                task = asyncio.create_task(begun)
                clock.meanwhile = task.cancel
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert (await create())["request_id"] == "1"
            calls = [asyncio.create_task(create()) for _ in range(2)]
            while len(server.arrived) < 7:
                await asyncio.wait(calls, timeout=0.01)
            for call in reversed(calls):
                call.cancel()
            await asyncio.wait(calls)
            assert (await create())["request_id"] == "1"

    half = saying(ANNOUNCED, b"half", then=no_response)
    with serving(responding(429), OK, PENDING, OK, half, OK, no_response, OK) as server:
        asyncio.run(cancel_each())
    assert len(server.arrived) == 8
    assert not list(tmp_path.iterdir())


def drip(connection: socket.socket) -> None:
    """Send a body drop by drop, each of them well within the caller's timeout."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:  # until the caller hangs up
        time.sleep(0.02)
        connection.sendall(b" ")


@pytest.mark.parametrize("fault", [no_response, drip])
def test_no_request_outlives_the_deadline_or_keeps_its_connection(fault: Fault, mode: Mode) -> None:
    client = partial(limited_to, 1, timeout=None)
    with mode.against(responding(500), fault, DONE, client_of=client) as (server, call):
        started, created = time.monotonic(), CreateVideoResponse.from_dict({"id": "job-1"})
        with pytest.raises(errors.WaitTimeoutError, match=r"gave up after 0\.3 s: 500: "):
            call(get_video, "wait", created, timeout=0.3)
        assert time.monotonic() - started < 1.3
        assert call(get_video, "wait", "job-1")["status"] == "done"
    assert [request.split()[1] for request in server.arrived] == [b"/v1/videos/job-1"] * 3
