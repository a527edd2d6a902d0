"""Connections of asyncio, one for each transport: httpx's own pool slows down with many."""

import asyncio
import contextlib
import functools
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx


class _Body(httpx.AsyncByteStream):
    """The body of a response; closing it keeps or closes the transport."""

    def __init__(self, body: Any, release: Callable[[bool], Awaitable[None]]) -> None:
        self._body, self._release = body, release
        self._is_whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            yield chunk
        self._is_whole = True

    async def aclose(self) -> None:
        is_reusable = False
        try:
            await self._body.aclose()
            is_reusable = self._is_whole
        finally:
            await self._release(is_reusable)


class Connections(httpx.AsyncBaseTransport):
    """Sends each request on the idle connection that was used last, or on a new one."""

    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits) -> None:
        max_connections, max_idle = limits.max_connections, limits.max_keepalive_connections
        self._free = sys.maxsize if max_connections is None else max_connections
        self._permits = asyncio.Semaphore(self._free)
        self._max_idle = sys.maxsize if max_idle is None else max_idle
        self._expiry = limits.keepalive_expiry or 0.0
        single = httpx.Limits(max_connections=1, keepalive_expiry=self._expiry)
        self._open = functools.partial(httpx.AsyncHTTPTransport, verify=context, limits=single)
        self._idle: dict[httpx.AsyncHTTPTransport, tuple[Any, float]] = {}  # origin, since

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        seconds = request.extensions.get("timeout", {}).get("pool")
        try:  # a timer costs more than a permit that is free
            async with asyncio.timeout(seconds if self._permits.locked() else None):
                await self._permits.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("every connection was in use", request=request) from None
        origin = request.url.scheme, request.url.host, request.url.port
        idle = (key for key, (value, _) in reversed(self._idle.items()) if value == origin)
        transport = next(idle, None) or self._open()
        self._idle.pop(transport, None)
        self._free -= 1
        release = functools.partial(self._release, transport, origin)
        try:
            await self._close_idle()
            response = await transport.handle_async_request(request)
        except BaseException:
            await release(False)
            raise
        response.stream = _Body(response.stream, release)
        return response

    async def _release(self, transport: Any, origin: Any, is_reusable: bool) -> None:
        try:
            if is_reusable and len(self._idle) < self._max_idle:
                self._idle[transport] = origin, time.monotonic()
            else:
                await transport.aclose()
        finally:
            self._free += 1
            self._permits.release()

    async def _close_idle(self) -> None:  # those that expired, or exceed the free permits
        while self._idle:
            transport, (_, since) = next(iter(self._idle.items()))
            is_recent = time.monotonic() - since <= self._expiry
            if is_recent and len(self._idle) <= self._free:
                return
            del self._idle[transport]
            with contextlib.suppress(Exception):  # not an error of this request
                await transport.aclose()

    async def aclose(self) -> None:
        self._max_idle = self._expiry = -1  # closes those in use once their body is read
        await self._close_idle()
