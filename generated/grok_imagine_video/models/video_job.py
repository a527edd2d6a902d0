# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _define
from attrs import field as _field

from .. import _objects, _values
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.video import Video
    from ..models.video_error import VideoError
    from ..models.video_usage import VideoUsage


@_define
class VideoJob(_objects.OpenObject["Any"]):
    """The current state of a job. No field is required and every value is accepted, because
    gateways differ.

    Attributes:
        status (str | Unset): The status of the job: `pending`, `done`, `failed` or `expired` at
            xAI. Upper and lower case are the same. A status that is not listed in `x-job` means
            that the job is not finished.
        progress (float | str | Unset): How much of the job is done, from 0 to 100. Some
            gateways send "100%".
        video (Video | Unset): The video, when the job is done.
        model (str | Unset): The model that makes the video.
        usage (VideoUsage | Unset): The price of the job.
        error (str | Unset | VideoError): The reason why there is no video. Some gateways send
            only a text.
    """

    status: str | Unset = UNSET
    progress: float | str | Unset = UNSET
    video: Video | Unset = UNSET
    model: str | Unset = UNSET
    usage: VideoUsage | Unset = UNSET
    error: str | Unset | VideoError = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response: unknown values and fields are kept, null is a field left out.
        Where a field should be an object and is not, its value is in `additional_properties`.

        Raises:
            TypeError: It is not a JSON object, or a required part of it cannot be read.
            ValueError: A field that every response has is missing.
        """
        from ..models.video import Video
        from ..models.video_error import VideoError
        from ..models.video_usage import VideoUsage

        left = _objects.as_dict(
            src_dict, absent_if_null=("status", "progress", "video", "model", "usage", "error")
        )
        odd = _objects.take_odd(left, ("video", "usage"))
        return _objects.received(
            cls,
            status=left.pop("status", UNSET),
            progress=left.pop("progress", UNSET),
            video=_objects.take_if_set(left, "video", Video.from_dict),
            model=left.pop("model", UNSET),
            usage=_objects.take_if_set(left, "usage", VideoUsage.from_dict),
            error=_objects.take_if_set(left, "error", _values.first_of(VideoError.from_dict)),
            additional_properties={**left, **odd},
        )
