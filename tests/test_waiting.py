"""Waiting for a job on the wire: a wait ends in time, and never loses the id of its job."""

import asyncio
import logging
import pickle
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from bodies import TEXT
from conftest import BODY, client_of, limited_to
from faults import DONE, Fault, no_response, reset, responding, serving
from grok_imagine_video import VideoJob, create_video, errors, get_video
from making import document, load, made_from
from ways import WAYS, Clock, Way

CREATED = responding(200, {"data": {"task_id": "job-1"}})
PENDING = responding(200, {"status": "pending", "progress": 10})


AN_ERROR = {"code": "InvalidApiKey", "message": "why", "request_id": "r-1"}
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
    "an error, no job": ([responding(200, AN_ERROR)], UNREADABLE, None),
    "failed at once": ([responding(200, {"id": "job-1", "status": "failed"})], FAILED, "job-1"),
    "on_created fails": ([CREATED], errors.APIError, "job-1"),
    "on_created raises another job's": ([CREATED], errors.APIError, "job-2"),
    "on_created has a bug": ([CREATED], LookupError, None),
}


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", ENDS)
def test_the_job_is_created_once_and_every_error_has_its_id(name: str, way: Way) -> None:
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
            end = way.call(create_video, "sync_and_wait", client, body=BODY, **options)
        except (errors.APIError, LookupError) as error:
            end = pickle.loads(pickle.dumps(error))
    assert (type(end), getattr(end, "job_id", None)) == (expected, job_id)
    assert [request[:4] for request in server.arrived].count(b"POST") == 1
    assert created == (["job-1"] if len(faults) > 1 or job_id or "bug" in name else [])
    assert len(server.arrived) >= len(faults)
    assert len(faults) > 1 or len(server.arrived) == 1
    assert all(b" /v1/videos/job-1 " in request for request in server.arrived[1:])


NO_CALLBACKS: list[Any] = [{"on_created": 5}, {"on_created": asyncio.sleep}]


@pytest.mark.parametrize("wrong", [*NO_CALLBACKS, {"interval": 0}, {"body": TEXT}])
def test_what_is_wrong_is_refused_before_anything_is_paid(wrong: Any, way: Way) -> None:
    with serving(CREATED) as server:
        client = client_of(server.base_url)
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            way.call(create_video, "sync_and_wait", client, **{"body": BODY, **wrong})
    assert not server.arrived


@pytest.mark.usefixtures("clock")
def test_the_response_that_created_a_job_can_be_waited_for(way: Way) -> None:
    with serving(CREATED, DONE) as server, way.using(client_of(server.base_url)) as call:
        created = call(create_video, "sync", body=BODY)
        assert call(get_video, "wait", created)["status"] == "done"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError])
def test_ctrl_c_and_cancelling_leave_the_id_in_the_log(
    kind: type[BaseException], clock: Clock, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt() -> None:
        raise kind

    clock.meanwhile = interrupt
    caplog.set_level(logging.INFO, "grok_imagine_video")
    with serving(CREATED, PENDING) as server, pytest.raises(kind):
        way.call(create_video, "sync_and_wait", client_of(server.base_url), body=BODY)
    assert [record[1:] for record in caplog.record_tuples] == [
        (logging.INFO, "created the job job-1"),
        (logging.WARNING, "the job job-1 goes on, and can be waited for again"),
    ]


def drip(connection: socket.socket) -> None:
    """Send a body drop by drop, each of them well within the caller's timeout."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:  # until the caller hangs up
        time.sleep(0.02)
        connection.sendall(b" ")


@pytest.mark.parametrize("fault", [no_response, drip])
def test_no_request_outlives_the_deadline_or_keeps_its_connection(fault: Fault, way: Way) -> None:
    with (
        serving(fault, DONE) as server,
        way.using(limited_to(1, server.base_url, timeout=None)) as call,
    ):
        started = time.monotonic()
        with pytest.raises(errors.WaitTimeoutError):
            call(get_video, "wait", "job-1", timeout=0.3)
        assert time.monotonic() - started < 1.3
        assert call(get_video, "wait", "job-1")["status"] == "done"
    assert len(server.arrived) == 2


@pytest.mark.usefixtures("clock")
def test_a_package_of_another_spec_has_its_own_address_agent_and_logger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spec = document(load("/r: {get: {operationId: render, responses: {}}}"))
    rendering = made_from(spec | {"x-env": {"base_url": "RENDER_URL"}}, tmp_path)
    caplog.set_level(logging.INFO)
    with serving(responding(503), DONE) as server:
        monkeypatch.setenv("RENDER_URL", server.base_url)
        WAYS["sync"].call(rendering.render, "sync_detailed", rendering.Client())
    assert rendering.__name__.replace("_", "-").encode() + b"/1\r\n" in server.arrived[0]
    assert {record.name for record in caplog.records} == {rendering.__name__, "httpx"}


@pytest.mark.usefixtures("clock")
def test_a_wait_says_why_it_has_no_answer(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "grok_imagine_video")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    why = "no response from the gateway (connection refused)"
    with pytest.raises(errors.WaitTimeoutError, match=re.escape(f"gave up after 9 s: {why}")):
        way.call(get_video, "wait", client_of(url), "job-1", timeout=9)
    facts = {"event": "poll_failed", "job_id": "job-1", "reason": why, "url": url}
    assert all(facts.items() <= vars(record).items() for record in caplog.records)
    assert caplog.records
