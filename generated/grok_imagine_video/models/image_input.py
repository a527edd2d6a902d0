# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _define
from attrs import field as _field

from .. import _objects
from .. import _validators as _v


@_define(field_transformer=_objects.checked_together, on_setattr=_objects.on_assignment)
class ImageInput(_objects.SentObject, _objects.OpenObject[Any]):
    """The image that guides a video, instead of reference images.

    Attributes:
        url (str): Where the image is.

    Raises:
        TypeError: A field has the wrong type, now or when it is assigned.
        ValueError: A field breaks another rule of the spec.
    """

    url: str = _field(validator=[_v.string])
    additional_properties: dict[str, Any] = _field(init=False, factory=dict, validator=[_v.extra])

    def __attrs_post_init__(self) -> None:
        """Check the object against its rules."""
        _objects.check_all(self)

    def _is_plain(self) -> bool:
        """Whether a quick look shows that all rules hold; if not, the validators look."""
        return (
            type(self.url) is str
            and type(self.additional_properties) is dict
            and not self.additional_properties
        )

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        fields: dict[str, Any] = {}
        fields["url"] = self.url
        fields.update(self.additional_properties)
        return fields

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build it from JSON.

        Raises:
            TypeError: A field has the wrong type.
            ValueError: A field is missing, or breaks another rule of the spec.
        """
        left = _objects.as_dict(src_dict, required=("url",))
        built = cls(
            url=left.pop("url"),
        )
        built.additional_properties = left
        return built
