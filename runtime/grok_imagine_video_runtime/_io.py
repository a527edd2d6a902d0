"""Does the steps of calls, waits and downloads, with `httpx.Client` or `httpx.AsyncClient`.

With `_files`, this is all the I/O there is, and the only code that is written twice. Every
`Exception` of sending a request or reading its response goes into its `Exchange`, and no other.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, TypeVar, TypeVarTuple, cast

import httpx

from ._calls import Exchange, Steps
from .config import AUTH, Config, Opened, not_a_client

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Makes the steps of a call, a wait or a download.
StepsOf = Callable[[Config, Opened, *Ts], Steps[T]]

# Replaces the stream of a response that was read, or both stay in memory until they are collected.
_EMPTY_STREAM = httpx.ByteStream(b"")


def run(config: Config, steps_of: StepsOf[*Ts, T], *args: *Ts) -> T:
    """Do the steps of a call, a wait or a download, and return what it returns."""
    if not isinstance(config, Config):
        raise not_a_client(config)
    opened = config.sessions.opened(httpx.Client)
    with contextlib.closing(steps_of(config, opened, *args)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return cast(T, end.value)
            if isinstance(step, Exchange):
                with contextlib.closing(_send(step)) as pieces:
                    for piece in pieces:
                        _write(step, piece)
            else:
                time.sleep(step)


async def asyncio_run(config: Config, steps_of: StepsOf[*Ts, T], *args: *Ts) -> T:
    """The async counterpart of `run`."""
    if not isinstance(config, Config):
        raise not_a_client(config)
    opened = config.sessions.opened(httpx.AsyncClient)
    with contextlib.closing(steps_of(config, opened, *args)) as steps:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return cast(T, end.value)
            if isinstance(step, Exchange):
                async with contextlib.aclosing(_asyncio_send(step)) as pieces:
                    async for piece in pieces:
                        _write(step, piece)
            else:
                await _asyncio_sleep(step)


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # 20 ms, and only needed by those who use it

    await asyncio.sleep(seconds)


def _send(exchange: Exchange) -> Generator[bytes, None, None]:
    """Send a request, read its response, and yield what is written to the file."""
    request, session = exchange.request, exchange.opened.session
    auth = request.extensions.get(AUTH, httpx.USE_CLIENT_DEFAULT)
    try:
        if exchange.deadline is not None:
            _limit_timeouts(exchange, exchange.deadline)
        response = session.send(request, stream=True, follow_redirects=False, auth=auth)
        with contextlib.closing(response):
            exchange.begin(response)
            is_read = response.is_stream_consumed
            for chunk in response.iter_bytes() if is_read else response.iter_raw():
                yield from exchange.receive(chunk)
                if exchange.deadline is not None:
                    _limit_timeouts(exchange, exchange.deadline)
        response.stream = _EMPTY_STREAM
        exchange.finish()
    except Exception as error:
        exchange.fail(error)


async def _asyncio_send(exchange: Exchange) -> AsyncGenerator[bytes, None]:
    """The async counterpart of `_send`, which a deadline interrupts anywhere."""
    import asyncio  # 20 ms, and only needed by those who use it

    request, session = exchange.request, exchange.opened.session
    auth = request.extensions.get(AUTH, httpx.USE_CLIENT_DEFAULT)
    left = None if exchange.deadline is None else exchange.deadline - time.monotonic()
    timer = asyncio.timeout(left)
    try:
        async with timer:
            response = await session.send(request, stream=True, follow_redirects=False, auth=auth)
            async with contextlib.aclosing(response):
                exchange.begin(response)
                is_read = response.is_stream_consumed
                async for chunk in response.aiter_bytes() if is_read else response.aiter_raw():
                    for piece in exchange.receive(chunk):
                        yield piece
            response.stream = _EMPTY_STREAM
            exchange.finish()
    except Exception as error:
        exchange.fail(_deadline_passed(exchange) if timer.expired() else error)


def _write(exchange: Exchange, piece: bytes) -> None:
    """Write a part of a file, the first one over what an earlier try has written."""
    file: Any = exchange.file
    if not exchange.written:
        file.seek(0)
        file.truncate()
    exchange.written += file.write(piece)
    if exchange.on_progress is not None:
        exchange.on_progress(exchange.arrived, exchange.total)


def _limit_timeouts(exchange: Exchange, deadline: float) -> None:
    """Limit each timeout of a request to the time that is left; see docs/failures.md."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _deadline_passed(exchange)
    timeouts: dict[str, float | None] = exchange.request.extensions["timeout"]
    for name, timeout in timeouts.items():
        timeouts[name] = left if timeout is None else min(timeout, left)


def _deadline_passed(exchange: Exchange) -> httpx.ReadTimeout:
    msg = "there was no whole response when the time was up"
    return httpx.ReadTimeout(msg, request=exchange.request)
