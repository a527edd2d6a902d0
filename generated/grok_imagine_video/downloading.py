# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Saving what a job has made: a file that is whole, or none."""

import contextlib
import errno
import functools
import os
import secrets
import shutil
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
    asyncio_repeated,
    is_worth_repeating,
    named,
    repeated,
    shown,
    without_secrets,
)

OnProgress = Callable[[int, int | None], object]


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place if all goes well, and goes away if not."""
    path = path.resolve()  # what a link leads to is replaced, and not the link
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "is there already, and is no file", str(path))
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _parsed(url: str) -> httpx.URL:
    """A URL that something can be fetched from: a whole one, or a path at the API."""
    parsed = httpx.URL(url)
    is_whole = parsed.scheme in ("http", "https") and parsed.host and (parsed.port or 0) <= 65535
    if not is_whole and (parsed.scheme or parsed.host or not url):
        msg = (
            f"url must start with https:// or http:// and name a host: {without_secrets(parsed)!r}"
        )
        raise httpx.InvalidURL(msg)
    return parsed


def _request(
    client: Client, session: httpx.Client | httpx.AsyncClient, url: httpx.URL
) -> httpx.Request:
    """A request for a file; what is the API's own business goes to no other origin."""
    if url.is_relative_url or client.is_own(url):
        query = url.params if session.params else None  # else those of the session replace them
        identity = {"Accept-Encoding": "identity"}
        return client.authorize(session.build_request("GET", url, params=query, headers=identity))
    headers = {"User-Agent": f"python-httpx/{httpx.__version__}", "Accept-Encoding": "identity"}
    timeout = {"timeout": session.timeout.as_dict()}
    return httpx.Request("GET", url, headers=headers, extensions=timeout)


def _total(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _check_whole(response: httpx.Response) -> None:
    total, got = _total(response), response.num_bytes_downloaded
    if total is not None and got != total:
        msg = f"the file has {got} bytes, not the {total} that were announced"
        raise httpx.RemoteProtocolError(msg, request=response.request)


def _start_over(file: BinaryIO) -> None:
    if file.tell():  # a file that was truncated may be slow to close, even if it was empty
        file.seek(0)
        file.truncate()


def download(
    client: Client, url: str, path: str | os.PathLike[str], on_progress: OnProgress | None
) -> Path:
    """Save what is at `url` as `path`; `Client.download` says the rest."""
    try:
        parsed = _parsed(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    target = Path(path)
    with _replacing(target) as file:
        try:
            call = functools.partial(_download_once, client, parsed, file, on_progress)
            repeated(client, call)
        except TryLaterError as error:
            response = error.response
        else:
            return target
        raise errors.status_error(*shown(client, response))


def _download_once(
    client: Client, url: httpx.URL, file: BinaryIO, on_progress: OnProgress | None
) -> None:
    _start_over(file)
    session = client.get_httpx_client()
    request = _request(client, session, url)
    try:
        with (
            client.slot(request),
            contextlib.closing(_download_open(client, session, request)) as response,
        ):
            if response.status_code != 200:  # another 2xx is a part of a file, or none
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
        onward = response.url.join(response.headers["location"])
        request = _request(client, session, _parsed(str(onward)))
    msg = f"more than {MOST_REDIRECTS} redirects"
    raise httpx.TooManyRedirects(msg, request=request)


async def asyncio_download(
    client: Client, url: str, path: str | os.PathLike[str], on_progress: OnProgress | None
) -> Path:
    """Save what is at `url` as `path`; `Client.asyncio_download` says the rest."""
    try:
        parsed = _parsed(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    target = Path(path)
    with _replacing(target) as file:
        try:
            call = functools.partial(_asyncio_download_once, client, parsed, file, on_progress)
            await asyncio_repeated(client, call)
        except TryLaterError as error:
            response = error.response
        else:
            return target
        raise errors.status_error(*shown(client, response))


async def _asyncio_download_once(
    client: Client, url: httpx.URL, file: BinaryIO, on_progress: OnProgress | None
) -> None:
    _start_over(file)
    session = client.get_async_httpx_client()
    request = _request(client, session, url)
    try:
        async with (
            client.aslot(request),
            contextlib.aclosing(await _asyncio_download_open(client, session, request)) as response,
        ):
            if response.status_code != 200:  # another 2xx is a part of a file, or none
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
        onward = response.url.join(response.headers["location"])
        request = _request(client, session, _parsed(str(onward)))
    msg = f"more than {MOST_REDIRECTS} redirects"
    raise httpx.TooManyRedirects(msg, request=request)


def _refuse(client: Client, response: httpx.Response) -> None:
    if is_worth_repeating(response.status_code, response.request, hops=0):
        raise TryLaterError(response)
    raise errors.status_error(*shown(client, response))
