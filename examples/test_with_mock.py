"""Test code that creates videos, without a gateway and without paying.

pytest examples/test_with_mock.py
"""

import httpx

from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video, get_video


def video_of(client: AuthenticatedClient, prompt: str) -> str:
    """The code to be tested: create a video and return its URL."""
    request = CreateVideoRequest(
        model="grok-imagine-video",
        prompt=prompt,
        resolution="480p",
        aspect_ratio="16:9",
        duration=4,
    )
    return get_video.result(create_video.sync_and_wait(client=client, body=request))


def gateway(request: httpx.Request) -> httpx.Response:
    """What the gateway would respond."""
    if request.method == "POST":
        return httpx.Response(200, json={"request_id": "1"})
    return httpx.Response(200, json={"status": "done", "video": {"url": "https://cdn.example/1"}})


def test_the_url_of_a_video() -> None:
    client = AuthenticatedClient("https://gateway.example", "no key")
    client.set_httpx_client(httpx.Client(transport=httpx.MockTransport(gateway)))
    assert video_of(client, "A serene lake") == "https://cdn.example/1"
