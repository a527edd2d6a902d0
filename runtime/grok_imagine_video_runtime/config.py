"""The settings of a client, validated; `client` uses them."""

import ipaddress
import logging
import os
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol

import attrs
import httpx
from attrs import field, frozen

from .validators import Named, header

# Long enough for a server that creates a job before it responds, and finite.
DEFAULT_TIMEOUT = httpx.Timeout(60.0, connect=10.0)

# Seconds, far below what the clocks of the operating system can count.
MAX_SECONDS = 1e9

# Bytes, far above what JSON about a job takes.
MAX_RESPONSE_SIZE = 67_108_864

# httpx's own defaults.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)

# A class or function that makes a transport for each event loop, or a transport for one loop.
AsyncTransport = Callable[[], httpx.AsyncBaseTransport] | httpx.AsyncBaseTransport | None

# Arguments of httpx that have no effect on a transport of the caller.
_IGNORED_BY_TRANSPORTS = ("cert", "http1", "http2", "limits", "proxy", "verify")

# The extension of a request that holds status and headers of its response once they arrived.
ARRIVED = "arrived"


class Package(NamedTuple):
    """The generated package that a client belongs to."""

    name: str  # also that of its logger
    title: str  # of the API
    version: str
    environment: Mapping[str, str]  # variables, by the arguments of a client that they set
    jobs: Callable[[], Sequence[Any]]  # the operations about jobs, which import the client

    @property
    def command(self) -> str:
        """The name of its distribution and of its command."""
        return self.name.replace("_", "-")

    @property
    def user_agent(self) -> str:
        """The `User-Agent` of its requests."""
        return f"{self.command}/{self.version}"

    @property
    def logger(self) -> logging.Logger:
        """Its logger."""
        return logging.getLogger(self.name)


class Opened(NamedTuple):
    """An open session, and whether this package opens its connections."""

    session: Any
    is_ours: bool


class Sessions(Protocol):
    """Opens the sessions of clients, each when it is first needed."""

    def opened(self, config: "Config") -> Opened: ...

    def asyncio_opened(self, config: "Config") -> Opened: ...


class _FromEnvironment:
    def __repr__(self) -> str:
        return "<environment variable>"


# The default of an argument that the environment can set, as signatures show it.
FROM_ENVIRONMENT: Any = _FromEnvironment()


def merged_headers(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Merge headers; a new one replaces an old one of the same name, whatever its case."""
    replaced = {name.lower() for name in new}
    return {name: old[name] for name in old if name.lower() not in replaced} | dict(new)


def validate_header(_: Any, attribute: Any, value: Any) -> None:
    """A validator of the value of a header. It may be a secret, so no message shows it."""
    if not isinstance(value, str):
        msg = f"{attribute.name} must be str, not {type(value).__name__}"
        raise TypeError(msg)
    header(_, attribute, value)


def validate_token(_: Any, attribute: Any, value: Any) -> None:
    """A validator of a token."""
    if value is FROM_ENVIRONMENT:
        return
    validate_header(_, attribute, value)
    if not value:
        msg = f"{attribute.name} must not be empty"
        raise ValueError(msg)


def validate_header_name(_: Any, attribute: Any, value: Any) -> None:
    """A validator of the name of a header."""
    validate_token(_, attribute, value)
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value):
        msg = f"{attribute.name} must not contain blanks or separators: {value!r}"
        raise ValueError(msg)


def _validate_headers(_: Any, attribute: Any, value: dict[str, str]) -> None:
    for name, content in value.items():
        validate_header_name(_, Named(f"a name in {attribute.name!r}"), name)
        validate_header(_, Named(f"{attribute.name}[{name!r}]"), content)


def _validate_base_url(_: Any, __: Any, value: Any) -> None:
    if value is FROM_ENVIRONMENT:
        return
    try:
        url = httpx.URL(value)
    except (TypeError, httpx.InvalidURL) as error:
        reason = "" if "@" in str(value) else f": {error}"  # which may quote a password
        msg = f"base_url is not a URL{reason}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(msg) from None
    if url.userinfo or url.query or url.fragment:  # which may hold a password or a key
        msg = (
            "base_url must not contain a user, a password, a query or a fragment;"
            " httpx_args can have them, as auth and params"
        )
        raise ValueError(msg)
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65535:
        msg = f"base_url must start with https:// or http:// and name a host: {value!r}"
        raise ValueError(msg)


def refuse_plain_http(base_url: str) -> None:
    """Raise a ValueError if a token would be sent unencrypted to another machine."""
    url = httpx.URL(base_url)
    if url.scheme == "http" and not _is_loopback(url.host):
        msg = (
            f"base_url is plain http, so anyone on the way to {url.host} could read the token:"
            " use https, or pass allow_plain_http=True"
        )
        raise ValueError(msg)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _validate_timeout(_: Any, __: Any, value: Any) -> None:
    """Refuse what the operating system cannot count, before a request is paid for."""
    for name, seconds in httpx.Timeout(value).as_dict().items():
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and 0 < seconds <= MAX_SECONDS):
            msg = f"timeout must be above 0, at most {MAX_SECONDS:g} seconds: {name} is {seconds!r}"
            raise ValueError(msg)


def _validate_overrides(_: Any, __: Any, value: dict[str, Any]) -> None:
    for name in ("headers", "cookies"):
        _validate_headers(_, Named(name), value.get(name, {}))
    _validate_timeout(_, __, value.get("timeout"))


def _validate_httpx_args(_: Any, __: Any, value: dict[str, Any]) -> None:
    if "base_url" in value:
        msg = "httpx_args must not contain base_url: the credentials are for the client's own"
        raise ValueError(msg)


def _validate_int(_: Any, attribute: Any, value: int) -> None:
    if type(value) is not int or value < 0:
        msg = f"{attribute.name} must be an int of 0 or more: {value!r}"
        raise ValueError(msg)


def _validate_transport(config: "Config", _: Any, value: Any) -> None:
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
    ignored = [name for name in _IGNORED_BY_TRANSPORTS if name in config.httpx_args]
    ignored += ["verify_ssl"] * (config.verify_ssl is not True)
    if ignored:
        msg = f"async_transport would ignore {' and '.join(ignored)}: give it to the transport"
        raise ValueError(msg)


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return dict(values)


def _from_environment(package: Package, argument: str) -> str:
    variable = package.environment.get(argument)
    if value := os.environ.get(variable or "", ""):
        return value
    msg = f"{argument} is missing: pass it" + (f", or set {variable}" if variable else "")
    raise ValueError(msg)


@frozen(eq=False)
class Config:
    """The settings of a client; the generated clients document each of them."""

    package: ClassVar[Package]

    base_url: str = field(default=FROM_ENVIRONMENT, validator=_validate_base_url)
    # Later changes to the caller's own dicts have no effect on the copies.
    headers: dict[str, str] = field(
        factory=dict, converter=_copy, validator=_validate_headers, kw_only=True, repr=False
    )
    cookies: dict[str, str] = field(
        factory=dict, converter=_copy, validator=_validate_headers, kw_only=True, repr=False
    )
    timeout: httpx.Timeout | float | None = field(
        default=DEFAULT_TIMEOUT, validator=_validate_timeout, kw_only=True
    )
    verify_ssl: ssl.SSLContext | bool | str = field(default=True, kw_only=True)
    follow_redirects: bool = field(default=False, kw_only=True)
    httpx_args: dict[str, Any] = field(
        factory=dict, converter=_copy, validator=_validate_httpx_args, kw_only=True, repr=False
    )
    max_retries: int = field(default=2, validator=_validate_int, kw_only=True)
    async_transport: AsyncTransport = field(
        default=None, validator=_validate_transport, kw_only=True, repr=False
    )
    max_response_size: int = field(default=MAX_RESPONSE_SIZE, validator=_validate_int, kw_only=True)
    # Of each request of this client, but not of other clients that share its connections.
    overrides: dict[str, Any] = field(
        factory=dict, validator=_validate_overrides, kw_only=True, repr=False
    )
    sessions: Sessions = field(kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        """Read arguments that were left out from their environment variables."""
        for name in ("base_url", "token"):
            if getattr(self, name, "") is FROM_ENVIRONMENT:
                object.__setattr__(self, name, _from_environment(self.package, name))
                attrs.validate(self)

    @property
    def credentials(self) -> tuple[str, str, str] | None:
        """The name of the header with the token, its value, and the token; or None."""
        return None
