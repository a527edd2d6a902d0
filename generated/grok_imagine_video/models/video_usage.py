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
class VideoUsage:
    """The price of a job.

    Attributes:
        cost_in_usd_ticks (int | Unset): The price in ticks. 10,000,000,000 ticks are one US
            dollar.
    """

    cost_in_usd_ticks: int | Unset = UNSET

    additional_properties: dict[str, Any] = _field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        field_dict_: dict[str, Any] = {}
        if not isinstance(self.cost_in_usd_ticks, Unset):
            field_dict_["cost_in_usd_ticks"] = self.cost_in_usd_ticks
        field_dict_.update(self.additional_properties)
        return field_dict_

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from an answer: unknown values and fields are kept, null is a field left out.

        Raises:
            TypeError: It is no JSON object, or a part of it that must be there cannot be read.
            ValueError: A field that every answer has is missing.
        """
        d_ = _v.as_dict(src_dict, absent_if_null=("cost_in_usd_ticks",))
        cost_in_usd_ticks = d_.pop("cost_in_usd_ticks", UNSET)
        return _v.unchecked(cls, cost_in_usd_ticks=cost_in_usd_ticks, additional_properties=d_)

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
