"""What a wait decides: tried on its generator, without a socket or a clock."""

import errno
import json
import socket
import ssl
from typing import Any

import httpx
import pytest

from conftest import TOKEN, assert_well_made, client_of
from grok_imagine_video import CreateVideoResponse, VideoJob, create_video, errors, get_video
from grok_imagine_video_runtime import _jobs
from playing import URL, Play, status

VIDEO = "https://cdn.example/v.mp4"
DONE = status(200, {"status": "done", "video": {"url": VIDEO, "respect_moderation": True}})
PENDING = status(200, {"status": "pending", "progress": 10})


def play(*outcomes: Any, interval: Any = 5.0, timeout: Any = 900.0, seen: Any = None) -> Play:
    request = get_video.OPERATION.follow("job-1")
    call = client_of(URL, follow_redirects=True), _jobs.wait, request, "job-1"
    return Play(*call, _jobs.Waiting(interval, timeout, seen), outcomes=outcomes)


def test_polling_goes_on_until_a_response_says_that_the_job_has_ended() -> None:
    for outcome in (PENDING, httpx.ReadError):
        played = play(outcome, outcome, DONE)
        assert played.end.video.url == VIDEO
        assert all(4 <= seconds <= 6 for seconds in played.slept)
        assert len(set(played.slept)) == 2  # waits do not poll in step


@pytest.mark.parametrize("timeout", [4, 52])
def test_a_wait_asks_once_more_right_before_its_deadline(timeout: int) -> None:
    played = play(status(503), *[PENDING] * 20, timeout=timeout)
    assert played.slept[-1] == pytest.approx(min(timeout / 10, 1))
    assert played.now == timeout
    assert type(played.end) is errors.WaitTimeoutError
    assert (played.end.job.status, played.end.__cause__) == ("pending", None)


def test_retry_after_is_honoured_but_not_beyond_the_deadline() -> None:
    played = play(status(429, Retry_After="7"), status(503, Retry_After="3600"), timeout=60)
    assert 7.5 < played.slept[0] < 8.5  # with jitter, so that not all callers come back at once
    assert (len(played.slept), played.now) == (2, 60)
    assert isinstance(played.end.__cause__, errors.InternalServerError)


def test_retry_after_never_shortens_the_interval() -> None:
    busy = status(429, Retry_After="1")
    assert all(4 <= seconds < 7.5 for seconds in play(busy, busy, DONE).slept)


def test_progress_is_reported_for_each_response_as_one_number() -> None:
    values = [42, "42", "42%", " 7.5% ", 0, 100]
    values += [None, "soon", True, {}, "nan", 101, "inf", 10**400, -1]
    seen: list[Any] = []
    polls = [status(200, {"status": "running", "progress": value}) for value in values]
    wrapped = {"code": "success", "data": {"task_status": "running", "progress": "50%"}}
    play(*polls, status(200, wrapped), status(202, b""), DONE, seen=seen.append)
    found = [get_video.progress(job) for job in seen]
    assert found == [42, 42, 42, 7.5, 0, 100, *[None] * 9, 50, None, None]


REFUSED = OSError(errno.ECONNREFUSED, "Connect call failed")
NO_CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed")
# Why there was no response: what httpx raises, its cause, and what a wait says.
REASONS = [
    (httpx.ReadTimeout("boom"), None, " (timed out)"),
    (httpx.ReadError(""), None, ""),
    (httpx.ConnectError("all failed"), None, " (all failed)"),
    (httpx.ConnectError("all failed"), REFUSED, " (connection refused)"),
    (httpx.ConnectError("[Errno -2]"), socket.gaierror(-2, "Not known"), " (not known)"),
    (httpx.ConnectError("[SSL] why"), NO_CERTIFICATE, " (certificate verify failed)"),
]


@pytest.mark.parametrize(("error", "cause", "why"), REASONS)
def test_a_timeout_names_the_reason_of_the_last_poll(error: Any, cause: Any, why: str) -> None:
    error.__cause__ = cause
    played = play(PENDING, error, timeout=2)
    assert str(played.end) == f"gave up after 2 s: no response from the gateway{why}"
    assert played.end.job.status == "pending"


TIMES: list[tuple[str, Any]] = [("interval", 0), ("interval", float("nan")), ("interval", "5")]
TIMES += [("timeout", 1e10), ("timeout", None), ("timeout", True)]


@pytest.mark.parametrize(("name", "value"), TIMES)
def test_impossible_times_are_refused(name: str, value: Any) -> None:
    kind = ValueError if type(value) in (int, float) else TypeError
    with pytest.raises(kind, match=f"^'{name}' must be"):
        play(**{name: value})


def test_a_token_that_a_job_quotes_is_in_no_error() -> None:
    for code in (200, 400):
        played = play(status(code, {"id": "job-1", "status": "failed", "error": TOKEN}))
        assert type(played.end) is errors.JobFailedError
        assert_well_made(played.end)


def test_a_job_that_goes_on_has_no_result() -> None:
    with pytest.raises(errors.ResultMissingError) as raised:
        get_video.result(VideoJob.from_dict({"status": "pending", "id": "a"}))
    assert str(raised.value).startswith("the job is pending, and has no result")
    assert raised.value.job_id == "a"


AN_ERROR = {"code": "InvalidApiKey", "message": "why", "request_id": "r-1"}
NO_IDS = ["a\n", "a\a", "a b", " ", ".", "..", None]
NO_JOBS = [AN_ERROR, {}, {"data": {}}, *({"id": x} for x in NO_IDS)]


@pytest.mark.parametrize("content", NO_JOBS, ids=str)
def test_a_response_without_an_id_is_kept_in_the_error(content: Any) -> None:
    with pytest.raises(errors.APIResponseValidationError) as raised:
        create_video.job_id(CreateVideoResponse.from_dict(content))
    assert json.loads(raised.value.content) == content
    assert create_video.job_id(CreateVideoResponse.from_dict({"id": 7})) == "7"


# What a response says of its price, in units of 10^-10 US dollars, and what that is.
COSTS: list[tuple[Any, float | None]] = [
    *((0, 0.0), (5 * 10**8, 0.05), (10**15, 1e5), (1.5, 1.5e-10)),
    *((10**400, None), (10**15 + 10**6, None), (-1, None), (True, None), ("5", None), (None, None)),
]


@pytest.mark.parametrize(("ticks", "cost"), COSTS)
def test_a_price_is_read_if_it_can_be_one(ticks: Any, cost: float | None) -> None:
    job = CreateVideoResponse.from_dict({"usage": {"cost_in_usd_ticks": ticks}})
    assert _jobs.cost_of(get_video.JOB, job) == (None if cost is None else pytest.approx(cost))
