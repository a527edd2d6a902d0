"""The connections of asyncio on httpx, each in a transport of its own.

httpcore's pool looks at all of its connections for every request, and a cancelled call can leave
one in it that no other call gets. Here the connection that was used last is used next, and only
after a whole response. How many there are is up to `_limiter`.
"""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx

_Origin = tuple[str, str, int | None]


class _Connection:
    """One connection, which is opened for its first request.

    All is as in httpx, except for the pool: a single connection takes its place, so that no request
    has to be assigned to one.
    """

    def __init__(self, transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> None:
        pool: Any = transport._pool
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"")
        self.transport = transport
        self.origin = _origin_of(url)
        self.idle_since = 0.0
        self._core: httpcore.AsyncConnectionInterface = pool.create_connection(target.origin)
        vars(transport)["_pool"] = self._core

    def has_expired(self) -> bool:
        """Whether the server has closed it, or may do so at any moment."""
        return self._core.has_expired()


def _origin_of(url: httpx.URL) -> _Origin:
    if url.scheme not in ("http", "https"):
        msg = f"the URL must start with https:// or http://, not {url.scheme}://"
        raise httpx.UnsupportedProtocol(msg)
    return url.scheme, url.host, url.port


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
        connection = await self._acquire(request.url)
        try:
            response = await connection.transport.handle_async_request(request)
        except BaseException:
            await self.release(connection, is_free=False)
            raise
        response.stream = _Body(response.stream, self, connection)
        return response

    async def _acquire(self, url: httpx.URL) -> _Connection:
        origin = _origin_of(url)
        while found := self._idle_to(origin):
            self._idle.remove(found)
            if not found.has_expired():
                return found
            await self._close(found)
        connection = _Connection(httpx.AsyncHTTPTransport(**self._kwargs), url)
        self._open.add(connection)
        return connection

    def _idle_to(self, origin: _Origin) -> _Connection | None:
        """The connection that was used last."""
        return next((each for each in reversed(self._idle) if each.origin == origin), None)

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
