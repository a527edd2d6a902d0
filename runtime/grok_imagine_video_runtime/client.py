"""The clients: what users call, and the sessions that they open."""

import contextlib
import copy
import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.request import getproxies
from weakref import WeakKeyDictionary, ref

import httpx
from attrs import asdict, evolve, field, frozen

from . import config as _settings  # attrs itself uses `_config`
from ._calls import OnProgress
from ._downloads import save
from ._files import asyncio_atomic_file, atomic_file
from ._io import asyncio_run, run
from .config import Config, Opened
from .validators import Named, header

# Seconds that a connection may be idle. Servers close those that were idle for some seconds, and
# nobody knows what became of a POST that was sent at that moment.
_MAX_IDLE = 0.5

# Arguments of httpx with transports of the caller, whose exceptions prove nothing.
_TRANSPORTS = ("mounts", "transport")


class Sessions:
    """The sessions that clients share: one for each process and event loop, or the caller's.

    Processes that share connections would get each other's responses.
    """

    def __init__(self, settings: Any, custom: dict[type[Any], Opened]) -> None:
        self.settings = settings  # the arguments of a session, and the `async_transport`
        self.custom = custom  # by `httpx.Client` or `httpx.AsyncClient`, the kind of a session
        self.by_loop: dict[tuple[type[Any], int, Any], Opened] = {}
        self._closed: set[type[Any]] = set()

    def opened(self, kind: type[Any]) -> Opened:
        """The session of this process, or, with asyncio, of the running event loop."""
        loop = running_loop() if kind is httpx.AsyncClient else None
        if loop is None and kind is httpx.AsyncClient:
            msg = "async functions need asyncio, and none of its event loops is running here"
            raise RuntimeError(msg)
        key = kind, os.getpid(), loop
        opened = self.custom.get(kind) or self.by_loop.get(key)
        if opened is None and kind not in self._closed:
            for other in list(self.by_loop):
                if other[2] and other[2].is_closed():
                    self.by_loop.pop(other, None)
            # Of threads that each open one, the first one's is used by all; others send nothing.
            opened = self.by_loop.setdefault(key, _open(kind, *self.settings))
        if opened is None or kind in self._closed or opened.session.is_closed:
            msg = "this client is closed; make a new one"
            raise RuntimeError(msg)
        hooks, note = opened.session.event_hooks["response"], opened.note_arrival
        if note and note not in hooks:  # the caller may replace them
            hooks.insert(0, note)
        return opened

    def close(self, kind: type[Any]) -> list[Any]:
        """Refuse further use, and return the sessions for the caller to close."""
        self._closed.add(kind)
        if kind in self.custom:
            return [self.custom[kind].session]
        here = kind, os.getpid()
        return [opened.session for key, opened in list(self.by_loop.items()) if key[:2] == here]

    async def close_loop(self) -> None:
        """Close the session of the running event loop, which is about to end."""
        if opened := self.by_loop.pop((httpx.AsyncClient, os.getpid(), running_loop()), None):
            await opened.session.aclose()


def running_loop() -> Any:
    """The event loop of asyncio that is running here; None if none is."""
    import asyncio  # 20 ms, and only needed by those who use it

    with contextlib.suppress(RuntimeError):
        return asyncio.get_running_loop()


def _asyncio_open(args: dict[str, Any], transport: Any) -> Opened:
    """Open a session on `Connections`, unless there are proxies, HTTP/2 or other transports."""
    if transport is not None:
        args["transport"] = transport() if callable(transport) else transport
    is_ours = args.keys().isdisjoint(_TRANSPORTS)
    for used in (args.get("transport"), *(args.get("mounts") or {}).values()):
        if used is not None:
            _bind_to_loop(used)
    trusts_env = args.get("trust_env", True)
    is_proxied = trusts_env and not getproxies().keys().isdisjoint(("http", "https", "all"))
    if is_ours and not (is_proxied or args.get("proxy") or args.get("http2")):
        from ._connections import Connections  # imports asyncio, 20 ms

        context = httpx.create_ssl_context(args["verify"], args.get("cert"), trusts_env)
        args["transport"] = Connections(context, args["limits"])
    return Opened(httpx.AsyncClient(**args), is_ours, _asyncio_note_arrival)


def _arguments(config: Config) -> dict[str, Any]:
    """The arguments for a session of httpx."""
    default = httpx.Limits(max_connections=100, max_keepalive_connections=20)  # as in httpx
    limits = copy.copy(config.httpx_args.get("limits", default))
    if limits.keepalive_expiry is None or limits.keepalive_expiry > _MAX_IDLE:
        limits.keepalive_expiry = _MAX_IDLE
    headers = httpx.Headers({"User-Agent": config.package.user_agent})
    headers.update(config.headers)
    return {
        **config.httpx_args,
        "base_url": config.base_url,
        "cookies": config.cookies,
        "headers": headers,
        "limits": limits,
        "timeout": config.timeout,
        "verify": config.verify_ssl,
    }


def _note_arrival(response: httpx.Response) -> None:
    """An event hook: whatever is raised from here on, the request was received."""
    response.request.extensions[_settings.ARRIVED] = response.status_code, response.headers


async def _asyncio_note_arrival(response: httpx.Response) -> None:
    _note_arrival(response)


# The event loop of each transport of a caller.
_loops: "WeakKeyDictionary[httpx.AsyncBaseTransport, ref[Any]]" = WeakKeyDictionary()


def _bind_to_loop(transport: Any) -> None:
    """Bind a transport to the running event loop: its connections work in no other."""
    if not isinstance(transport, httpx.AsyncBaseTransport):
        msg = f"for asyncio, a transport must be an httpx.AsyncBaseTransport: {transport!r}"
        raise TypeError(msg)
    loop = running_loop()
    if _loops.setdefault(transport, ref(loop))() is not loop:
        msg = "a transport is for one event loop: pass a class or a function that makes one"
        raise RuntimeError(msg)


def _as_custom(session: Any, kind: type[Any]) -> Opened:
    if not isinstance(session, kind):
        msg = f"the session must be an httpx.{kind.__name__}, not {type(session).__name__}"
        raise TypeError(msg)
    return Opened(session, is_ours=False)


def _open(kind: type[Any], args: dict[str, Any], async_transport: Any) -> Opened:
    """Open a session; if that fails, name the variables of the environment that it reads."""
    try:
        if kind is httpx.AsyncClient:
            return _asyncio_open(dict(args), async_transport)
        return Opened(httpx.Client(**args), args.keys().isdisjoint(_TRANSPORTS), _note_arrival)
    except (OSError, ValueError, httpx.InvalidURL) as error:
        read: tuple[str, ...] = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
        if isinstance(error, OSError):
            read = ("SSL_CERT_DIR", "SSL_CERT_FILE")
        names = sorted(name for name in os.environ if name.upper() in read and os.environ[name])
        if not names or not args.get("trust_env", True):
            raise
        why = type(error).__name__  # whose text may hold the password of a proxy
        msg = f"{' or '.join(names)} cannot be used ({why})"
        raise ValueError(msg) from None


class Client(Config):
    """The base of the generated clients."""

    __slots__ = ()
    sessions: Sessions

    def __attrs_post_init__(self) -> None:
        """Share the sessions of the client that this one evolved from, if the settings allow it."""
        super().__attrs_post_init__()
        shared, settings = self.sessions, (_arguments(self), self.async_transport)
        if shared is None or shared.settings != settings:
            custom = dict(shared.custom) if shared else {}  # what the caller opened is used on
            object.__setattr__(self, "sessions", Sessions(settings, custom))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Name the function to call in place of a method such as `client.videos.create`."""
            jobs = () if name.startswith("_") else self.package.jobs()
            msg = f"{type(self).__name__!r} object has no attribute {name!r}"
            for module in [create.module for job in jobs for create in job.creates]:
                msg += f"; call {module.__name__.rpartition('.')[2]}.sync(client=client, ...)"
            raise AttributeError(msg)

    def __reduce__(self) -> tuple[Callable[[], Self], tuple[()]]:
        """Leave the connections out of pickles and copies."""
        if self.sessions.custom:  # such as a mock: a copy without it would send requests
            msg = "a client with a session of yours cannot be copied: make one, and set it there"
            raise TypeError(msg)
        arguments = asdict(self, recurse=False)
        del arguments["sessions"]
        return functools.partial(type(self), **arguments), ()

    def with_headers(self, headers: dict[str, str]) -> Self:
        """A client that also sends these headers, for one call or many.

        It shares the connections of this client, so closing either closes both.
        """
        _settings.validate_headers(self, Named("headers"), headers)
        merged = httpx.Headers(self.overrides.get("headers"))
        merged.update(headers)
        return evolve(self, overrides={**self.overrides, "headers": merged})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """A client that also sends these cookies; see `with_headers`."""
        _settings.validate_headers(self, Named("cookies"), cookies)
        merged = {**self.overrides.get("cookies", {}), **cookies}
        return evolve(self, overrides={**self.overrides, "cookies": merged})

    def with_timeout(self, timeout: httpx.Timeout | float | None) -> Self:
        """A client with another timeout; see `with_headers`."""
        _settings.validate_timeout(self, Named("timeout"), timeout)
        return evolve(self, overrides={**self.overrides, "timeout": timeout})

    def download(
        self, url: str, path: str | os.PathLike[str], *, on_progress: OnProgress | None = None
    ) -> Path:
        """Save what is at `url` as `path`, completely or not at all, and return the path.

        A temporary file beside `path` is filled first, and replaces `path` when it is complete. A
        connection that breaks starts over, up to `max_retries` times. The API key, headers and
        cookies of this client are sent to the API's own origin only.

        Args:
            url: Where the file is: an absolute URL, or a path at the API.
            path: Where to save it.
            on_progress: Called with the number of bytes so far, and with the total or None.

        Raises:
            ValueError: No file can be fetched from `url`; nothing was sent.
            OSError: The file cannot be written, or `path` exists and is not a file.
            errors.APIConnectionError: The connection broke, or the file was shorter than announced.
            errors.APIStatusError: The status of the response is not 200.
            errors.APIResponseValidationError: It is empty, or a page in place of the file.
        """
        with atomic_file(Path(path)) as file:
            run(self, save, url, file, on_progress)
        return Path(path)

    async def asyncio_download(
        self, url: str, path: str | os.PathLike[str], *, on_progress: OnProgress | None = None
    ) -> Path:
        """The async counterpart of `download`."""
        self.get_async_httpx_client()  # raises before there is a temporary file
        async with asyncio_atomic_file(Path(path)) as file:
            await asyncio_run(self, save, url, file, on_progress)
        return Path(path)

    def get_httpx_client(self) -> httpx.Client:
        """The session of this client, opened when it is first needed; an error if it is closed."""
        return cast(httpx.Client, self.sessions.opened(httpx.Client).session)

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The session of this client for the running event loop; see `get_httpx_client`."""
        return cast(httpx.AsyncClient, self.sessions.opened(httpx.AsyncClient).session)

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use this session, with its own headers, cookies and timeout; only the API key is added.

        The API key goes to the origin of this client's `base_url` alone. A `POST` is sent again
        after 429 only, because exceptions of a session that we did not open prove nothing.
        """
        self.sessions.custom[httpx.Client] = _as_custom(client, httpx.Client)
        return self

    def set_async_httpx_client(self, client: httpx.AsyncClient) -> Self:
        """The async counterpart of `set_httpx_client`."""
        self.sessions.custom[httpx.AsyncClient] = _as_custom(client, httpx.AsyncClient)
        return self

    def close(self) -> None:
        """Close the connections; after this, sync calls raise RuntimeError."""
        for session in self.sessions.close(httpx.Client):
            session.close()

    async def aclose(self) -> None:
        """Close the connections of asyncio; after this, async calls raise RuntimeError."""
        for session in self.sessions.close(httpx.AsyncClient):
            with contextlib.suppress(RuntimeError):  # its event loop is closed or another one
                await session.aclose()

    def __enter__(self) -> Self:
        self.get_httpx_client()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self.get_async_httpx_client()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


@frozen(eq=False)
class AuthenticatedClient(Client):
    """The base of the generated clients that authenticate with a token."""

    token: str = field(default=_settings.FROM_ENVIRONMENT, repr=False)
    prefix: str = field(default="Bearer", validator=header, kw_only=True)
    auth_header_name: str = field(
        default="Authorization", validator=_settings.validate_header_name, kw_only=True
    )
    allow_plain_http: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        """Refuse a token that is no header, and to send it unencrypted."""
        super().__attrs_post_init__()
        header(self, Named("'token'"), self.token)
        url = httpx.URL(self.base_url)  # httpx refuses addresses such as 127.0.0.256
        is_loopback = re.fullmatch(r"127(\.[0-9]+){3}|::1|(.+\.)?localhost", url.host)
        if url.scheme == "http" and not (is_loopback or self.allow_plain_http):
            msg = "'base_url' is http, and shows the API key: use https, or set 'allow_plain_http'"
            raise ValueError(msg)

    @property
    def credentials(self) -> tuple[str, str, str]:
        """The header with the token, its value, and the token itself."""
        return self.auth_header_name, f"{self.prefix} {self.token}".lstrip(), self.token
