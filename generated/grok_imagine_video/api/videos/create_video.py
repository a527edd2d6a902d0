# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from collections.abc import Callable
from typing import Any

from ... import _bodies, _calls, _io, _objects
from ... import _validators as _v
from ...client import AuthenticatedClient, Client
from ...models.create_video_request import CreateVideoRequest
from ...models.create_video_response import CreateVideoResponse
from ...models.video_job import VideoJob
from ...types import Response


def _get_kwargs(
    *,
    body: CreateVideoRequest,
) -> dict[str, Any]:
    _objects.check("body", body, _v.model("CreateVideoRequest"))
    _headers: dict[str, str] = {}
    _kwargs: dict[str, Any] = {
        "method": "POST",
        "url": "/v1/videos/generations",
        "headers": _headers,
    }
    _kwargs["json"] = body.to_dict()
    _headers["Content-Type"] = "application/json"
    return _kwargs


def _parse_response(response: _bodies.Received) -> CreateVideoResponse:
    if response.is_success:
        return CreateVideoResponse.from_dict(response.json())
    msg = f"the spec does not say what a response with status {response.status_code} holds"
    raise LookupError(msg)


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
        Response[CreateVideoResponse]: Of any status; `parsed` is None if it is not as specified.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
    """
    return _io.run(client, _calls.detailed, _get_kwargs(body=body), _parse_response)


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
        Response[CreateVideoResponse]: Of any status; `parsed` is None if it is not as specified.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: Nothing was sent.
        errors.OutcomeUnknownError: It may have been sent, and its outcome is not known.
    """
    return await _io.asyncio_run(client, _calls.detailed, _get_kwargs(body=body), _parse_response)


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
    return _io.run(client, _calls.result_of, _get_kwargs(body=body), _parse_response)


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
    return await _io.asyncio_run(client, _calls.result_of, _get_kwargs(body=body), _parse_response)


def job_id(response: CreateVideoResponse) -> str:
    """The id of the job that was created, under whichever of its names the gateway sent it.

    Raises:
        errors.APIResponseValidationError: There is no id; `content` has the whole response.
    """
    from ... import _polling  # most callers of the module do not need it
    from ..videos import get_video as _job

    return _polling.id_of(_job._JOB, response)


def sync_and_wait(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: Callable[[VideoJob], object] | None = None,
    on_created: Callable[[str], object] | None = None,
) -> VideoJob:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Then waits until the job has ended. Its id is not lost if something goes wrong: `on_created` gets it
    first, each error has it as `job_id`, and the log has it when Ctrl-C or another exception ends the
    wait. The job goes on, and `get_video.wait` follows it again.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until the wait ends in any case, above 0. The last request is
            sent right before. Default: 900.0.
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
        errors.ResultMissingError: The job is done and paid for, and its result is in no known place.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: A status is not 2xx; if `job_id` is None, no job was created.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    from ... import _polling
    from ..videos import get_video as _job

    return _io.run(
        client,
        _polling.create_and_wait,
        (_get_kwargs(body=body), _parse_response),
        _job._get_kwargs,
        _job._parse_response,
        _job._JOB,
        interval,
        timeout,
        on_progress,
        on_created,
    )


async def asyncio_and_wait(
    *,
    client: AuthenticatedClient | Client,
    body: CreateVideoRequest,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: Callable[[VideoJob], object] | None = None,
    on_created: Callable[[str], object] | None = None,
) -> VideoJob:
    """Create a video.

    Starts a job that makes a video from a prompt. One image or several reference images can
    guide the video, but not both.

    Then waits until the job has ended. Its id is not lost if something goes wrong: `on_created` gets it
    first, each error has it as `job_id`, and the log has it when Ctrl-C or another exception ends the
    wait. The job goes on, and `get_video.wait` follows it again.

    Args:
        body (CreateVideoRequest): The video to make. `image` and `reference_images` cannot be
            used together.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until the wait ends in any case, above 0. The last request is
            sent right before. Default: 900.0.
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
        errors.ResultMissingError: The job is done and paid for, and its result is in no known place.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: A status is not 2xx; if `job_id` is None, no job was created.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    from ... import _polling
    from ..videos import get_video as _job

    return await _io.asyncio_run(
        client,
        _polling.create_and_wait,
        (_get_kwargs(body=body), _parse_response),
        _job._get_kwargs,
        _job._parse_response,
        _job._JOB,
        interval,
        timeout,
        on_progress,
        on_created,
    )
