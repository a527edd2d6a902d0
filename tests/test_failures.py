"""What a caller gets when a call goes wrong on the wire, and how many requests the server got."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
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
    limited_to,
)
from faults import OK, Fault, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import create_video, errors, get_video
from ways import Clock, Way

pytestmark = pytest.mark.usefixtures("clock")  # retries take no time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ANNOUNCED = HEAD + b"Content-Length: 99\r\n\r\n"
FAULTS: dict[str, Fault] = {
    "no response": no_response,
    "hung up": hang_up,
    "reset": reset,
    "cut in the body": saying(ANNOUNCED, b'{"request_id":'),
    "reset in the body": saying(ANNOUNCED, b"{", then=reset),
    "body stops coming": saying(ANNOUNCED, b"{", then=no_response),
    "garbage bytes": saying(b"\x00\xff\x16\x03 garbage\r\n\r\n"),
    "only status 103": saying(b"HTTP/1.1 103 Early Hints\r\n\r\n", then=no_response),
    "status 500": responding(500, X_Some="é"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_post_that_may_have_been_carried_out_is_sent_once(
    fault: Fault, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        serving(responding(429, {"error": f"{TOKEN} is too fast"}), fault) as server,
        pytest.raises(errors.OutcomeUnknownError) as raised,
    ):
        create(way, client_of(server.base_url, timeout=0.3))
    assert_well_made(raised.value)
    assert len(server.arrived) == 2
    (retry,) = (vars(record) for record in caplog.records if hasattr(record, "event"))
    assert (retry["event"], retry["attempt"], retry["reason"]) == ("retry", 1, "status 429")
    assert TOKEN not in caplog.text


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


def test_a_post_that_was_never_sent_is_retried(way: Way, clock: Clock) -> None:
    with pytest.raises(errors.APIConnectionError, match="nothing was sent") as raised:
        create(way, client_of("http://127.0.0.1:9"))
    assert_well_made(raised.value)
    assert isinstance(raised.value.__cause__, httpx.ConnectError)
    assert len(clock.slept) == 2


def test_what_proves_who_is_calling_goes_to_the_own_origin_alone(way: Way, tmp_path: Path) -> None:
    options: dict[str, Any] = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    options["httpx_args"] = {"auth": ("user", TOKEN), "params": {"key": TOKEN}}
    options |= {"follow_redirects": True, "auth_header_name": "X-Key"}
    with serving(responding(200, b"video")) as other:
        away = other.base_url.replace("127.0.0.1", "localhost") + "/elsewhere"
        hops = responding(307, Location="/v2"), responding(307, Location=away)
        with (
            serving(*hops, *hops) as server,
            way.using(client_of(server.base_url, **options)) as call,
        ):
            with pytest.raises(errors.APIStatusError, match=f"{away}, which was not followed"):
                call(create_video, "sync", body=BODY)
            call(None, "download", "/v1/videos/1/content", tmp_path / "v.mp4")
    for secret in (b"X-Key: Bearer ", b"X-Secret: ", b"secret=", b"Authorization: Basic "):
        assert [secret in request for request in server.arrived] == [True] * 4
    assert [request.endswith(b"}") for request in server.arrived] == [True, True, False, False]
    (elsewhere,) = other.arrived  # the download, and not the call
    assert TOKEN.encode() not in elsewhere
    assert b"authorization" not in elsewhere.lower()


PENDING = responding(200, {"status": "pending"})


def test_closing_a_client_ends_a_wait_elsewhere_with_the_id_of_its_job(
    way: Way, clock: Clock
) -> None:
    def close() -> None:  # as another thread or task would, while the wait sleeps
        if way.is_sync:
            client.close()
        else:
            with contextlib.suppress(StopIteration):  # idle connections are closed at once
                client.aclose().send(None)

    with serving(PENDING) as server:
        client, clock.meanwhile = client_of(server.base_url), close
        with pytest.raises(errors.APIConnectionError) as raised:
            way.call(get_video, "wait", client, "job-1")
    assert raised.value.job_id == "job-1"
    assert isinstance(raised.value.__cause__, RuntimeError)
    assert len(server.arrived) == 1


HALF = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=no_response)
# What is begun with a client, a path and a callback, until the callback or a pause is reached.
CANCELLED: dict[str, tuple[Fault, Callable[..., Any]]] = {
    "pause of a call": (
        responding(429),
        lambda client, *_: create_video.asyncio(client=client, body=BODY),
    ),
    "pause of a wait": (PENDING, lambda client, *_: get_video.asyncio_wait("1", client=client)),
    "download": (
        HALF,
        lambda client, path, note: client.asyncio_download("/v", path, on_progress=note),
    ),
}


@pytest.mark.parametrize(("fault", "begin"), CANCELLED.values(), ids=CANCELLED)
def test_cancelling_ends_what_a_client_does_and_it_can_go_on(
    fault: Fault, begin: Callable[..., Any], tmp_path: Path, clock: Clock
) -> None:
    async def cancel() -> Any:
        async with limited_to(1, server.base_url, max_retries=1) as client:
            task: asyncio.Task[Any]
            task = asyncio.create_task(begin(client, tmp_path / "v", lambda *_: task.cancel()))
            clock.meanwhile = task.cancel
            with pytest.raises(asyncio.CancelledError):
                await task
            return await create_video.asyncio(client=client, body=BODY)

    with serving(fault, OK) as server:
        assert asyncio.run(cancel())["request_id"] == "1"
    assert len(server.arrived) == 2
    assert not list(tmp_path.iterdir())
