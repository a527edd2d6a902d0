# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Types that operations and models share."""

from grok_imagine_video_runtime.types import UNSET, File, Response, Unset

__all__ = ["File", "Response", "UNSET", "Unset"]
