# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _define
from attrs import field as _field

from .. import _objects
from ..types import UNSET, Unset


@_define
class Video(_objects.OpenObject[Any]):
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

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response: unknown values and fields are kept, null is a field left out.

        Raises:
            TypeError: It is not a JSON object, or a required part of it cannot be read.
            ValueError: A field that every response has is missing.
        """
        left = _objects.as_dict(src_dict, absent_if_null=("url", "duration", "respect_moderation"))
        return _objects.received(
            cls,
            url=left.pop("url", UNSET),
            duration=left.pop("duration", UNSET),
            respect_moderation=left.pop("respect_moderation", UNSET),
            additional_properties=left,
        )
