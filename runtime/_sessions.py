"""The sessions of a client: httpx's, with less work for each call."""

import logging
from typing import Any

import httpx

from ._pool import Pool


class Cookies(httpx.Cookies):
    """Cookies that are looked for in a response only if it sets any."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep the cookies of a response; httpx takes a tenth of a call to find none."""
        if "Set-Cookie" in response.headers:
            super().extract_cookies(response)


class Lean:
    """What sessions have in common: these cookies, and a way around what httpx does for nothing.

    httpx takes a request through hooks, auth and redirects. Where a session has no hooks and no
    auth, and a caller follows redirects itself, a request goes to the transport at once.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        vars(self)["_cookies"] = Cookies(vars(self)["_cookies"])

    def _is_plain(self: Any, request: httpx.Request, how: dict[str, Any]) -> bool:
        has_auth = how.pop("auth", None) is not None and self._auth is not None
        is_ours = how == {"stream": True, "follow_redirects": False}
        is_open = not (self.is_closed or request.url.userinfo)
        return is_ours and is_open and not (has_auth or any(self._event_hooks.values()))

    def _finish(self: Any, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        response.request = request
        response.default_encoding = self._default_encoding
        self.cookies.extract_cookies(response)
        if response.has_redirect_location:
            response.next_request = self._build_redirect_request(request, response)
        shown = request.method, request.url, response.http_version, response.status_code
        _logger.info('HTTP Request: %s %s "%s %d %s"', *shown, response.reason_phrase)
        return response


# As httpx logs its requests.
_logger = logging.getLogger("httpx")


class Session(Lean, httpx.Client):
    """An `httpx.Client` that is lean."""

    def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Send a request."""
        if not self._is_plain(request, dict(how)):
            return super().send(request, **how)
        transport = self._transport_for_url(request.url)
        return self._finish(request, transport.handle_request(request))


class LeanAsync(Lean):
    """What asyncio sessions have in common."""

    async def send(self: Any, request: httpx.Request, **how: Any) -> httpx.Response:
        """Send a request."""
        if not self._is_plain(request, dict(how)):
            return await httpx.AsyncClient.send(self, request, **how)
        transport = self._transport_for_url(request.url)
        response = await transport.handle_async_request(request)
        finished: httpx.Response = self._finish(request, response)
        return finished


class AsyncSession(LeanAsync, httpx.AsyncClient):
    """An `httpx.AsyncClient` that is lean, with our own pool, also for proxies."""

    def _init_transport(self, *_: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        given: httpx.AsyncBaseTransport | None = kwargs.pop("transport", None)
        return given or _transport(**kwargs)

    def _init_proxy_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        (proxy,) = args
        return _transport(proxy=proxy, **kwargs)


def _transport(**kwargs: Any) -> httpx.AsyncBaseTransport:
    """One connection of HTTP/2 takes many requests, so httpx's own pool suits it."""
    return httpx.AsyncHTTPTransport(**kwargs) if kwargs["http2"] else Pool(**kwargs)


__all__ = ["AsyncSession", "LeanAsync", "Session"]
