# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from typing import Any, ClassVar

from attrs import define as _define
from attrs import field as _field
from grok_imagine_video_runtime import models as _models
from grok_imagine_video_runtime import validators as _v

from ..models.create_video_request_aspect_ratio import CreateVideoRequestAspectRatio
from ..models.create_video_request_model import CreateVideoRequestModel
from ..models.create_video_request_resolution import CreateVideoRequestResolution
from ..models.image_input import ImageInput
from ..models.reference_image import ReferenceImage
from ..types import UNSET, Unset


@_define
class CreateVideoRequest(_models.SentObject):
    """The video to make. `image` and `reference_images` cannot be used together.

    Attributes:
        model (CreateVideoRequestModel): The model that makes the video.
        prompt (str): What the video should show, in words.
        resolution (CreateVideoRequestResolution): The resolution of the video.
        aspect_ratio (CreateVideoRequestAspectRatio): The ratio of the video's width to its
            height.
        duration (int): The length of the video in seconds, from 1 to 15 inclusive.
        image (ImageInput | Unset): The image that guides the video. Cannot be used together
            with `reference_images`.
        reference_images (list[ReferenceImage] | Unset): Reference images for the video. Cannot
            be used together with `image`.

    Raises:
        TypeError: A field has the wrong type, now or when it is assigned.
        ValueError: A field breaks another rule of the spec.
    """

    _readers: ClassVar = {
        "image": ImageInput,
        "reference_images": _models.list_of(ReferenceImage.from_dict),
    }

    model: CreateVideoRequestModel = _field(
        validator=[_v.string, _v.in_("grok-imagine-video", "grok-imagine-video-1.5-preview")]
    )
    prompt: str = _field(validator=[_v.string])
    resolution: CreateVideoRequestResolution = _field(validator=[_v.string, _v.in_("480p", "720p")])
    aspect_ratio: CreateVideoRequestAspectRatio = _field(
        validator=[_v.string, _v.in_("1:1", "16:9", "9:16")]
    )
    duration: int = _field(validator=[_v.integer, _v.ge(1), _v.le(15)])
    image: ImageInput | Unset = _field(
        default=UNSET,
        validator=[_v.if_set(_v.model(ImageInput)), _v.not_together("image", "reference_images")],
    )
    reference_images: list[ReferenceImage] | Unset = _field(
        default=UNSET,
        validator=[
            _v.if_set(_v.array(_v.model(ReferenceImage))),
            _v.not_together("image", "reference_images"),
        ],
    )
    additional_properties: dict[str, Any] = _field(
        init=False, factory=dict, validator=[_v.mapping(), _models.extra]
    )

    @classmethod
    def unchecked(cls, **fields: Any) -> CreateVideoRequest:
        """An object that is sent without validation, for a gateway that is ahead of the spec.

        Fields can be left out, can have any value, and can be some that the spec does not have.
        Nested objects can be dicts.

        Args:
            fields: The fields, by their names in Python.
        """
        return UncheckedCreateVideoRequest(**fields)


class UncheckedCreateVideoRequest(_models.Unchecked, CreateVideoRequest):
    """The class of objects that `CreateVideoRequest.unchecked` makes."""

    __slots__ = ()
