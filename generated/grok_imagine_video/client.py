# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Where the API is, and how to talk to it."""

import contextlib
import functools
import ipaddress
import os
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import httpx
from attrs import Attribute, define, evolve, field, fields

from .slots import LIMITS, AsyncSlots, Slots

# Long enough for a server that makes a job before it answers, and never for ever.
DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=10.0)

# Held while a session is made, so that threads that share a client share its session too.
_MAKING_A_SESSION = threading.Lock()


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(values)  # what the caller does with its own later changes nothing here


def _check_header(name: str, value: Any, *, empty: bool = True) -> None:
    """Refuse what cannot be a header, without showing it, for it may be a secret."""
    if not isinstance(value, str):
        msg = f"{name} must be str, not {type(value).__name__}"
        raise TypeError(msg)
    if not re.fullmatch(r"(?![ \t])[\t\x20-\x7e]*(?<![ \t])", value):
        msg = f"{name} must be printable ASCII, without line breaks and without blanks around it"
        raise ValueError(msg)
    if not empty and not value.strip():
        msg = f"{name} must not be empty"
        raise ValueError(msg)


def _check_name(what: str, name: Any) -> None:
    _check_header(what, name, empty=False)
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        msg = f"{what} must have no blanks and separators in it: {name!r}"
        raise ValueError(msg)


def _check_headers(_: Any, attribute: "Attribute[Any]", value: dict[str, str]) -> None:
    for name, content in value.items():
        _check_name(f"a name in {attribute.alias!r}", name)
        _check_header(f"{attribute.alias}[{name!r}]", content)


def _check_base_url(_: Any, attribute: "Attribute[Any]", value: str) -> None:
    try:
        url = httpx.URL(value)
    except (TypeError, httpx.InvalidURL) as error:
        msg = f"base_url is not a URL: {error}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(msg) from None
    if url.userinfo:
        msg = "base_url must not hold a user name or a password: pass them as httpx_args={'auth': ...}"
        raise ValueError(msg)
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65535:
        msg = f"base_url must start with https:// or http:// and name a host: {value!r}"
        raise ValueError(msg)


def _check_max_retries(_: Any, attribute: "Attribute[Any]", value: int) -> None:
    if type(value) is not int or value < 0:
        msg = f"max_retries must be an int of 0 or more: {value!r}"
        raise ValueError(msg)


def _check_transport(_: Any, attribute: "Attribute[Any]", value: Any) -> None:
    if value == "aiohttp":
        from importlib.util import find_spec  # slow to import, and seldom needed

        if find_spec("httpx_aiohttp") is None:
            msg = "async_transport='aiohttp' needs another package: pip install httpx-aiohttp"
            raise ImportError(msg)
    elif not isinstance(value, httpx.AsyncBaseTransport | None):
        msg = f"async_transport must be 'aiohttp' or an httpx.AsyncBaseTransport: {value!r}"
        raise TypeError(msg)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _most_at_once(session_args: dict[str, Any]) -> int | None:
    """How many requests a session sends at once; a transport of the caller's own knows best."""
    most: int | None = session_args["limits"].max_connections
    return None if session_args.get("transport") else most


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


@define(eq=False)
class Client:
    """A client for an API that asks for no token.

    Use it in a `with` or `async with` block, or call `close` or `aclose`. Threads may share one;
    another process gets it in a pickle, which holds all but the connections, so the token too.

    Args:
        base_url: Where the API is, such as "https://relay.example"; a path is kept.
        headers: Headers to send with every request.
        cookies: Cookies to send with every request.
        timeout: Seconds, or an `httpx.Timeout`; None waits for ever. Default: 60, to connect 10.
        verify_ssl: Whether to verify the server's certificate, or the context to do it with.
        follow_redirects: Whether to follow redirects. The token does not follow to another origin.
        httpx_args: More arguments for `httpx.Client` and `httpx.AsyncClient`, such as `proxy`.
        max_retries: How often to send a request again, 0 or more, where that cannot be paid for
            twice. Default: 2.
        async_transport: "aiohttp", for many requests at once from asyncio (needs httpx-aiohttp), or
            a transport for `httpx.AsyncClient`. Default: httpx's own.

    Raises:
        ImportError: `async_transport` is "aiohttp", and httpx-aiohttp is not installed.
        TypeError: An argument has the wrong type.
        ValueError: `base_url` is no URL, or a header holds a line break.
    """

    _base_url: str = field(alias="base_url", validator=_check_base_url)
    _headers: dict[str, str] = field(
        factory=dict,
        converter=_copy,
        validator=_check_headers,
        kw_only=True,
        alias="headers",
        repr=False,
    )
    _cookies: dict[str, str] = field(
        factory=dict,
        converter=_copy,
        validator=_check_headers,
        kw_only=True,
        alias="cookies",
        repr=False,
    )
    _timeout: httpx.Timeout | float | None = field(
        default=DEFAULT_TIMEOUT, kw_only=True, alias="timeout"
    )
    _verify_ssl: ssl.SSLContext | bool | str = field(default=True, kw_only=True, alias="verify_ssl")
    follow_redirects: bool = field(default=False, kw_only=True)
    _httpx_args: dict[str, Any] = field(
        factory=dict, converter=_copy, kw_only=True, alias="httpx_args", repr=False
    )
    max_retries: int = field(default=2, validator=_check_max_retries, kw_only=True)
    _async_transport: httpx.AsyncBaseTransport | Literal["aiohttp"] | None = field(
        default=None, validator=_check_transport, kw_only=True, alias="async_transport", repr=False
    )
    _client: httpx.Client | None = field(default=None, init=False, repr=False)
    _async_client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)
    _slots: Slots = field(init=False, repr=False)
    _async_slots: AsyncSlots = field(init=False, repr=False)
    _origin: tuple[str, str, int | None] = field(init=False, repr=False)
    _client_closed: bool = field(default=False, init=False, repr=False)
    _async_client_closed: bool = field(default=False, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Note whose requests may carry what is meant for the API."""
        self._origin = _origin(httpx.URL(self._base_url))

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        """Leave the connections behind in a pickle or a copy, which makes its own."""
        given = {each.alias: getattr(self, each.name) for each in fields(type(self)) if each.init}
        return functools.partial(type(self), **given), ()

    def with_headers(self, headers: dict[str, str]) -> Self:
        """A new client that sends these headers too; this one stays as it is."""
        return evolve(self, headers={**self._headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """A new client that sends these cookies too; this one stays as it is."""
        return evolve(self, cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A new client with another timeout; this one stays as it is."""
        return evolve(self, timeout=timeout)

    def is_own(self, url: httpx.URL) -> bool:
        """Whether a URL is at the API's own origin: its scheme, host and port."""
        return _origin(url) == self._origin

    def authorize(self, request: httpx.Request) -> httpx.Request:
        """Prepare a request to go out; this client has no token to give it."""
        return request

    def unauthorize(self, request: httpx.Request) -> None:
        """Take back what `authorize` gave; this client gave nothing."""

    def without_token(self, content: bytes) -> bytes:
        """A body as it may be shown; this client has no token to take out."""
        return content

    def _session_args(self) -> dict[str, Any]:
        return {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": self._headers,
            "limits": LIMITS,
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            **self._httpx_args,
        }

    def download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        on_progress: Callable[[int, int | None], object] | None = None,
    ) -> Path:
        """Save what is at `url` as `path`, whole or not at all.

        The file is written beside `path` and takes its place at the end, so that an existing one is
        replaced only by a whole one. A connection that breaks is started over, within `max_retries`.
        The token, headers and cookies of this client go to the API's own origin alone.

        Args:
            url: Where the file is: a whole URL, or a path at the API.
            path: Where to save it.
            on_progress: Called with the bytes so far, and with those there will be or None.

        Returns:
            The path.

        Raises:
            ValueError: `url` is no URL that a file can be fetched from; nothing was sent.
            OSError: The file cannot be written, or what is there already is no file.
            errors.APIConnectionError: The connection broke, or the file was shorter than announced.
            errors.APIStatusError: The answer has another status than 200.
        """
        from .downloading import download

        return download(self, url, path, on_progress)

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use this session, with its own headers, cookies and timeout; the token is added to them."""
        self._client = client
        self._slots = Slots(None)
        return self

    def get_httpx_client(self) -> httpx.Client:
        """The session behind this client, made when it is first needed.

        Raises:
            RuntimeError: The client is closed.
        """
        session = self._client
        if session is None and not self._client_closed:
            with _MAKING_A_SESSION:
                session = self._client
                if session is None:
                    args = self._session_args()
                    self._slots = Slots(_most_at_once(args))
                    session = self._client = httpx.Client(**args)
        if session is None or self._client_closed or session.is_closed:
            msg = f"this {type(self).__name__} is closed; make a new one"
            raise RuntimeError(msg)
        return session

    def slot(self, request: httpx.Request) -> contextlib.AbstractContextManager[None]:
        """A place among the requests that this client sends at once; the session must be there."""
        return self._slots.taken(request)

    def close(self) -> None:
        """Close the connections; after this the client sends nothing more."""
        self._client_closed = True
        if self._client is not None:
            self._client.close()

    def __enter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        self.get_httpx_client()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the connections."""
        self.close()

    async def asyncio_download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        on_progress: Callable[[int, int | None], object] | None = None,
    ) -> Path:
        """Save what is at `url` as `path`, whole or not at all.

        The file is written beside `path` and takes its place at the end, so that an existing one is
        replaced only by a whole one. A connection that breaks is started over, within `max_retries`.
        The token, headers and cookies of this client go to the API's own origin alone.

        Args:
            url: Where the file is: a whole URL, or a path at the API.
            path: Where to save it.
            on_progress: Called with the bytes so far, and with those there will be or None.

        Returns:
            The path.

        Raises:
            ValueError: `url` is no URL that a file can be fetched from; nothing was sent.
            OSError: The file cannot be written, or what is there already is no file.
            errors.APIConnectionError: The connection broke, or the file was shorter than announced.
            errors.APIStatusError: The answer has another status than 200.
        """
        from .downloading import asyncio_download

        return await asyncio_download(self, url, path, on_progress)

    def set_async_httpx_client(self, client: httpx.AsyncClient) -> Self:
        """Use this session, with its own headers, cookies and timeout; the token is added to them."""
        self._async_client = client
        self._async_slots = AsyncSlots(None)
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The session behind this client, made when it is first needed.

        Raises:
            RuntimeError: The client is closed.
        """
        session = self._async_client
        if session is None and not self._async_client_closed:
            with _MAKING_A_SESSION:
                session = self._async_client
                if session is None:
                    args = self._session_args()
                    session_type: type[httpx.AsyncClient] = httpx.AsyncClient
                    if self._async_transport == "aiohttp":
                        from .aiohttp_session import AiohttpSession as session_type
                    elif self._async_transport is not None:
                        args["transport"] = self._async_transport
                    self._async_slots = AsyncSlots(_most_at_once(args))
                    session = self._async_client = session_type(**args)
        if session is None or self._async_client_closed or session.is_closed:
            msg = f"this {type(self).__name__} is closed; make a new one"
            raise RuntimeError(msg)
        return session

    def aslot(self, request: httpx.Request) -> contextlib.AbstractAsyncContextManager[None]:
        """A place among the requests that this client sends at once; the session must be there."""
        return self._async_slots.taken(request)

    async def aclose(self) -> None:
        """Close the connections; after this the client sends nothing more from asyncio."""
        self._async_client_closed = True
        if self._async_client is not None:
            await self._async_client.aclose()

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        self.get_async_httpx_client()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close the connections."""
        await self.aclose()


# A shorter token guards nothing, and taking it out would garble the text around it.
_SHORTEST_SECRET = 8


def _check_token(_: Any, attribute: "Attribute[Any]", value: str) -> None:
    _check_header(attribute.name, value, empty=attribute.name == "prefix")


def _check_header_name(_: Any, attribute: "Attribute[Any]", value: str) -> None:
    _check_name(attribute.name, value)


@define(eq=False)
class AuthenticatedClient(Client):
    """A client that proves with a token who is calling; the other arguments are those of `Client`.

    The token goes to the origin of `base_url` alone, and stays out of every repr, log and error.

    Args:
        token: The API key.
        prefix: What stands before the token in the header. Default: "Bearer"; "" for nothing.
        auth_header_name: The header that takes the token. Default: "Authorization".
        allow_plain_http: Send the token unencrypted to a host that is not this machine.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `base_url` is no URL or would send the token unencrypted, the token is empty, or
            a header holds a line break.
    """

    token: str = field(validator=_check_token, repr=False)
    prefix: str = field(default="Bearer", validator=_check_token, kw_only=True)
    auth_header_name: str = field(
        default="Authorization", validator=_check_header_name, kw_only=True
    )
    allow_plain_http: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Refuse to send the token where others can read it."""
        super().__attrs_post_init__()
        scheme, host, _ = self._origin
        if scheme == "http" and not _is_loopback(host) and not self.allow_plain_http:
            msg = (
                f"base_url is plain http, so that anyone on the way to {host} could read the token:"
                " use https, or pass allow_plain_http=True"
            )
            raise ValueError(msg)

    def authorize(self, request: httpx.Request) -> httpx.Request:
        """Give the token to a request to the API's own origin, and take it from every other one."""
        if self.is_own(request.url):
            token = f"{self.prefix} {self.token}" if self.prefix else self.token
            request.headers[self.auth_header_name] = token
        else:
            self.unauthorize(request)
        return request

    def unauthorize(self, request: httpx.Request) -> None:
        """Take the token from a request, so that an error can hold on to it."""
        request.headers.pop(self.auth_header_name, None)

    def without_token(self, content: bytes) -> bytes:
        """A body as it may be shown, for a server may repeat the token in it."""
        if len(self.token) < _SHORTEST_SECRET:
            return content
        return content.replace(self.token.encode(), b"[token]")
