# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Literal, cast

CreateVideoRequestModel = Literal[
    "grok-imagine-video",
    "grok-imagine-video-1.5-preview",
]


def check_create_video_request_model(value: str) -> CreateVideoRequestModel:
    """Take a value as it is, for a server may add one."""
    return cast(CreateVideoRequestModel, value)
