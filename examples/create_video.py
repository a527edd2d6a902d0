"""Create a video job.

With GROK_BASE_URL and GROK_API_KEY set, the job goes to that relay and costs money. Without them
it goes to a relay of our own on this machine, which makes no video.
"""

import contextlib
import json
import logging
import os
import secrets
import sys
from collections.abc import Iterator

from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video, errors


def main() -> None:
    logging.basicConfig(level=logging.ERROR)  # a request that is sent again is a warning
    request = CreateVideoRequest(
        model="grok-imagine-video",
        prompt="A serene lake at sunrise with mist rolling over the water",
        duration=4,
        aspect_ratio="16:9",
        resolution="480p",
    )
    with contextlib.ExitStack() as stack:
        base_url, token = os.environ.get("GROK_BASE_URL"), os.environ.get("GROK_API_KEY")
        if bool(base_url) != bool(token):
            sys.exit("create_video: set both GROK_BASE_URL and GROK_API_KEY, or neither")
        if not base_url or not token:
            base_url, token = stack.enter_context(local_relay())
        client = stack.enter_context(AuthenticatedClient(base_url=base_url, token=token))
        print(f"POST {base_url}/v1/videos/generations")
        print(json.dumps(request.to_dict(), indent=2))
        job = create_video.sync(client=client, body=request)
        print(json.dumps(job.to_dict(), indent=2))


@contextlib.contextmanager
def local_relay() -> Iterator[tuple[str, str]]:
    """The relay of examples/relay.py, which needs more than the package itself."""
    import relay

    os.environ["NO_PROXY"] = "127.0.0.1"  # a proxy does not reach this machine's loopback
    token = secrets.token_hex()
    with relay.running(relay.create_app(token)) as base_url:
        yield base_url, token


if __name__ == "__main__":
    try:
        main()
    except (errors.GrokImagineVideoError, ValueError) as error:
        sys.exit(f"create_video: {error}")
    except KeyboardInterrupt:
        sys.exit("create_video: interrupted; a request that was sent may still become a paid video")
