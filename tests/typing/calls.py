"""Code as callers write it. The type checker must find no error in it, now or in later versions.

Beside it stands the code of the READMEs and the docs, so here is what they do not have.
"""

from pathlib import Path

import httpx

import grok_imagine_video as package
from grok_imagine_video import (
    Client,
    CreateVideoRequest,
    CreateVideoResponse,
    ImageInput,
    ReferenceImage,
    batch,
    create_video,
    errors,
    get_video,
)
from grok_imagine_video.types import Response

URL = "https://gateway.example"
BODY = CreateVideoRequest("grok-imagine-video", "A lake", "480p", "16:9", 4)
BODY.reference_images = [ReferenceImage(url=URL), ReferenceImage()]
CLIENTS: list[Client] = [
    Client(base_url=URL, headers={"X-A": "b"}, cookies={"a": "b"}, timeout=httpx.Timeout(30.0)),
    Client(URL, max_retries=0, async_transport=httpx.AsyncHTTPTransport(), verify_ssl=True),
]


def save(client: Client) -> Path:
    response: Response[CreateVideoResponse] = create_video.sync_detailed(client=client, body=BODY)
    print(response.status_code, response.content)
    job = create_video.sync_and_wait(client=client, body=BODY)
    price: float | None = get_video.cost(job)
    print(price, ImageInput.from_file("lake.png").url, ReferenceImage.from_file(Path("a.gif")).url)
    return client.download(get_video.result(job), Path("lake.mp4"), on_progress=print)


def handle(error: errors.APIError) -> object:
    return error.retry_after if isinstance(error, errors.RateLimitError) else error.job_id


async def many(client: Client, bodies: list[CreateVideoRequest]) -> batch.Summary:
    with batch.Journal(Path("videos"), read_only=True) as journal:
        print(len(journal.entries), batch.status("videos").problems)
    print(package.batch.status("videos").done, package.types.UNSET, package.errors.APIError)
    print(package.create_vido)  # type: ignore[attr-defined]  # a slip
    return await batch.asyncio_run(bodies, client=client, folder="videos", resend=["unknown"])
