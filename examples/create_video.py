"""Create a video, wait for it and save it.

    python examples/create_video.py "A serene lake at sunrise" lake.mp4

It calls the gateway at GROK_BASE_URL with the API key in GROK_API_KEY, and costs money. The command
`grok-imagine-video create` does the same, with a progress bar.
"""

import sys

from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video, get_video


def main() -> None:
    prompt, path = sys.argv[1:]
    request = CreateVideoRequest(
        model="grok-imagine-video",
        prompt=prompt,
        resolution="480p",
        aspect_ratio="16:9",
        duration=4,
    )
    with AuthenticatedClient() as client:
        job = create_video.sync_and_wait(
            client=client,
            body=request,
            on_created=print,  # the id, by which the job can be found again
            on_progress=lambda job: print(job.status, get_video.progress(job)),
        )
        print(client.download(get_video.result(job), path))


if __name__ == "__main__":
    main()
