"""Code as callers write it. The type checker must find no error in it, now or in later versions."""

import httpx

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


def request() -> CreateVideoRequest:
    request = CreateVideoRequest(
        model="grok-imagine-video",
        prompt="A lake",
        resolution="480p",
        aspect_ratio="16:9",
        duration=4,
        image=ImageInput(url="https://images.example/a.png"),
    )
    request.duration = 5
    return request


def with_references() -> CreateVideoRequest:
    return CreateVideoRequest(
        model="grok-imagine-video-1.5-preview",
        prompt="A lake",
        resolution="720p",
        aspect_ratio="1:1",
        duration=15,
        reference_images=[ReferenceImage(url="https://images.example/a.png"), ReferenceImage()],
    )


def clients() -> list[Client]:
    return [
        Client(base_url="https://gateway.example"),
        AuthenticatedClient(base_url="https://gateway.example", token="token"),
        AuthenticatedClient(
            "https://gateway.example",
            "token",
            prefix="",
            auth_header_name="X-Api-Key",
            headers={"X-A": "b"},
            cookies={"a": "b"},
            timeout=httpx.Timeout(30.0),
            verify_ssl=True,
            follow_redirects=False,
            httpx_args={"proxy": None},
            max_retries=0,
            async_transport=httpx.AsyncHTTPTransport(),
        ),
    ]


def create(client: AuthenticatedClient) -> str:
    job: CreateVideoResponse = create_video.sync(client=client, body=request())
    response: Response[CreateVideoResponse] = create_video.sync_detailed(
        client=client, body=request()
    )
    status: int = response.status_code
    return f"{job['request_id']} {status} {response.content!r}"


async def create_from_asyncio(client: AuthenticatedClient) -> CreateVideoResponse:
    async with client:
        return await create_video.asyncio(client=client, body=with_references())
