"""The three ways to use the package, and the time as it sees it."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from attrs import evolve, frozen

# Each public function, and its async counterpart.
COUNTERPARTS = {
    "sync": "asyncio",
    "sync_detailed": "asyncio_detailed",
    "sync_and_wait": "asyncio_and_wait",
    "wait": "asyncio_wait",
    "download": "asyncio_download",
    "close": "aclose",
}


@frozen
class Way:
    """Sync, asyncio on httpx, or asyncio on aiohttp."""

    name: str
    transport: Any = None

    def client(self, client: Any) -> Any:
        return evolve(client, async_transport=self.transport) if self.transport else client

    @contextlib.contextmanager
    def using(self, client: Any) -> Iterator[Callable[..., Any]]:
        """Call functions of an operation, or of the client itself (None), and then close it."""
        client = self.client(client)

        def call(owner: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            found = getattr(client, name) if owner is None else getattr(owner, name)
            return found(*args, **kwargs if owner is None else {"client": client, **kwargs})

        if self.name == "sync":
            with client:
                yield call
            return
        with asyncio.Runner() as loop:
            loop.run(client.__aenter__())
            try:
                yield lambda owner, name, *args, **kwargs: loop.run(
                    call(owner, COUNTERPARTS[name], *args, **kwargs)
                )
            finally:
                loop.run(client.aclose())

    def call(self, owner: Any, name: str, client: Any, *args: Any, **kwargs: Any) -> Any:
        """One such call."""
        with self.using(client) as call:
            return call(owner, name, *args, **kwargs)


WAYS = (Way("sync"), Way("asyncio"), Way("aiohttp", "aiohttp"))


async def cancel_when(call: Coroutine[Any, Any, object], is_time: Callable[[], object]) -> None:
    """Cancel a call as soon as it is time, and see that it ends."""
    task = asyncio.create_task(call)
    while not is_time():
        await asyncio.wait([task], timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Together:
    """Calls at once on one client: what came of each, and how many requests were in flight."""

    def __init__(self, way: Way, client: Any, owner: Any, name: str, *calls: Any) -> None:
        self.outcomes: list[Any] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        if way.name == "sync":
            self._run(client, getattr(owner, name), calls)
        else:
            function = getattr(owner, COUNTERPARTS[name])
            asyncio.run(self._asyncio_run(way.client(client), function, calls))

    def _run(self, client: Any, function: Any, calls: Any) -> None:
        with client, ThreadPoolExecutor(len(calls)) as pool:
            self._watch(client.get_httpx_client(), self._count)
            futures = [pool.submit(function, client=client, **call) for call in calls]
            self.outcomes = [future.exception() or future.result() for future in futures]

    async def _asyncio_run(self, client: Any, function: Any, calls: Any) -> None:
        async with client:
            self._watch(client.get_async_httpx_client(), self._asyncio_count)
            tasks = [function(client=client, **call) for call in calls]
            self.outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(9):  # the loop finalizes streams in tasks of their own
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    def _watch(self, session: Any, count: Callable[[int], Any]) -> None:
        session.event_hooks = {"request": [lambda _: count(1)], "response": [lambda _: count(-1)]}

    def _count(self, change: int) -> None:
        with self._lock:
            self._now += change
            self.most = max(self.most, self._now)

    async def _asyncio_count(self, change: int) -> None:
        self._count(change)


class Clock:
    """A clock that goes on only where the package sleeps between two requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self._monkeypatch = monkeypatch

    def rule(self, drivers: ModuleType) -> None:
        """Replace the time in the drivers of a package."""
        time = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        self._monkeypatch.setattr(drivers, "time", time)
        self._monkeypatch.setattr(drivers, "_asyncio_sleep", self._asyncio_sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile()

    async def _asyncio_sleep(self, seconds: float) -> None:
        self._sleep(seconds)
        await asyncio.sleep(0)
