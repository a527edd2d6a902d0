"""What a wait decides, and what is made of what gateways respond: without a socket or a clock."""

import errno
import json
import pickle
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import BODY, TOKEN, assert_well_made, client_of, compact
from grok_imagine_video import CreateVideoResponse, VideoJob, batch, create_video, get_video
from grok_imagine_video_runtime import _jobs, errors
from playing import GATEWAYS, URL, Play, status

VIDEO = "https://cdn.example/v.mp4"
DONE = status(200, {"status": "done", "video": {"url": VIDEO, "respect_moderation": True}})
PENDING = status(200, {"status": "pending", "progress": 10})


def play(*outcomes: Any, interval: Any = 5.0, timeout: Any = 900.0, seen: Any = None) -> Play:
    request = get_video.OPERATION.follow("job-1")
    call = client_of(URL, follow_redirects=True), _jobs.wait, request, "job-1"
    return Play(*call, _jobs.Waiting(interval, timeout, seen), outcomes=outcomes)


def each_row_of(rows: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.get("what") or str(row))


def outcome(row: Any) -> dict[str, Any]:
    text: str = row["text"] if "text" in row else compact(row["body"]).decode()
    return status(row.get("status", 200), text.encode(row.get("encoding", "utf-8")))


@each_row_of(GATEWAYS["errors"])
def test_every_shape_of_an_error_is_read(row: Any) -> None:
    error = errors.status_error(400, {}, content := outcome(row)["content"])
    names = ("message", "code", "type", "param", "request_id")
    assert {name: getattr(error, name) for name in names} == dict.fromkeys(names) | row["read"]
    assert error.content == content
    assert str(error).startswith("400: ")


OPENAI = {"message": "Bad", "type": "invalid_request_error", "param": "model", "code": "no_model"}

HOSTILE = {
    "deep objects": b'{"error":' * 100_000,
    "deep enough for Python": b'{"error":' * 900 + b"1" + b"}" * 900,
    "many titles": b"<title" * 100_000,
    "many lines": compact({"error": "x\n" * 10**5}),
    "terminal codes": compact({"error": "\x1b[2J\x00\x07\u202e" * 9}),
    "number too long": b"9" * 10**5,
    "surrogates": b'{"error": "\\ud800", "code": "\\udfff"}',
    "long fields": compact({"error": dict.fromkeys([*OPENAI, "request_id"], "x" * 10**4)}),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_every_body_is_shown_in_one_line(content: bytes) -> None:
    error = errors.status_error(500, {"x-request-id": "r" * 10**4}, content)
    assert len(str(error)) <= 500
    assert re.search(r"[ (]request id r{88}…\)$", str(error))
    assert str(error).isprintable()
    assert pickle.loads(pickle.dumps(error)).content == content
    unknown = str(errors.OutcomeUnknownError("why" * 200, 500, {"cf-ray": "r" * 10**4}, content))
    assert (len(unknown) <= 500, unknown.endswith(errors.MAY_BE_DONE)) == (True, True)


def test_the_line_has_what_helps() -> None:
    error = errors.status_error(400, {"x-request-id": "r1"}, compact({"error": OPENAI}))
    assert str(error) == "400: Bad (no_model, model, request id r1)"
    assert repr(error) == f"BadRequestError({str(error)!r})"
    twice = errors.status_error(500, {}, b'{"error": {"message": "Bad", "code": "500"}}')
    assert str(twice) == "500: Bad"
    for name in ("request-id", "x-oneapi-request-id", "x-litellm-call-id", "cf-ray"):
        error = errors.status_error(500, {name: "r1"}, b"")
        assert str(error) == "500: Internal Server Error (request id r1)"


@each_row_of(GATEWAYS["unfinished"])
def test_a_wait_goes_on_if_nothing_says_that_the_job_has_ended(row: Any) -> None:
    played = play(outcome(row), outcome(row), DONE)
    assert played.end.video.url == VIDEO
    assert [request.url.path for request in played.requests] == ["/v1/videos/job-1"] * 3
    assert all(4 <= seconds <= 6 for seconds in played.slept)
    assert len(set(played.slept)) == 2  # waits do not poll in step


RESULTS = GATEWAYS["results"]
LINKS = [*RESULTS, *({"status": "completed"} | body for body in RESULTS)]
WRAPPED = [{"status": "SUCCESS"} | body for body in RESULTS if "data" not in body]
LINKS += [{"code": "success", "data": body} for body in WRAPPED]


@each_row_of([*GATEWAYS["links"], *({"body": body} for body in LINKS)])
def test_a_link_is_found_wherever_a_gateway_puts_it(row: Any) -> None:
    played = play(outcome(row))
    assert get_video.result(played.end) == VIDEO
    assert not played.slept


@each_row_of([row | {"end": end} for end, rows in GATEWAYS["endings"].items() for row in rows])
def test_a_poll_ends_a_wait_by_what_it_says(row: Any) -> None:
    played = play(outcome(row))
    error = played.end
    assert (type(error).__name__, error.job_id, played.slept) == (row["end"], "job-1", [])
    assert row["said"] in str(error)
    if not isinstance(error, errors.APIStatusError):
        assert error.job == VideoJob.from_dict(row["body"])
        cost = get_video.cost(error.job)
        assert (error.code, cost) == (row.get("code"), row.get("price"))
        if "status" not in row:
            with pytest.raises(type(error), match=re.escape(str(error))):
                get_video.result(error.job)


@each_row_of(GATEWAYS["creates"])
def test_a_create_is_followed_unless_it_has_the_result(row: Any) -> None:
    assert create_video.job_id(CreateVideoResponse.from_dict(row["body"])) == "a"
    created: list[str] = []
    creating = create_video.OPERATION.request(body=BODY)
    if needed := row.get("needed"):  # by the model of another spec
        reads = {"2XX": ("json", lambda job: (job[needed], VideoJob.from_dict(job))[1])}
        follower = get_video.OPERATION._replace(reads=reads)
        creating = create_video.OPERATION._replace(follower=follower).request(body=BODY)
    waiting: Any = _jobs.Waiting(5.0, 900.0, on_created=created.append)
    call = client_of(URL), _jobs.create_and_wait, creating, waiting
    played = Play(*call, outcomes=[outcome(row), DONE])
    assert get_video.result(played.end) == VIDEO
    assert created == ["a"]
    polls = [request.url.path for request in played.requests[1:]]
    assert polls == ([] if "is_done" in row else ["/v1/videos/a"])


@each_row_of(GATEWAYS["batches"])
def test_a_batch_says_one_thing_of_a_job(row: Any, tmp_path: Path) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"request_id": "1"})
        return httpx.Response(**outcome(row))

    client = client_of(URL, httpx_args={"transport": httpx.MockTransport(respond)})
    summary = batch.run([BODY], client=client, folder=tmp_path)
    (problem,) = summary.problems
    assert (problem.state, problem.job_id, summary.cost) == (row["state"], "1", row.get("cost", 0))
    assert row["said"] in problem.reason


@pytest.mark.parametrize("timeout", [4, 52])
def test_a_wait_asks_once_more_right_before_its_deadline(timeout: int) -> None:
    played = play(status(503), *[PENDING] * 20, timeout=timeout)
    assert played.slept[-1] == pytest.approx(min(timeout / 10, 1))
    assert played.clock.now == timeout
    assert type(played.end) is errors.WaitTimeoutError
    assert (played.end.job.status, played.end.__cause__) == ("pending", None)


def test_retry_after_is_honoured_within_the_interval_and_the_deadline() -> None:
    busy = [status(429, Retry_After=value) for value in ("1", "7")]
    played = play(*busy, status(503, Retry_After="3600"), timeout=60)
    assert 4 <= played.slept[0] < 7.5
    assert 7.5 < played.slept[1] < 8.5  # with jitter, so that not all callers come back at once
    assert (len(played.slept), played.clock.now) == (3, 60)
    assert isinstance(played.end.__cause__, errors.InternalServerError)


def test_progress_is_reported_for_each_response_as_one_number() -> None:
    values = [42, "42", "42%", " 7.5% ", 0, 100]
    values += [None, "soon", True, {}, "nan", 101, "inf", 10**400, -1]
    seen: list[Any] = []
    polls = [status(200, {"status": "running", "progress": value}) for value in values]
    wrapped = {"code": "success", "data": {"task_status": "running", "progress": "50%"}}
    play(*polls, status(200, wrapped), status(202, b""), DONE, seen=seen.append)
    percents = [get_video.progress(job) for job in seen]
    assert percents == [42, 42, 42, 7.5, 0, 100, *[None] * 9, 50, None, None]


REFUSED, CIRCLE = OSError(errno.ECONNREFUSED, "Connect call failed"), OSError("a", "b")
CIRCLE.__cause__ = CIRCLE
NO_CERTIFICATE = ssl.SSLCertVerificationError(1, "certificate verify failed")
# Why there was no response: what httpx raises, its cause, and what a wait says.
REASONS = [
    (httpx.ReadTimeout(""), None, " (timed out)"),
    (httpx.ReadError(""), None, " (ReadError)"),
    (httpx.ReadError("round"), CIRCLE, " (round)"),
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


@pytest.mark.parametrize("name", ["interval", "timeout"])
@pytest.mark.parametrize("value", [0, float("nan"), 1e10, "5", None, True])
def test_impossible_times_are_refused(name: str, value: Any) -> None:
    kind = ValueError if type(value) in (int, float) else TypeError
    with pytest.raises(kind, match=f"^'{name}' must be"):
        play(**{name: value})


def test_a_token_that_a_job_quotes_is_in_no_error() -> None:
    for code in (200, 400):
        why = f"it has\n{TOKEN}{' again' * 100}"
        played = play(status(code, {"id": "job-1", "status": "failed", "error": why}))
        assert type(played.end) is errors.JobFailedError
        assert_well_made(played.end)


def test_a_job_that_goes_on_has_no_result() -> None:
    with pytest.raises(errors.ResultMissingError, match="the job is pending, but") as raised:
        get_video.result(VideoJob.from_dict({"status": "pending", "id": "a"}))
    assert raised.value.job_id == "a"


@pytest.mark.parametrize("content", GATEWAYS["no_ids"], ids=str)
def test_a_response_without_an_id_is_kept_in_the_error(content: Any) -> None:
    with pytest.raises(errors.APIResponseValidationError) as raised:
        create_video.job_id(CreateVideoResponse.from_dict(content))
    assert json.loads(raised.value.content) == content
    assert create_video.job_id(CreateVideoResponse.from_dict({"id": 7})) == "7"


@pytest.mark.parametrize(("ticks", "cost"), [*GATEWAYS["prices"], (10**400, None)])
def test_a_price_is_read_if_it_can_be_one(ticks: Any, cost: float | None) -> None:
    job = VideoJob.from_dict({"data": {"usage": {"cost_in_usd_ticks": ticks}}})
    assert get_video.cost(job) == (None if cost is None else pytest.approx(cost))
