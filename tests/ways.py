"""The three ways to use the package, and the time as it sees it."""

import asyncio
from collections.abc import Callable, Coroutine
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
}


@frozen
class Way:
    """Sync, asyncio on httpx, or asyncio on aiohttp."""

    name: str
    transport: Any = None

    def client(self, client: Any) -> Any:
        return evolve(client, async_transport=self.transport) if self.transport else client

    def call(self, owner: Any, name: str, client: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function of an operation, or of the client itself, and close the client."""
        client = self.client(client)
        owner = client if owner is None else owner
        if owner is not client:
            kwargs["client"] = client
        if self.name == "sync":
            with client:
                return getattr(owner, name)(*args, **kwargs)

        async def call() -> Any:
            async with client:
                return await getattr(owner, COUNTERPARTS[name])(*args, **kwargs)

        return asyncio.run(call())


WAYS = (Way("sync"), Way("asyncio"), Way("aiohttp", "aiohttp"))


async def cancel_when(call: Coroutine[Any, Any, object], is_time: Callable[[], object]) -> None:
    """Cancel a call as soon as it is time, and see that it ends."""
    task = asyncio.create_task(call)
    while not is_time():
        await asyncio.wait([task], timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


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
