# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from grok_imagine_video_runtime import models as _models

from ..types import UNSET, Unset


@_define
class Video(_models.OpenObject):
    """A finished video.

    Attributes:
        url (str | Unset): The URL of the video, valid for 24 hours. May be missing if
            moderation withheld it.
        duration (float | Unset): The length of the video in seconds.
        respect_moderation (bool | Unset): False if moderation withheld the video.
    """

    url: str | Unset = UNSET
    duration: float | Unset = UNSET
    respect_moderation: bool | Unset = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)
