# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The models of the spec."""

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
