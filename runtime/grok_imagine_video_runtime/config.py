"""The settings of a client, validated; `client` uses them."""

import logging
import os
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import httpx
from attrs import field, frozen
from attrs.validators import optional

from .validators import Named, Validator, all_of, ge, gt, header, integer, le, number

# Far below what the clocks of the operating system can count.
seconds: Validator = all_of(number, gt(0), le(1e9))

# Extensions of a request: status and headers of its response once they arrived; its auth, if it is
# not that of the session.
ARRIVED, AUTH = "arrived", "auth"


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
        return f"{self.command}/{self.version}"

    @property
    def logger(self) -> logging.Logger:
        return logging.getLogger(self.name)


class Opened(NamedTuple):
    """An open session, and whether this package opens its connections."""

    session: Any
    is_ours: bool
    note_arrival: Any = None  # its event hook, if this package opened it


def not_a_client(value: object) -> TypeError:
    """The error for what was passed as a client and is none, such as a class."""
    if isinstance(value, type):
        return TypeError(f"client must be an instance, not a class: write {value.__name__}(...)")
    kind = type(value).__name__
    return TypeError(f"client must be a Client or an AuthenticatedClient, not {kind}")


class _FromEnvironment:
    def __repr__(self) -> str:
        return "<environment variable>"


# The default of an argument that the environment can set, as signatures show it.
FROM_ENVIRONMENT: Any = _FromEnvironment()


def validate_header_name(_: Any, attribute: Any, value: Any) -> None:
    """A validator of the name of a header."""
    header(_, attribute, value)
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value):
        msg = f"{attribute.name} must not be empty or contain blanks or separators: {value!r}"
        raise ValueError(msg)


def validate_headers(_: Any, attribute: Any, value: Mapping[str, str]) -> None:
    for name, content in {**value}.items():
        validate_header_name(_, Named(f"a name in {attribute.name}"), name)
        header(_, Named(f"{attribute.name}[{name!r}]"), content)


def _validate_base_url(value: Any) -> None:
    try:
        url = httpx.URL(value)
    except (TypeError, httpx.InvalidURL) as error:
        reason = "" if "@" in str(value) else f": {error}"  # which may quote a password
        msg = f"'base_url' is not a URL{reason}"
        raise (TypeError if isinstance(error, TypeError) else ValueError)(msg) from None
    if url.userinfo or url.query or url.fragment:  # which may hold a password or a key
        msg = "'base_url' has a user, a query or a fragment: pass auth or params in httpx_args"
        raise ValueError(msg)
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65535:
        shown = f": {value!r}" if "://" in str(value) else ""  # else it may be a token
        msg = f"'base_url' must start with https:// or http:// and name a host{shown}"
        raise ValueError(msg)


def validate_timeout(_: Any, __: Any, value: Any) -> None:
    """Refuse what the operating system cannot count, before a request is paid for."""
    for name, timeout in httpx.Timeout(value).as_dict().items():
        if timeout is not None:
            seconds(_, Named(f"timeout.{name}"), timeout)


def _validate_httpx_args(_: Any, __: Any, value: Mapping[str, Any]) -> None:
    for name in ("base_url", "cookies", "follow_redirects", "headers", "timeout", "verify"):
        if name in {**value}:
            argument = "verify_ssl" if name == "verify" else name
            msg = f"httpx_args must not contain {name}: pass {argument}= to the client"
            raise ValueError(msg)


def _validate_transport(config: "Config", _: Any, value: Any) -> None:
    if not (callable(value) or isinstance(value, httpx.AsyncBaseTransport)):
        msg = (
            f"async_transport must make an httpx.AsyncBaseTransport, or be one: {value!r}; for"
            " aiohttp, pip install httpx-aiohttp and async_transport=httpx_aiohttp.AiohttpTransport"
        )
        raise (ValueError if value == "aiohttp" else TypeError)(msg)
    names = ("cert", "http1", "http2", "limits", "proxy")
    ignored = [name for name in names if name in config.httpx_args]
    ignored += ["verify_ssl"] * (config.verify_ssl is not True)
    if ignored:
        msg = f"async_transport would ignore {' and '.join(ignored)}: give it to the transport"
        raise ValueError(msg)


@frozen(eq=False)
class _Address:
    """The one positional argument; in `Config`, `__new__` would hide the other arguments."""

    base_url: str = FROM_ENVIRONMENT

    def __new__(cls, *_: Any, **arguments: Any) -> Self:
        """Say what the argument is called that other packages call `api_key`."""
        if "api_key" in arguments:
            msg = "there is no argument api_key: pass token= to AuthenticatedClient"
            raise TypeError(msg)
        return super().__new__(cls)


@frozen(eq=False, kw_only=True)
class Config(_Address):
    """The settings of a client; the generated clients document each of them."""

    package: ClassVar[Package]

    headers: Mapping[str, str] = field(factory=dict, validator=validate_headers, repr=False)
    cookies: Mapping[str, str] = field(factory=dict, validator=validate_headers, repr=False)
    # Long enough for a server that creates a job before it responds, and finite; with asyncio, the
    # time to write is that of a whole body, such as images.
    timeout: httpx.Timeout | float | None = field(
        default=httpx.Timeout(60.0, connect=10.0, write=300.0), validator=validate_timeout
    )
    verify_ssl: ssl.SSLContext | bool | str = True
    follow_redirects: bool = False
    httpx_args: Mapping[str, Any] = field(factory=dict, validator=_validate_httpx_args, repr=False)
    max_retries: int = field(default=2, validator=[integer, ge(0)])
    async_transport: Callable[[], httpx.AsyncBaseTransport] | httpx.AsyncBaseTransport | None = (
        field(default=None, validator=optional(_validate_transport), repr=False)
    )
    # Bytes, far above what JSON about a job takes.
    max_response_size: int = field(default=67_108_864, validator=[integer, ge(0)])
    # Of each request of this client, but not of other clients that share its connections.
    overrides: dict[str, Any] = field(factory=dict, repr=False)
    sessions: Any = field(default=None, repr=False)  # see `client.Sessions`

    def __attrs_post_init__(self) -> None:
        """Read arguments that were left out from the environment, and refuse empty ones."""
        for name in ("headers", "cookies", "httpx_args"):  # the caller may change his own
            object.__setattr__(self, name, dict(getattr(self, name)))
        for name in ("base_url", "token"):
            if not hasattr(type(self), name):
                continue
            value, variable = getattr(self, name), self.package.environment.get(name, "")
            if value is FROM_ENVIRONMENT:
                value = os.environ.get(variable, "")
                object.__setattr__(self, name, value)
            if value == "":
                msg = f"{name} is missing: pass it" + (f", or set {variable}" if variable else "")
                raise ValueError(msg)
        _validate_base_url(self.base_url)

    @property
    def credentials(self) -> tuple[str, str, str] | None:
        """The name of the header with the token, its value, and the token; or None."""
        return None
