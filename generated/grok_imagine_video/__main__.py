# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The command line of this package, also as `python -m grok_imagine_video`."""

from ._cli import Create, Job, run
from .api.videos import create_video, get_video
from .models import CreateVideoRequest


def main() -> None:
    """Run the command line, and exit with its code."""
    run(
        Job(
            get_video,
            get="get",
            wait="wait",
            creates=[
                Create(
                    "create",
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


if __name__ == "__main__":
    main()
