"""The sessions of a client: one for each event loop, opened when it is needed."""

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.request import getproxies

import httpx

S = TypeVar("S", httpx.Client, httpx.AsyncClient)
Session = httpx.Client | httpx.AsyncClient

# httpx's own defaults.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)

# Seconds that a connection may be idle. Servers close those that were idle for some seconds, and
# nobody knows what became of a POST that was sent at that moment.
_MAX_IDLE = 0.5

# The key under which a request keeps status and headers of its response, once that has arrived.
ARRIVED = "arrived"


class Opened(NamedTuple):
    """An open session, and whether this package opens its connections."""

    session: Any
    is_ours: bool


# A process, and an event loop in it or None.
Owner = tuple[int, "weakref.ref[Any] | None"]


class Sessions(Generic[S]):
    """A session for each event loop, opened when it is needed; or the caller's own.

    After a fork, and in another event loop, a session is opened anew: two processes that share
    connections would get each other's responses.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # so that threads that share a client share its session
        self._process = os.getpid()
        self._opened: dict[Owner, S] = {}
        self._is_closed = False
        self.given: S | None = None

    def get(self, owner: Owner, open_session: Callable[[], S]) -> S:
        """The session of an owner.

        Raises:
            RuntimeError: It is closed.
        """
        session = self.given or self._opened.get(owner)
        if session is None and not self._is_closed:
            if self._process != os.getpid():  # a thread of the parent may have held the lock
                self._process, self._lock = os.getpid(), threading.Lock()
            with self._lock:
                session = self._opened.get(owner) or self._adopted(owner) or open_session()
                self._opened[owner] = session
        if session is None or self._is_closed or session.is_closed:
            msg = "this client is closed; make a new one"
            raise RuntimeError(msg)
        return session

    def _adopted(self, owner: Owner) -> S | None:
        """A session that was opened outside of any loop, or in one if it is asked for outside."""
        process, loop = owner
        self._opened = {each: self._opened[each] for each in self._opened if _is_alive(*each)}
        if loop is None:
            return next(iter(self._opened.values()), None)
        return self._opened.pop((process, None), None)

    def drop(self, owner: Owner) -> S | None:
        """Forget what an owner has opened, and return it."""
        return self._opened.pop(owner, None)

    def close(self) -> list[S]:
        """Refuse further use, and return the sessions that are to be closed."""
        self._is_closed = True
        return [self.given] if self.given else list(self._opened.values())


class Connected:
    """The sessions that clients share: synchronous ones and asynchronous ones."""

    def __init__(self) -> None:
        self.sync: Sessions[httpx.Client] = Sessions()
        self.asynchronous: Sessions[httpx.AsyncClient] = Sessions()


def _is_alive(process: int, loop: "weakref.ref[Any] | None") -> bool:
    found = loop() if loop else None
    return process == os.getpid() and (loop is None or not (found is None or found.is_closed()))


def this_process() -> Owner:
    """The owner of a session that belongs to no event loop."""
    return os.getpid(), None


def running_loop() -> Owner:
    """The owner of a session of asyncio.

    Raises:
        RuntimeError: No event loop of asyncio is running.
    """
    import asyncio  # slow to import, and only needed by those who use it

    try:
        return os.getpid(), weakref.ref(asyncio.get_running_loop())
    except RuntimeError:
        msg = "async functions need asyncio, and none of its event loops is running here"
        raise RuntimeError(msg) from None


def open_session(args: dict[str, Any]) -> httpx.Client:
    """Open a session with arguments of `httpx.Client`."""
    return _opened(httpx.Client, _with_defaults(args, _note_arrival))


def open_async_session(args: dict[str, Any], owner: Owner) -> httpx.AsyncClient:
    """Open a session with arguments of `httpx.AsyncClient`, on connections of our own if it can be.

    Where a proxy, HTTP/2 or transports of the caller's own are in play, httpx does all the work.
    """
    for transport in (args.get("transport"), *(args.get("mounts") or {}).values()):
        if transport is not None:
            _claim(transport, owner)
    args = _with_defaults(args, _asyncio_note_arrival)
    if not _needs_httpx(args):
        args["transport"] = _opened(_connections, args)
    return _opened(httpx.AsyncClient, args)


# Transports of callers, and who uses each: its connections belong to one event loop.
_owners: "weakref.WeakKeyDictionary[httpx.AsyncBaseTransport, Owner]" = weakref.WeakKeyDictionary()


def _claim(transport: Any, owner: Owner) -> None:
    if not isinstance(transport, httpx.AsyncBaseTransport):
        msg = f"for asyncio, a transport must be an httpx.AsyncBaseTransport: {transport!r}"
        raise TypeError(msg)
    if _owners.setdefault(transport, owner) != owner:
        msg = (
            "this transport belongs to another event loop: pass a class or a function that makes"
            " one as async_transport"
        )
        raise RuntimeError(msg)


def _needs_httpx(args: dict[str, Any]) -> bool:
    is_proxied = args.get("trust_env", True) and not getproxies().keys().isdisjoint(_PROXIED)
    return is_proxied or any(args.get(name) for name in ("http2", "mounts", "proxy", "transport"))


def _connections(
    *, limits: httpx.Limits, verify: Any, cert: Any = None, trust_env: bool = True, **_: Any
) -> httpx.AsyncBaseTransport:
    from ._connections import Connections  # imports asyncio

    return Connections(httpx.create_ssl_context(verify, cert, trust_env), limits)


def _with_defaults(args: dict[str, Any], note_arrival: Callable[..., Any]) -> dict[str, Any]:
    given = args.get("limits", LIMITS)
    expiry = _MAX_IDLE if given.keepalive_expiry is None else given.keepalive_expiry
    limits = httpx.Limits(
        max_connections=given.max_connections,
        max_keepalive_connections=given.max_keepalive_connections,
        keepalive_expiry=min(expiry, _MAX_IDLE),
    )
    hooks = args.get("event_hooks") or {}
    hooks = {**hooks, "response": [note_arrival, *hooks.get("response", ())]}
    return {**args, "limits": limits, "event_hooks": hooks}


def _note_arrival(response: httpx.Response) -> None:
    """An event hook: whatever is raised from now on, the request has been received."""
    response.request.extensions[ARRIVED] = response.status_code, response.headers


async def _asyncio_note_arrival(response: httpx.Response) -> None:
    _note_arrival(response)


# The kinds of proxies that httpx takes from the environment, as `getproxies` names them.
_PROXIED = ("http", "https", "all")


T = TypeVar("T")


def _opened(make: Callable[..., T], args: dict[str, Any]) -> T:
    """What is opened with the settings of the environment.

    Raises:
        ValueError: One of them cannot be used.
    """
    try:
        return make(**args)
    except Exception as error:
        if args.get("trust_env", True) and (why := _wrong_in_environment(error)):
            raise ValueError(why) from None
        raise


def _wrong_in_environment(error: Exception) -> str:
    """Which variable httpx cannot use; its value may have a password in it."""
    proxies = getproxies()
    try:
        httpx.create_ssl_context()
    except OSError as unusable:
        name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        return f"{name} cannot be used: {unusable}"
    for kind in _PROXIED:
        url = proxies.get(kind, "")
        try:
            httpx.HTTPTransport(verify=False, proxy=url if "://" in url else f"http://{url}")
        except httpx.InvalidURL:
            return f"{_variable(f'{kind}_proxy')} is not the URL of a proxy"
        except (ImportError, ValueError) as unusable:
            return f"{_variable(f'{kind}_proxy')} cannot be used: {unusable}"
    if isinstance(error, httpx.InvalidURL) and "no" in proxies:
        return f"{_variable('no_proxy')} cannot be used: {error}"
    return ""


def _variable(name: str) -> str:
    """How a variable that is set is written, in upper or lower case."""
    return next((each for each in os.environ if each.lower() == name), name)
