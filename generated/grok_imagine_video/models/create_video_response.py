# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from grok_imagine_video_runtime import models as _models

from ..types import UNSET, Unset


@_define
class CreateVideoResponse(_models.OpenObject):
    """The response to an accepted request. The contract says only that it is an object, so all of
    its fields are kept.

    Attributes:
        request_id (str | Unset): The id of the job. Some gateways call it `id` or `task_id`.
    """

    request_id: str | Unset = UNSET
    additional_properties: dict[str, Any] = _field(init=False, factory=dict)
