# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The asyncio side on aiohttp, with the limits, proxies, TLS settings and failures of httpx."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient
from yarl import URL

# The first that fits; what is in none of the first four came after something was sent.
_NAMES: list[tuple[type[Exception], type[httpx.TransportError]]] = [
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (TimeoutError, httpx.ReadTimeout),
    (OSError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
]

_FAILURES = (aiohttp.ClientError, OSError)

# Bytes, about as long as httpx lets a header be.
_LONGEST_HEADER = 100_000


def _named(error: Exception, request: httpx.Request) -> httpx.TransportError:
    """The exception of httpx for one of aiohttp's, which must not be its context: it has the token."""
    name = next(name for kind, name in _NAMES if isinstance(error, kind))
    return name(str(error) or type(error).__name__, request=request)


class _Answer(httpx.AsyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._response.content.iter_any():
                yield part
        except _FAILURES as error:
            named = _named(error, self._request)
        else:
            return
        raise named

    async def aclose(self) -> None:
        self._response.close()  # of one that was read whole, the connection is free already


class _Transport(AiohttpTransport):
    def __init__(self, **kwargs: Any) -> None:
        proxy: httpx.Proxy | None = kwargs.get("proxy")
        if proxy and proxy.url.scheme not in ("http", "https"):
            msg = f"aiohttp can use http:// and https:// proxies, not {proxy.url.scheme}://"
            raise ValueError(msg)
        if kwargs.get("http2"):
            msg = "aiohttp can do HTTP/1.1 alone, so leave out http2"
            raise ValueError(msg)
        super().__init__(**kwargs)
        self._proxy_headers = _headers_for(proxy) if proxy else []

    def get_client(self) -> aiohttp.ClientSession:
        """A session that leaves to others what httpx and we do: cookies, the line, sending again."""
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=self.limits.keepalive_expiry, ssl=self.ssl_context
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=_LONGEST_HEADER,
        )
        session._retry_connection = False
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its answer with the body yet to come."""
        try:
            response = await self._send(request)
        except _FAILURES as error:
            named = _named(error, request)
        else:
            return httpx.Response(
                response.status,
                headers=response.raw_headers,
                stream=_Answer(response, request),
                request=request,
                extensions={"reason_phrase": (response.reason or "").encode()},
            )
        raise named

    async def _send(self, request: httpx.Request) -> aiohttp.ClientResponse:
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        for _ in range(2):  # turns in which the loop sees that the server closed an idle connection
            await asyncio.sleep(0)
        timeouts: dict[str, float | None] = request.extensions["timeout"]
        connect, read = timeouts["connect"], timeouts["read"]
        longest = None if connect is None or read is None else connect + read
        # aiohttp has no timeout for writing, and forgets that for reading after a 1xx.
        async with asyncio.timeout(longest) as patience:
            return await self.client.request(
                request.method,
                URL(str(request.url), encoded=True),
                data=_body(request, timeouts, patience),
                allow_redirects=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(connect=connect, sock_read=read),
                **self._proxy_and_headers(request),
            )

    def _proxy_and_headers(self, request: httpx.Request) -> dict[str, Any]:
        """What is meant for a proxy goes to it alone where it only makes a tunnel."""
        encoding = request.headers.encoding
        headers = [
            (name.decode(), value.decode(encoding))
            for name, value in request.headers.raw
            if name.lower() != b"transfer-encoding"  # aiohttp adds it
        ]
        if self.proxy is None:
            return {"headers": headers}
        proxy = str(self.proxy.url)
        if request.url.scheme == "http":
            return {"headers": headers + self._proxy_headers, "proxy": proxy}
        return {"headers": headers, "proxy": proxy, "proxy_headers": self._proxy_headers}


def _headers_for(proxy: httpx.Proxy) -> list[tuple[str, str]]:
    headers = proxy.headers.multi_items()
    if proxy.auth:
        credentials = base64.b64encode(":".join(proxy.auth).encode()).decode()
        headers.append(("Proxy-Authorization", f"Basic {credentials}"))
    return headers


def _body(
    request: httpx.Request, timeouts: dict[str, float | None], patience: asyncio.Timeout
) -> bytes | AsyncIterator[bytes] | None:
    """The body of a request; each of its parts may take as long as the timeouts say."""
    stream: Any = request.stream
    if isinstance(stream, httpx.ByteStream):
        return b"".join(stream) or None
    now = asyncio.get_running_loop().time

    def wait_for(seconds: float | None) -> None:
        patience.reschedule(None if seconds is None else now() + seconds)

    async def parts() -> AsyncIterator[bytes]:
        async for part in stream:
            wait_for(timeouts["write"])
            yield part
        wait_for(timeouts["read"])

    return parts()


class _Cookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep the cookies of an answer; httpx takes a tenth of a call to see that it has none."""
        if "Set-Cookie" in response.headers:
            super().extract_cookies(response)


class AiohttpSession(HttpxAiohttpClient):
    """An `httpx.AsyncClient` that talks through aiohttp, proxies of the environment included."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._cookies = _Cookies(self.cookies)

    def _init_transport(self, *_: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        return kwargs.pop("transport", None) or _Transport(**kwargs)

    def _init_proxy_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        (kwargs["proxy"],) = args
        return _Transport(**kwargs)
