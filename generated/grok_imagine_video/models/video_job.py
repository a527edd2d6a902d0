# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from typing import Any, ClassVar

from attrs import define as _define
from attrs import field as _field
from grok_imagine_video_runtime import models as _models

from ..models.video import Video
from ..models.video_error import VideoError
from ..models.video_usage import VideoUsage
from ..types import UNSET, Unset


@_define
class VideoJob(_models.OpenObject):
    """The current state of a job. No field is required and every value is accepted, because
    gateways differ.

    Attributes:
        status (str | Unset): The status of the job: `pending`, `done`, `failed` or `expired` at
            xAI. Case does not matter. A status that `x-job` does not list means that the job is not
            finished.
        progress (float | str | Unset): How far the job is, from 0 to 100. Some gateways send a
            text such as "42%".
        video (Video | Unset): The video, when the job is done. Gateways put its URL in other
            places too; in Python, `get_video.result(job)` finds it.
        model (str | Unset): The model that makes the video.
        usage (VideoUsage | Unset): The price of the job.
        error (str | Unset | VideoError): The reason why there is no video. Some gateways send
            only a text.
    """

    _readers: ClassVar = {
        "video": Video,
        "usage": VideoUsage,
        "error": _models.first_of(VideoError.from_dict),
    }

    status: str | Unset = UNSET
    progress: float | str | Unset = UNSET
    video: Video | Unset = UNSET
    model: str | Unset = UNSET
    usage: VideoUsage | Unset = UNSET
    error: str | Unset | VideoError = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)
