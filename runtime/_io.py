"""Does what calls, waits and downloads ask for: with `httpx.Client`, and with `httpx.AsyncClient`.

With `_files`, this is all the I/O there is, and the only code that is written twice. Every
`Exception` of sending a request and of reading its response ends in an `Outcome`, and no other.
"""

import contextlib
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import httpx

from ._bodies import Decoder, too_large
from ._calls import Now, Send, Sleep, Steps, read_already
from ._downloads import OnProgress, Save, save
from ._opening import Opened
from .client import Client

if TYPE_CHECKING:
    from ._files import Place

P = ParamSpec("P")
T = TypeVar("T")

# What makes the steps of a call, a wait or a download.
StepsOf = Callable[Concatenate[Client, Opened, P], Steps[T]]

# In place of the stream of a response that has been read: that one refers to its response, so both,
# and all that was sent, would stay in memory until the next garbage collection.
_NOTHING = httpx.ByteStream(b"")

# Bytes that are given to the disk at once.
_BLOCK_SIZE = 1_048_576


def run(client: Client, steps_of: StepsOf[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do the steps of a call, a wait or a download, and return what it returns."""
    opened = client._session()
    steps = steps_of(client, opened, *args, **kwargs)
    try:
        step = next(steps)
        while True:
            try:
                outcome = _do(client, opened.session, step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


async def asyncio_run(
    client: Client, steps_of: StepsOf[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The async counterpart of `run`."""
    opened = client._async_session()
    steps = steps_of(client, opened, *args, **kwargs)
    try:
        step = next(steps)
        while True:
            try:
                outcome = await _asyncio_do(client, opened.session, step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


def _do(client: Client, session: httpx.Client, step: Send | Sleep | Now) -> Any:
    if isinstance(step, Now):
        return time.monotonic()
    if isinstance(step, Sleep):
        return time.sleep(step.seconds)
    return _exchange(session, step, client.max_response_size)


async def _asyncio_do(client: Client, session: httpx.AsyncClient, step: Send | Sleep | Now) -> Any:
    if isinstance(step, Now):
        return time.monotonic()
    if isinstance(step, Sleep):
        return await _asyncio_sleep(step.seconds)
    if step.deadline is None:
        return await _asyncio_exchange(session, step, client.max_response_size)
    return await _asyncio_exchange_in_time(session, step, client.max_response_size, step.deadline)


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # slow to import, and only needed by those who use it

    await asyncio.sleep(seconds)


def _exchange(session: httpx.Client, step: Send, max_size: int) -> None:
    """Send a request, and read its response.

    Where there is a deadline, a body that drips is cut off between two chunks, at most one read
    timeout late. Two things stay unbounded, because nothing can stop httpx meanwhile: headers that
    drip (it reads up to 100 kB of them, and each byte restarts its read timeout), and the search
    for the address of a host.
    """
    try:
        _limit_timeouts(step)
        step.response = session.send(
            step.request, stream=True, follow_redirects=False, auth=_auth(step)
        )
    except Exception as error:
        step.error = error
        return
    with contextlib.closing(_chunks(step)) as chunks:
        if isinstance(step, Save) and step.is_file:
            _save(chunks, step)
        else:
            _read(chunks, step, max_size)


async def _asyncio_exchange(session: httpx.AsyncClient, step: Send, max_size: int) -> None:
    """The async counterpart of `_exchange`."""
    try:
        step.response = await session.send(
            step.request, stream=True, follow_redirects=False, auth=_auth(step)
        )
    except Exception as error:
        step.error = error
        return
    async with contextlib.aclosing(_asyncio_chunks(step)) as chunks:
        if isinstance(step, Save) and step.is_file:
            await _asyncio_save(chunks, step)
        else:
            await _asyncio_read(chunks, step, max_size)


async def _asyncio_exchange_in_time(
    session: httpx.AsyncClient, step: Send, max_size: int, deadline: float
) -> None:
    """Send a request whose response must be here before the deadline; all of it can be stopped."""
    import asyncio  # slow to import, and only needed by those who use it

    try:
        async with asyncio.timeout(deadline - time.monotonic()):
            await _asyncio_exchange(session, step, max_size)
    except TimeoutError:
        step.error = _deadline_passed(step)


def _auth(step: Send) -> Any:
    return httpx.USE_CLIENT_DEFAULT if step.has_auth else None


def _limit_timeouts(step: Send) -> None:
    """Let no part of a request take longer than the time that is left."""
    if step.deadline is None:
        return
    left = step.deadline - time.monotonic()
    if left <= 0:
        raise _deadline_passed(step)
    timeouts: dict[str, float | None] = step.request.extensions["timeout"]
    for name, usual in timeouts.items():
        timeouts[name] = left if usual is None else min(usual, left)


def _deadline_passed(step: Send) -> httpx.ReadTimeout:
    msg = "there was no whole response when the time was up"
    return httpx.ReadTimeout(msg, request=step.request)


def _chunks(step: Send) -> Generator[bytes, None, None]:
    """The body in chunks, until it ends or something is raised, which `step` then has."""
    response = step.response
    try:
        with contextlib.closing(response):
            if (content := read_already(response)) is not None:
                step.is_decoded = True
                yield content
                return
            decoder = _decoder(step)
            for chunk in response.iter_raw():
                yield from decoder.feed(chunk)
                _limit_timeouts(step)
            decoder.finish()
    except Exception as error:
        step.error = error
    finally:
        response.stream = _NOTHING


async def _asyncio_chunks(step: Send) -> AsyncGenerator[bytes, None]:
    """The async counterpart of `_chunks`."""
    response = step.response
    try:
        async with contextlib.aclosing(response):
            if (content := read_already(response)) is not None:
                step.is_decoded = True
                yield content
                return
            decoder = _decoder(step)
            async for chunk in response.aiter_raw():
                for piece in decoder.feed(chunk):
                    yield piece
            decoder.finish()
    except Exception as error:
        step.error = error
    finally:
        response.stream = _NOTHING


def _decoder(step: Send) -> Decoder:
    """Files are decompressed as they arrive; other bodies when they are whole."""
    is_file = isinstance(step, Save) and step.is_file
    decoder = Decoder(step.response.headers if is_file else httpx.Headers())
    step.is_decoded = decoder.is_needed
    return decoder


def _read(chunks: Iterator[bytes], step: Send, max_size: int) -> None:
    """Read a body, unless it is too large."""
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > max_size:
            step.error = too_large(max_size)
            break
    step.content = bytes(content)


async def _asyncio_read(chunks: AsyncIterator[bytes], step: Send, max_size: int) -> None:
    """The async counterpart of `_read`."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > max_size:
            step.error = too_large(max_size)
            break
    step.content = bytes(content)


def _save(chunks: Iterator[bytes], step: Save) -> None:
    from ._files import rewind  # slow to import, and only needed for downloads

    rewind(step.file)
    for chunk in chunks:
        step.file.write(chunk)
        step.report(chunk)


async def _asyncio_save(chunks: AsyncIterator[bytes], step: Save) -> None:
    from ._files import in_thread, rewind

    await in_thread(rewind, step.file)
    block: list[bytes] = []
    size = 0
    async for chunk in chunks:
        block.append(chunk)
        size += len(chunk)
        if size >= _BLOCK_SIZE:
            await in_thread(step.file.writelines, block)
            block, size = [], 0
        step.report(chunk)
    await in_thread(step.file.writelines, block)


def download(
    client: Client,
    url: str,
    path: str | os.PathLike[str],
    on_progress: OnProgress | None = None,
    place: "Place | None" = None,
) -> Path:
    """Save what is at `url` as `path`; see `Client.download`, and `place` of `_files.placing`."""
    from ._files import placing

    with placing(Path(path), place) as file:
        run(client, save, url, file, on_progress)
    return Path(path)


async def asyncio_download(
    client: Client,
    url: str,
    path: str | os.PathLike[str],
    on_progress: OnProgress | None = None,
    place: "Place | None" = None,
) -> Path:
    """The async counterpart of `download`."""
    from ._files import asyncio_placing

    client._async_session()  # if it cannot be opened, there is no need for a file
    async with asyncio_placing(Path(path), place) as file:
        await asyncio_run(client, save, url, file, on_progress)
    return Path(path)
