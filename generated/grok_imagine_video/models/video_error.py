# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from grok_imagine_video_runtime import models as _models

from ..types import UNSET, Unset


@_define
class VideoError(_models.OpenObject):
    """The reason why a job ended without a video.

    Attributes:
        code (int | str | Unset): The error code.
        message (str | Unset): The error message.
    """

    code: int | str | Unset = UNSET
    message: str | Unset = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)
