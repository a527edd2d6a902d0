"""Code as callers write it. The type checker must find no error in it, now or in later versions.

Beside it stands the code of the READMEs and the docs, so here is what they do not have.
"""

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
    batch,
    create_video,
    errors,
    get_video,
)
from grok_imagine_video.types import UNSET, Response

URL = "https://gateway.example"
BODY = CreateVideoRequest(
    "grok-imagine-video-1.5-preview", "A lake", "480p", "16:9", 4, image=ImageInput(url=URL)
)
BODY.image, BODY.reference_images = UNSET, [ReferenceImage(url=URL), ReferenceImage()]
CLIENTS: list[Client] = [
    Client(base_url=URL, headers={"X-A": "b"}, cookies={"a": "b"}, timeout=httpx.Timeout(30.0)),
    Client(URL, verify_ssl=True, follow_redirects=False, httpx_args={"proxy": None}),
    Client(URL, max_retries=0, async_transport=httpx.AsyncHTTPTransport()),
    AuthenticatedClient(URL, "token", prefix="", auth_header_name="X-Api-Key"),
]


def create(client: AuthenticatedClient) -> str:
    job: CreateVideoResponse = create_video.sync(client=client, body=BODY)
    response: Response[CreateVideoResponse] = create_video.sync_detailed(client=client, body=BODY)
    status: int = response.status_code
    return f"{job['request_id']} {status} {response.content!r}"


def show(job: VideoJob) -> None:
    percent: float | None = get_video.progress(job)
    print(job.status, percent)


def bytes_so_far(done: int, total: int | None) -> None:
    print(done, total)


async def save(client: AuthenticatedClient, job_id: str) -> list[Path]:
    job: VideoJob = get_video.wait(job_id, client=client, on_progress=show)
    path = client.download(get_video.result(job), "lake.mp4", on_progress=bytes_so_far)
    job = await get_video.asyncio_wait(job_id, client=client)
    return [path, await client.asyncio_download(get_video.result(job), Path("lake.mp4"))]


def handle(error: errors.APIError) -> object:
    match error:
        case errors.RateLimitError():
            seconds: float | None = error.retry_after
            return seconds
        case errors.APIStatusError():
            return error.status_code, error.code, error.type, error.param, error.request_id
        case errors.JobFailedError() | errors.JobExpiredError() | errors.VideoWithheldError():
            return error.job
    return error


async def many(client: Client, bodies: list[CreateVideoRequest]) -> list[str]:
    def show(status: batch.Status, entry: batch.Entry) -> None:
        print(f"{status.done} of {status.total}", entry.number, entry.state, entry.job_id)

    summary: batch.Summary = batch.run(
        bodies, client=client, folder=Path("videos"), rate=30, resend=["unknown"], on_progress=show
    )
    summary = await batch.asyncio_run(
        bodies, client=client, folder="videos", operation=create_video, only={1, 2}, forget=[2]
    )
    with batch.Journal(Path("videos"), read_only=True) as journal:
        print(len(journal.entries), summary.not_sent, batch.status("videos") == summary)
    return [f"{each.number} {each.state}: {each.reason}" for each in summary.problems]
