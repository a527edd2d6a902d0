"""Create several videos at the same time with asyncio, and save each as soon as it is done.

    python examples/create_many.py "A lake" "A forest" "A desert"

It calls the gateway at GROK_BASE_URL with the API key in GROK_API_KEY, and costs money.
"""

import asyncio
import sys

from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video, get_video


async def create(client: AuthenticatedClient, prompt: str, path: str) -> None:
    request = CreateVideoRequest(
        model="grok-imagine-video",
        prompt=prompt,
        resolution="480p",
        aspect_ratio="16:9",
        duration=4,
    )
    job = await create_video.asyncio_and_wait(client=client, body=request)
    print(await client.asyncio_download(get_video.result(job), path))


async def main() -> None:
    async with AuthenticatedClient() as client:
        videos = [create(client, prompt, f"{prompt}.mp4") for prompt in sys.argv[1:]]
        for error in await asyncio.gather(*videos, return_exceptions=True):
            if error:  # the other videos are there all the same
                print(f"{type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
