"""The ways to use the package, and the time as it sees it."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from attrs import frozen

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
    """Sync or asyncio, with a server that keeps connections, or one that closes each of them."""

    name: str
    closes: bool = False

    @property
    def is_sync(self) -> bool:
        return self.name.startswith("sync")

    @contextlib.contextmanager
    def using(self, client: Any) -> Iterator[Callable[..., Any]]:
        """Call functions of an operation, or of the client itself (None), and then close it."""

        def call(owner: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            found = getattr(client, name) if owner is None else getattr(owner, name)
            return found(*args, **kwargs if owner is None else {"client": client, **kwargs})

        if self.is_sync:
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


WAYS = (
    *(Way("sync"), Way("asyncio")),
    *(Way("sync, closing", closes=True), Way("asyncio, closing", closes=True)),
)
ASYNC_WAYS = WAYS[1::2]


async def cancel_when(call: Coroutine[Any, Any, object], is_time: Callable[[], object]) -> None:
    """Cancel a call as soon as it is time, and see that it ends."""
    task = asyncio.create_task(call)
    while not is_time():
        await asyncio.wait([task], timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def together(way: Way, client: Any, owner: Any, name: str, *calls: Any) -> list[Any]:
    """What comes of calls at once on one client."""
    if way.is_sync:
        with client, ThreadPoolExecutor(len(calls)) as pool:
            futures = [pool.submit(getattr(owner, name), client=client, **call) for call in calls]
            return [future.exception() or future.result() for future in futures]

    async def call_all() -> list[Any]:
        async with client:
            function = getattr(owner, COUNTERPARTS[name])
            tasks = [function(client=client, **call) for call in calls]
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(9):  # the loop finalizes streams in tasks of their own
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        return outcomes

    return asyncio.run(call_all())


class Clock:
    """A clock that goes on only where the package sleeps between two requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self._monkeypatch = monkeypatch

    def rule(self, io: ModuleType) -> None:
        """Replace the time in the `_io` of a package."""
        time = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        self._monkeypatch.setattr(io, "time", time)
        self._monkeypatch.setattr(io, "_asyncio_sleep", self._asyncio_sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.meanwhile()

    async def _asyncio_sleep(self, seconds: float) -> None:
        self._sleep(seconds)
        await asyncio.sleep(0)
