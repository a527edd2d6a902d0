# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The models of the spec."""

from typing import TYPE_CHECKING

from .._lazy import offer as _offer

if TYPE_CHECKING:
    from .create_video_request import CreateVideoRequest
    from .create_video_request_aspect_ratio import CreateVideoRequestAspectRatio
    from .create_video_request_model import CreateVideoRequestModel
    from .create_video_request_resolution import CreateVideoRequestResolution
    from .create_video_response import CreateVideoResponse
    from .image_input import ImageInput
    from .reference_image import ReferenceImage
    from .video import Video
    from .video_error import VideoError
    from .video_job import VideoJob
    from .video_usage import VideoUsage
else:
    __getattr__, __dir__ = _offer(
        __name__,
        {
            "CreateVideoRequest": ".create_video_request",
            "ImageInput": ".image_input",
            "ReferenceImage": ".reference_image",
            "CreateVideoResponse": ".create_video_response",
            "VideoJob": ".video_job",
            "Video": ".video",
            "VideoUsage": ".video_usage",
            "VideoError": ".video_error",
            "CreateVideoRequestModel": ".create_video_request_model",
            "CreateVideoRequestResolution": ".create_video_request_resolution",
            "CreateVideoRequestAspectRatio": ".create_video_request_aspect_ratio",
        },
    )

__all__ = (
    "CreateVideoRequest",
    "CreateVideoRequestAspectRatio",
    "CreateVideoRequestModel",
    "CreateVideoRequestResolution",
    "CreateVideoResponse",
    "ImageInput",
    "ReferenceImage",
    "Video",
    "VideoError",
    "VideoJob",
    "VideoUsage",
)
