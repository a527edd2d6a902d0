# Do not edit: copied from runtime/_drivers.py, whatever the spec says.
# To change it, edit runtime/_drivers.py and run: make generate
"""Does what calls, waits and downloads ask for: with `httpx.Client`, and with `httpx.AsyncClient`.

This is all the I/O there is, and the only code that is written twice.
"""

import contextlib
import errno
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import httpx

from ._calls import Now, OnProgress, Open, Save, Send, Sleep, Step, Steps
from ._limiter import AsyncLimiter, Limiter
from .client import Client

T = TypeVar("T")


def run(client: Client, steps: Steps[T]) -> T:
    """Do the steps of a call, a wait or a download, and return what it returns."""
    session, limiter = client._session()
    try:
        step = next(steps)
        while True:
            try:
                outcome = _do(session, limiter, step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


async def asyncio_run(client: Client, steps: Steps[T]) -> T:
    """The async counterpart of `run`."""
    session, limiter = client._async_session()
    try:
        step = next(steps)
        while True:
            try:
                outcome = await _asyncio_do(session, limiter, step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


def _do(session: httpx.Client, limiter: Limiter, step: Step) -> Any:
    if isinstance(step, Open):
        return session
    if isinstance(step, Now):
        return time.monotonic()
    if isinstance(step, Sleep):
        return time.sleep(step.seconds)
    if step.deadline is not None:
        _limit_timeouts(step.request, step.deadline)
    with limiter.acquire(step.request):
        if isinstance(step, Save):
            return _save(session, step)
        if step.deadline is not None:
            return _send_in_time(session, step, step.deadline)
        return session.send(step.request, follow_redirects=False, auth=_auth(step))


async def _asyncio_do(session: httpx.AsyncClient, limiter: AsyncLimiter, step: Step) -> Any:
    if isinstance(step, Open):
        return session
    if isinstance(step, Now):
        return time.monotonic()
    if isinstance(step, Sleep):
        return await _asyncio_sleep(step.seconds)
    if step.deadline is not None:
        return await _asyncio_send_in_time(session, limiter, step, step.deadline)
    async with limiter.acquire(step.request):
        if isinstance(step, Save):
            return await _asyncio_save(session, step)
        return await session.send(step.request, follow_redirects=False, auth=_auth(step))


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # slow to import, and only needed by those who use it

    await asyncio.sleep(seconds)


def _auth(step: Send) -> Any:
    return httpx.USE_CLIENT_DEFAULT if step.has_auth else None


def _limit_timeouts(request: httpx.Request, deadline: float) -> None:
    """Let no step of a request take longer than the time that is left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _deadline_passed(request)
    timeouts: dict[str, float | None] = request.extensions["timeout"]
    for name, usual in timeouts.items():
        timeouts[name] = left if usual is None else min(usual, left)


def _deadline_passed(request: httpx.Request) -> httpx.ReadTimeout:
    return httpx.ReadTimeout("there was no whole response when the time was up", request=request)


class _UntilDeadline(httpx.SyncByteStream):
    """The body of a response, until the time is up."""

    def __init__(self, stream: httpx.SyncByteStream, request: httpx.Request, deadline: float):
        self._stream = stream
        self._request = request
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield chunk
            _limit_timeouts(self._request, self._deadline)

    def close(self) -> None:
        self._stream.close()


def _send_in_time(session: httpx.Client, step: Send, deadline: float) -> httpx.Response:
    """Send a request whose response must be here before the deadline.

    A body that drips is cut off between two chunks, at most one read timeout late. Two things stay
    unbounded, because nothing can stop httpx meanwhile: headers that drip (it reads up to 100 kB of
    them, and each byte restarts its read timeout), and the search for the address of a host.
    """
    _limit_timeouts(step.request, deadline)
    response = session.send(step.request, stream=True, follow_redirects=False, auth=_auth(step))
    with contextlib.closing(response):
        _limit_timeouts(step.request, deadline)
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _UntilDeadline(response.stream, step.request, deadline)
        response.read()
    return response


async def _asyncio_send_in_time(
    session: httpx.AsyncClient, limiter: AsyncLimiter, step: Send, deadline: float
) -> httpx.Response:
    """The async counterpart of `_send_in_time`; here everything can be stopped."""
    import asyncio  # slow to import, and only needed by those who use it

    _limit_timeouts(step.request, deadline)
    try:
        async with asyncio.timeout(deadline - time.monotonic()), limiter.acquire(step.request):
            return await session.send(step.request, follow_redirects=False, auth=_auth(step))
    except TimeoutError:
        raise _deadline_passed(step.request) from None


def _save(session: httpx.Client, step: Save) -> httpx.Response:
    response = session.send(step.request, stream=True, follow_redirects=False, auth=_auth(step))
    with contextlib.closing(response):
        if not step.is_file(response):
            response.read()
            return response
        _rewind(step.file)
        for chunk in response.iter_bytes():
            step.file.write(chunk)
            step.report(response)
    return response


async def _asyncio_save(session: httpx.AsyncClient, step: Save) -> httpx.Response:
    response = await session.send(
        step.request, stream=True, follow_redirects=False, auth=_auth(step)
    )
    async with contextlib.aclosing(response):
        if not step.is_file(response):
            await response.aread()
            return response
        _rewind(step.file)
        async for chunk in response.aiter_bytes():
            step.file.write(chunk)
            step.report(response)
    return response


def _rewind(file: BinaryIO) -> None:
    if file.tell():  # a file that was truncated can be slow to close, even if it was empty
        file.seek(0)
        file.truncate()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path`, which replaces it if all goes well and is removed if not."""
    path = path.resolve()  # replaces the target of a link, not the link
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "exists and is not a file", str(path))
    from ._downloads import temporary_path  # slow to import, and only needed for downloads

    temporary = temporary_path(path)
    try:
        with temporary.open("xb") as file:
            yield file
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def download(
    client: Client, url: str, path: str | os.PathLike[str], on_progress: OnProgress | None
) -> Path:
    """Save what is at `url` as `path`; see `Client.download`."""
    from ._downloads import save

    with _replacing(Path(path)) as file:
        run(client, save(client, url, file, on_progress))
    return Path(path)


async def asyncio_download(
    client: Client, url: str, path: str | os.PathLike[str], on_progress: OnProgress | None
) -> Path:
    """The async counterpart of `download`."""
    from ._downloads import save

    with _replacing(Path(path)) as file:
        await asyncio_run(client, save(client, url, file, on_progress))
    return Path(path)
