# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from grok_imagine_video_runtime import models as _models

from ..types import UNSET, Unset


@_define
class VideoUsage(_models.OpenObject):
    """The price of a job.

    Attributes:
        cost_in_usd_ticks (int | Unset): The price in ticks. 10,000,000,000 ticks are one US
            dollar.
    """

    cost_in_usd_ticks: int | Unset = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)
