# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Literal

CreateVideoRequestModel = Literal["grok-imagine-video", "grok-imagine-video-1.5-preview"]

CREATE_VIDEO_REQUEST_MODEL_VALUES: set[CreateVideoRequestModel] = {
    "grok-imagine-video",
    "grok-imagine-video-1.5-preview",
}


def check_create_video_request_model(value: str) -> CreateVideoRequestModel:
    if value in CREATE_VIDEO_REQUEST_MODEL_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {CREATE_VIDEO_REQUEST_MODEL_VALUES!r}"
    )
