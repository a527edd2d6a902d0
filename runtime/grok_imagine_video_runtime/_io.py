"""Does what calls, waits and downloads ask for: with `httpx.Client`, and with `httpx.AsyncClient`.

With `_files`, this is all the I/O there is, and the only code that is written twice. Every
`Exception` of sending a request and of reading its response ends in its `Exchange`, and no other.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx

from ._calls import Exchange, Now, Sleep, Steps, read_already
from ._downloads import OnProgress, Save, save
from ._files import Place, asyncio_placing, in_thread, placing, replace_file
from .config import Config, Opened

P = ParamSpec("P")
T = TypeVar("T")

# What makes the steps of a call, a wait or a download.
StepsOf = Callable[Concatenate[Config, Opened, P], Steps[T]]

# In place of the stream of a response that has been read: that one refers to its response, so both,
# and all that was sent, would stay in memory until the next garbage collection.
_NOTHING = httpx.ByteStream(b"")


def run(config: Config, steps_of: StepsOf[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do the steps of a call, a wait or a download, and return what it returns."""
    opened = config.sessions.opened(config)
    with contextlib.closing(steps_of(config, opened, *args, **kwargs)) as steps:
        outcome: Any = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Exchange):
                exchange(step)
            else:
                outcome = _pause(step)


async def asyncio_run(
    config: Config, steps_of: StepsOf[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The async counterpart of `run`."""
    opened = config.sessions.asyncio_opened(config)
    with contextlib.closing(steps_of(config, opened, *args, **kwargs)) as steps:
        outcome: Any = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Exchange):
                await _asyncio_exchange(step)
            else:
                outcome = await _asyncio_pause(step)


def _pause(step: Sleep | Now) -> Any:
    return time.monotonic() if isinstance(step, Now) else time.sleep(step.seconds)


async def _asyncio_pause(step: Sleep | Now) -> Any:
    return time.monotonic() if isinstance(step, Now) else await _asyncio_sleep(step.seconds)


async def _asyncio_sleep(seconds: float) -> None:
    import asyncio  # 20 ms, and only needed by those who use it

    await asyncio.sleep(seconds)


def exchange(step: Exchange) -> None:
    """Send a request, and read its response.

    Where there is a deadline, a body that drips is cut off between two chunks, at most one read
    timeout late. Two things stay unbounded, because nothing can stop httpx meanwhile: headers that
    drip (it reads up to 100 kB of them, and each byte restarts its read timeout), and the search
    for the address of a host.
    """
    try:
        if step.deadline is not None:
            _limit_timeouts(step, step.deadline)
        response = step.opened.session.send(
            step.request, stream=True, follow_redirects=False, auth=step.auth
        )
        step.begin(response)
        with contextlib.closing(response):
            content = read_already(response)
            for chunk in response.iter_raw() if content is None else ():
                step.receive(chunk)
                if step.deadline is not None:
                    _limit_timeouts(step, step.deadline)
                if isinstance(step, Save) and step.is_full:
                    step.write()
        response.stream = _NOTHING
        step.finish(content)
    except Exception as error:
        if error is step.callers_error:
            raise
        step.fail(error)
    if isinstance(step, Save):
        step.write()


async def _asyncio_exchange(step: Exchange) -> None:
    """The async counterpart of `exchange`; all of it can be stopped when the time is up."""
    import asyncio  # 20 ms, and only needed by those who use it

    left = None if step.deadline is None else step.deadline - time.monotonic()
    timer = asyncio.timeout(left)
    try:
        async with timer:
            response = await step.opened.session.send(
                step.request, stream=True, follow_redirects=False, auth=step.auth
            )
            step.begin(response)
            async with contextlib.aclosing(response):
                if (content := read_already(response)) is None:
                    async for chunk in response.aiter_raw():
                        step.receive(chunk)
                        if isinstance(step, Save) and step.is_full:
                            await in_thread(step.write)
            response.stream = _NOTHING
            step.finish(content)
    except Exception as error:
        if error is step.callers_error:
            raise
        step.fail(_deadline_passed(step) if timer.expired() else error)
    if isinstance(step, Save):
        await in_thread(step.write)


def _limit_timeouts(step: Exchange, deadline: float) -> None:
    """Let no part of a request take longer than the time that is left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise _deadline_passed(step)
    timeouts: dict[str, float | None] = step.request.extensions["timeout"]
    for name, usual in timeouts.items():
        timeouts[name] = left if usual is None else min(usual, left)


def _deadline_passed(step: Exchange) -> httpx.ReadTimeout:
    msg = "there was no whole response when the time was up"
    return httpx.ReadTimeout(msg, request=step.request)


def download(
    config: Config,
    url: str,
    path: str | os.PathLike[str],
    on_progress: OnProgress | None = None,
    place: Place = replace_file,
) -> Path:
    """Save what is at `url` as `path`; see `Client.download`, and `place` of `_files.placing`."""
    with placing(Path(path), place) as file:
        run(config, save, url, file, on_progress)
    return Path(path)


async def asyncio_download(
    config: Config,
    url: str,
    path: str | os.PathLike[str],
    on_progress: OnProgress | None = None,
    place: Place = replace_file,
) -> Path:
    """The async counterpart of `download`."""
    config.sessions.asyncio_opened(config)  # if it cannot be opened, there is no need for a file
    async with asyncio_placing(Path(path), place) as file:
        await asyncio_run(config, save, url, file, on_progress)
    return Path(path)
