"""Creating a job and waiting for it in one call, which never loses the id of the job."""

import asyncio
import logging
import pickle
from typing import Any

import pytest

from bodies import TEXT
from conftest import each_async_way
from faults import Fault, no_response, responding, serving
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    VideoJob,
    create_video,
    errors,
    get_video,
)
from ways import Clock, Way, cancel_when

BODY = CreateVideoRequest.from_dict(TEXT)
CREATED = responding(200, {"data": {"task_id": "job-1"}})
PENDING = responding(200, {"status": "pending"})
DONE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}})


@pytest.fixture(autouse=True)
def _no_sleep(clock: Clock) -> None:
    """Polls take no time."""


# What comes of a call, and the id that its error has.
ENDS: dict[str, tuple[list[Fault], type[Any], str | None]] = {
    "done": ([CREATED, PENDING, DONE], VideoJob, None),
    "failed": ([CREATED, responding(200, {"status": "failed"})], errors.JobFailedError, "job-1"),
    "expired": ([CREATED, responding(200, {"status": "expired"})], errors.JobExpiredError, "job-1"),
    "no result": (
        [CREATED, responding(200, {"status": "done"})],
        errors.ResultMissingError,
        "job-1",
    ),
    "not found": ([CREATED, responding(404)], errors.NotFoundError, "job-1"),
    "time is up": ([CREATED, PENDING], errors.WaitTimeoutError, "job-1"),
    "no id": ([responding(200, {"ok": True})], errors.APIResponseValidationError, None),
    "refused": ([responding(400)], errors.BadRequestError, None),
    "unknown": ([responding(500)], errors.OutcomeUnknownError, None),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_job_is_created_once_and_every_error_has_its_id(name: str, way: Way) -> None:
    faults, expected, job_id = ENDS[name]
    created: list[str] = []
    with serving(*faults) as server:
        client = AuthenticatedClient(server.base_url, "token")

        def create() -> Any:
            options: dict[str, Any] = {"timeout": 60, "on_created": created.append}
            return way.call(create_video, "sync_and_wait", client, body=BODY, **options)

        if expected is VideoJob:
            assert get_video.result(create()) == "/v.mp4"
        else:
            with pytest.raises(expected) as raised:
                create()
            assert raised.value.job_id == job_id
            assert pickle.loads(pickle.dumps(raised.value)).job_id == job_id
    assert sum(request.startswith(b"POST") for request in server.arrived) == 1
    assert created == (["job-1"] if len(faults) > 1 else [])
    assert all(b" /v1/videos/job-1 " in request for request in server.arrived[1:])


@pytest.mark.parametrize("wrong", [{"interval": 0}, {"timeout": "5"}, {"body": TEXT}])
def test_what_is_wrong_is_refused_before_anything_is_paid(wrong: Any, way: Way) -> None:
    with serving(CREATED) as server:
        client = AuthenticatedClient(server.base_url, "token")
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            way.call(create_video, "sync_and_wait", client, **{"body": BODY, **wrong})
    assert not server.arrived


def test_the_response_that_created_a_job_can_be_waited_for(way: Way) -> None:
    with serving(CREATED, DONE, responding(404)) as server:
        clients = [AuthenticatedClient(server.base_url, "token") for _ in range(3)]
        created = way.call(create_video, "sync", clients[0], body=BODY)
        assert way.call(get_video, "wait", clients[1], created)["status"] == "done"
        with pytest.raises(errors.NotFoundError) as raised:
            way.call(get_video, "wait", clients[2], "job-2")
    assert raised.value.job_id == "job-2"


def test_ctrl_c_leaves_the_id_in_the_log(
    clock: Clock, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.meanwhile = interrupt
    caplog.set_level(logging.INFO, "grok_imagine_video")
    with serving(CREATED, PENDING) as server:
        client = AuthenticatedClient(server.base_url, "token")
        with pytest.raises(KeyboardInterrupt):
            way.call(create_video, "sync_and_wait", client, body=BODY)
    created, goes_on = caplog.record_tuples
    assert created[1:] == (logging.INFO, "created the job job-1")
    assert goes_on[1:] == (logging.WARNING, "the job job-1 goes on, and can be waited for again")


@each_async_way
@pytest.mark.usefixtures("way")
def test_cancelling_leaves_the_id_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def cancel(base_url: str) -> None:
        async with AuthenticatedClient(base_url, "token") as client:
            call = create_video.asyncio_and_wait(client=client, body=BODY)
            await cancel_when(call, lambda: len(server.arrived) == 2)

    with serving(CREATED, no_response) as server:
        asyncio.run(cancel(server.base_url))
    assert caplog.messages == ["the job job-1 goes on, and can be waited for again"]
