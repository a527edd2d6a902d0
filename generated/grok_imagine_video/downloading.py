# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Saving what a job has made: a file that is whole, or none."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import httpx

from . import errors
from .client import Client
from .sending import (
    HTTPX_ERRORS,
    MOST_REDIRECTS,
    TryLaterError,
    attempts,
    is_worth_repeating,
    named,
    shown,
)

OnProgress = Callable[[int, int | None], object]


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place if all goes well, and goes away if not."""
    if path.is_dir():
        raise IsADirectoryError(21, "is a folder, and no place for a file", str(path))
    part = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _request(
    client: Client, session: httpx.Client | httpx.AsyncClient, url: httpx.URL | str
) -> httpx.Request:
    """A request for a file; what is the API's own business goes to no other origin."""
    request = session.build_request("GET", url, headers={"Accept-Encoding": "identity"})
    if client.is_own(request.url):
        return client.authorize(request)
    headers = {name: request.headers[name] for name in ("user-agent", "accept-encoding")}
    return httpx.Request("GET", request.url, headers=headers, extensions=request.extensions)


def _total(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _check_whole(response: httpx.Response) -> None:
    total, got = _total(response), response.num_bytes_downloaded
    if total is not None and got != total:
        msg = f"the file has {got} bytes, not the {total} that were announced"
        raise httpx.RemoteProtocolError(msg, request=response.request)


def _start_over(file: BinaryIO) -> None:
    file.seek(0)
    file.truncate()


def download(
    client: Client, url: str, path: str | os.PathLike[str], on_progress: OnProgress | None
) -> Path:
    """Save what is at `url` as `path`; `Client.download` says the rest."""
    target = Path(path)
    with _replacing(target) as file:
        try:
            for attempt in attempts(client):
                with attempt:
                    _start_over(file)
                    _download_once(client, url, file, on_progress)
        except TryLaterError as error:
            raise errors.status_error(*shown(client, error.response)) from None
    return target


def _download_once(
    client: Client, url: str, file: BinaryIO, on_progress: OnProgress | None
) -> None:
    session = client.get_httpx_client()
    request = _request(client, session, url)
    try:
        with (
            client.slot(request),
            contextlib.closing(_download_open(client, session, request)) as response,
        ):
            if not response.is_success:
                response.read()
                _refuse(client, response)
            for part in response.iter_bytes():
                file.write(part)
                if on_progress is not None:
                    on_progress(response.num_bytes_downloaded, _total(response))
            _check_whole(response)
    except HTTPX_ERRORS as error:
        raise named(client, error, request, hops=0) from error


def _download_open(client: Client, session: httpx.Client, request: httpx.Request) -> httpx.Response:
    """The answer behind all redirects; at each of them it is decided anew what may go there."""
    for _ in range(MOST_REDIRECTS):
        auth = httpx.USE_CLIENT_DEFAULT if client.is_own(request.url) else None
        response = session.send(request, stream=True, follow_redirects=False, auth=auth)
        if not response.has_redirect_location:
            return response
        response.close()
        request = _request(client, session, response.url.join(response.headers["location"]))
    msg = f"more than {MOST_REDIRECTS} redirects"
    raise httpx.TooManyRedirects(msg, request=request)


async def asyncio_download(
    client: Client, url: str, path: str | os.PathLike[str], on_progress: OnProgress | None
) -> Path:
    """Save what is at `url` as `path`; `Client.asyncio_download` says the rest."""
    target = Path(path)
    with _replacing(target) as file:
        try:
            async for attempt in attempts(client):
                with attempt:
                    _start_over(file)
                    await _asyncio_download_once(client, url, file, on_progress)
        except TryLaterError as error:
            raise errors.status_error(*shown(client, error.response)) from None
    return target


async def _asyncio_download_once(
    client: Client, url: str, file: BinaryIO, on_progress: OnProgress | None
) -> None:
    session = client.get_async_httpx_client()
    request = _request(client, session, url)
    try:
        async with (
            client.aslot(request),
            contextlib.aclosing(await _asyncio_download_open(client, session, request)) as response,
        ):
            if not response.is_success:
                await response.aread()
                _refuse(client, response)
            async for part in response.aiter_bytes():
                file.write(part)
                if on_progress is not None:
                    on_progress(response.num_bytes_downloaded, _total(response))
            _check_whole(response)
    except HTTPX_ERRORS as error:
        raise named(client, error, request, hops=0) from error


async def _asyncio_download_open(
    client: Client, session: httpx.AsyncClient, request: httpx.Request
) -> httpx.Response:
    """The answer behind all redirects; at each of them it is decided anew what may go there."""
    for _ in range(MOST_REDIRECTS):
        auth = httpx.USE_CLIENT_DEFAULT if client.is_own(request.url) else None
        response = await session.send(request, stream=True, follow_redirects=False, auth=auth)
        if not response.has_redirect_location:
            return response
        await response.aclose()
        request = _request(client, session, response.url.join(response.headers["location"]))
    msg = f"more than {MOST_REDIRECTS} redirects"
    raise httpx.TooManyRedirects(msg, request=request)


def _refuse(client: Client, response: httpx.Response) -> None:
    if is_worth_repeating(response.status_code, response.request, hops=0):
        raise TryLaterError(response)
    raise errors.status_error(*shown(client, response))
