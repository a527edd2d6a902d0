"""What leaves the client is what was meant, to the byte, and what comes back is kept."""

import uuid

import pytest

import relay
from bodies import GOOD, TEXT, URL, Body
from conftest import TOKEN, Arrived, compact
from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    CreateVideoResponse,
    ImageInput,
    ReferenceImage,
    create_video,
)
from grok_imagine_video.types import Response
from ways import Way


def send(way: Way, client: Client, body: CreateVideoRequest) -> Response[CreateVideoResponse]:
    response: Response[CreateVideoResponse]
    response = way.call(create_video, "sync_detailed", client, body=body)
    return response


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_bytes_are_those_that_were_meant(
    way: Way, body: Body, client: AuthenticatedClient, arrived: list[Arrived]
) -> None:
    response = send(way, client, CreateVideoRequest.from_dict(body))

    assert response.status_code == 200
    (request,) = arrived
    assert (request.method, request.path) == ("POST", "/v1/videos/generations")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.body == compact(body)


BUILT = {
    "text alone": (CreateVideoRequest(**TEXT), TEXT),
    "image": (CreateVideoRequest(**TEXT, image=ImageInput(URL)), GOOD["image"]),
    "reference images": (
        CreateVideoRequest(
            **TEXT, reference_images=[ReferenceImage(URL), ReferenceImage(url=URL + "?2")]
        ),
        GOOD["reference images"],
    ),
    "reference image without url": (
        CreateVideoRequest(**TEXT, reference_images=[ReferenceImage()]),
        GOOD["reference image without url"],
    ),
}


@pytest.mark.parametrize(("built", "meant"), BUILT.values(), ids=BUILT)
def test_a_request_built_from_models_is_the_same_as_its_json(
    built: CreateVideoRequest, meant: Body
) -> None:
    assert built == CreateVideoRequest.from_dict(meant)
    assert built.to_dict() == meant


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_models_round_trip(body: Body) -> None:
    assert CreateVideoRequest.from_dict(body).to_dict() == body


def test_unknown_fields_of_a_response_are_kept() -> None:
    source = {"request_id": "1", "video": {"url": None}, "x": [1, {"y": 2}]}
    parsed = CreateVideoResponse.from_dict(source)
    assert (parsed["x"], parsed.to_dict()) == (source["x"], source)


def test_a_client_without_a_token_is_accepted_too(way: Way) -> None:
    with relay.running(relay.create_app()) as base_url:
        response = send(way, Client(base_url=base_url), CreateVideoRequest(**TEXT))
    assert response.parsed is not None
    assert uuid.UUID(response.parsed["request_id"]).version == 4


def test_sync_and_asyncio_return_the_model(client: AuthenticatedClient, way: Way) -> None:
    job = way.call(create_video, "sync", client, body=CreateVideoRequest(**TEXT))
    assert isinstance(job, CreateVideoResponse)
    assert "request_id" in job
