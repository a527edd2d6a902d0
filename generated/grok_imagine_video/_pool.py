# Do not edit: copied from runtime/_pool.py, whatever the spec says.
# To change it, edit runtime/_pool.py and run: make generate
"""The connections of asyncio on httpx, each in a transport of its own.

httpx's pool looks at all of its connections for every request, and a cancelled call can leave one
in it that no other call gets. Here the connection that was used last is used next, and only after
a whole response. How many there are is up to `_limiter`.
"""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx

_Origin = tuple[str, str, int | None]


class _Connection:
    """At most one connection, which httpx opens, and opens again once it has expired."""

    def __init__(self, transport: httpx.AsyncBaseTransport, origin: _Origin) -> None:
        self.transport = transport
        self.origin = origin
        self.idle_since = 0.0


class _Body(httpx.AsyncByteStream):
    """The body of a response, after which its connection is free."""

    def __init__(self, body: Any, pool: "Pool", connection: _Connection) -> None:
        self._body = body
        self._pool = pool
        self._connection = connection
        self._is_whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._body:
            yield chunk
        self._is_whole = True

    async def aclose(self) -> None:
        is_free = False
        try:
            await self._body.aclose()
            is_free = self._is_whole
        finally:
            await self._pool.release(self._connection, is_free=is_free)


class Pool(httpx.AsyncBaseTransport):
    """A transport that opens a connection for a request, or takes one that is idle."""

    def __init__(self, *, limits: httpx.Limits, **kwargs: Any) -> None:
        context = httpx.create_ssl_context(
            kwargs.pop("verify"), kwargs.pop("cert"), kwargs.pop("trust_env")
        )
        one = httpx.Limits(max_connections=1, keepalive_expiry=limits.keepalive_expiry)
        self._kwargs = {**kwargs, "verify": context, "limits": one}
        self._max_idle = limits.max_keepalive_connections
        self._expiry = limits.keepalive_expiry
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its response with the body still to be read."""
        connection = self._acquire((request.url.scheme, request.url.host, request.url.port))
        try:
            response = await connection.transport.handle_async_request(request)
        except BaseException:
            await self.release(connection, is_free=False)
            raise
        response.stream = _Body(response.stream, self, connection)
        return response

    def _acquire(self, origin: _Origin) -> _Connection:
        for connection in reversed(self._idle):
            if connection.origin == origin:
                self._idle.remove(connection)
                return connection
        connection = _Connection(httpx.AsyncHTTPTransport(**self._kwargs), origin)
        self._open.add(connection)
        return connection

    async def release(self, connection: _Connection, *, is_free: bool) -> None:
        """Keep a connection for another request, or close it, and those that were idle too long."""
        if is_free and connection in self._open:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            await self._close(connection)
        while self._idle and self._is_too_much(self._idle[0]):
            await self._close(self._idle.pop(0))

    def _is_too_much(self, oldest: _Connection) -> bool:
        if self._max_idle is not None and len(self._idle) > self._max_idle:
            return True
        return self._expiry is not None and time.monotonic() - oldest.idle_since > self._expiry

    async def _close(self, connection: _Connection) -> None:
        self._open.discard(connection)
        await connection.transport.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        self._idle.clear()
        while self._open:
            await self._open.pop().transport.aclose()


__all__ = ["Pool"]
