"""Responses about jobs as gateways and their upstreams send them, and what comes of each."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import BODY, client_of
from grok_imagine_video import CreateVideoResponse, batch, create_video, errors, get_video
from grok_imagine_video_runtime import _jobs
from playing import URL, Play, status

LINK = "https://cdn.example/v.mp4"
MODERATED = "Generated video rejected by content moderation."
PRICE = {"cost_in_usd_ticks": 2_500_000_000}
XAI_400 = {"code": "Client specified an invalid argument", "error": MODERATED, "usage": PRICE}

# The body of a poll that has the link.
LINKS: dict[str, dict[str, Any]] = {
    "new-api": {
        "code": "success",
        "data": {"status": "SUCCESS", "data": {"video": {"url": LINK}}},
    },
    "new-api, result_url": {"data": {"status": "SUCCESS", "result_url": LINK}},
    "Kling": {
        "code": 0,
        "request_id": "of HTTP",
        "data": {"task_status": "succeed", "task_result": {"videos": [{"url": LINK}]}},
    },
    "DashScope": {"output": {"task_status": "SUCCEEDED", "video_url": LINK}},
    "Doubao": {"status": "succeeded", "content": {"video_url": LINK}},
    "Vidu": {"state": "success", "creations": [{"url": LINK}]},
    "a list": {"status": "completed", "video_url": [LINK]},
    "outputs": {"status": "completed", "outputs": [LINK, "x"]},
    "lists in a result": {"status": "done", "result": {"videos": [{"url": [LINK]}]}},
}
# The status and the body of a poll after which the wait goes on.
UNFINISHED: dict[str, tuple[int, Any]] = {
    "busy": (429, {"error": MODERATED}),
    "error, pending": (200, {"status": "pending", "error": "queue full, retrying"}),
    "HTTP's success": (200, {"status": "success", "data": {"status": "pending"}}),
}
NEW_API = {"code": "success", "data": {"status": "FAILURE", "fail_reason": "no GPU"}}
KLING = {"code": 0, "data": {"task_status": "failed", "task_status_msg": "no GPU"}}
# The status and the body of a poll, and the error that ends the wait.
WITHHELD, FAILED = errors.VideoWithheldError, errors.JobFailedError
ENDED: dict[str, tuple[int, Any, type[errors.APIError]]] = {
    "xAI, moderated": (400, XAI_400, WITHHELD),
    "moderated, wrapped": (422, {"error": {"message": MODERATED, "code": "c"}}, WITHHELD),
    "moderated, 500": (500, {"error": MODERATED}, WITHHELD),
    "moderated, pending": (200, {"status": "pending", "error": MODERATED}, WITHHELD),
    "moderated, done": (200, {"status": "done", "error": MODERATED}, WITHHELD),
    "moderated, failed": (200, {"status": "failed", "message": MODERATED}, WITHHELD),
    "failed, 400": (400, {"id": "1", "status": "failed", "error": "no GPU"}, FAILED),
    "error, done": (200, {"status": "done", "error": "no GPU"}, FAILED),
    "new-api": (200, NEW_API, FAILED),
    "Kling": (200, KLING, FAILED),
    "bad request": (400, {"status": "error", "message": "bad id"}, errors.BadRequestError),
    "wrong key": (401, {"error": MODERATED}, errors.AuthenticationError),
    "forbidden": (403, {"error": MODERATED}, errors.PermissionDeniedError),
}
# The code of the error and the price, where there are any.
TOLD = {"xAI, moderated": (XAI_400["code"], 0.25), "moderated, wrapped": ("c", None)}


def wait(code: int, content: Any) -> Play:
    request = get_video.OPERATION.follow("1")
    call: Any = client_of(URL), _jobs.wait, request, "1", _jobs.Waiting(5.0, 900.0)
    return Play(*call, outcomes=[status(code, content)])


@pytest.mark.parametrize("name", LINKS)
def test_a_link_is_found_where_a_gateway_puts_it(name: str) -> None:
    assert get_video.result(wait(200, LINKS[name]).end) == LINK


@pytest.mark.parametrize("name", UNFINISHED)
def test_a_wait_goes_on_if_nothing_says_that_the_job_has_ended(name: str) -> None:
    assert not wait(*UNFINISHED[name]).has_ended


@pytest.mark.parametrize("name", ENDED)
def test_a_poll_ends_a_wait_by_what_it_says(name: str) -> None:
    code, content, kind = ENDED[name]
    error = wait(code, content).end
    assert type(error) is kind
    assert error.job_id == "1"
    if isinstance(error, WITHHELD | FAILED):
        assert (error.code, _jobs.cost_of(get_video.JOB, error.job)) == TOLD.get(name, (None, None))
        assert "no GPU" in str(error) or MODERATED in str(error)


# What a create responds, and the id that is polled.
CREATED: dict[str, tuple[Any, str]] = {
    "apimart": ({"code": 200, "data": [{"status": "submitted", "task_id": "a"}]}, "a"),
    "Kling": ({"code": 0, "request_id": "of HTTP", "data": {"task_id": "a"}}, "a"),
    "DashScope": ({"request_id": "of HTTP", "output": {"task_id": "a"}}, "a"),
    "HTTP's success": ({"status": "success", "id": "a"}, "a"),
    "done without a link": ({"status": "completed", "id": "a", "video_url": ""}, "a"),
    "done": ({"status": "completed", "id": "a", "video_url": LINK}, ""),
    "done, wrapped": ({"data": {"state": "SUCCESS", "task_id": "a", "url": LINK}}, ""),
}


@pytest.mark.parametrize("name", CREATED)
def test_a_create_is_followed_unless_it_has_the_result(name: str) -> None:
    content, polled = CREATED[name]
    assert create_video.job_id(CreateVideoResponse.from_dict(content)) == "a"
    created: list[str] = []
    creating = create_video.OPERATION.request(body=BODY)
    waiting: Any = _jobs.Waiting(5.0, 900.0)
    call = client_of(URL), _jobs.create_and_wait, creating, waiting, created.append
    done = status(200, {"status": "done", "video": {"url": LINK}})
    played = Play(*call, outcomes=[status(200, content), done])
    assert get_video.result(played.end) == LINK
    assert created == ["a"]
    polls = [request.url.path for request in played.requests[1:]]
    assert polls == ([f"/v1/videos/{polled}"] if polled else [])


# What a poll in a batch responds, the state of the request, and how what is said of it begins.
LOST = "the gateway does not find its job 1 (GET"
IN_A_BATCH: dict[str, tuple[int, Any, str, str]] = {
    "moderated": (400, XAI_400, "failed", "moderation withheld the result"),
    "not found": (404, {"error": "x"}, "unfinished", LOST),
    "not found, 400": (400, {"error": "task not found"}, "unfinished", LOST.replace(" (GET", "")),
    "bad request": (400, {"error": "bad id"}, "unfinished", "status 400: bad id"),
    "no link": (200, {"status": "done"}, "unfinished", "the job is done and paid for"),
}


@pytest.mark.parametrize("name", IN_A_BATCH)
def test_a_batch_says_one_thing_of_a_job(name: str, tmp_path: Path) -> None:
    code, content, state, said = IN_A_BATCH[name]

    def respond(request: httpx.Request) -> httpx.Response:
        found = (200, {"request_id": "1"}) if request.method == "POST" else (code, content)
        return httpx.Response(found[0], json=found[1])

    client = client_of(URL, httpx_args={"transport": httpx.MockTransport(respond)})
    (problem,) = batch.run([BODY], client=client, folder=tmp_path).problems
    assert (problem.state, problem.job_id) == (state, "1")
    assert problem.reason.startswith(said)
    can_be_forgotten = name in ("not found", "not found, 400", "no link")
    assert problem.reason.endswith("; it can be forgotten") == can_be_forgotten
