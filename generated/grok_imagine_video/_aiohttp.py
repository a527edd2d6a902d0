# Do not edit: copied from runtime/_aiohttp.py, whatever the spec says.
# To change it, edit runtime/_aiohttp.py and run: make generate
"""aiohttp as the transport of the asyncio client, with httpx's limits, proxies, TLS and errors.

httpx's own pool slows down as more requests are in flight. httpx-aiohttp alone calls a lost
connection a connect timeout, which would let a POST be sent twice.
"""

import asyncio
import base64
import contextlib
import functools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient
from yarl import URL

from ._sessions import LeanAsync

# The first match counts. Only the first four are raised before anything was sent.
_EXCEPTIONS: list[tuple[type[Exception], type[httpx.TransportError]]] = [
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (TimeoutError, httpx.ReadTimeout),
    (OSError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
]

_FAILURES = (aiohttp.ClientError, OSError)

# Bytes, about as much as httpx allows for a header.
_MAX_HEADER = 100_000


def _map_exception(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """httpx's exception for aiohttp's, which holds the token and must not be the context."""
    mapped = next(mapped for kind, mapped in _EXCEPTIONS if isinstance(error, kind))
    return mapped(str(error) or type(error).__name__, request=request)


class _Upload(aiohttp.AsyncIterablePayload):
    """A large body; the timeouts hold for each of its chunks, not for the whole."""

    def __init__(self, request: httpx.Request, limit: asyncio.Timeout) -> None:
        self._timeouts: dict[str, float | None] = request.extensions["timeout"]
        self._limit = limit
        self._transport: asyncio.Transport | None = None
        self.is_whole = False
        super().__init__(self._chunks(request.stream))

    async def _chunks(self, stream: Any) -> AsyncIterator[bytes]:
        async for chunk in stream:
            self._restart(self._timeouts["write"])
            yield chunk
        self.is_whole = True
        self._restart(self._timeouts["read"])

    def _restart(self, seconds: float | None) -> None:
        now = asyncio.get_running_loop().time()
        with contextlib.suppress(RuntimeError):  # the head of the response has arrived
            self._limit.reschedule(None if seconds is None else now + seconds)

    async def write_with_length(self, writer: Any, content_length: int | None) -> None:
        """Remember the connection, which `abort` needs."""
        self._transport = writer.transport
        await super().write_with_length(writer, content_length)

    def abort(self) -> None:
        """Close the connection, which would stay open until the server has read the rest."""
        if self._transport is not None:
            self._transport.abort()


class _ResponseBody(httpx.AsyncByteStream):
    def __init__(
        self, response: aiohttp.ClientResponse, request: httpx.Request, upload: _Upload | None
    ) -> None:
        self._response = response
        self._request = request
        self._upload = upload
        self._is_whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_any():
                yield chunk
        except _FAILURES as error:
            mapped = _map_exception(error, self._request)
        else:
            self._is_whole = True
            return
        raise mapped

    async def aclose(self) -> None:
        self._response.close()  # a body that was read whole has returned its connection already
        if self._upload is not None and not (self._is_whole and self._upload.is_whole):
            self._upload.abort()


class _Connector(aiohttp.TCPConnector):
    async def _get(self, key: Any, traces: Any) -> Any:
        """An idle connection, unless it has received what nobody asked for.

        aiohttp would take that for the response to the next request.
        """
        while (connection := await super()._get(key, traces)) is not None:
            if connection.protocol is not None and not connection.protocol.should_close:
                return connection
            connection.close()
        return None


class _Transport(AiohttpTransport):
    def __init__(self, **kwargs: Any) -> None:
        proxy: httpx.Proxy | None = kwargs.get("proxy")
        if proxy and proxy.url.scheme not in ("http", "https"):
            msg = f"aiohttp can use http:// and https:// proxies, not {proxy.url.scheme}://"
            raise ValueError(msg)
        if kwargs.get("http2"):
            msg = "aiohttp speaks HTTP/1.1 only: leave out http2"
            raise ValueError(msg)
        super().__init__(**kwargs)
        self._proxy_headers = _headers_for(proxy) if proxy else []

    def get_client(self) -> aiohttp.ClientSession:
        """A session that leaves cookies, limits and retries to httpx and to this package."""
        connector = _Connector(
            limit=0, keepalive_timeout=self.limits.keepalive_expiry, ssl=self.ssl_context
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=_MAX_HEADER,
        )
        session._retry_connection = False
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its response with the body still to be read."""
        try:
            response, upload = await self._send(request)
        except _FAILURES as error:
            mapped = _map_exception(error, request)
        else:
            return httpx.Response(
                response.status,
                headers=response.raw_headers,
                stream=_ResponseBody(response, request, upload),
                request=request,
                extensions={"reason_phrase": (response.reason or "").encode("ascii", "ignore")},
            )
        raise mapped

    async def _send(self, request: httpx.Request) -> tuple[aiohttp.ClientResponse, _Upload | None]:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        for _ in range(2):  # lets the loop notice idle connections that the server has closed
            await asyncio.sleep(0)
        timeouts: dict[str, float | None] = request.extensions["timeout"]
        connect, read = timeouts["connect"], timeouts["read"]
        total = None if connect is None or read is None else connect + read
        # aiohttp has no write timeout, and drops its read timeout after a 1xx response.
        async with asyncio.timeout(total) as limit:
            body = _body(request, limit)
            upload = body if isinstance(body, _Upload) else None
            try:
                response = await self.client.request(
                    request.method,
                    _url_of(request.url),
                    data=body,
                    allow_redirects=False,
                    auto_decompress=False,
                    timeout=_timeout_of(connect, read),
                    **self._proxy_and_headers(request),
                )
            except BaseException:
                if upload is not None:
                    upload.abort()
                raise
            return response, upload

    def _proxy_and_headers(self, request: httpx.Request) -> dict[str, Any]:
        """A proxy that only tunnels gets its own headers, and the server never sees them."""
        headers = [
            (name.decode(), value.decode("ascii" if value.isascii() else request.headers.encoding))
            for name, value in request.headers.raw
            if name.lower() != b"transfer-encoding"  # aiohttp adds it
        ]
        if self.proxy is None:
            return {"headers": headers}
        proxy = str(self.proxy.url)
        if request.url.scheme == "http":
            return {"headers": headers + self._proxy_headers, "proxy": proxy}
        return {"headers": headers, "proxy": proxy, "proxy_headers": self._proxy_headers}


# Both are made once for many calls.


@functools.lru_cache(maxsize=256)
def _url_of(url: httpx.URL) -> URL:
    """The URL to ask for; httpx has made a header of the user name in it."""
    return URL(str(url.copy_with(userinfo=b"")), encoded=True)


@functools.lru_cache(maxsize=256)
def _timeout_of(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(connect=connect, sock_read=read)


def _headers_for(proxy: httpx.Proxy) -> list[tuple[str, str]]:
    headers = proxy.headers.multi_items()
    if proxy.auth:
        credentials = base64.b64encode(":".join(proxy.auth).encode()).decode()
        headers.append(("Proxy-Authorization", f"Basic {credentials}"))
    return headers


def _body(request: httpx.Request, limit: asyncio.Timeout) -> bytes | _Upload | None:
    stream: Any = request.stream
    if isinstance(stream, httpx.ByteStream):
        return b"".join(stream) or None
    return _Upload(request, limit)


class AiohttpSession(LeanAsync, HttpxAiohttpClient):
    """An `httpx.AsyncClient` that talks through aiohttp, also to proxies from the environment."""

    def _init_transport(self, *_: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        return kwargs.pop("transport", None) or _Transport(**kwargs)

    def _init_proxy_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        (kwargs["proxy"],) = args
        return _Transport(**kwargs)


__all__ = ["AiohttpSession"]
