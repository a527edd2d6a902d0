"""Check that the package works with only its dependencies installed, for `make check-release`."""

from pathlib import Path

import grok_imagine_video
from grok_imagine_video import CreateVideoRequest, ImageInput

ADDRESS = "https://images.example/lake.png"

request = CreateVideoRequest(
    model="grok-imagine-video",
    prompt="A lake",
    resolution="480p",
    aspect_ratio="16:9",
    duration=4,
    image=ImageInput(url=ADDRESS),
)
assert request.to_dict()["image"] == {"url": ADDRESS}
assert "site-packages" in Path(grok_imagine_video.__file__).parts, grok_imagine_video.__file__
print(f"grok-imagine-video {grok_imagine_video.__version__} works when installed")
