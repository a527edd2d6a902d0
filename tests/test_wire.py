"""What leaves the client is what was meant, to the byte, and what comes back is kept."""

import asyncio
import uuid
from collections.abc import Callable

import pytest
from attrs import evolve

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

Send = Callable[[AuthenticatedClient | Client, CreateVideoRequest], Response[CreateVideoResponse]]


def send_sync(
    client: AuthenticatedClient | Client, body: CreateVideoRequest
) -> Response[CreateVideoResponse]:
    with client:
        return create_video.sync_detailed(client=client, body=body)


def send_async(
    client: AuthenticatedClient | Client, body: CreateVideoRequest
) -> Response[CreateVideoResponse]:
    async def send() -> Response[CreateVideoResponse]:
        async with client:
            return await create_video.asyncio_detailed(client=client, body=body)

    return asyncio.run(send())


def send_aiohttp(
    client: AuthenticatedClient | Client, body: CreateVideoRequest
) -> Response[CreateVideoResponse]:
    return send_async(evolve(client, async_transport="aiohttp"), body)


each_way = pytest.mark.parametrize("send", [send_sync, send_async, send_aiohttp])


@each_way
@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_the_bytes_are_those_that_were_meant(
    send: Send, body: Body, client: AuthenticatedClient, arrived: list[Arrived]
) -> None:
    response = send(client, CreateVideoRequest.from_dict(body))

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


def test_unknown_fields_of_an_answer_are_kept() -> None:
    answer = {"request_id": "1", "video": {"url": None}, "x": [1, {"y": 2}]}
    parsed = CreateVideoResponse.from_dict(answer)
    assert (parsed["x"], parsed.to_dict()) == (answer["x"], answer)


@each_way
def test_a_client_without_a_token_is_accepted_too(send: Send) -> None:
    with relay.running(relay.create_app()) as base_url:
        response = send(Client(base_url=base_url), CreateVideoRequest(**TEXT))
    assert response.parsed is not None
    assert uuid.UUID(response.parsed["request_id"]).version == 4


def test_sync_and_asyncio_return_the_model(client: AuthenticatedClient) -> None:
    async def create() -> CreateVideoResponse | None:
        async with client:
            return await create_video.asyncio(client=client, body=CreateVideoRequest(**TEXT))

    with client:
        job = create_video.sync(client=client, body=CreateVideoRequest(**TEXT))
    for answer in (job, asyncio.run(create())):
        assert isinstance(answer, CreateVideoResponse)
        assert "request_id" in answer
