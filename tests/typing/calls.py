"""Code as callers write it. The type checker must find no error in it, now or in later versions."""

from pathlib import Path

import httpx

from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    CreateVideoResponse,
    ImageInput,
    ReferenceImage,
    VideoJob,
    create_video,
    errors,
    get_video,
)
from grok_imagine_video.types import Response

ADDRESS, TOKEN = "https://gateway.example", "token"
REQUESTS = [
    CreateVideoRequest(
        "grok-imagine-video", "A lake", "480p", "16:9", 4, image=ImageInput(url="a")
    ),
    CreateVideoRequest(
        model="grok-imagine-video-1.5-preview",
        prompt="A lake",
        resolution="720p",
        aspect_ratio="1:1",
        duration=15,
        reference_images=[ReferenceImage(url="https://images.example/a.png"), ReferenceImage()],
    ),
]
REQUESTS[0].duration = 5
CLIENTS: list[Client] = [
    Client(base_url=ADDRESS),
    AuthenticatedClient(base_url=ADDRESS, token=TOKEN),
    AuthenticatedClient(
        ADDRESS,
        TOKEN,
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


def create(client: AuthenticatedClient, body: CreateVideoRequest) -> str:
    job: CreateVideoResponse = create_video.sync(client=client, body=body)
    response: Response[CreateVideoResponse] = create_video.sync_detailed(client=client, body=body)
    status: int = response.status_code
    return f"{job['request_id']} {status} {response.content!r}"


async def create_from_asyncio(client: AuthenticatedClient) -> CreateVideoResponse:
    async with client:
        return await create_video.asyncio(client=client, body=REQUESTS[0])


def show(job: VideoJob) -> None:
    percent: float | None = get_video.progress(job)
    print(job.status, percent)


def save(client: AuthenticatedClient, request_id: str) -> Path:
    job: VideoJob = get_video.wait(
        request_id, client=client, interval=5.0, timeout=900.0, on_progress=show
    )
    return client.download(get_video.result(job), "lake.mp4", on_progress=bytes_so_far)


async def save_from_asyncio(client: AuthenticatedClient, request_id: str) -> Path:
    job = await get_video.asyncio_wait(request_id, client=client)
    return await client.asyncio_download(get_video.result(job), Path("lake.mp4"))


def bytes_so_far(done: int, total: int | None) -> None:
    print(done, total)


def handle(client: AuthenticatedClient, request_id: str) -> object:
    try:
        return get_video.sync(request_id, client=client)
    except errors.RateLimitError as error:
        seconds: float | None = error.retry_after
        return seconds
    except errors.APIStatusError as error:
        return error.status_code, error.code, error.type, error.param, error.request_id
    except (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError) as error:
        return error.job
    except errors.WaitTimeoutError as error:
        return error.job
    except (errors.APIConnectionError, errors.OutcomeUnknownError) as error:
        return str(error)
    except errors.APIResponseValidationError as error:
        return error.content
    except errors.APIError as error:
        return str(error)
