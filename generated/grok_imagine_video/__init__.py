# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Client for Grok Imagine Video.

One documented endpoint of an OpenAI-style relay in front of xAI's Grok Imagine video models.
Every accepted request is a paid video. The relay's address is not part of the contract, so this
document names no server.
"""

from . import errors
from .api.videos import create_video
from .client import AuthenticatedClient, Client
from .models import (
    CreateVideoRequest,
    CreateVideoRequestAspectRatio,
    CreateVideoRequestModel,
    CreateVideoRequestResolution,
    CreateVideoResponse,
    ImageInput,
    ReferenceImage,
)

__version__ = "0.1.0"

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
    "ImageInput",
    "ReferenceImage",
)
