# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from attrs import define as _define
from attrs import field as _field

from .. import validators as _v
from ..models.create_video_request_aspect_ratio import (
    CreateVideoRequestAspectRatio,
    check_create_video_request_aspect_ratio,
)
from ..models.create_video_request_model import (
    CreateVideoRequestModel,
    check_create_video_request_model,
)
from ..models.create_video_request_resolution import (
    CreateVideoRequestResolution,
    check_create_video_request_resolution,
)
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.image_input import ImageInput
    from ..models.reference_image import ReferenceImage


@_define(on_setattr=_v.on_assignment)
class CreateVideoRequest:
    """The video to make. `image` and `reference_images` cannot be used together.

    Attributes:
        model (CreateVideoRequestModel): The model that makes the video.
        prompt (str): What the video should show, in words.
        resolution (CreateVideoRequestResolution): The resolution of the video.
        aspect_ratio (CreateVideoRequestAspectRatio): The ratio of the width of the video to its
            height.
        duration (int): The length of the video in seconds, from 1 to 15 inclusive.
        image (ImageInput | Unset): The image that guides a video, instead of reference images.
        reference_images (list[ReferenceImage] | Unset): Reference images for the video. Cannot
            be used together with `image`.

    Raises:
        TypeError: A field has the wrong type, now or when it is assigned.
        ValueError: A field breaks another rule of the spec.
    """

    _rules: ClassVar[tuple[_v.Rule, ...]] = (_v.not_together("image", "reference_images"),)

    model: CreateVideoRequestModel = _field(
        validator=[_v.string, _v.in_("grok-imagine-video", "grok-imagine-video-1.5-preview")]
    )

    prompt: str = _field(validator=[_v.string])

    resolution: CreateVideoRequestResolution = _field(validator=[_v.string, _v.in_("480p", "720p")])

    aspect_ratio: CreateVideoRequestAspectRatio = _field(
        validator=[_v.string, _v.in_("1:1", "16:9", "9:16")]
    )

    duration: int = _field(validator=[_v.integer, _v.ge(1), _v.le(15)])

    image: ImageInput | Unset = _field(default=UNSET, validator=[_v.if_set(_v.model("ImageInput"))])

    reference_images: list[ReferenceImage] | Unset = _field(
        default=UNSET, validator=[_v.if_set(_v.array(_v.model("ReferenceImage")))]
    )

    additional_properties: dict[str, Any] = _field(init=False, factory=dict, validator=[_v.extra])

    def __attrs_post_init__(self) -> None:
        """Hold the whole object to its rules."""
        _v.check_rules(self)

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        field_dict_: dict[str, Any] = {}
        model: str = self.model
        field_dict_["model"] = model
        field_dict_["prompt"] = self.prompt
        resolution: str = self.resolution
        field_dict_["resolution"] = resolution
        aspect_ratio: str = self.aspect_ratio
        field_dict_["aspect_ratio"] = aspect_ratio
        field_dict_["duration"] = self.duration
        image: dict[str, Any] | Unset = UNSET
        if not isinstance(self.image, Unset):
            image = self.image.to_dict()
        if not isinstance(image, Unset):
            field_dict_["image"] = image
        reference_images: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.reference_images, Unset):
            reference_images = []
            for reference_images_item_data in self.reference_images:
                reference_images_item = reference_images_item_data.to_dict()
                reference_images.append(reference_images_item)

        if not isinstance(reference_images, Unset):
            field_dict_["reference_images"] = reference_images
        field_dict_.update(self.additional_properties)
        return field_dict_

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build it from JSON.

        Raises:
            TypeError: A field has the wrong type.
            ValueError: A field is missing, or breaks another rule of the spec.
        """
        from ..models.image_input import ImageInput
        from ..models.reference_image import ReferenceImage

        d_ = _v.as_dict(
            src_dict,
            required=(
                "model",
                "prompt",
                "resolution",
                "aspect_ratio",
                "duration",
            ),
        )
        with _v.within("model"):
            model = check_create_video_request_model(d_.pop("model"))

        prompt = d_.pop("prompt")
        with _v.within("resolution"):
            resolution = check_create_video_request_resolution(d_.pop("resolution"))

        with _v.within("aspect_ratio"):
            aspect_ratio = check_create_video_request_aspect_ratio(d_.pop("aspect_ratio"))

        duration = d_.pop("duration")
        with _v.within("image"):
            _image = d_.pop("image", UNSET)
            image: ImageInput | Unset
            if isinstance(_image, Unset):
                image = UNSET
            else:
                image = ImageInput.from_dict(_image)

        with _v.within("reference_images"):
            _reference_images = d_.pop("reference_images", UNSET)
            reference_images: list[ReferenceImage] | Unset = UNSET
            if not isinstance(_reference_images, Unset):
                reference_images = []
                for reference_images_item_data in _v.items_of(_reference_images):
                    reference_images_item = ReferenceImage.from_dict(reference_images_item_data)

                    reference_images.append(reference_images_item)

        built_ = cls(
            model=model,
            prompt=prompt,
            resolution=resolution,
            aspect_ratio=aspect_ratio,
            duration=duration,
            image=image,
            reference_images=reference_images,
        )
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
