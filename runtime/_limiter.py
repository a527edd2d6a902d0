"""How many requests of a client are in flight: one for each connection; the others queue here.

httpx's own queue is searched, for every connection, whenever a request starts or ends. With 2,000
asyncio tasks in it none of them makes progress.
"""

import sys
import threading
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import asyncio

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
        self.permits = threading.Semaphore(sys.maxsize if permits is None else permits)

    def acquire(self, request: httpx.Request) -> "_Permit":
        """Hold a permit in a `with` block, after at most the request's pool timeout."""
        return _Permit(self.permits, request)


class _Permit:  # a class, since generators would cost more than the permit
    def __init__(self, permits: threading.Semaphore, request: httpx.Request) -> None:
        self._permits = permits
        self._request = request

    def __enter__(self) -> None:
        if not self._permits.acquire(timeout=pool_timeout(self._request)):
            raise _no_permit(self._request)

    def __exit__(self, *exc_info: object) -> None:
        self._permits.release()


class AsyncLimiter:
    """Permits for the tasks of an event loop; unlimited if `permits` is None."""

    def __init__(self, permits: int | None) -> None:
        import asyncio  # slow to import, and only needed here

        self.permits = asyncio.Semaphore(sys.maxsize if permits is None else permits)

    def acquire(self, request: httpx.Request) -> "_AsyncPermit":
        """Hold a permit in an `async with` block, after at most the request's pool timeout."""
        return _AsyncPermit(self.permits, request)


class _AsyncPermit:
    def __init__(self, permits: "asyncio.Semaphore", request: httpx.Request) -> None:
        self._permits = permits
        self._request = request

    async def __aenter__(self) -> None:
        if self._permits.locked():
            await self._queue()
        else:  # without a timer, which costs more than the permit
            await self._permits.acquire()

    async def __aexit__(self, *exc_info: object) -> None:
        self._permits.release()

    async def _queue(self) -> None:
        import asyncio

        try:
            async with asyncio.timeout(pool_timeout(self._request)):
                await self._permits.acquire()
        except TimeoutError:
            raise _no_permit(self._request) from None


def pool_timeout(request: httpx.Request) -> float | None:
    """Seconds that a request may wait for a connection; None means without limit."""
    seconds: float | None = request.extensions["timeout"]["pool"]
    return seconds


def _no_permit(request: httpx.Request) -> httpx.PoolTimeout:
    return httpx.PoolTimeout("every connection was in use", request=request)


__all__ = ["LIMITS", "AsyncLimiter", "Limiter", "with_short_idling"]
