"""How many requests of a client are in flight: one for each connection; the others queue here.

httpx's own queue is searched, for every connection, whenever a request starts or ends. With 2,000
asyncio tasks in it none of them makes progress.
"""

import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import httpx

# httpx's own defaults.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)

# Seconds. Servers close connections that have been idle for 2 or 5 seconds, and nobody knows what
# became of a POST that was sent at that moment; so none is idle for that long.
MAX_IDLE = 1.0


def with_short_idling(limits: httpx.Limits) -> httpx.Limits:
    """The same limits, but for the time that a connection may be idle."""
    expiry = limits.keepalive_expiry
    return httpx.Limits(
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=MAX_IDLE if expiry is None else min(expiry, MAX_IDLE),
    )


class Limiter:
    """Permits for the threads that share a session; unlimited if `permits` is None."""

    def __init__(self, permits: int | None) -> None:
        self._permits = threading.Semaphore(sys.maxsize if permits is None else permits)

    @contextlib.contextmanager
    def acquire(self, request: httpx.Request) -> Iterator[None]:
        """Hold a permit, waiting for it no longer than the request's pool timeout."""
        if not self._permits.acquire(timeout=pool_timeout(request)):
            raise _no_permit(request)
        try:
            yield
        finally:
            self._permits.release()


class AsyncLimiter:
    """Permits for the tasks of an event loop; unlimited if `permits` is None."""

    def __init__(self, permits: int | None) -> None:
        import asyncio  # slow to import, and only needed here

        self._timeout = asyncio.timeout
        self._permits = asyncio.Semaphore(sys.maxsize if permits is None else permits)

    @contextlib.asynccontextmanager
    async def acquire(self, request: httpx.Request) -> AsyncIterator[None]:
        """Hold a permit, waiting for it no longer than the request's pool timeout."""
        if self._permits.locked():
            await self._queue(request)
        else:  # without a timer, which costs more than the permit
            await self._permits.acquire()
        try:
            yield
        finally:
            self._permits.release()

    async def _queue(self, request: httpx.Request) -> None:
        try:
            async with self._timeout(pool_timeout(request)):
                await self._permits.acquire()
        except TimeoutError:
            raise _no_permit(request) from None


def pool_timeout(request: httpx.Request) -> float | None:
    """Seconds that a request may wait for a connection; None means without limit."""
    seconds: float | None = request.extensions["timeout"]["pool"]
    return seconds


def _no_permit(request: httpx.Request) -> httpx.PoolTimeout:
    return httpx.PoolTimeout("every connection was in use", request=request)


__all__ = ["LIMITS", "AsyncLimiter", "Limiter", "with_short_idling"]
