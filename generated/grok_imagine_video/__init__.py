# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Client for Grok Imagine Video.

The documented endpoint of an OpenAI-style gateway to xAI's Grok Imagine video models, and the
endpoint that follows a job. Every accepted request is a paid video. Facts that are not in the
documentation of the gateway carry an `x-source`: `xai` is xAI's public documentation, `gateway`
is the observed behavior of OpenAI-style gateways. The address of the gateway is not part of the
contract, so this document lists no server.
"""

from typing import TYPE_CHECKING

from ._lazy import offer as _offer

if TYPE_CHECKING:
    from . import errors
    from .api.videos import create_video, get_video
    from .client import AuthenticatedClient, Client
    from .models import (
        CreateVideoRequest,
        CreateVideoRequestAspectRatio,
        CreateVideoRequestModel,
        CreateVideoRequestResolution,
        CreateVideoResponse,
        ImageInput,
        ReferenceImage,
        Video,
        VideoError,
        VideoJob,
        VideoUsage,
    )
else:
    __getattr__, __dir__ = _offer(
        __name__,
        {
            "AuthenticatedClient": ".client",
            "Client": ".client",
            "api": ".api",
            "batch": ".batch",
            "client": ".client",
            "errors": ".errors",
            "models": ".models",
            "types": ".types",
            "create_video": ".api.videos.create_video",
            "get_video": ".api.videos.get_video",
            "CreateVideoRequest": ".models",
            "ImageInput": ".models",
            "ReferenceImage": ".models",
            "CreateVideoResponse": ".models",
            "VideoJob": ".models",
            "Video": ".models",
            "VideoUsage": ".models",
            "VideoError": ".models",
            "CreateVideoRequestModel": ".models",
            "CreateVideoRequestResolution": ".models",
            "CreateVideoRequestAspectRatio": ".models",
        },
    )

__version__ = "0.1.0"

# The variables of the environment that a client reads, by its arguments.
_ENVIRONMENT: dict[str, str] = {"base_url": "GROK_BASE_URL", "token": "GROK_API_KEY"}

__all__ = (
    "__version__",
    "AuthenticatedClient",
    "Client",
    "create_video",
    "CreateVideoRequest",
    "CreateVideoRequestAspectRatio",
    "CreateVideoRequestModel",
    "CreateVideoRequestResolution",
    "CreateVideoResponse",
    "errors",
    "get_video",
    "ImageInput",
    "ReferenceImage",
    "Video",
    "VideoError",
    "VideoJob",
    "VideoUsage",
)
