# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Every way a call can fail, by name."""

from grok_imagine_video_runtime.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    GrokImagineVideoError,
    InternalServerError,
    JobExpiredError,
    JobFailedError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    ResultMissingError,
    UnprocessableEntityError,
    VideoWithheldError,
    WaitTimeoutError,
)

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "GrokImagineVideoError",
    "InternalServerError",
    "JobExpiredError",
    "JobFailedError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResultMissingError",
    "UnprocessableEntityError",
    "VideoWithheldError",
    "WaitTimeoutError",
]
