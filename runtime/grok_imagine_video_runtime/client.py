"""The clients: what users call, and the sessions that they open."""

import contextlib
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Self, TypeVar
from urllib.request import getproxies
from weakref import WeakKeyDictionary, ref

import attrs
import httpx
from attrs import evolve, field, frozen

from ._io import asyncio_download, download
from .config import (
    ARRIVED,
    FROM_ENVIRONMENT,
    LIMITS,
    Config,
    Opened,
    merged_headers,
    refuse_plain_http,
    validate_header,
    validate_header_name,
    validate_token,
)

S = TypeVar("S", httpx.Client, httpx.AsyncClient)

# Seconds that a connection may be idle. Servers close those that were idle for some seconds, and
# nobody knows what became of a POST that was sent at that moment.
_MAX_IDLE = 0.5

# The schemes whose proxies httpx takes from the environment, as `getproxies` names them.
_PROXY_SCHEMES = ("http", "https", "all")

# The variables of the environment that httpx reads when it opens a session.
_CERTIFICATES = ("SSL_CERT_DIR", "SSL_CERT_FILE")
_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")

# Arguments of httpx with transports of the caller, whose exceptions prove nothing.
_TRANSPORTS = ("mounts", "transport")

# The settings that sessions are opened with.
_OPENED_WITH = (
    *("base_url", "headers", "cookies", "timeout", "verify_ssl", "httpx_args", "async_transport"),
)


class _PerLoop(Generic[S]):
    """A session for each process and event loop, or the caller's session for all of them.

    Processes that share connections would get each other's responses.
    """

    def __init__(self) -> None:
        self.sessions: dict[tuple[int, Any], S] = {}
        self.custom: S | None = None
        self._is_closed = False

    def get(self, loop: Any, open_session: Callable[[Config], S], config: Config) -> S:
        key = os.getpid(), loop
        session = self.custom or self.sessions.get(key)
        if session is None and not self._is_closed:
            for other in [key for key in self.sessions if key[1] and key[1].is_closed()]:
                self.sessions.pop(other, None)
            # Of threads that each open one, the first one's is used by all; others send nothing.
            session = self.sessions.setdefault(key, _open_or_explain(open_session, config))
        if session is None or self._is_closed or session.is_closed:
            msg = "this client is closed; make a new one"
            raise RuntimeError(msg)
        return session

    def close(self) -> list[S]:
        """Refuse further use, and return the sessions for the caller to close."""
        self._is_closed, process = True, os.getpid()
        if self.custom is not None:
            return [self.custom]
        return [session for (owner, _), session in self.sessions.items() if owner == process]


class Sessions:
    """The sessions that clients share: a synchronous one, and one for each event loop."""

    def __init__(self) -> None:
        self.settings: list[Any] | None = None  # what they are opened with
        self.sync: _PerLoop[httpx.Client] = _PerLoop()
        self.asynchronous: _PerLoop[httpx.AsyncClient] = _PerLoop()

    def opened(self, config: Config) -> Opened:
        """The synchronous session."""
        session = self.sync.get(None, _open, config)
        is_ours = self.sync.custom is None and config.httpx_args.keys().isdisjoint(_TRANSPORTS)
        return Opened(session, is_ours)

    def asyncio_opened(self, config: Config) -> Opened:
        """The session of the running event loop."""
        session = self.asynchronous.get(_running_loop(), _asyncio_open, config)
        is_ours = self.asynchronous.custom is None and config.async_transport is None
        return Opened(session, is_ours and config.httpx_args.keys().isdisjoint(_TRANSPORTS))

    async def close_loop(self) -> None:
        """Close the session of the running event loop, which is about to end."""
        if session := self.asynchronous.sessions.pop((os.getpid(), _running_loop()), None):
            await session.aclose()


def _running_loop() -> Any:
    import asyncio  # 20 ms, and only needed by those who use it

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        msg = "async functions need asyncio, and none of its event loops is running here"
        raise RuntimeError(msg) from None


def _open(config: Config) -> httpx.Client:
    return httpx.Client(**_arguments(config, _note_arrival))


def _asyncio_open(config: Config) -> httpx.AsyncClient:
    """Open a session on `Connections`, unless there are proxies, HTTP/2 or other transports."""
    args, transport = _arguments(config, _asyncio_note_arrival), config.async_transport
    if transport is not None:
        args["transport"] = transport() if callable(transport) else transport
    for used in (args.get("transport"), *(args.get("mounts") or {}).values()):
        if used is not None:
            _bind_to_loop(used)
    is_proxied = args.get("trust_env", True) and not getproxies().keys().isdisjoint(_PROXY_SCHEMES)
    if not is_proxied and not any(map(args.get, ("transport", "mounts", "http2", "proxy"))):
        from ._connections import Connections  # imports asyncio, 20 ms

        tls = args["verify"], args.get("cert"), args.get("trust_env", True)
        args["transport"] = Connections(httpx.create_ssl_context(*tls), args["limits"])
    return httpx.AsyncClient(**args)


def _arguments(config: Config, note_arrival: Callable[..., Any]) -> dict[str, Any]:
    """The arguments for the session of httpx."""
    limits = config.httpx_args.get("limits", LIMITS)
    expiry = _MAX_IDLE if limits.keepalive_expiry is None else limits.keepalive_expiry
    limits = httpx.Limits(
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=min(expiry, _MAX_IDLE),
    )
    hooks = config.httpx_args.get("event_hooks") or {}
    return {
        "base_url": config.base_url,
        "cookies": config.cookies,
        "headers": merged_headers({"User-Agent": config.package.user_agent}, config.headers),
        "timeout": config.timeout,
        "verify": config.verify_ssl,
        **config.httpx_args,
        "limits": limits,
        "event_hooks": {**hooks, "response": [note_arrival, *hooks.get("response", ())]},
    }


def _note_arrival(response: httpx.Response) -> None:
    """An event hook: whatever is raised from here on, the request was received."""
    response.request.extensions[ARRIVED] = response.status_code, response.headers


async def _asyncio_note_arrival(response: httpx.Response) -> None:
    _note_arrival(response)


# The event loop of each transport of a caller: its connections work in no other.
_loops: "WeakKeyDictionary[httpx.AsyncBaseTransport, ref[Any]]" = WeakKeyDictionary()


def _bind_to_loop(transport: Any) -> None:
    """Bind a transport to the running event loop; an error if it belongs to another one."""
    if not isinstance(transport, httpx.AsyncBaseTransport):
        msg = f"for asyncio, a transport must be an httpx.AsyncBaseTransport: {transport!r}"
        raise TypeError(msg)
    loop = _running_loop()
    if _loops.setdefault(transport, ref(loop))() is not loop:
        msg = (
            "this transport belongs to another event loop: pass a class or a function that makes"
            " one as async_transport"
        )
        raise RuntimeError(msg)


def _open_or_explain(open_session: Callable[[Config], S], config: Config) -> S:
    """Open a session; if that fails, name the variables of the environment that it reads."""
    try:
        return open_session(config)
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        read = _CERTIFICATES if isinstance(error, OSError) else _PROXIES
        names = sorted(name for name in os.environ if name.upper() in read and os.environ[name])
        if not names or not config.httpx_args.get("trust_env", True):
            raise
        why = type(error).__name__  # whose text may hold the password of a proxy
        msg = f"{' or '.join(names)} cannot be used ({why})"
        raise ValueError(msg) from None


@frozen(eq=False)
class Client(Config):
    """The base of the generated clients."""

    sessions: Sessions = field(factory=Sessions, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        """Share no session that is opened with other settings, as `attrs.evolve` would."""
        super().__attrs_post_init__()
        settings = [getattr(self, name) for name in _OPENED_WITH]
        old = self.sessions
        if old.settings not in (None, settings):
            object.__setattr__(self, "sessions", Sessions())
            self.sessions.sync.custom = old.sync.custom  # what the caller opened is used on
            self.sessions.asynchronous.custom = old.asynchronous.custom
        self.sessions.settings = settings

    def __copy__(self) -> Self:
        """A copy opens its own connections."""
        return evolve(self, sessions=Sessions())

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        """Leave the connections out of pickles."""
        arguments = {item.name: getattr(self, item.name) for item in attrs.fields(type(self))}
        del arguments["sessions"]
        return functools.partial(type(self), **arguments), ()

    def with_headers(self, headers: dict[str, str]) -> Self:
        """A client that also sends these headers, for one call or many.

        It shares the connections of this client, so closing either closes both.
        """
        merged = merged_headers(self.overrides.get("headers", {}), headers)
        return evolve(self, overrides={**self.overrides, "headers": merged})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """A client that also sends these cookies; see `with_headers`."""
        merged = {**self.overrides.get("cookies", {}), **cookies}
        return evolve(self, overrides={**self.overrides, "cookies": merged})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A client with another timeout; see `with_headers`."""
        return evolve(self, overrides={**self.overrides, "timeout": timeout})

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
        return download(self, url, path, on_progress)

    async def asyncio_download(
        self,
        url: str,
        path: str | os.PathLike[str],
        *,
        on_progress: Callable[[int, int | None], object] | None = None,
    ) -> Path:
        """The async counterpart of `download`."""
        return await asyncio_download(self, url, path, on_progress)

    def get_httpx_client(self) -> httpx.Client:
        """The session of this client, opened when it is first needed; an error if it is closed."""
        session: httpx.Client = self.sessions.opened(self).session
        return session

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The session of this client for the running event loop; see `get_httpx_client`."""
        session: httpx.AsyncClient = self.sessions.asyncio_opened(self).session
        return session

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use this session, with its own headers, cookies and timeout; only the token is added.

        The token goes to the origin of this client's `base_url` alone. A `POST` is sent again after
        429 only, because exceptions of a session that we did not open prove nothing.
        """
        self.sessions.sync.custom = client
        return self

    def set_async_httpx_client(self, client: httpx.AsyncClient) -> Self:
        """The async counterpart of `set_httpx_client`."""
        self.sessions.asynchronous.custom = client
        return self

    def close(self) -> None:
        """Close the connections; after this the client sends nothing more."""
        for session in self.sessions.sync.close():
            session.close()

    async def aclose(self) -> None:
        """Close the connections of asyncio; after this the client sends nothing more from there."""
        for session in self.sessions.asynchronous.close():
            with contextlib.suppress(RuntimeError):  # its event loop is closed or another one
                await session.aclose()

    def __enter__(self) -> Self:
        """Enter a block at whose end the connections are closed."""
        self.sessions.opened(self)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        """Enter a block at whose end the connections of asyncio are closed."""
        self.sessions.asyncio_opened(self)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


@frozen(eq=False)
class AuthenticatedClient(Client):
    """The base of the generated clients that authenticate with a token."""

    token: str = field(default=FROM_ENVIRONMENT, validator=validate_token, repr=False)
    prefix: str = field(default="Bearer", validator=validate_header, kw_only=True)
    auth_header_name: str = field(
        default="Authorization", validator=validate_header_name, kw_only=True
    )
    allow_plain_http: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Refuse to send the token unencrypted."""
        super().__attrs_post_init__()
        if not self.allow_plain_http:
            refuse_plain_http(self.base_url)

    @property
    def credentials(self) -> tuple[str, str, str]:
        """The header with the token, its value, and the token itself."""
        value = f"{self.prefix} {self.token}" if self.prefix else self.token
        return self.auth_header_name, value, self.token
