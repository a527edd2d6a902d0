# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _define
from attrs import field as _field

from .. import validators as _v
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.video import Video
    from ..models.video_error import VideoError
    from ..models.video_usage import VideoUsage


@_define
class VideoJob:
    """The current state of a job. No field is required and no set of values is closed, because
    gateways differ.

    Attributes:
        status (str | Unset): The status of the job: `pending`, `done`, `failed` or `expired` at
            xAI. Upper and lower case are the same. A status that is not listed in `x-job` means
            that the job is not finished.
        progress (float | str | Unset): How much of the job is done, from 0 to 100. Some
            gateways send "100%".
        video (Video | Unset): A finished video.
        model (str | Unset): The model that makes the video.
        usage (VideoUsage | Unset): The price of a job.
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

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        from ..models.video_error import VideoError

        field_dict_: dict[str, Any] = {}
        if not isinstance(self.status, Unset):
            field_dict_["status"] = self.status
        progress: float | str | Unset
        progress = self.progress

        if not isinstance(progress, Unset):
            field_dict_["progress"] = progress
        video: dict[str, Any] | Unset = UNSET
        if not isinstance(self.video, Unset):
            video = self.video.to_dict()
        if not isinstance(video, Unset):
            field_dict_["video"] = video
        if not isinstance(self.model, Unset):
            field_dict_["model"] = self.model
        usage: dict[str, Any] | Unset = UNSET
        if not isinstance(self.usage, Unset):
            usage = self.usage.to_dict()
        if not isinstance(usage, Unset):
            field_dict_["usage"] = usage
        error: dict[str, Any] | str | Unset
        if isinstance(self.error, VideoError):
            error = self.error.to_dict()
        else:
            error = self.error

        if not isinstance(error, Unset):
            field_dict_["error"] = error
        field_dict_.update(self.additional_properties)
        return field_dict_

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from an answer: unknown values and fields are kept, null is a field left out.
        Where a field should be an object and is none, its value is among `additional_properties`.

        Raises:
            TypeError: It is no JSON object, or a part of it that must be there cannot be read.
            ValueError: A field that every answer has is missing.
        """
        from ..models.video import Video
        from ..models.video_error import VideoError
        from ..models.video_usage import VideoUsage

        d_ = _v.as_dict(
            src_dict,
            absent_if_null=(
                "status",
                "progress",
                "video",
                "model",
                "usage",
                "error",
            ),
        )
        odd_ = _v.take_odd(
            d_,
            (
                "video",
                "usage",
            ),
        )
        status = d_.pop("status", UNSET)
        with _v.within("progress"):

            def _parse_progress(data: object) -> float | str | Unset:
                return _v.cast(float | str | Unset, data)

            progress = _parse_progress(d_.pop("progress", UNSET))

        with _v.within("video"):
            _video = d_.pop("video", UNSET)
            video: Video | Unset
            if isinstance(_video, Unset):
                video = UNSET
            else:
                video = Video.from_dict(_video)

        model = d_.pop("model", UNSET)
        with _v.within("usage"):
            _usage = d_.pop("usage", UNSET)
            usage: VideoUsage | Unset
            if isinstance(_usage, Unset):
                usage = UNSET
            else:
                usage = VideoUsage.from_dict(_usage)

        with _v.within("error"):

            def _parse_error(data: object) -> str | Unset | VideoError:
                if isinstance(data, dict):
                    try:
                        error_type_0 = VideoError.from_dict(data)

                        return error_type_0
                    except (AttributeError, LookupError, TypeError, ValueError):
                        pass

                return _v.cast(str | Unset | VideoError, data)

            error = _parse_error(d_.pop("error", UNSET))

        return _v.unchecked(
            cls,
            status=status,
            progress=progress,
            video=video,
            model=model,
            usage=usage,
            error=error,
            additional_properties={**d_, **odd_},
        )

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
