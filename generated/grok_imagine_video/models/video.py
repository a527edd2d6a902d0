# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _define
from attrs import field as _field

from .. import validators as _v
from ..types import UNSET, Unset


@_define
class Video:
    """A finished video.

    Attributes:
        url (str | Unset): The URL of the video, valid for 24 hours. Missing if moderation
            withheld it.
        duration (float | Unset): The length of the video in seconds.
        respect_moderation (bool | Unset): False if moderation withheld the video.
    """

    url: str | Unset = UNSET

    duration: float | Unset = UNSET

    respect_moderation: bool | Unset = UNSET

    additional_properties: dict[str, Any] = _field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        field_dict_: dict[str, Any] = {}
        if not isinstance(self.url, Unset):
            field_dict_["url"] = self.url
        if not isinstance(self.duration, Unset):
            field_dict_["duration"] = self.duration
        if not isinstance(self.respect_moderation, Unset):
            field_dict_["respect_moderation"] = self.respect_moderation
        field_dict_.update(self.additional_properties)
        return field_dict_

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from an answer: unknown values and fields are kept, null is a field left out.

        Raises:
            TypeError: It is no JSON object, or a part of it that must be there cannot be read.
            ValueError: A field that every answer has is missing.
        """
        d_ = _v.as_dict(
            src_dict,
            absent_if_null=(
                "url",
                "duration",
                "respect_moderation",
            ),
        )
        url = d_.pop("url", UNSET)
        duration = d_.pop("duration", UNSET)
        respect_moderation = d_.pop("respect_moderation", UNSET)
        return _v.unchecked(
            cls,
            url=url,
            duration=duration,
            respect_moderation=respect_moderation,
            additional_properties=d_,
        )

    @property
    def additional_keys(self) -> list[str]:
        """The names of the fields that the spec does not have."""
        return list(self.additional_properties)

    def __getitem__(self, key: str) -> Any:
        return _v.get_item(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        _v.set_item(self, key, value)

    def __delitem__(self, key: str) -> None:
        _v.delete_item(self, key)

    def __contains__(self, key: object) -> bool:
        return key in _v.present(self)
