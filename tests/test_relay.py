"""The local relay checks every request against the contract and responds as OpenAI's API does."""

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

import relay
from bodies import BAD, GOOD, TEXT, Body
from conftest import TOKEN
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    VideoJob,
    create_video,
    errors,
    get_video,
)

PATH = "/v1/videos/generations"
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}


def assert_error(response: httpx.Response, status: int, param: str | None = None) -> None:
    assert response.status_code == status
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"]


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_a_good_body_gets_a_response_that_follows_the_spec(body: Body, base_url: str) -> None:
    response = httpx.post(base_url + PATH, json=body, headers=AUTHORIZED)
    OpenAPI.from_file_path(str(relay.SPEC)).validate_response(
        MockRequest(base_url, "post", PATH), MockResponse(response.content, response.status_code)
    )
    assert response.json().keys() == {"request_id"}


@pytest.mark.parametrize(("param", "body"), BAD.values(), ids=BAD)
def test_a_bad_body_is_refused_and_its_field_is_named(
    param: str, body: Body, base_url: str
) -> None:
    response = httpx.post(base_url + PATH, json=body, headers=AUTHORIZED)
    assert_error(response, 400, param)
    assert param.split(".")[-1] in str(response.json()) or param[-1].isdigit()


# The status, the method, the path, and what else is sent.
JSON = AUTHORIZED | {"content-type": "application/json"}
REFUSED: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    **{
        f"body {content!r}": (400, "POST", PATH, {"content": content, "headers": JSON})
        for content in (b"", b"{", b"\xff", b"null", b"[]", b"4")
    },
    "form": (400, "POST", PATH, {"data": TEXT, "headers": AUTHORIZED}),
    **{
        f"token {token!r}": (401, "POST", PATH, {"json": TEXT, "headers": {"authorization": token}})
        for token in ("", TOKEN, "Bearer", f"Basic {TOKEN}", "Bearer other")
    },
    "no token": (401, "POST", PATH, {"json": TEXT}),
    "job without token": (401, "GET", "/v1/videos/none", {}),
    "unknown job": (404, "GET", "/v1/videos/none", {"headers": AUTHORIZED}),
    "unknown path": (404, "POST", "/v1/videos", {"json": TEXT, "headers": AUTHORIZED}),
    "unknown method": (405, "PUT", PATH, {"headers": AUTHORIZED}),
}


@pytest.mark.parametrize(("status", "method", "path", "sent"), REFUSED.values(), ids=REFUSED)
def test_other_requests_are_refused(
    status: int, method: str, path: str, sent: dict[str, Any], base_url: str
) -> None:
    assert_error(httpx.request(method, base_url + path, **sent), status)


def test_jobs_in_a_file_survive_the_relay(tmp_path: Path) -> None:
    jobs = relay.Jobs(str(tmp_path / "jobs.sqlite"))
    job = jobs.add(TEXT)
    again = relay.Jobs(str(tmp_path / "jobs.sqlite"))
    assert [jobs.poll(job)["polls"], again.poll(job)["polls"]] == [1, 2]  # type: ignore[index]
    assert again.poll("none") is None
    jobs.close()
    again.close()


ENDINGS = {
    "a lake": None,
    "a gateway lake": None,
    "a flaky empty lake": None,
    "failed": errors.JobFailedError,
    "failed gateway": errors.JobFailedError,
    "expired": errors.JobExpiredError,
    "withheld": errors.VideoWithheldError,
}


@pytest.mark.parametrize("prompt", ENDINGS)
def test_the_prompt_decides_how_the_job_ends(
    prompt: str, base_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 0.5)
    progress: list[float | None] = []
    with AuthenticatedClient(base_url, TOKEN) as client:
        request = CreateVideoRequest.from_dict(TEXT | {"prompt": prompt})
        job_id = create_video.sync(client=client, body=request)["request_id"]

        def note(job: VideoJob) -> None:
            progress.append(get_video.progress(job))

        error = ENDINGS[prompt]
        with pytest.raises(error) if error else contextlib.nullcontext():
            job = get_video.wait(job_id, client=client, interval=0.05, on_progress=note)
        if error:
            return
        saved = client.download(job["video"]["url"], tmp_path / "v.mp4")
    assert saved.read_bytes() == relay.VIDEO.read_bytes()
    assert saved.read_bytes()[4:8] == b"ftyp"
    known = [each for each in progress if each is not None]
    assert known == sorted(known)
    assert len(progress) >= 2
    assert known[-1] == 100


def test_the_relay_can_be_started_by_hand() -> None:
    with subprocess.Popen(
        [sys.executable, relay.__file__, "--port", "0", "--token", TOKEN], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[0].decode()
        assert_error(httpx.post(base_url + PATH, json=TEXT), 401)
        process.send_signal(2)
        assert process.wait(10) == 0
