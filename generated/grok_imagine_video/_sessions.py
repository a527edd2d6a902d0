# Do not edit: copied from runtime/_sessions.py, whatever the spec says.
# To change it, edit runtime/_sessions.py and run: make generate
"""The sessions of a client: httpx's, with less work for each call."""

from typing import Any

import httpx

from ._pool import Pool


class Cookies(httpx.Cookies):
    """Cookies that are looked for in a response only if it sets any."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep the cookies of a response; httpx takes a tenth of a call to find none."""
        if "Set-Cookie" in response.headers:
            super().extract_cookies(response)


class WithCookies:
    """What makes a session of httpx use these cookies."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        vars(self)["_cookies"] = Cookies(vars(self)["_cookies"])


class Session(WithCookies, httpx.Client):
    """An `httpx.Client` with these cookies."""


class AsyncSession(WithCookies, httpx.AsyncClient):
    """An `httpx.AsyncClient` with these cookies and our own pool, also for proxies."""

    def _init_transport(self, *_: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        given: httpx.AsyncBaseTransport | None = kwargs.pop("transport", None)
        return given or _transport(**kwargs)

    def _init_proxy_transport(self, *args: Any, **kwargs: Any) -> httpx.AsyncBaseTransport:
        (proxy,) = args
        return _transport(proxy=proxy, **kwargs)


def _transport(**kwargs: Any) -> httpx.AsyncBaseTransport:
    """One connection of HTTP/2 takes many requests, so httpx's own pool suits it."""
    return httpx.AsyncHTTPTransport(**kwargs) if kwargs["http2"] else Pool(**kwargs)


__all__ = ["AsyncSession", "Session", "WithCookies"]
