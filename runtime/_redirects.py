"""Where a request may go: which redirect is followed, with which credentials, and what is shown."""

import functools
import re
from typing import Any

import httpx

from ._bodies import Received
from .client import AuthenticatedClient, Client, user_agent

MAX_REDIRECTS = 20

_REDIRECTS = (301, 302, 303, 307, 308)

# A shorter token protects nothing, and removing it would garble the text around it.
_MIN_SECRET = 8


def is_same_origin(client: Client, url: httpx.URL) -> bool:
    """Whether a URL has the scheme, host and port of the API."""
    return (url.scheme, url.host, url.port) == _origin(client._base_url)


@functools.lru_cache(maxsize=256)
def _origin(base_url: str) -> tuple[str, str, int | None]:
    url = httpx.URL(base_url)
    return url.scheme, url.host, url.port


def followed(client: Client, session: Any, response: Received) -> httpx.Request | None:
    """The request that a redirect leads to, if it is followed: within the API's own origin."""
    request = response.next_request
    if request is None or not (client.follow_redirects and is_same_origin(client, request.url)):
        return None
    if own := client._overrides.get("cookies"):  # httpx adds those of the session alone
        cookies = httpx.Cookies(session.cookies)
        cookies.update(own)
        request.headers.pop("Cookie", None)
        cookies.set_cookie_header(request)
    return authorize(client, request)


def new_address(client: Client, response: Received) -> str:
    """Where a redirect leads, without a user and a query; "" if the response does not redirect."""
    if response.status_code not in _REDIRECTS or "location" not in response.headers:
        return ""
    if response.next_request is not None:
        address = without_secrets(response.next_request.url)
    else:  # it is not a URL
        address = re.split(r"[?#]", re.sub(r"//[^/?#]*@", "//", response.headers["location"]))[0]
    return redact(client, address.encode()).decode()


def authorize(client: Client, request: httpx.Request) -> httpx.Request:
    """Add the token to a request to the API's own origin, and to no other."""
    if isinstance(client, AuthenticatedClient) and is_same_origin(client, request.url):
        token = f"{client.prefix} {client.token}" if client.prefix else client.token
        request.headers[client.auth_header_name] = token
    return request


def strip_auth(client: Client, request: httpx.Request) -> None:
    """Remove the token from a request, so that an error can keep it."""
    if isinstance(client, AuthenticatedClient):
        request.headers.pop(client.auth_header_name, None)


def anonymous(url: httpx.URL, headers: dict[str, str], timeout: httpx.Timeout) -> httpx.Request:
    """A GET that says nothing about the caller."""
    extensions = {"timeout": timeout.as_dict()}
    headers = {"User-Agent": user_agent(), **headers}
    return httpx.Request("GET", url, headers=headers, extensions=extensions)


def redact(client: Client, content: bytes) -> bytes:
    """A text without the token, which a server may echo."""
    if not isinstance(client, AuthenticatedClient) or len(client.token) < _MIN_SECRET:
        return content
    token = client.token.encode()
    return content.replace(token, b"[token]").replace(token.replace(b"/", rb"\/"), b"[token]")


def redacted(client: Client, response: Received) -> tuple[int, httpx.Headers, bytes]:
    """A response as an error may show it."""
    headers = [(name, redact(client, value)) for name, value in response.headers.raw]
    return response.status_code, httpx.Headers(headers), redact(client, response.content)


def target(client: Client, request: httpx.Request) -> str:
    """The method and the URL of a request, as an error may show them."""
    return redact(client, f"{request.method} {without_secrets(request.url)}".encode()).decode()


def without_secrets(url: httpx.URL) -> str:
    """A URL as it may be shown: without a password, and without the query, which may sign it."""
    return str(url.copy_with(query=None, userinfo=None, fragment=None))
