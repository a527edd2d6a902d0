"""Where a request may go: which redirect is followed, with which credentials, and what is shown."""

import functools
import re
from typing import Any

import httpx

from .config import Config

MAX_REDIRECTS = 20

_REDIRECTS = (301, 302, 303, 307, 308)

# A shorter token protects nothing, and removing it would garble the text around it.
_MIN_SECRET = 8


def is_same_origin(config: Config, url: httpx.URL) -> bool:
    """Whether a URL has the scheme, host and port of the API."""
    return (url.scheme, url.host, url.port) == _origin(config.base_url)


@functools.lru_cache(maxsize=256)
def _origin(base_url: str) -> tuple[str, str, int | None]:
    url = httpx.URL(base_url)
    return url.scheme, url.host, url.port


def followed(config: Config, session: Any, moved: httpx.Request) -> httpx.Request | None:
    """The request that a redirect leads to, if it is followed: within the API's own origin."""
    if not (config.follow_redirects and is_same_origin(config, moved.url)):
        return None
    if own := config.overrides.get("cookies"):  # httpx adds those of the session alone
        cookies = httpx.Cookies(session.cookies)
        cookies.update(own)
        moved.headers.pop("Cookie", None)
        cookies.set_cookie_header(moved)
    return authorize(config, moved)


def not_followed(config: Config, response: Any) -> str:
    """Where a redirect leads that ended a call, without a user and a query; "" if none did."""
    if response.status_code not in _REDIRECTS or "location" not in response.headers:
        return ""
    if response.next_request is not None:
        address = without_secrets(response.next_request.url)
    else:  # it is not a URL
        address = re.split(r"[?#]", re.sub(r"//[^/?#]*@", "//", response.headers["location"]))[0]
    shown = redact(config, address.encode()).decode()
    return f"redirected to {shown}, which was not followed"


def authorize(config: Config, request: httpx.Request) -> httpx.Request:
    """Add the token to a request to the API's own origin, and to no other."""
    credentials = config.credentials
    if credentials and is_same_origin(config, request.url):
        header, value, _ = credentials
        request.headers[header] = value
    return request


def redact(config: Config, content: bytes) -> bytes:
    """A text without the token, which a server may echo."""
    credentials = config.credentials
    if credentials is None or len(credentials[2]) < _MIN_SECRET:
        return content
    token = credentials[2].encode()
    return content.replace(token, b"[token]").replace(token.replace(b"/", rb"\/"), b"[token]")


def redacted(config: Config, response: Any) -> tuple[int, httpx.Headers, bytes]:
    """A response as an error may show it."""
    headers = [(name, redact(config, value)) for name, value in response.headers.raw]
    return response.status_code, httpx.Headers(headers), redact(config, response.content)


def target(config: Config, request: httpx.Request) -> str:
    """The method and the URL of a request, as an error may show them."""
    return redact(config, f"{request.method} {without_secrets(request.url)}".encode()).decode()


def without_secrets(url: httpx.URL) -> str:
    """A URL as it may be shown: without a password, and without the query, which may sign it."""
    return str(url.copy_with(query=None, userinfo=None, fragment=None))
