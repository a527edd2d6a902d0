# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Literal, cast

CreateVideoRequestResolution = Literal[
    "480p",
    "720p",
]


def check_create_video_request_resolution(value: str) -> CreateVideoRequestResolution:
    """Take a value as it is, for a server may add one."""
    return cast(CreateVideoRequestResolution, value)
