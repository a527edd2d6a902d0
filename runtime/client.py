"""Where the API is, and how to talk to it."""

import contextlib
import functools
import ipaddress
import os
import re
import ssl
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import httpx
from attrs import Attribute, define, evolve, field, fields

from ._opening import (
    Connected,
    Opened,
    Owner,
    Sessions,
    open_async_session,
    open_session,
    running_loop,
    this_process,
)

# Long enough for a server that creates a job before it responds, and finite.
DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=10.0)

# Seconds, far below what the clocks of the operating system can count.
MAX_SECONDS = 1e9

# Bytes, far above what JSON about a job takes.
MAX_RESPONSE_SIZE = 67_108_864


# What makes a transport for each event loop, or a transport for one.
AsyncTransport = Callable[[], httpx.AsyncBaseTransport] | httpx.AsyncBaseTransport | None


def _package() -> Any:
    return import_module(__package__ or "")


def user_agent() -> str:
    """The name and the version of this package."""
    package = _package()
    return f"{package.__name__.replace('_', '-')}/{package.__version__}"


def _from_environment(argument: str) -> str:
    """An argument that was left out."""
    variable = _package()._ENVIRONMENT.get(argument)
    if found := os.environ.get(variable or "", ""):
        return found
    msg = f"{argument} is missing: pass it" + (f", or set {variable}" if variable else "")
    raise ValueError(msg)


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(values)  # later changes to the caller's own dict have no effect here


def merged_headers(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """All headers; a new one replaces an old one of the same name, in upper or lower case."""
    replaced = {name.lower() for name in new}
    return {name: old[name] for name in old if name.lower() not in replaced} | dict(new)


def _check_header(name: str, value: Any, *, empty: bool = True) -> None:
    """Refuse what cannot be a header without showing it: it may be a secret."""
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
        msg = f"{what} must not contain blanks or separators: {name!r}"
        raise ValueError(msg)


def _check_headers(_: Any, attribute: "Attribute[Any]", value: dict[str, str]) -> None:
    for name, content in value.items():
        _check_name(f"a name in {attribute.alias!r}", name)
        _check_header(f"{attribute.alias}[{name!r}]", content)


def _check_base_url(_: Any, __: Any, value: str) -> None:
    try:
        url = httpx.URL(value)
    except (TypeError, httpx.InvalidURL) as error:
        reason = "" if "@" in str(value) else f": {error}"  # which may quote a password
        msg = f"base_url is not a URL{reason}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(msg) from None
    if url.userinfo:
        msg = "base_url must not contain a user name or a password: use httpx_args={'auth': ...}"
        raise ValueError(msg)
    if url.query or url.fragment:
        msg = "base_url must not contain a query or a fragment"  # which may hold a key
        raise ValueError(msg)
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65535:
        msg = f"base_url must start with https:// or http:// and name a host: {value!r}"
        raise ValueError(msg)


def _check_timeout(_: Any, __: Any, value: Any) -> None:
    """Refuse what the clocks of the operating system cannot count, before a request is paid for."""
    for name, seconds in httpx.Timeout(value).as_dict().items():
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and 0 < seconds <= MAX_SECONDS):
            msg = f"timeout must be above 0, at most {MAX_SECONDS:g} seconds: {name} is {seconds!r}"
            raise ValueError(msg)


def _check_overrides(client: "Client", _: Any, value: dict[str, Any]) -> None:
    for name in ("headers", "cookies"):
        _check_headers(client, getattr(fields(Client), f"_{name}"), value.get(name, {}))
    _check_timeout(client, None, value.get("timeout"))


def _check_httpx_args(_: Any, __: Any, value: dict[str, Any]) -> None:
    if "base_url" in value:
        msg = "httpx_args must not contain base_url: the credentials are for the client's own"
        raise ValueError(msg)


def _check_count(_: Any, attribute: "Attribute[Any]", value: int) -> None:
    if type(value) is not int or value < 0:
        msg = f"{attribute.name} must be an int of 0 or more: {value!r}"
        raise ValueError(msg)


# Arguments of httpx that a transport of the caller's own would ignore.
_OF_TRANSPORTS = ("cert", "http1", "http2", "limits", "proxy", "verify")


def _check_transport(client: "Client", _: Any, value: Any) -> None:
    if value is None:
        return
    if value == "aiohttp":
        msg = (
            "async_transport is a transport, no longer a name: pip install httpx-aiohttp, and pass"
            " async_transport=httpx_aiohttp.AiohttpTransport"
        )
        raise ValueError(msg)
    if not (callable(value) or isinstance(value, httpx.AsyncBaseTransport)):
        msg = f"async_transport must make an httpx.AsyncBaseTransport, or be one: {value!r}"
        raise TypeError(msg)
    ignored = [name for name in _OF_TRANSPORTS if name in client._httpx_args]
    if client._verify_ssl is not True:
        ignored.append("verify_ssl")
    if ignored:
        msg = f"async_transport would ignore {' and '.join(ignored)}: give it to the transport"
        raise ValueError(msg)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@define(eq=False)
class Client:
    """A client for an API that needs no token.

    Use it in a `with` or `async with` block, or call `close` or `aclose`. Threads may share it. A
    pickle of it has everything except the connections, so it has the token too.

    Args:
        base_url: Where the API is, such as `https://gateway.example`; a path is kept. Default:
            the variable of the environment that `x-env` of the spec names.
        headers: Headers to send with every request.
        cookies: Cookies to send with every request.
        timeout: Seconds or an `httpx.Timeout`; None means no limit. Default: 60, and 10 to connect.
        verify_ssl: Whether to verify the server's certificate, or the context to verify it with.
        follow_redirects: Whether to follow redirects. The token does not follow to another origin.
        httpx_args: More arguments for `httpx.Client` and `httpx.AsyncClient`, such as `proxy`.
        max_retries: How often a request is retried, 0 or more, if it cannot be paid for twice.
            Default: 2.
        async_transport: A class or function that makes a transport for `httpx.AsyncClient`, such as
            `httpx_aiohttp.AiohttpTransport`, called once for each event loop; or a transport, for
            one event loop. A `POST` on it is sent again after 429 only. Default: connections of
            this package.
        max_response_size: How many bytes of a response are read, 0 or more; a larger one is an
            error. It does not apply to downloads. Default: 64 MiB.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `base_url` is missing or not a URL, a header contains a line break, or
            `async_transport` would ignore `verify_ssl` or something in `httpx_args`.
    """

    _base_url: str = field(
        alias="base_url",
        factory=functools.partial(_from_environment, "base_url"),
        validator=_check_base_url,
    )
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
        default=DEFAULT_TIMEOUT, validator=_check_timeout, kw_only=True, alias="timeout"
    )
    _verify_ssl: ssl.SSLContext | bool | str = field(default=True, kw_only=True, alias="verify_ssl")
    follow_redirects: bool = field(default=False, kw_only=True)
    _httpx_args: dict[str, Any] = field(
        factory=dict,
        converter=_copy,
        validator=_check_httpx_args,
        kw_only=True,
        alias="httpx_args",
        repr=False,
    )
    max_retries: int = field(default=2, validator=_check_count, kw_only=True)
    _async_transport: AsyncTransport = field(
        default=None, validator=_check_transport, kw_only=True, alias="async_transport", repr=False
    )
    max_response_size: int = field(default=MAX_RESPONSE_SIZE, validator=_check_count, kw_only=True)
    # What goes on each request of this client, and not of those that share its connections.
    _overrides: dict[str, Any] = field(
        factory=dict, validator=_check_overrides, kw_only=True, alias="overrides", repr=False
    )
    _connected: Connected = field(factory=Connected, kw_only=True, alias="connected", repr=False)

    def __copy__(self) -> Self:
        """A copy opens its own connections."""
        return evolve(self, connected=Connected())

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        """Leave the connections out of pickles.

        Raises:
            TypeError: There is an `ssl.SSLContext`, which cannot be pickled.
        """
        given = {each.alias: getattr(self, each.name) for each in fields(type(self))}
        del given["connected"]
        for name, value in (given | self._httpx_args).items():
            if isinstance(value, ssl.SSLContext):
                msg = f"{name} is an ssl.SSLContext, which no pickle can hold: pass a path instead"
                raise TypeError(msg)
        return functools.partial(type(self), **given), ()

    def with_headers(self, headers: dict[str, str]) -> Self:
        """A client that also sends these headers, for one call or many.

        It shares the connections of this client, so closing either closes both.
        """
        merged = merged_headers(self._overrides.get("headers", {}), headers)
        return evolve(self, overrides={**self._overrides, "headers": merged})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """A client that also sends these cookies; see `with_headers`."""
        merged = {**self._overrides.get("cookies", {}), **cookies}
        return evolve(self, overrides={**self._overrides, "cookies": merged})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A client with another timeout; see `with_headers`."""
        return evolve(self, overrides={**self._overrides, "timeout": timeout})

    def download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        on_progress: Callable[[int, int | None], object] | None = None,
    ) -> Path:
        """Save what is at `url` as `path`, completely or not at all.

        A temporary file beside `path` is filled first, and replaces `path` when it is complete. A
        connection that breaks starts over, up to `max_retries` times. Token, headers and cookies of
        this client are sent to the API's own origin only.

        Args:
            url: Where the file is: an absolute URL, or a path at the API.
            path: Where to save it.
            on_progress: Called with the number of bytes so far, and with the total or None.

        Returns:
            The path.

        Raises:
            ValueError: No file can be fetched from `url`; nothing was sent.
            OSError: The file cannot be written, or `path` exists and is not a file.
            errors.APIConnectionError: The connection broke, or the file was shorter than announced.
            errors.APIStatusError: The status of the response is not 200.
            errors.APIResponseValidationError: It is empty, or a page in place of the file.
        """
        from ._io import download

        return download(self, url, path, on_progress)

    async def asyncio_download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        on_progress: Callable[[int, int | None], object] | None = None,
    ) -> Path:
        """The async counterpart of `download`."""
        from ._io import asyncio_download

        return await asyncio_download(self, url, path, on_progress)

    def _session_args(self) -> dict[str, Any]:
        headers = httpx.Headers({"User-Agent": user_agent()})
        headers.update(self._headers)
        return {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": headers,
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            **self._httpx_args,
        }

    def _open(self) -> httpx.Client:
        return open_session(self._session_args())

    def _async_open(self, owner: Owner) -> httpx.AsyncClient:
        args = self._session_args()
        transport = self._async_transport
        if transport is not None:
            args["transport"] = transport() if callable(transport) else transport
        return open_async_session(args, owner)

    def _session(self) -> Opened:
        sessions = self._connected.sync
        return Opened(sessions.get(this_process(), self._open), self._opens_connections(sessions))

    def _async_session(self, owner: Owner | None = None) -> Opened:
        found, sessions = owner or running_loop(), self._connected.asynchronous
        session = sessions.get(found, lambda: self._async_open(found))
        is_ours = self._opens_connections(sessions) and self._async_transport is None
        return Opened(session, is_ours)

    def _opens_connections(self, sessions: Sessions[Any]) -> bool:
        """Whether no session and no transport is the caller's own, which would prove nothing."""
        return sessions.given is None and not {"transport", "mounts"} & self._httpx_args.keys()

    async def _close_loop(self) -> None:
        """Close the connections that belong to the running loop, which is about to end."""
        if session := self._connected.asynchronous.drop(running_loop()):
            await session.aclose()

    def get_httpx_client(self) -> httpx.Client:
        """The session of this client, opened when it is first needed.

        Raises:
            RuntimeError: The client is closed.
        """
        session: httpx.Client = self._session().session
        return session

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The async counterpart of `get_httpx_client`; it may be called before there is a loop."""
        try:
            owner = running_loop()
        except RuntimeError:
            owner = this_process()
        session: httpx.AsyncClient = self._async_session(owner).session
        return session

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use this session, with its own headers, cookies and timeout; only the token is added.

        The token goes to the origin of this client's `base_url` alone. A `POST` is sent again after
        429 only, because what a session of the caller's own says proves nothing.
        """
        self._connected.sync.given = client
        return self

    def set_async_httpx_client(self, client: httpx.AsyncClient) -> Self:
        """The async counterpart of `set_httpx_client`."""
        self._connected.asynchronous.given = client
        return self

    def close(self) -> None:
        """Close the connections; after this the client sends nothing more."""
        for session in self._connected.sync.close():
            session.close()

    async def aclose(self) -> None:
        """Close the connections of asyncio; after this the client sends nothing more from there."""
        for session in self._connected.asynchronous.close():
            with contextlib.suppress(RuntimeError):  # its event loop is closed, or another one
                await session.aclose()

    def __enter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        self.get_httpx_client()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the connections."""
        self.close()

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the connections of asyncio are closed."""
        self._async_session()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close the connections of asyncio."""
        await self.aclose()


def _check_token(_: Any, attribute: "Attribute[Any]", value: str) -> None:
    _check_header(attribute.name, value, empty=attribute.name == "prefix")


def _check_header_name(_: Any, attribute: "Attribute[Any]", value: str) -> None:
    _check_name(attribute.name, value)


@define(eq=False)
class AuthenticatedClient(Client):
    """A client that authenticates with a token; the other arguments are those of `Client`.

    The token is sent to the origin of `base_url` only, and is in no repr, log line or error.

    Args:
        token: The API key. Default: the variable of the environment that `x-env` names.
        prefix: What precedes the token in the header. Default: "Bearer"; "" for nothing.
        auth_header_name: The header for the token. Default: "Authorization".
        allow_plain_http: Send the token unencrypted to another machine.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `base_url` or the token is missing, `base_url` is not a URL or would send the
            token unencrypted, or a header contains a line break.
    """

    token: str = field(
        factory=functools.partial(_from_environment, "token"), validator=_check_token, repr=False
    )
    prefix: str = field(default="Bearer", validator=_check_token, kw_only=True)
    auth_header_name: str = field(
        default="Authorization", validator=_check_header_name, kw_only=True
    )
    allow_plain_http: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Refuse to send the token where others can read it."""
        url = httpx.URL(self._base_url)
        if url.scheme == "http" and not _is_loopback(url.host) and not self.allow_plain_http:
            msg = (
                f"base_url is plain http, so anyone on the way to {url.host} could read the token:"
                " use https, or pass allow_plain_http=True"
            )
            raise ValueError(msg)


__all__ = ["AuthenticatedClient", "Client"]
