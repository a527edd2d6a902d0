# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Literal

CreateVideoRequestModel = Literal[
    "grok-imagine-video",
    "grok-imagine-video-1.5-preview",
]
