"""What leaves the client is what was meant, to the byte; and what is made of a file."""

import base64
import copy
import pickle
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from bodies import BAD, BODIES, GOOD, TEXT, Body
from conftest import TOKEN, Arrived, compact
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    CreateVideoResponse,
    ImageInput,
    ReferenceImage,
    create_video,
)
from modes import Mode


def sent(body: CreateVideoRequest) -> Any:
    return create_video.OPERATION.request(body=body).arguments["json"]


AHEAD: dict[str, Any] = {"model": "grok-imagine-video-1.5", "prompt": 7, "image": {"url": None}}
AGAIN = [lambda body: body, copy.copy, copy.deepcopy, attrs.evolve]


@pytest.mark.parametrize("again", [*AGAIN, lambda body: pickle.loads(pickle.dumps(body))])
def test_an_unchecked_request_is_sent_as_it_is(again: Any) -> None:
    body = again(CreateVideoRequest.unchecked(**AHEAD))
    assert isinstance(body, CreateVideoRequest)
    assert body == CreateVideoRequest.unchecked(**AHEAD)
    body.duration = 99
    assert sent(body) == AHEAD | {"duration": 99}


def test_checked_and_unchecked_models_can_be_parts_of_each_other() -> None:
    body = CreateVideoRequest.from_dict(TEXT)
    body.image = ImageInput.unchecked(url=5)
    assert sent(body) == TEXT | {"image": {"url": 5}}
    assert type(body.image).from_dict({"url": 5}) == body.image
    extra = CreateVideoRequest.unchecked(seed=1, image=ImageInput(url="u"))
    assert sent(pickle.loads(pickle.dumps(extra))) == {"seed": 1, "image": {"url": "u"}}


def test_whole_numbers_are_sent_as_integers_as_long_as_they_are_exact() -> None:
    numbers = {"duration": 4.0, "seed": 2.0**53, "scale": [2.0**54]}
    body = sent(CreateVideoRequest.from_dict(TEXT | numbers))
    shown = [repr(body[name]) for name in numbers]
    assert shown == ["4", "9007199254740992", "[1.8014398509481984e+16]"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file at home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "a #ü.png"


@pytest.mark.parametrize("model", [ImageInput, ReferenceImage])
@pytest.mark.parametrize("content", BODIES["files"])
def test_a_file_becomes_a_url_by_its_content(content: str, model: Any, file: Path) -> None:
    kind, data = BODIES["files"][content], content.encode("latin-1") + b"lake" * 100
    file.write_bytes(data)
    uri = file.as_uri()
    for path in (file, str(file), "~/a #ü.png", uri, uri.replace("file:", "FILE:")):
        image = model.from_file(path)
        assert image == model(url=f"data:{kind};base64,{base64.b64encode(data).decode()}")
        with pytest.raises(TypeError) as refusal:
            CreateVideoRequest.from_dict(TEXT | {"prompt": image.to_dict()})
        for text in (repr(image), str(refusal.value)):
            assert f"data:{kind};base64,…'" in text
            assert "bGFrZ" not in text  # the lakes


@pytest.mark.parametrize("content", BODIES["no files"])
def test_a_file_of_another_kind_is_refused(content: str, file: Path) -> None:
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=rf"\.png' is {BODIES['no files'][content]}$"):
        ImageInput.from_file(file)


def test_what_cannot_be_read_is_an_error_of_the_system(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path, "~no-such-user/lake.png", "file://lake.png"):
        with pytest.raises(OSError, match=str(path).removeprefix("file://")):
            ImageInput.from_file(path)


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_bytes_are_those_that_were_meant(
    mode: Mode, body: Body, client: AuthenticatedClient, arrived: list[Arrived]
) -> None:
    request = CreateVideoRequest.from_dict(body)
    response = mode.call(create_video, "sync_detailed", client, body=request)
    assert response.status_code == 200
    assert type(response.parsed) is CreateVideoResponse
    assert response.parsed.to_dict().keys() == {"request_id"}
    (post,) = arrived
    assert (post.method, post.path) == ("POST", "/v1/videos/generations")
    assert post.headers["content-type"] == "application/json"
    assert post.headers["authorization"] == f"Bearer {TOKEN}"
    assert post.body == compact(body)


@pytest.mark.parametrize(("field", "body"), BAD, ids=str)
def test_a_bad_body_is_refused_by_client_and_relay(field: str, body: Body, base_url: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"'{field.split('.')[0]}'"):
        CreateVideoRequest.from_dict(body)
    headers = {"authorization": f"Bearer {TOKEN}"}
    response = httpx.post(f"{base_url}/v1/videos/generations", json=body, headers=headers)
    assert (response.status_code, response.json()["error"]["param"]) == (400, field)
