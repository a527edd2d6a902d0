"""What a wait decides: tried on its generator, without a socket or a clock."""

import json
import random
from typing import Any

import httpx
import pytest

from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoResponse,
    VideoJob,
    _polling,
    create_video,
    errors,
    get_video,
)
from playing import URL, Play, status

DONE = {"status": "done", "video": {"url": "https://cdn.example/v.mp4", "respect_moderation": True}}
PENDING = {"status": "pending", "progress": 10}
TOKEN = "sk-secret-0123456789"


def respond(code: int, content: Any, **headers: str) -> dict[str, Any]:
    if isinstance(content, bytes):
        return {"status_code": code, "content": content, "headers": headers}
    return {"status_code": code, "json": content}


def play(*outcomes: Any, interval: Any = 5.0, timeout: Any = 900.0, seen: Any = None) -> Play:
    steps = _polling.wait(
        AuthenticatedClient(URL, TOKEN, follow_redirects=True),
        "job-1",
        get_video._get_kwargs("job-1"),
        get_video._parse_response,
        get_video._JOB,
        interval,
        timeout,
        seen,
    )
    return Play(steps, *outcomes)


UNFINISHED: dict[str, Any] = {
    "pending": respond(200, PENDING),
    "unknown status": respond(200, {"status": "dreaming", "video": DONE["video"]}),
    "no status and no result": respond(200, {"progress": 5}),
    "a result that is not text": respond(200, {"output": 5, "video": [1]}),
    "a wrapper that was successful": respond(
        200, {"status": "success", "data": {"status": "running"}}
    ),
    "no status and a word": respond(200, {"message": "queued"}),
    "an id and an error": respond(200, {"id": "1", "error": {"message": "not yet"}}),
    "empty object": respond(200, {}),
    "null everywhere": respond(200, dict.fromkeys(["status", "progress", "video", "error"])),
    "status of another type": respond(200, {"status": 3}),
    "202 without a body": respond(202, b""),
    "202 with a blank body": respond(202, b" \n"),
    "202 with a body": respond(202, PENDING),
    "200 without a body": respond(200, b""),
    "parts of other types": respond(200, {"video": "", "usage": 3, "error": []}),
    "a list of videos": respond(200, {"status": "running", "video": [DONE["video"]]}),
    **{
        name: respond(200, {"status": name})
        for name in ("queued", "submitted", "processing", "in_progress", "running", "NOT_START")
    },
    **{str(code): respond(code, b"<html>") for code in (408, 429, 500, 502, 524, 599)},
    "a maintenance page": respond(200, b"<html>"),
    "a list": respond(200, []),
    "reset": httpx.ReadError,
    "no connection": httpx.ConnectError,
    "no permit": httpx.PoolTimeout,
    "no response": httpx.ReadTimeout,
    "half a response": httpx.RemoteProtocolError,
}


@pytest.mark.parametrize("outcome", UNFINISHED.values(), ids=UNFINISHED)
def test_polling_goes_on_until_a_response_says_that_the_job_has_ended(outcome: Any) -> None:
    played = play(outcome, outcome, respond(200, DONE))
    assert played.end.video.url == "https://cdn.example/v.mp4"
    assert len(played.requests) == 3
    assert {request.url.path for request in played.requests} == {"/v1/videos/job-1"}
    assert all(4 <= seconds <= 6 for seconds in played.slept)


def job(state: str, **fields: Any) -> dict[str, Any]:
    return respond(200, {"status": state, **fields})


BILLED = "may have been billed"
PAID = "done and paid for"
ENDINGS: dict[str, tuple[dict[str, Any], type[Exception] | None, str]] = {
    **{
        state: (respond(200, DONE | {"status": state}), None, "")
        for state in ("done", "completed", "succeeded", "SUCCESS", "Done", "ready", "finished")
    },
    "no word of moderation": (job("done", video={"url": DONE["video"]["url"]}), None, ""),  # type: ignore[index]
    **{
        state: (
            job(state, error={"code": "c1", "message": "because"}),
            *(errors.JobFailedError, f"the job is {state.lower()}: c1: because"),
        )
        for state in ("failed", "FAILURE", "error", "cancelled", "canceled", "fail", "rejected")
    },
    "no reason": (job("failed", error=None), errors.JobFailedError, "the job is failed"),
    "reason as text": (job("failed", error="because"), errors.JobFailedError, "is failed: because"),
    "odd parts": (job("error", video="", usage=[]), errors.JobFailedError, "the job is error"),
    "expired": (
        job("expired", error={"code": 410, "message": "too late"}),
        *(errors.JobExpiredError, "the job is expired: 410: too late"),
    ),
    "no result, and a reason": (
        job("done", error={"message": "nudity"}),
        *(errors.ResultMissingError, "look at .job: nudity"),
    ),
    "empty URL": (job("done", video={"url": ""}), errors.ResultMissingError, PAID),
    "no video": (job("done"), errors.ResultMissingError, PAID),
    "no URL": (job("done", video={"url": None}), errors.ResultMissingError, PAID),
    **{
        f"an error and no job: {content}": (respond(200, content), errors.APIStatusError, "why")
        for content in (
            {"error": {"message": "why"}},
            {"error": "why"},
            {"code": 401, "message": "why"},
            {"code": "invalid_key", "message": "why", "data": None},
        )
    },
    "withheld": (
        job("done", video={"url": "u", "respect_moderation": False}),
        *(errors.VideoWithheldError, BILLED),
    ),
    "400": (respond(400, {"error": "unknown task"}), errors.BadRequestError, "unknown task"),
    "401": (status(401), errors.AuthenticationError, "401"),
    "403": (status(403), errors.PermissionDeniedError, "403"),
    "404": (status(404), errors.NotFoundError, "404"),
    "410": (status(410), errors.APIStatusError, "410"),
    "422": (status(422), errors.UnprocessableEntityError, "422"),
}


@pytest.mark.parametrize(("outcome", "error", "text"), ENDINGS.values(), ids=ENDINGS)
def test_a_wait_ends_at_once_when_the_job_has_ended_or_asking_again_is_no_use(
    outcome: Any, error: Any, text: str
) -> None:
    played = play(outcome)
    if error is None:
        assert get_video.result(played.end) == "https://cdn.example/v.mp4"
    else:
        assert type(played.end) is error
        assert text in str(played.end)
        if "job" in text or "billed" in text:
            assert isinstance(played.end.job, VideoJob)
    assert not played.slept


def test_a_wait_ends_at_its_deadline_and_can_go_on() -> None:
    played = play(*[respond(200, PENDING)] * 9, timeout=20)
    assert isinstance(played.end, errors.WaitTimeoutError)
    assert str(played.end).endswith("after 20 seconds; waiting can go on")
    assert (played.now, played.end.job.to_dict()) == (1020, PENDING)
    assert 5 <= len(played.requests) <= 7


@pytest.mark.parametrize(("timeout", "last"), [(1, 0.9), (20, 19), (900, 899)])
def test_the_job_is_asked_for_once_more_right_before_the_deadline(
    timeout: float, last: float
) -> None:
    polls = int(timeout / 4) + 2
    played = play(*[respond(200, PENDING)] * polls, timeout=timeout)
    assert isinstance(played.end, errors.WaitTimeoutError)
    assert played.now == 1000 + timeout
    assert played.slept[-1] == pytest.approx(timeout - last)
    done = play(
        *[respond(200, PENDING)] * (len(played.requests) - 1), respond(200, DONE), timeout=1
    )
    assert timeout != 1 or done.end.status == "done"


def test_every_request_has_the_deadline_of_the_wait_redirected_or_not() -> None:
    played = play(status(302, Location="/x"), respond(200, PENDING), respond(200, DONE))
    assert [request.url.path for request in played.requests][1] == "/x"
    assert played.deadlines == [1900] * 3


@pytest.mark.parametrize("asked", ["3600", "999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_honoured_but_not_beyond_the_deadline(asked: str) -> None:
    played = play(status(429, Retry_After="7"), status(503, Retry_After=asked), timeout=60)
    assert 7.5 < played.slept[0] < 8.5  # with jitter, so that not all callers come back at once
    assert len(played.slept) == 2
    assert (played.now, played.end.job) == (1060, None)
    assert isinstance(played.end.__cause__, errors.InternalServerError)


@pytest.mark.parametrize("asked", ["0", "-1", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"])
def test_retry_after_never_shortens_the_interval(asked: str) -> None:
    busy = status(429, Retry_After=asked)
    assert all(4 <= seconds < 7.5 for seconds in play(busy, busy, respond(200, DONE)).slept)


def test_the_last_response_and_the_last_failure_are_kept() -> None:
    failing = play(respond(200, PENDING), *[status(500)] * 9, timeout=20).end
    assert failing.job.to_dict() == PENDING
    assert isinstance(failing.__cause__, errors.InternalServerError)
    recovered = play(status(500), *[respond(200, PENDING)] * 9, timeout=20).end
    assert recovered.__cause__ is None


def test_progress_is_reported_for_each_response_as_one_number() -> None:
    values = [42, "42", "42%", " 7.5% ", 0, None, "soon", True, [1], "nan", 101, "inf", 10**400, -1]
    seen: list[Any] = []
    polls = [respond(200, {"status": "running", "progress": value}) for value in values]
    play(*polls, respond(200, DONE), seen=seen.append)
    assert [get_video.progress(job) for job in seen] == [42, 42, 42, 7.5, 0, *[None] * 10]


def test_waits_do_not_poll_in_step() -> None:
    random.seed(1)
    slept = play(*[respond(200, PENDING)] * 30, respond(200, DONE), interval=10).slept
    assert len(set(slept)) == 30
    assert min(slept) < 9
    assert max(slept) > 11
    assert all(8 <= seconds <= 12 for seconds in slept)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        *(({"interval": 0}, ValueError), ({"interval": -1}, ValueError)),
        *(({"interval": float("nan")}, ValueError), ({"interval": "5"}, TypeError)),
        *(({"timeout": float("inf")}, ValueError), ({"timeout": None}, TypeError)),
        ({"timeout": 1e10}, ValueError),
        ({"timeout": True}, TypeError),
    ],
)
def test_impossible_times_are_refused(options: dict[str, Any], kind: type[Exception]) -> None:
    (name,) = options
    played = play(**options)
    assert type(played.end) is kind
    assert str(played.end).startswith(f"'{name}' must be")
    assert not played.requests


URLS = "https://cdn.example/v.mp4"
RESULTS: list[Any] = [
    *({"video": {"url": URLS}}, {"url": URLS}, {"video_url": URLS}, {"video": URLS}),
    *({"metadata": {"url": URLS}}, {"output": URLS}, {"output": [URLS]}, {"output": {"url": URLS}}),
    *({"videos": [{"url": URLS}]}, {"data": [{"url": URLS}]}, {"data": {"video": {"url": URLS}}}),
    *({"video": {"file_output": {"public_url": URLS}}}, {"data": {"url": URLS}}),
]


@pytest.mark.parametrize("content", RESULTS, ids=str)
def test_a_result_is_found_wherever_a_gateway_puts_it(content: Any) -> None:
    for more in ({"status": "completed"}, {}):
        assert get_video.result(play(respond(200, more | content)).end) == URLS


def test_a_job_may_be_wrapped() -> None:
    running = {"code": "success", "data": {"task_status": "running", "progress": "50%"}}
    done = {"code": "success", "data": {"state": "SUCCESS", "url": URLS}}
    seen: list[Any] = []
    played = play(respond(200, running), respond(200, done), seen=seen.append)
    assert get_video.result(played.end) == URLS
    assert get_video.progress(seen[0]) == 50


IDS: list[Any] = [
    *(
        {"request_id": "a"},
        {"id": "a"},
        {"task_id": "a", "id": None},
        {"request_id": "", "id": "a"},
    ),
    *({"data": {"id": "a"}}, {"data": {"task_id": "a"}}, {"code": "success", "data": "a"}),
]


@pytest.mark.parametrize("content", IDS, ids=str)
def test_the_id_of_a_job_is_found_under_each_of_its_names(content: Any) -> None:
    assert create_video.job_id(CreateVideoResponse.from_dict(content)) == "a"


@pytest.mark.parametrize("content", [{}, {"id": None}, {"data": {}}, {"id": "a\n"}], ids=str)
def test_a_response_without_an_id_is_kept_in_the_error(content: Any) -> None:
    with pytest.raises(errors.APIResponseValidationError) as raised:
        create_video.job_id(CreateVideoResponse.from_dict(content))
    assert json.loads(raised.value.content) == content
    assert create_video.job_id(CreateVideoResponse.from_dict({"id": 7})) == "7"
