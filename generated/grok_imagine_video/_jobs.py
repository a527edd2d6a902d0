# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The operations that create and follow jobs, for the command line and for batches."""

from ._registry import Create, Job
from .api.videos import create_video, get_video
from .models import CreateVideoRequest

JOBS: tuple[Job, ...] = (
    Job(
        get_video,
        get="get",
        wait="wait",
        creates=[
            Create(
                "create",
                "batch",
                create_video,
                CreateVideoRequest,
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
