# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Whose turn it is: as many requests at once as there are connections; the others wait here.

httpx's own queue is gone through whole, for each of its connections, whenever a request comes or
ends: with 2,000 asyncio tasks in it none of them gets on.
"""

import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Iterator

import httpx

# What httpx itself does by default; with more kept, its queue costs more than new connections do.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


class Slots:
    """Places for the threads that share a session; any number of them if `number` is None."""

    def __init__(self, number: int | None) -> None:
        self._free = threading.Semaphore(sys.maxsize if number is None else number)

    @contextlib.contextmanager
    def taken(self, request: httpx.Request) -> Iterator[None]:
        """Hold a place; it is waited for as long as the request's timeout for the pool says."""
        if not self._free.acquire(timeout=_patience(request)):
            raise _none_was_free(request)
        try:
            yield
        finally:
            self._free.release()


class AsyncSlots:
    """The same for the tasks of an event loop."""

    def __init__(self, number: int | None) -> None:
        import asyncio  # slow to import, and of no use to those who call without it

        self._timeout = asyncio.timeout
        self._free = asyncio.Semaphore(sys.maxsize if number is None else number)

    @contextlib.asynccontextmanager
    async def taken(self, request: httpx.Request) -> AsyncIterator[None]:
        """Hold a place; it is waited for as long as the request's timeout for the pool says."""
        if self._free.locked():
            await self._wait_in_line(request)
        else:  # no timer for nothing
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    async def _wait_in_line(self, request: httpx.Request) -> None:
        try:
            async with self._timeout(_patience(request)):
                await self._free.acquire()
        except TimeoutError:
            raise _none_was_free(request) from None


def _patience(request: httpx.Request) -> float | None:
    seconds: float | None = request.extensions["timeout"]["pool"]
    return seconds


def _none_was_free(request: httpx.Request) -> httpx.PoolTimeout:
    return httpx.PoolTimeout("every connection was in use", request=request)
