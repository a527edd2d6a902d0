# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Literal

CreateVideoRequestAspectRatio = Literal[
    "16:9",
    "1:1",
    "9:16",
]
