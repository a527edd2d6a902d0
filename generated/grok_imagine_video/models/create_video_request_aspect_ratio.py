# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Literal, cast

CreateVideoRequestAspectRatio = Literal[
    "16:9",
    "1:1",
    "9:16",
]


def check_create_video_request_aspect_ratio(value: str) -> CreateVideoRequestAspectRatio:
    """Take a value as it is, for a server may add one."""
    return cast(CreateVideoRequestAspectRatio, value)
