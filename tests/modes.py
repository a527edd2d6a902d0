"""The modes to use the package, and the time as it sees it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import frozen

from faults import Fault, Server, serving
from grok_imagine_video_runtime import _io, _jobs

# Public functions, and their async counterparts.
COUNTERPARTS = {"wait": "asyncio_wait", "download": "asyncio_download"}
COUNTERPARTS |= {f"sync{end}": f"asyncio{end}" for end in ("", "_detailed", "_and_wait")}


@frozen
class Mode:
    """Sync or asyncio, with a server that keeps connections, or one that closes each of them."""

    is_sync: bool
    closes: bool = False

    @contextlib.contextmanager
    def using(self, client: Any) -> Iterator["Calls"]:
        """Use a client, and then close it."""
        if self.is_sync:
            with client:
                yield Calls(client)
            return
        with asyncio.Runner() as loop:
            loop.run(client.__aenter__())
            try:
                yield Calls(client, loop)
            finally:
                loop.run(client.aclose())

    @contextlib.contextmanager
    def against(self, *faults: Fault, client_of: Any) -> Iterator[tuple[Server, "Calls"]]:
        """Use a client of a server that misbehaves so."""
        with serving(*faults) as server, self.using(client_of(server.base_url)) as call:
            yield server, call

    def call(self, owner: Any, name: str, client: Any, *args: Any, **kwargs: Any) -> Any:
        """One call, with a client of its own."""
        with self.using(client) as call:
            return call(owner, name, *args, **kwargs)


MODES = {"sync": Mode(is_sync=True), "asyncio": Mode(is_sync=False)}
MODES |= {f"{name}, closing": Mode(mode.is_sync, closes=True) for name, mode in MODES.items()}


@frozen
class Calls:
    """Calls functions of an operation, or of the client itself (None)."""

    _client: Any
    _loop: asyncio.Runner | None = None

    def __call__(self, owner: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        begun = self._begin(owner, name, *args, **kwargs)
        return self._loop.run(begun) if self._loop else begun

    def _begin(self, owner: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        function = getattr(owner or self._client, COUNTERPARTS[name] if self._loop else name)
        return function(*args, **{"client": self._client, **kwargs} if owner else kwargs)

    def together(self, number: int, *call: Any, **kwargs: Any) -> list[Any]:
        """What comes of so many calls that are made at once, in threads or in tasks."""
        if self._loop:
            return self._loop.run(gather([self._begin(*call, **kwargs) for _ in range(number)]))
        with ThreadPoolExecutor(number) as pool:
            futures = [pool.submit(self._begin, *call, **kwargs) for _ in range(number)]
            return [future.exception() or future.result() for future in futures]


async def gather(calls: list[Any]) -> list[Any]:
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for _ in range(9):  # the loop finalizes streams in tasks of their own
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    return outcomes


class Clock:
    """A clock that goes on only where the package sleeps between two requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        time = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        monkeypatch.setattr(_io, "time", time)
        monkeypatch.setattr(_jobs, "time", time)
        monkeypatch.setattr(_io, "_asyncio_sleep", self._asyncio_sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile()

    async def _asyncio_sleep(self, seconds: float) -> None:
        self._sleep(seconds)
        await asyncio.sleep(0)
