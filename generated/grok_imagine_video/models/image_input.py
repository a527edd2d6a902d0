# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from typing import Any, ClassVar

from attrs import define as _define
from attrs import field as _field
from grok_imagine_video_runtime import models as _models
from grok_imagine_video_runtime import validators as _v


@_define
class ImageInput(_models.FromFile, _models.SentObject):
    """The image that guides a video.

    Attributes:
        url (str): The URL of the image.

    Raises:
        TypeError: A field has the wrong type, now or when it is assigned.
        ValueError: A field breaks another rule of the spec.
    """

    _file_field: ClassVar = "url"

    url: str = _field(validator=[_v.string], repr=_v.show)
    additional_properties: dict[str, Any] = _field(
        init=False, factory=dict, validator=[_v.mapping(), _models.extra]
    )

    @classmethod
    def unchecked(cls, **fields: Any) -> ImageInput:
        """An object that is sent without validation, for a gateway that is ahead of the spec.

        Fields can be left out, can have any value, and can be some that the spec does not have.
        Nested objects can be dicts.

        Args:
            fields: The fields, by their names in Python.
        """
        return UncheckedImageInput(**fields)


class UncheckedImageInput(_models.Unchecked, ImageInput):
    """The class of objects that `ImageInput.unchecked` makes."""

    __slots__ = ()
