# Do not edit: copied from runtime/_drivers.py, whatever the spec says.
# To change it, edit runtime/_drivers.py and run: make generate
"""Does what calls, waits and downloads ask for: with `httpx.Client`, and with `httpx.AsyncClient`.

With `_files`, this is all the I/O there is, and the only code that is written twice.
"""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from ._calls import Now, OnProgress, Open, Save, Send, Sleep, Steps, TooLargeError
from ._limiter import AsyncLimiter, Limiter
from .client import Client

if TYPE_CHECKING:
    from ._files import Place

T = TypeVar("T")

# Bytes that are given to the disk at once.
_BLOCK_SIZE = 1_048_576


def run(client: Client, steps: Steps[T]) -> T:
    """Do the steps of a call, a wait or a download, and return what it returns."""
    session, limiter = client._session()
    try:
        step = next(steps)
        while True:
            try:
                outcome = session if isinstance(step, Open) else _do(client, session, limiter, step)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


async def asyncio_run(
    client: Client, steps: Steps[T], before: Callable[[], Awaitable[None]] | None = None
) -> T:
    """The async counterpart of `run`; `before` comes before each request without a deadline."""
    session, limiter = client._async_session()
    try:
        step = next(steps)
        while True:
            try:
                if isinstance(step, Open):
                    outcome: Any = session
                else:
                    outcome = await _asyncio_do(client, session, limiter, step, before)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration as end:
        result: T = end.value
        return result


def _do(client: Client, session: httpx.Client, limiter: Limiter, step: Send | Sleep | Now) -> Any:
    if isinstance(step, Now):
        return time.monotonic()
    if isinstance(step, Sleep):
        return time.sleep(step.seconds)
    _limit_timeouts(step)
    with limiter.acquire(step.request):
        return _send(session, step, client.max_response_size)


async def _asyncio_do(
    client: Client,
    session: httpx.AsyncClient,
    limiter: AsyncLimiter,
    step: Send | Sleep | Now,
    before: Callable[[], Awaitable[None]] | None,
) -> Any:
    if isinstance(step, Now):
        return time.monotonic()
    if isinstance(step, Sleep):
        return await _asyncio_sleep(step.seconds)
    if step.deadline is not None:
        return await _asyncio_send_in_time(client, session, limiter, step, step.deadline)
    async with limiter.acquire(step.request):
        if before is not None:
            await before()
        return await _asyncio_send(session, step, client.max_response_size)


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # slow to import, and only needed by those who use it

    await asyncio.sleep(seconds)


def _auth(step: Send) -> Any:
    return httpx.USE_CLIENT_DEFAULT if step.has_auth else None


def _send(session: httpx.Client, step: Send, max_size: int) -> httpx.Response:
    """Send a request, and read its response.

    Where there is a deadline, a body that drips is cut off between two chunks, at most one read
    timeout late. Two things stay unbounded, because nothing can stop httpx meanwhile: headers that
    drip (it reads up to 100 kB of them, and each byte restarts its read timeout), and the search
    for the address of a host.
    """
    _limit_timeouts(step)
    response = session.send(step.request, stream=True, follow_redirects=False, auth=_auth(step))
    _check_mock(response, step)
    with contextlib.closing(response):
        if step.deadline is not None and isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _UntilDeadline(response.stream, step)
        if isinstance(step, Save) and step.is_file(response):
            _save(response, step)
        else:
            _read(response, max_size)
    return _without_stream(response)


async def _asyncio_send(session: httpx.AsyncClient, step: Send, max_size: int) -> httpx.Response:
    """The async counterpart of `_send`."""
    response = await session.send(
        step.request, stream=True, follow_redirects=False, auth=_auth(step)
    )
    _check_mock(response, step)
    try:
        if isinstance(step, Save) and step.is_file(response):
            await _asyncio_save(response, step)
        else:
            await _asyncio_read(response, max_size)
    finally:
        await response.aclose()
    return _without_stream(response)


def _without_stream(response: httpx.Response) -> httpx.Response:
    """A response that has been read, and needs its stream no more.

    The stream would keep it and all that was sent in memory until the next garbage collection.
    """
    if (content := vars(response).get("_content")) is not None:
        response.stream = httpx.ByteStream(content)
    return response


def _check_mock(response: Any, step: Send) -> None:
    """A session may be a mock, whose response has no request."""
    if not isinstance(response, httpx.Response):
        what = f"the session's send() must return an httpx.Response, not {type(response).__name__}"
        msg = f"{what}: give a mock of it a return_value"
        raise TypeError(msg)
    response.request = step.request


async def _asyncio_send_in_time(
    client: Client,
    session: httpx.AsyncClient,
    limiter: AsyncLimiter,
    step: Send,
    deadline: float,
) -> httpx.Response:
    """Send a request whose response must be here before the deadline; all of it can be stopped."""
    import asyncio  # slow to import, and only needed by those who use it

    _limit_timeouts(step)
    try:
        async with asyncio.timeout(deadline - time.monotonic()), limiter.acquire(step.request):
            return await _asyncio_send(session, step, client.max_response_size)
    except TimeoutError:
        raise _deadline_passed(step.request) from None


def _limit_timeouts(step: Send) -> None:
    """Let no part of a request take longer than the time that is left."""
    if step.deadline is None:
        return
    left = step.deadline - time.monotonic()
    if left <= 0:
        raise _deadline_passed(step.request)
    timeouts: dict[str, float | None] = step.request.extensions["timeout"]
    for name, usual in timeouts.items():
        timeouts[name] = left if usual is None else min(usual, left)


def _deadline_passed(request: httpx.Request) -> httpx.ReadTimeout:
    return httpx.ReadTimeout("there was no whole response when the time was up", request=request)


class _UntilDeadline(httpx.SyncByteStream):
    """The body of a response, until the time is up."""

    def __init__(self, stream: httpx.SyncByteStream, step: Send) -> None:
        self._stream = stream
        self._step = step

    def __iter__(self) -> Iterator[bytes]:
        _limit_timeouts(self._step)
        for chunk in self._stream:
            yield chunk
            _limit_timeouts(self._step)

    def close(self) -> None:
        self._stream.close()


def _read(response: httpx.Response, max_size: int) -> None:
    """Read a body, unless it is too large."""
    _slice(response)
    received = _Received(response, max_size)
    try:
        for chunk in _chunks(response):
            received.add(chunk)
    except httpx.HTTPError as error:
        received.add_to(error)
        raise
    received.finish()


async def _asyncio_read(response: httpx.Response, max_size: int) -> None:
    """The async counterpart of `_read`."""
    _slice(response)
    received = _Received(response, max_size)
    try:
        async for chunk in _asyncio_chunks(response):
            received.add(chunk)
    except httpx.HTTPError as error:
        received.add_to(error)
        raise
    received.finish()


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    """The body in chunks, past httpx's decoders if it is not compressed."""
    stream: Any = response.stream if _is_as_sent(response) else response.iter_bytes()
    return iter(stream)


def _asyncio_chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The async counterpart of `_chunks`."""
    stream: Any = response.stream if _is_as_sent(response) else response.aiter_bytes()
    return aiter(stream)


def _is_as_sent(response: httpx.Response) -> bool:
    return "content-encoding" not in response.headers and not response.is_closed


class _Received:
    """What has arrived of a response."""

    def __init__(self, response: httpx.Response, max_size: int) -> None:
        self._response = response
        self._max_size = max_size
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self._max_size:
            msg = f"it has more than {self._max_size} bytes, the client's max_response_size"
            raise TooLargeError(msg, request=self._response.request)

    def finish(self) -> None:
        """Let the response have its body, as `Response.read` does."""
        self._response._content = b"".join(self._chunks)

    def add_to(self, error: httpx.HTTPError) -> None:
        """Add to an error what arrived before it."""
        headers = self._response.headers.copy()
        headers.pop("content-encoding", None)
        content, status = b"".join(self._chunks), self._response.status_code
        vars(error)["received"] = httpx.Response(status, headers=headers, content=content)


def _slice(response: httpx.Response) -> None:
    """Decompress a body in small slices, so that a few bytes cannot become gigabytes at once.

    Raises:
        httpx.DecodingError: It is compressed more than once, which only an attacker does.
    """
    encoding = response.headers.get("content-encoding")
    if not encoding:
        return
    if "," in encoding:
        msg = f"the response is compressed more than once: {encoding[:100]}"
        raise httpx.DecodingError(msg, request=response.request)
    response.stream = _Slices(response.stream)


class _Slices(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in slices of 1 KiB, each of which gzip turns into 1 MiB at most."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield from _slices_of(chunk)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for part in _slices_of(chunk):
                yield part

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


def _slices_of(chunk: bytes) -> Iterator[bytes]:
    for start in range(0, len(chunk), 1024):
        yield chunk[start : start + 1024]


def _save(response: httpx.Response, step: Save) -> None:
    from ._files import rewind  # slow to import, and only needed for downloads

    rewind(step.file)
    for chunk in _chunks(response):
        step.file.write(chunk)
        step.report(response, len(chunk))


async def _asyncio_save(response: httpx.Response, step: Save) -> None:
    from ._files import in_thread, rewind

    await in_thread(rewind, step.file)
    block: list[bytes] = []
    size = 0
    async for chunk in _asyncio_chunks(response):
        block.append(chunk)
        size += len(chunk)
        if size >= _BLOCK_SIZE:
            await in_thread(step.file.writelines, block)
            block, size = [], 0
        step.report(response, len(chunk))
    await in_thread(step.file.writelines, block)


def download(
    client: Client,
    url: str,
    path: str | os.PathLike[str],
    on_progress: OnProgress | None = None,
    place: "Place | None" = None,
) -> Path:
    """Save what is at `url` as `path`; see `Client.download`, and `place` of `_files.placing`."""
    from ._downloads import save
    from ._files import placing

    with placing(Path(path), place) as file:
        run(client, save(client, url, file, on_progress))
    return Path(path)


async def asyncio_download(
    client: Client,
    url: str,
    path: str | os.PathLike[str],
    on_progress: OnProgress | None = None,
    place: "Place | None" = None,
) -> Path:
    """The async counterpart of `download`."""
    from ._downloads import save
    from ._files import asyncio_placing

    async with asyncio_placing(Path(path), place) as file:
        await asyncio_run(client, save(client, url, file, on_progress))
    return Path(path)
