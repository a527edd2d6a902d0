# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
from typing import Any
from urllib.parse import quote as _quote

import httpx

from ... import sending as _sending
from ... import validators as _v
from ...client import AuthenticatedClient, Client
from ...models.video_job import VideoJob
from ...types import Response


def _get_kwargs(
    request_id: str,
) -> dict[str, Any]:
    _v.check("request_id", request_id, _v.string)

    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/v1/videos/{request_id}".format(
            request_id=_quote(str(request_id), safe=""),
        ),
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> VideoJob:
    if 202 == response.status_code:
        response_202 = VideoJob.from_dict(response.json())

        return response_202

    if response.is_success:
        response_200 = VideoJob.from_dict(response.json())

        return response_200

    msg = f"the spec does not say what an answer with status {response.status_code} holds"
    raise LookupError(msg)


def sync_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[VideoJob]:
    """Get a job.

    Tells how far a job is and, once it is done, where its video is.

    Args:
        request_id (str):
        client: Where the API is, and how often to send the request again.

    Returns:
        The whole answer, whatever its status; `parsed` is None where it is not as specified.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request, safe to repeat, failed.
    """
    response = _sending.send(
        client,
        _get_kwargs(
            request_id=request_id,
        ),
    )
    return _sending.detailed(response, _parse_response)


def sync(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> VideoJob:
    """Get a job.

    Tells how far a job is and, once it is done, where its video is.

    Args:
        request_id (str):
        client: Where the API is, and how often to send the request again.

    Returns:
        What the answer holds.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request, safe to repeat, failed.
        errors.APIStatusError: The answer has another status than 2xx; its subclasses say which.
        errors.APIResponseValidationError: The body of a 2xx answer is not what the spec says.
    """
    response = _sending.send(
        client,
        _get_kwargs(
            request_id=request_id,
        ),
    )
    return _sending.result(client, "GET", response, _parse_response)


async def asyncio_detailed(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> Response[VideoJob]:
    """Get a job.

    Tells how far a job is and, once it is done, where its video is.

    Args:
        request_id (str):
        client: Where the API is, and how often to send the request again.

    Returns:
        The whole answer, whatever its status; `parsed` is None where it is not as specified.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request, safe to repeat, failed.
    """
    response = await _sending.asyncio_send(
        client,
        _get_kwargs(
            request_id=request_id,
        ),
    )
    return _sending.detailed(response, _parse_response)


async def asyncio(
    request_id: str,
    *,
    client: AuthenticatedClient | Client,
) -> VideoJob:
    """Get a job.

    Tells how far a job is and, once it is done, where its video is.

    Args:
        request_id (str):
        client: Where the API is, and how often to send the request again.

    Returns:
        What the answer holds.

    Raises:
        TypeError: An argument has the wrong type; nothing was sent.
        ValueError: An argument breaks another rule of the spec; nothing was sent.
        errors.APIConnectionError: The request, safe to repeat, failed.
        errors.APIStatusError: The answer has another status than 2xx; its subclasses say which.
        errors.APIResponseValidationError: The body of a 2xx answer is not what the spec says.
    """
    response = await _sending.asyncio_send(
        client,
        _get_kwargs(
            request_id=request_id,
        ),
    )
    return _sending.result(client, "GET", response, _parse_response)
