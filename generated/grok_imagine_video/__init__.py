# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Client for Grok Imagine Video.

The endpoint of an OpenAI-style gateway that creates a video with one of xAI's Grok Imagine
models, and the endpoint that follows its job. You pay for every request that is accepted. No
server is listed, because the address of the gateway is not part of the contract.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import batch as batch
    from . import errors
    from . import models as models
    from . import types as types
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

# For each name the module that defines it; for a module, itself.
_MODULES = {
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
}

if not TYPE_CHECKING:  # so that a type checker knows a name with a slip

    def __getattr__(name: str) -> object:
        """Import a name when it is first used, since httpx is slow to import."""
        if name not in _MODULES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value: object = _import_module(_MODULES[name], __name__)
        if not _MODULES[name].endswith(f".{name}"):
            value = getattr(value, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*_MODULES, *__all__})


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
    "get_video",
    "ImageInput",
    "ReferenceImage",
    "Video",
    "VideoError",
    "VideoJob",
    "VideoUsage",
)
