# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Get a job: `GET /v1/videos/{request_id}`."""

from collections.abc import Callable as _Callable

from grok_imagine_video_runtime import _calls, _io, _jobs
from grok_imagine_video_runtime import operations as _operations
from grok_imagine_video_runtime import validators as _v

from ...client import AuthenticatedClient, Client
from ...models.create_video_response import CreateVideoResponse
from ...models.video_job import VideoJob
from ...types import Response

JOB = _operations.Job(
    wrappers=["data", "result", "output", "task_result", "response"],
    id=["request_id", "id", "task_id", "taskId", "data"],
    status=["status", "state", "task_status"],
    succeeded=[
        "done",
        "completed",
        "complete",
        "succeeded",
        "succeed",
        "success",
        "finished",
        "ready",
    ],
    failed=["failed", "failure", "fail", "error", "cancelled", "canceled", "rejected", "timeout"],
    expired=["expired"],
    progress=["progress"],
    result=[
        "video.url",
        "video.file_output.public_url",
        "url",
        "video_url",
        "video",
        "metadata.url",
        "result_url",
        "videos.url",
        "videos",
        "content.video_url",
        "creations.url",
        "output_url",
        "output",
        "outputs.url",
        "outputs",
        "result_urls",
        "resultUrls",
        "fail_reason",
    ],
    allowed=["video.respect_moderation"],
    error=["error"],
    reasons=[
        "fail_reason",
        "task_status_msg",
        "failure_reason",
        "error_message",
        "error_msg",
        "err_msg",
        "fail_msg",
        "reason",
        "message",
        "msg",
    ],
    ambiguous=["success"],
    moderation=[
        "rejected*moderation",
        "moderation*rejected",
        "blocked*moderation",
        "moderation*blocked",
        "flagged*moderation",
        "moderation*flagged",
        "not pass*moderation",
        "moderated",
        "violat*polic",
        "polic*violat",
        "审核未通过",
        "审核不通过",
        "未通过*审核",
        "内容违规",
    ],
    cost=["usage.cost_in_usd_ticks"],
    cost_unit=1e-10,
    suffix=".mp4",
)

OPERATION: _operations.Operation[VideoJob] = _operations.Operation(
    "GET",
    "/v1/videos/{request_id}",
    {
        "2XX": ("json", VideoJob.from_dict),
    },
    [
        _operations.Parameter("request_id", "request_id", "path", [_v.string, _v.segment]),
    ],
    rules=JOB,
)


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
        Response[VideoJob]: Whatever its status; `parsed` is None if it does not fit.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request failed, and can be sent again.
    """
    return _io.run(client, _calls.detailed, OPERATION.request(request_id=request_id))


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
        Response[VideoJob]: Whatever its status; `parsed` is None if it does not fit.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request failed, and can be sent again.
    """
    return await _io.asyncio_run(client, _calls.detailed, OPERATION.request(request_id=request_id))


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
    return _io.run(client, _calls.parsed, OPERATION.request(request_id=request_id))


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
    return await _io.asyncio_run(client, _calls.parsed, OPERATION.request(request_id=request_id))


def progress(job: VideoJob) -> float | None:
    """How much of a job is done, from 0 to 100, or None if the response does not say."""
    return _jobs.progress(JOB, job)


def cost(job: VideoJob) -> float | None:
    """The price of a job in US dollars, or None if the response does not report it."""
    return _jobs.cost_of(JOB, job)


def result(job: VideoJob) -> str:
    """The URL of the result of a job that has succeeded, wherever the gateway put it.

    Raises:
        errors.JobFailedError: The job failed or was cancelled.
        errors.JobExpiredError: The gateway no longer keeps the job or its result.
        errors.VideoWithheldError: Moderation withheld the result.
        errors.ResultMissingError: The response has no result where the spec says.
    """
    return _jobs.result(JOB, job)


def wait(
    request_id: str | CreateVideoResponse,
    *,
    client: AuthenticatedClient | Client,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: _Callable[[VideoJob], object] | None = None,
) -> VideoJob:
    """Wait until a job has ended. Waiting does not change the job.

    An unknown status means that the job is not finished, and so does a response with neither a
    status nor a result. The wait goes on after 429, 5xx, timeouts, lost connections and responses
    that are not as specified, such as a maintenance page, and follows `Retry-After`.

    Args:
        request_id (str | CreateVideoResponse): The id of the job, or the response that created it.
        client: Where the API is; its `max_retries` do not count here.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until `WaitTimeoutError`, above 0; the last poll comes shortly
            before. Default: 900.0.
        on_progress: Called with each response about the job.

    Returns:
        The last response about the job, which has its result.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument breaks another rule of the spec.
        errors.JobFailedError: The job failed or was cancelled.
        errors.JobExpiredError: The gateway no longer keeps the job or its result.
        errors.VideoWithheldError: The job is done and moderation withheld its result.
        errors.ResultMissingError: The job is done and paid for, without a result where we
            look for one.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: The response has a 4xx status other than 408 and 429, or 3xx, or
            it has status 200 and is an error, not a job.
    """
    request_id = _jobs.id_of(JOB, request_id)
    return _io.run(
        client,
        _jobs.wait,
        OPERATION.request(request_id=request_id),
        request_id,
        _jobs.Waiting(interval, timeout, on_progress),
    )


async def asyncio_wait(
    request_id: str | CreateVideoResponse,
    *,
    client: AuthenticatedClient | Client,
    interval: float = 5.0,
    timeout: float = 900.0,
    on_progress: _Callable[[VideoJob], object] | None = None,
) -> VideoJob:
    """Wait until a job has ended. Waiting does not change the job.

    An unknown status means that the job is not finished, and so does a response with neither a
    status nor a result. The wait goes on after 429, 5xx, timeouts, lost connections and responses
    that are not as specified, such as a maintenance page, and follows `Retry-After`.

    Args:
        request_id (str | CreateVideoResponse): The id of the job, or the response that created it.
        client: Where the API is; its `max_retries` do not count here.
        interval (float): Seconds between two requests, above 0, give or take a fifth. Default: 5.0.
        timeout (float): Seconds until `WaitTimeoutError`, above 0; the last poll comes shortly
            before. Default: 900.0.
        on_progress: Called with each response about the job.

    Returns:
        The last response about the job, which has its result.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument breaks another rule of the spec.
        errors.JobFailedError: The job failed or was cancelled.
        errors.JobExpiredError: The gateway no longer keeps the job or its result.
        errors.VideoWithheldError: The job is done and moderation withheld its result.
        errors.ResultMissingError: The job is done and paid for, without a result where we
            look for one.
        errors.WaitTimeoutError: The time is up; waiting can go on.
        errors.APIStatusError: The response has a 4xx status other than 408 and 429, or 3xx, or
            it has status 200 and is an error, not a job.
    """
    request_id = _jobs.id_of(JOB, request_id)
    return await _io.asyncio_run(
        client,
        _jobs.wait,
        OPERATION.request(request_id=request_id),
        request_id,
        _jobs.Waiting(interval, timeout, on_progress),
    )


__all__ = [
    "asyncio",
    "asyncio_detailed",
    "asyncio_wait",
    "cost",
    "progress",
    "result",
    "sync",
    "sync_detailed",
    "wait",
]
