"""Responses about jobs as gateways and their upstreams send them, and what comes of each."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import BODY, client_of
from gateways import GATEWAYS, Row, content_of, each_row_of
from grok_imagine_video import CreateVideoResponse, VideoJob, batch, create_video, errors, get_video
from grok_imagine_video_runtime import _jobs
from playing import URL, Play, status
from test_polling import DONE, VIDEO, play


def outcome(row: Row) -> dict[str, Any]:
    return status(row.get("status", 200), content_of(row))


@each_row_of(GATEWAYS["unfinished"])
def test_a_wait_goes_on_if_nothing_says_that_the_job_has_ended(row: Row) -> None:
    played = play(outcome(row), outcome(row), DONE)
    assert played.end.video.url == VIDEO
    assert [request.url.path for request in played.requests] == ["/v1/videos/job-1"] * 3


@each_row_of(GATEWAYS["links"])
def test_a_link_is_found_where_a_gateway_puts_it(row: Row) -> None:
    played = play(outcome(row))
    assert get_video.result(played.end) == VIDEO
    assert not played.slept


@pytest.mark.parametrize("body", GATEWAYS["results"], ids=str)
def test_a_result_is_found_wherever_a_gateway_puts_it(body: Any) -> None:
    for content in (body, {"status": "completed"} | body):
        assert get_video.result(play(status(200, content)).end) == VIDEO
    wrapped = {"code": "success", "data": {"status": "SUCCESS"} | body}
    if "data" not in body:
        assert get_video.result(play(status(200, wrapped)).end) == VIDEO


ENDINGS = [row | {"end": end} for end, rows in GATEWAYS["endings"].items() for row in rows]


@each_row_of(ENDINGS)
def test_a_poll_ends_a_wait_by_what_it_says(row: Row) -> None:
    played = play(outcome(row))
    error = played.end
    assert (type(error).__name__, error.job_id, played.slept) == (row["end"], "job-1", [])
    assert row["said"] in str(error)
    if not isinstance(error, errors.APIStatusError):
        assert error.job == VideoJob.from_dict(row["body"])
        cost = _jobs.cost_of(get_video.JOB, error.job)
        assert (error.code, cost) == (row.get("code"), row.get("price"))
        if "status" not in row:
            with pytest.raises(type(error), match=re.escape(str(error))):
                get_video.result(error.job)


@each_row_of(GATEWAYS["creates"])
def test_a_create_is_followed_unless_it_has_the_result(row: Row) -> None:
    assert create_video.job_id(CreateVideoResponse.from_dict(row["body"])) == "a"
    created: list[str] = []
    creating = create_video.OPERATION.request(body=BODY)
    waiting: Any = _jobs.Waiting(5.0, 900.0, on_created=created.append)
    call = client_of(URL), _jobs.create_and_wait, creating, waiting
    played = Play(*call, outcomes=[outcome(row), DONE])
    assert get_video.result(played.end) == VIDEO
    assert created == ["a"]
    polls = [request.url.path for request in played.requests[1:]]
    assert polls == ([] if "is_done" in row else ["/v1/videos/a"])


@each_row_of(GATEWAYS["batches"])
def test_a_batch_says_one_thing_of_a_job(row: Row, tmp_path: Path) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"request_id": "1"})
        return httpx.Response(row.get("status", 200), content=content_of(row))

    client = client_of(URL, httpx_args={"transport": httpx.MockTransport(respond)})
    (problem,) = batch.run([BODY], client=client, folder=tmp_path).problems
    assert (problem.state, problem.job_id) == (row["state"], "1")
    assert problem.reason.startswith(row["said"])
    assert problem.reason.endswith("; it can be forgotten") == ("is_lost" in row)
