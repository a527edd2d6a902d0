"""Check that the package works with only its dependencies installed, for `make check-release`."""

from pathlib import Path

import httpx

import grok_imagine_video
from grok_imagine_video import Client, CreateVideoRequest, ImageInput, create_video, get_video

URL = "https://a.example/lake"
JOB = httpx.Response(200, json={"request_id": "1", "status": "done", "video": {"url": URL}})
BODY = CreateVideoRequest(
    "grok-imagine-video", "A lake", "480p", "16:9", 4, image=ImageInput(url=URL)
)

client = Client(URL, httpx_args={"transport": httpx.MockTransport(lambda _: JOB)})
job_id = create_video.job_id(create_video.sync(client=client, body=BODY))
assert get_video.result(get_video.wait(job_id, client=client)) == URL
assert "site-packages" in Path(grok_imagine_video.__file__).parts, grok_imagine_video.__file__
print(f"grok-imagine-video {grok_imagine_video.__version__} works when installed")
