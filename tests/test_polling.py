"""What a wait decides: tried on its generator, without a socket or a clock."""

import json
from typing import Any

import httpx
import pytest

from conftest import client_of
from grok_imagine_video import CreateVideoResponse, create_video, errors, get_video
from grok_imagine_video_runtime import _jobs
from playing import URL, Play, status

VIDEO = "https://cdn.example/v.mp4"
DONE = status(200, {"status": "done", "video": {"url": VIDEO, "respect_moderation": True}})
PENDING = status(200, {"status": "pending", "progress": 10})


def play(*outcomes: Any, interval: Any = 5.0, timeout: Any = 900.0, seen: Any = None) -> Play:
    request = get_video.OPERATION.follow("job-1")
    call = client_of(URL, follow_redirects=True), _jobs.wait, request, "job-1"
    return Play(*call, _jobs.Waiting(interval, timeout, seen), outcomes=outcomes)


def job(state: str, **fields: Any) -> dict[str, Any]:
    return status(200, {"status": state, **fields})


WORDS = ("queued", "submitted", "processing", "in_progress", "running", "NOT_START", "dreaming")
ODD: list[Any] = [
    *({}, [], {"progress": 5}, {"status": 3}, {"message": "queued"}, {"output": 5, "video": [1]}),
    *({"status": "success", "data": {"status": "running"}}, {"code": "success", "message": "ok"}),
    {"id": "1", "error": {"message": "not yet"}},
    dict.fromkeys(["status", "progress", "video", "error"]),
    {"video": "", "usage": 3, "error": []},
    {"data": [], "videos": [], "output": []},
]
# What tells of no job and no error does not end the wait for one that is paid for.
NEITHER = [
    *({"code": 1, "message": "success"}, {"code": "ok", "message": "processing", "data": {}}),
    *({"code": "PENDING", "message": "queued"}, {"code": 10000, "message": "Success"}),
    *({"code": code, "message": "m"} for code in (200, 40000)),
    *({"code": word, "message": "m"} for word in ("queued", "submitted", "created", "waiting")),
    *({"code": word, "message": "m"} for word in ("processing", "running")),
]
UNFINISHED: list[Any] = [
    *(job(word, video={"url": VIDEO}) for word in WORDS),
    *(status(200, content) for content in ODD + NEITHER),
    *(status(202, content) for content in (b"", b" \n", {"status": "pending"})),
    *(status(200, b""), httpx.ReadError),
]


@pytest.mark.parametrize("outcome", UNFINISHED, ids=str)
def test_polling_goes_on_until_a_response_says_that_the_job_has_ended(outcome: Any) -> None:
    played = play(outcome, outcome, DONE)
    assert played.end.video.url == VIDEO
    assert [request.url.path for request in played.requests] == ["/v1/videos/job-1"] * 3
    assert all(4 <= seconds <= 6 for seconds in played.slept)
    assert len(set(played.slept)) == 2  # waits do not poll in step


SUCCEEDED = ("done", "completed", "succeeded", "SUCCESS", "Done", "ready", "finished")


def test_a_job_that_ended_well_ends_the_wait() -> None:
    for word in SUCCEEDED:
        played = play(job(word, video={"url": VIDEO}))
        assert get_video.result(played.end) == VIDEO
        assert not played.slept


FAILED = ("failed", "FAILURE", "error", "cancelled", "canceled", "fail", "rejected")
WITHHELD = {"url": VIDEO, "respect_moderation": False}
PAID = "the job is done and paid for"
ONLY_ERRORS: list[dict[str, Any]] = [
    *({"error": {"message": "why"}}, {"error": "why"}, {"code": 401, "message": "why"}),
    {"code": "invalid_key", "message": "why", "data": None},
    {"code": "InvalidApiKey", "message": "why", "request_id": "r-1"},
    {"type": "error", "error": {"message": "why"}, "request_id": "r-1"},
    {"status": 404, "error": "why"},
]
ENDINGS: list[tuple[dict[str, Any], type[errors.APIError], str]] = [
    *(
        (
            job(word, error={"code": "c1", "message": "because"}),
            *(errors.JobFailedError, f"the job is {word.lower()}: c1: because"),
        )
        for word in FAILED
    ),
    (job("failed", error=None), errors.JobFailedError, "the job is failed"),
    (job("failed", error="because"), errors.JobFailedError, "the job is failed: because"),
    (job("error", video="", usage=[]), errors.JobFailedError, "the job is error"),
    (job("expired", error={"code": 410}), errors.JobExpiredError, "the job is expired: 410"),
    (job("done", video=WITHHELD), errors.VideoWithheldError, "may have been billed"),
    (job("done", error={"message": "out of memory"}), errors.JobFailedError, "out of memory"),
    (job("done", error="out of memory"), errors.JobFailedError, "out of memory"),
    *((job("done", video={"url": url}), errors.ResultMissingError, PAID) for url in ("", None)),
    (job("done"), errors.ResultMissingError, PAID),
    *((status(200, content), errors.APIStatusError, "why") for content in ONLY_ERRORS),
    (status(400, {"error": "unknown task"}), errors.BadRequestError, "unknown task"),
    (status(404), errors.NotFoundError, "404"),
    (status(410), errors.APIStatusError, "410"),
]


@pytest.mark.parametrize(("outcome", "error", "text"), ENDINGS, ids=str)
def test_a_wait_ends_at_once_when_the_job_has_no_result_or_asking_again_is_no_use(
    outcome: Any, error: Any, text: str
) -> None:
    played = play(outcome)
    assert type(played.end) is error
    assert text in str(played.end)
    if not isinstance(played.end, errors.APIStatusError):
        assert played.end.job.status == outcome["json"]["status"]
    assert not played.slept


def test_every_request_has_the_deadline_of_the_wait_redirected_or_not() -> None:
    hops = (status(302, Location=place) for place in ("/x", f"{URL}/y"))
    played = play(*hops, PENDING, DONE)
    assert [request.url.path for request in played.requests][1:3] == ["/x", "/y"]
    assert played.deadlines == [900] * 4


@pytest.mark.parametrize("timeout", [4, 52])
def test_a_wait_asks_once_more_right_before_its_deadline(timeout: int) -> None:
    played = play(status(503), *[PENDING] * 20, timeout=timeout)
    assert played.times[-1] == pytest.approx(timeout - min(timeout / 10, 1))
    assert played.now == timeout
    assert type(played.end) is errors.WaitTimeoutError
    assert (played.end.job.status, played.end.__cause__) == ("pending", None)


@pytest.mark.parametrize("asked", ["3600", "999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_retry_after_is_honoured_but_not_beyond_the_deadline(asked: str) -> None:
    played = play(status(429, Retry_After="7"), status(503, Retry_After=asked), timeout=60)
    assert 7.5 < played.slept[0] < 8.5  # with jitter, so that not all callers come back at once
    assert (len(played.slept), played.now) == (2, 60)
    assert isinstance(played.end.__cause__, errors.InternalServerError)


def test_retry_after_never_shortens_the_interval() -> None:
    for asked in ("0", "-1", "1", "Thu, 01 Jan 1970 00:00:00 GMT", "soon"):
        busy = status(429, Retry_After=asked)
        assert all(4 <= seconds < 7.5 for seconds in play(busy, busy, DONE).slept)


def test_progress_is_reported_for_each_response_as_one_number() -> None:
    values = [42, "42", "42%", " 7.5% ", 0, 100]
    values += [None, "soon", True, {}, "nan", 101, "inf", 10**400, -1]
    seen: list[Any] = []
    polls = [status(200, {"status": "running", "progress": value}) for value in values]
    play(*polls, DONE, seen=seen.append)
    assert [get_video.progress(job) for job in seen] == [42, 42, 42, 7.5, 0, 100, *[None] * 10]


TIMES: list[tuple[str, Any, type[Exception]]] = [
    *(("interval", value, ValueError) for value in (0, -1, float("nan"))),
    *(("timeout", value, ValueError) for value in (float("inf"), 1e10)),
    *(("interval", "5", TypeError), ("timeout", None, TypeError), ("timeout", True, TypeError)),
]


@pytest.mark.parametrize(("name", "value", "kind"), TIMES)
def test_impossible_times_are_refused(name: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"^'{name}' must be"):
        play(**{name: value})


RESULTS: list[Any] = [
    *({"video": {"url": VIDEO}}, {"url": VIDEO}, {"video_url": VIDEO}, {"video": VIDEO}),
    {"video": {"url": ""}, "url": VIDEO},
    *({"metadata": {"url": VIDEO}}, {"output": VIDEO}, {"output": [VIDEO]}),
    *({"output": {"url": VIDEO}}, {"videos": [{"url": VIDEO}]}, {"data": [{"url": VIDEO}]}),
    *({"data": {"video": {"url": VIDEO}}}, {"data": {"url": VIDEO}}),
    *(
        {"video": {"file_output": {"public_url": VIDEO}}},
        {"url": VIDEO, "code": "x", "message": "m"},
    ),
]


@pytest.mark.parametrize("content", RESULTS, ids=str)
def test_a_result_is_found_wherever_a_gateway_puts_it(content: Any) -> None:
    for more in ({"status": "completed"}, {}):
        assert get_video.result(play(status(200, more | content)).end) == VIDEO
    wrapped = {"code": "success", "data": {"status": "SUCCESS"} | content}
    if "data" not in content:
        assert get_video.result(play(status(200, wrapped)).end) == VIDEO


def test_a_job_may_be_wrapped() -> None:
    running = {"code": "success", "data": {"task_status": "running", "progress": "50%"}}
    done = {"code": "success", "data": {"state": "SUCCESS", "url": VIDEO}}
    seen: list[Any] = []
    played = play(status(200, running), status(200, done), seen=seen.append)
    assert get_video.result(played.end) == VIDEO
    assert get_video.progress(seen[0]) == 50


IDS: list[Any] = [
    *({"request_id": "a"}, {"id": "a"}, {"task_id": "a", "id": None}, {"data": {"id": "a"}}),
    *({"request_id": "", "id": "a"}, {"data": {"task_id": "a"}}, {"code": "success", "data": "a"}),
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


# What a response says of its price, in units of 10^-10 US dollars, and what that is.
COSTS: list[tuple[Any, float | None]] = [
    *((0, 0.0), (5 * 10**8, 0.05), (10**15, 1e5), (1.5, 1.5e-10)),
    *((10**15 + 10**6, None), (-1, None), (True, None), ("5", None), (None, None)),
]


@pytest.mark.parametrize(("ticks", "cost"), COSTS)
def test_a_price_is_read_if_it_can_be_one(ticks: Any, cost: float | None) -> None:
    job = CreateVideoResponse.from_dict({"usage": {"cost_in_usd_ticks": ticks}})
    assert _jobs.cost_of(get_video.JOB, job) == (None if cost is None else pytest.approx(cost))
