# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The operations that create and follow jobs, for the command line and for batches."""

from grok_imagine_video_runtime.operations import Commands, Create

from . import models as _models
from .api.videos import create_video, get_video

COMMANDS: tuple[Commands, ...] = (
    Commands(
        get_video,
        get="get",
        wait="wait",
        creates=[
            Create(
                "create",
                "batch",
                create_video,
                _models.CreateVideoRequest,
                names={"reference_images": "reference"},
                defaults={
                    "model": "grok-imagine-video",
                    "resolution": "480p",
                    "aspect_ratio": "16:9",
                    "duration": 4,
                },
            ),
        ],
    ),
)
