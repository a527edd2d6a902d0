# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from collections.abc import Callable
from typing import Any
from urllib.parse import quote as _quote

from ... import _bodies, _calls, _io, _objects, _polling, _values
from ... import _validators as _v
from ...client import AuthenticatedClient, Client
from ...models.create_video_response import CreateVideoResponse
from ...models.video_job import VideoJob
from ...types import Response


def _get_kwargs(
    request_id: str,
) -> dict[str, Any]:
    _objects.check("request_id", request_id, _v.string, _v.segment)
    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/v1/videos/{request_id}".format(
            request_id=_quote(_values.text_of(request_id), safe=""),
        ),
    }
    return _kwargs


def _parse_response(response: _bodies.Received) -> VideoJob:
    if response.is_success:
        return VideoJob.from_dict(_polling.body(response))
    msg = f"the spec does not say what a response with status {response.status_code} holds"
    raise LookupError(msg)


def sync_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[VideoJob]:
    """Get a job.

    Returns the status of a job and, when it is done, the URL of its video.

    Args:
        request_id (str): The `request_id` from the response that accepted the job.

    Returns:
        Response[VideoJob]: Of any status; `parsed` is None if it is not as specified.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request failed, and can be sent again.
    """
    return _io.run(client, _calls.detailed, _get_kwargs(request_id=request_id), _parse_response)


async def asyncio_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[VideoJob]:
    """Get a job.

    Returns the status of a job and, when it is done, the URL of its video.

    Args:
        request_id (str): The `request_id` from the response that accepted the job.

    Returns:
        Response[VideoJob]: Of any status; `parsed` is None if it is not as specified.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request failed, and can be sent again.
    """
    return await _io.asyncio_run(
        client, _calls.detailed, _get_kwargs(request_id=request_id), _parse_response
    )


def sync(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> VideoJob:
    """Get a job.

    Returns the status of a job and, when it is done, the URL of its video.

    Args:
        request_id (str): The `request_id` from the response that accepted the job.

    Returns:
        VideoJob

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request failed, and can be sent again.
        errors.APIStatusError: The status is not 2xx; common statuses have a subclass.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    return _io.run(client, _calls.result_of, _get_kwargs(request_id=request_id), _parse_response)


async def asyncio(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> VideoJob:
    """Get a job.

    Returns the status of a job and, when it is done, the URL of its video.

    Args:
        request_id (str): The `request_id` from the response that accepted the job.

    Returns:
        VideoJob

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request failed, and can be sent again.
        errors.APIStatusError: The status is not 2xx; common statuses have a subclass.
        errors.APIResponseValidationError: The body of a 2xx response is not what the spec says.
    """
    return await _io.asyncio_run(
        client, _calls.result_of, _get_kwargs(request_id=request_id), _parse_response
    )


_JOB = _polling.JobRules(
    id=[
        "request_id",
        "id",
        "task_id",
        "data.request_id",
        "data.id",
        "data.task_id",
        "data.0.id",
        "data",
    ],
    status=["data.status", "data.state", "data.task_status", "status", "state", "task_status"],
    succeeded=["done", "completed", "complete", "succeeded", "success", "finished", "ready"],
    failed=["failed", "failure", "fail", "error", "cancelled", "canceled", "rejected", "timeout"],
    expired=["expired"],
    progress=["progress", "data.progress"],
    result=[
        "video.url",
        "url",
        "video_url",
        "video",
        "metadata.url",
        "output",
        "output.0",
        "output.url",
        "videos.0.url",
        "video.file_output.public_url",
        "data.url",
        "data.video_url",
        "data.video",
        "data.video.url",
        "data.output",
        "data.output.0",
        "data.output.url",
        "data.metadata.url",
        "data.videos.0.url",
        "data.video.file_output.public_url",
        "data.data.0.url",
        "data.0.url",
    ],
    allowed=["video.respect_moderation", "data.video.respect_moderation"],
    error=["error", "data.error"],
    cost=["usage.cost_in_usd_ticks", "data.usage.cost_in_usd_ticks"],
    cost_unit=1e-10,
    suffix=".mp4",
)


def progress(job: VideoJob) -> float | None:
    """How much of a job is done, from 0 to 100, or None if the response does not tell."""
    return _polling.progress(_JOB, job)


def result(job: VideoJob) -> str:
    """Where the result of a job is that has succeeded, wherever the gateway put it.

    Raises:
        errors.VideoWithheldError: Moderation withheld the result.
        errors.ResultMissingError: It is in none of the places that the spec knows.
    """
    return _polling.result(_JOB, job)


def wait(
    request_id: str | CreateVideoResponse,
    *,
    client: AuthenticatedClient | Client,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: Callable[[VideoJob], object] | None = None,
) -> VideoJob:
    """Wait until a job has ended. The wait does not change the job.

    A status that is not known means that the job is not finished, and so does a response without a
    status and a result.
    The wait goes on after 429, 5xx, timeouts, lost connections and responses that are not as
    specified, such as a maintenance page, and follows `Retry-After`.

    Args:
        request_id (str | CreateVideoResponse): The id of the job, or the response that created it.
        client: Where the API is; its `max_retries` do not count here.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until the wait ends in any case, above 0. The last request is
            sent right before. Default: 900.0.
        on_progress: Called with each response about the job.

    Returns:
        The last response about the job, which has its result.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument breaks another rule of the spec.
        errors.JobFailedError: The job failed or was cancelled.
        errors.JobExpiredError: The gateway no longer keeps the job or its result.
        errors.VideoWithheldError: The job is done and moderation withheld its result.
        errors.ResultMissingError: The job is done and paid for, and its result is in no known place.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: The response has a 4xx status other than 408 and 429, or 3xx, or it has
            status 200 and holds an error and no job.
    """
    request_id = _polling.id_of(_JOB, request_id)
    return _io.run(
        client,
        _polling.wait,
        (_get_kwargs(request_id=request_id), _parse_response),
        _JOB,
        _values.text_of(request_id),
        interval,
        timeout,
        on_progress,
    )


async def asyncio_wait(
    request_id: str | CreateVideoResponse,
    *,
    client: AuthenticatedClient | Client,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: Callable[[VideoJob], object] | None = None,
) -> VideoJob:
    """Wait until a job has ended. The wait does not change the job.

    A status that is not known means that the job is not finished, and so does a response without a
    status and a result.
    The wait goes on after 429, 5xx, timeouts, lost connections and responses that are not as
    specified, such as a maintenance page, and follows `Retry-After`.

    Args:
        request_id (str | CreateVideoResponse): The id of the job, or the response that created it.
        client: Where the API is; its `max_retries` do not count here.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until the wait ends in any case, above 0. The last request is
            sent right before. Default: 900.0.
        on_progress: Called with each response about the job.

    Returns:
        The last response about the job, which has its result.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument breaks another rule of the spec.
        errors.JobFailedError: The job failed or was cancelled.
        errors.JobExpiredError: The gateway no longer keeps the job or its result.
        errors.VideoWithheldError: The job is done and moderation withheld its result.
        errors.ResultMissingError: The job is done and paid for, and its result is in no known place.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: The response has a 4xx status other than 408 and 429, or 3xx, or it has
            status 200 and holds an error and no job.
    """
    request_id = _polling.id_of(_JOB, request_id)
    return await _io.asyncio_run(
        client,
        _polling.wait,
        (_get_kwargs(request_id=request_id), _parse_response),
        _JOB,
        _values.text_of(request_id),
        interval,
        timeout,
        on_progress,
    )
