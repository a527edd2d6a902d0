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
class VideoError:
    """The reason why a job ended without a video.

    Attributes:
        code (int | str | Unset): The error code.
        message (str | Unset): The error message.
    """

    code: int | str | Unset = UNSET

    message: str | Unset = UNSET

    additional_properties: dict[str, Any] = _field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        field_dict_: dict[str, Any] = {}
        code: int | str | Unset
        code = self.code

        if not isinstance(code, Unset):
            field_dict_["code"] = code
        if not isinstance(self.message, Unset):
            field_dict_["message"] = self.message
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
                "code",
                "message",
            ),
        )
        with _v.within("code"):

            def _parse_code(data: object) -> int | str | Unset:
                return _v.cast(int | str | Unset, data)

            code = _parse_code(d_.pop("code", UNSET))

        message = d_.pop("message", UNSET)
        return _v.unchecked(cls, code=code, message=message, additional_properties=d_)

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
