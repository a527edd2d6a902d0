"""Redirects, credentials, and what is redacted: the token goes to the API's own origin alone."""

import re
from typing import Any

import httpx

from . import errors
from .config import ARRIVED, Config

# A shorter token protects nothing, and removing it would garble the text around it.
MIN_SECRET = 8


def is_same_origin(config: Config, url: httpx.URL) -> bool:
    """Whether a URL has the scheme, host and port of the API."""
    home = httpx.URL(config.base_url)
    return (url.scheme, url.host, url.port) == (home.scheme, home.host, home.port)


def follow_redirect(config: Config, session: Any, request: httpx.Request) -> httpx.Request | None:
    """Prepare the request of a redirect; None if it is not followed, as to another origin."""
    if not (config.follow_redirects and is_same_origin(config, request.url)):
        return None
    if overrides := config.overrides.get("cookies"):  # httpx adds only those of the session
        cookies = httpx.Cookies(session.cookies)
        cookies.update(overrides)
        request.headers.pop("Cookie", None)
        cookies.set_cookie_header(request)
    request.extensions.pop(ARRIVED, None)  # httpx hands on those of the first request
    return authorize(config, request)


def authorize(config: Config, request: httpx.Request) -> httpx.Request:
    """Add the token to a request to the API's own origin, and to no other."""
    credentials = config.credentials
    if credentials and is_same_origin(config, request.url):
        header, value, _ = credentials
        request.headers[header] = value
    return request


def redact(config: Config, content: bytes) -> bytes:
    """Remove the token, which a server may echo."""
    credentials = config.credentials
    if credentials is None or len(credentials[2]) < MIN_SECRET:
        return content
    token = credentials[2].encode()
    return content.replace(token, b"[token]").replace(token.replace(b"/", rb"\/"), b"[token]")


def redact_response(config: Config, response: Any) -> tuple[int, httpx.Headers, bytes]:
    """The status, headers and content of a response for an error, without the token."""
    headers = [(name, redact(config, value)) for name, value in response.headers.raw]
    return response.status_code, httpx.Headers(headers), redact(config, response.content)


def redact_text(config: Config, text: str) -> str:
    """A part of a message without the token, so short that it hides no other part."""
    redacted = redact(config, text.encode("utf-8", "backslashreplace")).decode()
    return errors.one_line(redacted, 200)


def show_url(config: Config, url: object) -> str:
    """A URL for a message: without user and password, and without query, which may be a key."""
    return redact_text(config, re.sub(r"//[^/?#]*@", "//", re.split(r"[?#]", str(url))[0]))
