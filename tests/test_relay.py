"""The local relay checks every request against the contract and responds as OpenAI's API does."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

import relay
from bodies import BAD, TEXT
from conftest import TOKEN
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    VideoJob,
    create_video,
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


# The status, the method, the path, and what else is sent.
JSON = AUTHORIZED | {"content-type": "application/json"}
BODIES = (b"", b"{", b"\xff", b"null", b"[]", b"4")
TOKENS = ("", TOKEN, "Bearer", f"Basic {TOKEN}", "Bearer other")
REFUSED: list[tuple[int, str, str, dict[str, Any]]] = [
    *((400, "POST", PATH, {"content": body, "headers": JSON}) for body in BODIES),
    (400, "POST", PATH, {"data": TEXT, "headers": AUTHORIZED}),
    *((401, "POST", PATH, {"json": TEXT, "headers": {"authorization": each}}) for each in TOKENS),
    (401, "POST", PATH, {"json": TEXT}),
    (401, "GET", "/v1/videos/none", {}),
    (404, "GET", "/v1/videos/none", {"headers": AUTHORIZED}),
    (404, "POST", "/v1/videos", {"json": TEXT, "headers": AUTHORIZED}),
    (405, "PUT", PATH, {"headers": AUTHORIZED}),
]


def test_bad_requests_are_refused_and_the_field_is_named(base_url: str) -> None:
    with httpx.Client(base_url=base_url) as session:
        for status, method, path, sent in REFUSED:
            assert_error(session.request(method, path, **sent), status)
        for param, body in BAD.values():
            response = session.post(PATH, json=body, headers=AUTHORIZED)
            assert_error(response, 400, param)
            assert param.split(".")[-1] in str(response.json()) or param[-1].isdigit()


@pytest.mark.parametrize("prompt", ["a gateway lake", "a flaky empty lake"])
def test_a_job_makes_progress_until_it_has_a_video(
    prompt: str, client: AuthenticatedClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 0.2)
    progress: list[float] = []

    def note(job: VideoJob) -> None:
        progress.append(get_video.progress(job) or 0)

    with client:
        request = CreateVideoRequest.from_dict(TEXT | {"prompt": prompt})
        job_id = create_video.sync(client=client, body=request)["request_id"]
        job = get_video.wait(job_id, client=client, interval=0.02, on_progress=note)
        saved = client.download(job["video"]["url"], tmp_path / "v.mp4").read_bytes()
    assert (saved, saved[4:8]) == (relay.VIDEO.read_bytes(), b"ftyp")
    assert progress == sorted(progress)
    assert (len(progress) >= 2, progress[-1]) == (True, 100)


def test_the_relay_can_be_started_by_hand() -> None:
    with subprocess.Popen(
        [sys.executable, relay.__file__, "--port", "0", "--token", TOKEN], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[0].decode()
        assert_error(httpx.post(base_url + PATH, json=TEXT), 401)
        process.send_signal(2)
        assert process.wait(10) == 0
