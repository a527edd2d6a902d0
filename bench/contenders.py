"""The clients that are measured. Each function creates one and returns the function that calls it.

Every client has its own defaults. What only one contender needs is imported in its function, so
that a missing or broken peer fails alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

Body = dict[str, Any]
Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]
Wait = Callable[[str], Awaitable[object]]
Download = Callable[[str, Path], Awaitable[object]]

PATH = "/v1/videos/generations"
TOKEN = "a-token-of-the-benchmark"
BODY: Body = {
    "model": "grok-imagine-video",
    "prompt": "A serene lake at sunrise with mist rolling over the water",
    "resolution": "480p",
    "aspect_ratio": "16:9",
    "duration": 4,
}
_HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def ours(base_url: str, body: Body, **options: Any) -> Call:
    from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video

    client = AuthenticatedClient(base_url=base_url, token=TOKEN, **options)
    client.get_httpx_client()  # `with` opens it; the other clients open theirs when created
    request = CreateVideoRequest.from_dict(body)
    return lambda: create_video.sync(client=client, body=request)


def raw_httpx(base_url: str, body: Body, **options: Any) -> Call:
    client = httpx.Client(base_url=base_url, headers=_HEADERS, **options)
    return lambda: client.post(PATH, json=body).raise_for_status().json()


def openai(base_url: str, body: Body, **options: Any) -> Call:
    """Its `videos.create` sends a form. Its methods that send JSON do it like this."""
    from openai import OpenAI
    from openai.types import Video

    client = OpenAI(base_url=base_url, api_key=TOKEN, **options)
    return lambda: client.post(PATH, body=body, cast_to=Video)


def upstream(base_url: str, body: Body, **options: Any) -> Call:
    from upstream_client import AuthenticatedClient
    from upstream_client.api.videos import create_video
    from upstream_client.models import CreateVideoRequest

    client = AuthenticatedClient(base_url=base_url, token=TOKEN, **options)
    request = CreateVideoRequest.from_dict(body)
    return lambda: create_video.sync(client=client, body=request)


def fal_client(base_url: str, body: Body, timeout: float) -> Call:
    from fal_client import SyncClient, client

    client.QUEUE_URL_FORMAT = f"{base_url}/"  # its setting is only a host, always with https
    session = SyncClient(key=TOKEN, default_timeout=timeout)
    return lambda: session.submit("owner/application", body)


def replicate(base_url: str, body: Body, **options: Any) -> Call:
    from replicate.client import Client

    client = Client(api_token=TOKEN, base_url=base_url, **options)
    return lambda: client.predictions.create(version="version", input=body)


def async_ours(base_url: str, **options: Any) -> AsyncCall:
    from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video

    client = AuthenticatedClient(base_url=base_url, token=TOKEN, **options)
    request = CreateVideoRequest(**BODY)
    return lambda: create_video.asyncio(client=client, body=request)


def async_raw_httpx(base_url: str) -> AsyncCall:
    client = httpx.AsyncClient(base_url=base_url, headers=_HEADERS)

    async def call() -> object:
        return (await client.post(PATH, json=BODY)).raise_for_status().json()

    return call


def async_openai(base_url: str) -> AsyncCall:
    from openai import AsyncOpenAI
    from openai.types import Video

    client = AsyncOpenAI(base_url=base_url, api_key=TOKEN)
    return lambda: client.post(PATH, body=BODY, cast_to=Video)


def async_aiohttp(base_url: str) -> AsyncCall:
    from aiohttp import ClientSession

    session = ClientSession(base_url, headers=_HEADERS, raise_for_status=True)

    async def call() -> object:
        async with session.post(PATH, json=BODY) as response:
            return await response.json()

    return call


async def wait_ours(base_url: str, interval: float, **options: Any) -> tuple[Wait, float]:
    """The wait, after a warm-up call, and the longest pause that it makes on purpose."""
    from grok_imagine_video import AuthenticatedClient, get_video

    client = AuthenticatedClient(base_url=base_url, token=TOKEN, **options)
    await get_video.asyncio("warm-up", client=client)

    def wait(job: str) -> Awaitable[object]:
        return get_video.asyncio_wait(job, client=client, interval=interval)

    return wait, interval * 1.2


async def wait_raw_httpx(base_url: str, interval: float) -> tuple[Wait, float]:
    client = httpx.AsyncClient(base_url=base_url, headers=_HEADERS)
    await client.get("/v1/videos/warm-up")

    async def wait(job: str) -> None:
        while True:
            await client.get(f"/v1/videos/{job}")
            await asyncio.sleep(interval)

    return wait, interval


def download_ours(base_url: str, url: str, path: Path) -> Call:
    from grok_imagine_video import AuthenticatedClient

    client = AuthenticatedClient(base_url=base_url, token=TOKEN)
    client.get_httpx_client()
    return lambda: client.download(url, path)


def download_raw_httpx(base_url: str, url: str, path: Path) -> Call:
    client = httpx.Client(base_url=base_url, headers=_HEADERS)

    def call() -> None:
        with client.stream("GET", url) as response, path.open("wb") as file:
            for chunk in response.raise_for_status().iter_bytes():
                file.write(chunk)

    return call


async def async_download_ours(base_url: str, **options: Any) -> Download:
    from grok_imagine_video import AuthenticatedClient

    return AuthenticatedClient(base_url=base_url, token=TOKEN, **options).asyncio_download


async def async_download_raw_httpx(base_url: str) -> Download:
    client = httpx.AsyncClient(base_url=base_url, headers=_HEADERS)

    async def download(url: str, path: Path) -> None:
        with path.open("wb") as file:
            async with client.stream("GET", url) as response:
                async for chunk in response.raise_for_status().aiter_bytes():
                    file.write(chunk)

    return download


def batch_ours(base_url: str, count: int, in_flight: int, folder: Path) -> Call:
    from grok_imagine_video import AuthenticatedClient, batch

    client = AuthenticatedClient(base_url=base_url, token=TOKEN)
    requests = _Requests(count)
    return lambda: batch.run(requests, client=client, folder=folder, concurrency=in_flight)


def batch_loop(
    base_url: str, count: int, in_flight: int, folder: Path, *, is_saved: bool = True
) -> Call:
    """Tasks that create, wait and save, or only create, and keep no journal."""
    from grok_imagine_video import AuthenticatedClient, create_video, get_video

    async def work(client: AuthenticatedClient, requests: Iterator[tuple[int, Any]]) -> None:
        for number, request in requests:
            job = await create_video.asyncio(client=client, body=request)
            if is_saved:
                ended = await get_video.asyncio_wait(job, client=client)
                await client.asyncio_download(get_video.result(ended), folder / f"{number}.mp4")

    async def call() -> None:
        requests = iter(enumerate(_Requests(count)))
        async with AuthenticatedClient(base_url=base_url, token=TOKEN) as client:
            await asyncio.gather(*(work(client, requests) for _ in range(in_flight)))

    return lambda: asyncio.run(call())


class _Requests(Sequence[Any]):
    """Requests that are made as they are asked for."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        from grok_imagine_video import CreateVideoRequest

        if index >= self._count:
            raise IndexError
        return CreateVideoRequest(**BODY | {"prompt": f"Lake {index}"})


def build_ours() -> Call:
    from grok_imagine_video import CreateVideoRequest

    return lambda: CreateVideoRequest(**BODY)


def build_upstream() -> Call:
    from upstream_client import models

    values = BODY | {
        "model": models.CreateVideoRequestModel(BODY["model"]),
        "resolution": models.CreateVideoRequestResolution(BODY["resolution"]),
        "aspect_ratio": models.CreateVideoRequestAspectRatio(BODY["aspect_ratio"]),
    }
    return lambda: models.CreateVideoRequest(**values)


def build_pydantic() -> Call:
    """The same fields and rules, checked when a request is built and a field is assigned."""
    from typing import Annotated, Literal, Self

    from pydantic import BaseModel, ConfigDict, Field, model_validator

    class Model(BaseModel):
        model_config = ConfigDict(strict=True, extra="forbid", validate_assignment=True)

    class Image(Model):
        url: str

    class Reference(Model):
        url: str | None = None

    class Request(Model):
        model: Literal["grok-imagine-video", "grok-imagine-video-1.5-preview"]
        prompt: str
        resolution: Literal["480p", "720p"]
        aspect_ratio: Literal["1:1", "16:9", "9:16"]
        duration: Annotated[int, Field(ge=1, le=15)]
        image: Image | None = None
        reference_images: list[Reference] | None = None

        @model_validator(mode="after")
        def _one_kind_of_image(self) -> Self:
            if self.image is not None and self.reference_images is not None:
                raise ValueError("'image' and 'reference_images' cannot be used together")
            return self

    return lambda: Request(**BODY)
