# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Literal

CreateVideoRequestResolution = Literal["480p", "720p"]

CREATE_VIDEO_REQUEST_RESOLUTION_VALUES: set[CreateVideoRequestResolution] = {
    "480p",
    "720p",
}


def check_create_video_request_resolution(value: str) -> CreateVideoRequestResolution:
    if value in CREATE_VIDEO_REQUEST_RESOLUTION_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {CREATE_VIDEO_REQUEST_RESOLUTION_VALUES!r}"
    )
