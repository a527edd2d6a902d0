"""What goes out where nothing is checked."""

import copy
import pickle
from typing import Any

import attrs
import pytest

from bodies import IMAGE, TEXT
from grok_imagine_video import CreateVideoRequest, ImageInput, create_video


def sent(body: CreateVideoRequest) -> Any:
    return create_video.OPERATION.request(body=body).arguments["json"]


AHEAD: dict[str, Any] = {"model": "grok-imagine-video-1.5", "prompt": 7, "image": {"url": None}}
AGAIN = [lambda body: body, copy.copy, copy.deepcopy, attrs.evolve]


@pytest.mark.parametrize("again", [*AGAIN, lambda body: pickle.loads(pickle.dumps(body))])
def test_an_unchecked_request_is_sent_as_it_is(again: Any) -> None:
    body = CreateVideoRequest.unchecked(**AHEAD)
    assert again(body) == body
    assert isinstance(again(body), CreateVideoRequest)
    assert sent(again(body)) == AHEAD
    body = again(body)
    body.duration = 99
    assert sent(body) == AHEAD | {"duration": 99}


def test_a_deep_copy_of_an_unchecked_request_is_its_own() -> None:
    body = CreateVideoRequest.unchecked(**copy.deepcopy(AHEAD))
    copy.deepcopy(body)["image"]["url"] = "another"
    assert sent(body) == AHEAD


def test_an_unchecked_request_may_have_more_fields_and_be_part_of_a_checked_one() -> None:
    extra = CreateVideoRequest.unchecked(seed=1, image=ImageInput.from_dict(IMAGE))
    assert sent(pickle.loads(pickle.dumps(extra))) == {"seed": 1, "image": IMAGE}
    body = CreateVideoRequest.from_dict(TEXT)
    body.image = ImageInput.unchecked(url=5)
    assert sent(body) == TEXT | {"image": {"url": 5}}
