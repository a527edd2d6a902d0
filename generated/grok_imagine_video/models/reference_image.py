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
class ReferenceImage:
    """One of the reference images for a video.

    Attributes:
        url (str | Unset): Where the image is.

    Raises:
        TypeError: A field has the wrong type, now or when it is assigned.
        ValueError: A field breaks another rule of the spec.
    """

    url: str | Unset = _field(default=UNSET, validator=[_v.if_set(_v.string)])

    additional_properties: dict[str, Any] = _field(init=False, factory=dict, validator=[_v.extra])

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        field_dict_: dict[str, Any] = {}
        if not isinstance(self.url, Unset):
            field_dict_["url"] = self.url
        field_dict_.update(self.additional_properties)
        return field_dict_

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build it from JSON.

        Raises:
            TypeError: A field has the wrong type.
            ValueError: A field is missing, or breaks another rule of the spec.
        """
        d_ = _v.as_dict(src_dict)
        url = d_.pop("url", UNSET)
        built_ = cls(url=url)
        built_.additional_properties = d_
        return built_

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
