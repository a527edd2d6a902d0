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
class CreateVideoResponse(_objects.OpenObject[Any]):
    """The response to an accepted request. The contract only says that it is an object, so every
    field is kept as it is.

    Attributes:
        request_id (str | Unset): The id of the job. Some gateways call it `id` or `task_id`.
    """

    request_id: str | Unset = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response: unknown values and fields are kept, null is a field left out.

        Raises:
            TypeError: It is not a JSON object, or a required part of it cannot be read.
            ValueError: A field that every response has is missing.
        """
        left = _objects.as_dict(src_dict, absent_if_null=("request_id",))
        return _objects.received(
            cls,
            request_id=left.pop("request_id", UNSET),
            additional_properties=left,
        )
