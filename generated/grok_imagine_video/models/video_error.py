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
class VideoError(_objects.OpenObject[Any]):
    """The reason why a job ended without a video.

    Attributes:
        code (int | str | Unset): The error code.
        message (str | Unset): The error message.
    """

    code: int | str | Unset = UNSET
    message: str | Unset = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response: unknown values and fields are kept, null is a field left out.

        Raises:
            TypeError: It is not a JSON object, or a required part of it cannot be read.
            ValueError: A field that every response has is missing.
        """
        left = _objects.as_dict(src_dict, absent_if_null=("code", "message"))
        return _objects.received(
            cls,
            code=left.pop("code", UNSET),
            message=left.pop("message", UNSET),
            additional_properties=left,
        )
