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
class VideoUsage(_objects.OpenObject[Any]):
    """The price of a job.

    Attributes:
        cost_in_usd_ticks (int | Unset): The price in ticks. 10,000,000,000 ticks are one US
            dollar.
    """

    cost_in_usd_ticks: int | Unset = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response: unknown values and fields are kept, null is a field left out.

        Raises:
            TypeError: It is not a JSON object, or a required part of it cannot be read.
            ValueError: A field that every response has is missing.
        """
        left = _objects.as_dict(src_dict, absent_if_null=("cost_in_usd_ticks",))
        return _objects.received(
            cls,
            cost_in_usd_ticks=left.pop("cost_in_usd_ticks", UNSET),
            additional_properties=left,
        )
