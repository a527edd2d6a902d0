# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Create a video: `POST /v1/videos/generations`."""

from collections.abc import Callable as _Callable

from grok_imagine_video_runtime import _calls, _io, _jobs
from grok_imagine_video_runtime import operations as _operations
from grok_imagine_video_runtime import validators as _v

from ...client import AuthenticatedClient, Client
from ...models.create_video_request import CreateVideoRequest
from ...models.create_video_response import CreateVideoResponse
from ...models.video_job import VideoJob
from ...types import Response
from ..videos import get_video as _follower

OPERATION: _operations.Operation[CreateVideoResponse] = _operations.Operation(
    "POST",
    "/v1/videos/generations",
    {
        "2XX": ("json", CreateVideoResponse.from_dict),
    },
    [
        _operations.Parameter("body", "application/json", "json", [_v.model(CreateVideoRequest)]),
    ],
    follower=_follower.OPERATION,
)


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
) -> Response[CreateVideoResponse]:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.

    Returns:
        Response[CreateVideoResponse]: Whatever its status; `parsed` is None if it does not fit.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
    """
    return _io.run(client, _calls.detailed, OPERATION.request(body=body))


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
) -> Response[CreateVideoResponse]:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.

    Returns:
        Response[CreateVideoResponse]: Whatever its status; `parsed` is None if it does not fit.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
    """
    return await _io.asyncio_run(client, _calls.detailed, OPERATION.request(body=body))


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
) -> CreateVideoResponse:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.

    Returns:
        CreateVideoResponse

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
        errors.APIStatusError: The status is not 2xx; common statuses have a subclass.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    return _io.run(client, _calls.parsed, OPERATION.request(body=body))


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
) -> CreateVideoResponse:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.

    Returns:
        CreateVideoResponse

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
        errors.APIStatusError: The status is not 2xx; common statuses have a subclass.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    return await _io.asyncio_run(client, _calls.parsed, OPERATION.request(body=body))


def job_id(response: CreateVideoResponse) -> str:
    """The id of the job that was created, whatever the gateway calls it.

    Raises:
        errors.APIResponseValidationError: There is no id; `content` has the whole response.
    """
    return _jobs.id_of(_follower.JOB, response)


def sync_and_wait(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: _Callable[[VideoJob], object] | None = None,
    on_created: _Callable[[str], object] | None = None,
) -> VideoJob:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Then waits until the job has ended. Its id is not lost if something goes wrong: `on_created`
    gets it first, each error has it as `job_id`, and the log has it when Ctrl-C or another
    exception ends the wait. The job goes on, and `get_video.wait` follows it again.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until `WaitTimeoutError`, above 0; the last poll comes shortly
            before. Default: 900.0.
        on_progress: Called with each response about the job.
        on_created: Called with the id of the job as soon as it is known.

    Returns:
        The last response about the job, which has its result.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
        errors.JobFailedError: The job failed or was cancelled.
        errors.JobExpiredError: The gateway no longer keeps the job or its result.
        errors.VideoWithheldError: The job is done and moderation withheld its result.
        errors.ResultMissingError: The job is done and paid for, without a result where we
            look for one.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: A status is not 2xx; if `job_id` is None, no job was created.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    return _io.run(
        client,
        _jobs.create_and_wait,
        OPERATION.request(body=body),
        _jobs.Waiting(interval, timeout, on_progress, on_created),
    )


async def asyncio_and_wait(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: _Callable[[VideoJob], object] | None = None,
    on_created: _Callable[[str], object] | None = None,
) -> VideoJob:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Then waits until the job has ended. Its id is not lost if something goes wrong: `on_created`
    gets it first, each error has it as `job_id`, and the log has it when Ctrl-C or another
    exception ends the wait. The job goes on, and `get_video.wait` follows it again.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until `WaitTimeoutError`, above 0; the last poll comes shortly
            before. Default: 900.0.
        on_progress: Called with each response about the job.
        on_created: Called with the id of the job as soon as it is known.

    Returns:
        The last response about the job, which has its result.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
        errors.JobFailedError: The job failed or was cancelled.
        errors.JobExpiredError: The gateway no longer keeps the job or its result.
        errors.VideoWithheldError: The job is done and moderation withheld its result.
        errors.ResultMissingError: The job is done and paid for, without a result where we
            look for one.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: A status is not 2xx; if `job_id` is None, no job was created.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    return await _io.asyncio_run(
        client,
        _jobs.create_and_wait,
        OPERATION.request(body=body),
        _jobs.Waiting(interval, timeout, on_progress, on_created),
    )


__all__ = [
    "asyncio",
    "asyncio_and_wait",
    "asyncio_detailed",
    "job_id",
    "sync",
    "sync_and_wait",
    "sync_detailed",
]
