"""The relay holds every request to the contract and answers as OpenAI's API does."""

import subprocess
import sys
from pathlib import Path

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
def test_good_body_is_accepted_with_an_answer_that_keeps_to_the_spec(
    body: Body, base_url: str
) -> None:
    response = httpx.post(base_url + PATH, json=body, headers=AUTHORIZED)
    OpenAPI.from_file_path(str(relay.SPEC)).validate_response(
        MockRequest(base_url, "post", PATH), MockResponse(response.content, response.status_code)
    )
    assert response.json().keys() == {"request_id"}


@pytest.mark.parametrize(("param", "body"), BAD.values(), ids=BAD)
def test_bad_body_is_refused_by_the_name_of_its_field(
    param: str, body: Body, base_url: str
) -> None:
    response = httpx.post(base_url + PATH, json=body, headers=AUTHORIZED)
    assert_error(response, 400, param)
    assert param.split(".")[-1] in str(response.json()) or param[-1].isdigit()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"null", b"[]", b"4"])
def test_what_is_no_json_object_is_refused(content: bytes, base_url: str) -> None:
    headers = AUTHORIZED | {"content-type": "application/json"}
    assert_error(httpx.post(base_url + PATH, content=content, headers=headers), 400)


def test_another_media_type_is_refused(base_url: str) -> None:
    assert_error(httpx.post(base_url + PATH, data=TEXT, headers=AUTHORIZED), 400)


@pytest.mark.parametrize("sent", [None, "", TOKEN, "Bearer", f"Basic {TOKEN}", "Bearer other"])
def test_a_missing_or_wrong_token_is_refused(sent: str | None, base_url: str) -> None:
    headers = {} if sent is None else {"authorization": sent}
    assert_error(httpx.post(base_url + PATH, json=TEXT, headers=headers), 401)


def test_a_job_takes_a_moment_and_outlives_the_relay(tmp_path: Path) -> None:
    jobs = relay.Jobs(str(tmp_path / "jobs.sqlite"))
    job = jobs.add(TEXT)
    again = relay.Jobs(str(tmp_path / "jobs.sqlite"))
    assert [jobs.poll(job)["polls"], again.poll(job)["polls"]] == [1, 2]  # type: ignore[index]
    assert again.poll("none") is None
    jobs.close()
    again.close()


def test_an_unknown_job_is_not_found(base_url: str) -> None:
    assert_error(httpx.get(base_url + "/v1/videos/none", headers=AUTHORIZED), 404)
    assert_error(httpx.get(base_url + "/v1/videos/none"), 401)


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
def test_a_prompt_asks_for_its_ending(
    prompt: str, base_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 0.2)
    told: list[float | None] = []
    with AuthenticatedClient(base_url, TOKEN) as client:
        request = CreateVideoRequest.from_dict(TEXT | {"prompt": prompt})
        job_id = create_video.sync(client=client, body=request)["request_id"]

        def wait() -> VideoJob:
            return get_video.wait(
                job_id,
                client=client,
                interval=0.05,
                on_progress=lambda job: told.append(get_video.progress(job)),
            )

        if error := ENDINGS[prompt]:
            with pytest.raises(error):
                wait()
            return
        saved = client.download(wait()["video"]["url"], tmp_path / "v.mp4")
    assert saved.read_bytes() == relay.VIDEO.read_bytes()
    assert saved.read_bytes()[4:8] == b"ftyp"
    known = [each for each in told if each is not None]
    assert known == sorted(known)
    assert len(told) >= 2
    assert known[-1] == 100


def test_other_paths_and_methods_are_refused(base_url: str) -> None:
    assert_error(httpx.post(base_url + "/v1/videos", json=TEXT, headers=AUTHORIZED), 404)
    assert_error(httpx.put(base_url + PATH, headers=AUTHORIZED), 405)


def test_it_can_be_started_by_hand() -> None:
    with subprocess.Popen(
        [sys.executable, relay.__file__, "--port", "0", "--token", TOKEN], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[0].decode()
        assert_error(httpx.post(base_url + PATH, json=TEXT), 401)
        process.send_signal(2)
        assert process.wait(10) == 0
