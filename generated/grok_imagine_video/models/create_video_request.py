# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

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


T = TypeVar("T", bound="CreateVideoRequest")


@_attrs_define
class CreateVideoRequest:
    """A video to be made. `image` and `reference_images` cannot be used together.

    Attributes:
        model (CreateVideoRequestModel): The model that makes the video.
        prompt (str): What the video should show, in words.
        resolution (CreateVideoRequestResolution): The resolution of the video.
        aspect_ratio (CreateVideoRequestAspectRatio): The ratio of the video's width to its height.
        duration (int): The length of the video in seconds, from 1 to 15, both included.
        image (ImageInput | Unset): The image that guides a video, in place of reference images.
        reference_images (list[ReferenceImage] | Unset): Images that the video refers to. Cannot be used together with
            `image`.
    """

    model: CreateVideoRequestModel
    prompt: str
    resolution: CreateVideoRequestResolution
    aspect_ratio: CreateVideoRequestAspectRatio
    duration: int
    image: ImageInput | Unset = UNSET
    reference_images: list[ReferenceImage] | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        model: str = self.model

        prompt = self.prompt

        resolution: str = self.resolution

        aspect_ratio: str = self.aspect_ratio

        duration = self.duration

        image: dict[str, Any] | Unset = UNSET
        if not isinstance(self.image, Unset):
            image = self.image.to_dict()

        reference_images: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.reference_images, Unset):
            reference_images = []
            for reference_images_item_data in self.reference_images:
                reference_images_item = reference_images_item_data.to_dict()
                reference_images.append(reference_images_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "model": model,
                "prompt": prompt,
                "resolution": resolution,
                "aspect_ratio": aspect_ratio,
                "duration": duration,
            }
        )
        if image is not UNSET:
            field_dict["image"] = image
        if reference_images is not UNSET:
            field_dict["reference_images"] = reference_images

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.image_input import ImageInput  # noqa: PLC0415
        from ..models.reference_image import ReferenceImage  # noqa: PLC0415

        d = dict(src_dict)
        model = check_create_video_request_model(d.pop("model"))

        prompt = d.pop("prompt")

        resolution = check_create_video_request_resolution(d.pop("resolution"))

        aspect_ratio = check_create_video_request_aspect_ratio(d.pop("aspect_ratio"))

        duration = d.pop("duration")

        _image = d.pop("image", UNSET)
        image: ImageInput | Unset
        if isinstance(_image, Unset):
            image = UNSET
        else:
            image = ImageInput.from_dict(_image)

        _reference_images = d.pop("reference_images", UNSET)
        reference_images: list[ReferenceImage] | Unset = UNSET
        if _reference_images is not UNSET:
            reference_images = []
            for reference_images_item_data in _reference_images:
                reference_images_item = ReferenceImage.from_dict(reference_images_item_data)

                reference_images.append(reference_images_item)

        create_video_request = cls(
            model=model,
            prompt=prompt,
            resolution=resolution,
            aspect_ratio=aspect_ratio,
            duration=duration,
            image=image,
            reference_images=reference_images,
        )

        create_video_request.additional_properties = d
        return create_video_request

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
