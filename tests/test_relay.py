"""The relay holds every request to the contract and answers as OpenAI's API does."""

import subprocess
import sys

import httpx
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

import relay
from bodies import BAD, GOOD, TEXT, Body
from conftest import TOKEN

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


def test_other_paths_and_methods_are_refused(base_url: str) -> None:
    assert_error(httpx.post(base_url + "/v1/videos", json=TEXT, headers=AUTHORIZED), 404)
    assert_error(httpx.get(base_url + PATH, headers=AUTHORIZED), 405)


def test_it_can_be_started_by_hand() -> None:
    with subprocess.Popen(
        [sys.executable, relay.__file__, "--port", "0", "--token", TOKEN], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split()[0].decode()
        assert_error(httpx.post(base_url + PATH, json=TEXT), 401)
        process.send_signal(2)
        assert process.wait(10) == 0
