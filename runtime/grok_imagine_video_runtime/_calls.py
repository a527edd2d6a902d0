"""One call: which request goes next, whether it is sent again, and which error comes of it.

Nothing here does I/O. A call is a generator that yields steps, which `_io` takes: it sends back the
time for `Now`, and notes in an `Exchange` what came of it.
"""

import contextlib
import functools
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, TypeVar

import httpx
from attrs import define, evolve, field, frozen

from . import errors
from ._bodies import Decoder, TooLargeError, decoded
from ._redirects import (
    MAX_REDIRECTS,
    authorize,
    followed,
    not_followed,
    redact,
    redacted,
    target,
)
from .config import ARRIVED, Config, Opened
from .operations import Operation, Request
from .types import Response

T = TypeVar("T")

# Bytes.
_CHUNK_SIZE = 262_144

# Methods that only read, so that repeating a request costs nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# So that no response has to be decompressed.
NOT_COMPRESSED = {"Accept-Encoding": "identity"}

# What a transport that we opened raises before the first byte of a request has left.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

# Seconds. If a server asks for a longer pause, the caller gets the error at once.
_MAX_RETRY_AFTER = 60.0

# Seconds. Without a `Retry-After` the pause doubles with every retry.
_FIRST_BACKOFF = 0.5
_MAX_BACKOFF = 8.0

# Seconds, so that callers who were refused together do not come back together.
_MAX_JITTER = 1.0

_CHECK = "it may have been carried out, check before you send it again"


class Now:
    """Tell the time in seconds, on a clock that never goes back."""


@frozen
class Sleep:
    """Do nothing for some seconds."""

    seconds: float


@define(eq=False)
class Exchange:
    """A request to send without following redirects, and what came of it."""

    request: httpx.Request
    method: str  # of the first request, if this one is the last of some redirects
    opened: Opened
    max_size: int  # bytes of a body that are read
    deadline: float | None = None  # when the whole response must be here, on the clock of `Now`
    auth: Any = httpx.USE_CLIENT_DEFAULT  # or None for nothing
    redirects: int = 0  # that were followed

    status_code: int = field(default=0, init=False)  # 0 if there is no response
    is_success: bool = field(default=False, init=False)
    headers: httpx.Headers = field(factory=httpx.Headers, init=False)
    content: bytes = field(default=b"", init=False)  # the body, decompressed if it can be
    next_request: httpx.Request | None = field(default=None, init=False)  # if it redirects to a URL
    why_unreadable: str = field(default="", init=False)  # why the body is still compressed
    is_empty_file: bool = field(default=False, init=False)
    error: Exception | None = field(default=None, init=False)  # why there is no whole response
    callers_error: BaseException | None = field(default=None, init=False)  # or that of a file
    _received: bytearray = field(factory=bytearray, init=False)

    @contextlib.contextmanager
    def callers(self) -> Iterator[None]:
        """Note what a callback of the caller or a file raises: it is not this package's error."""
        try:
            yield
        except BaseException as error:
            self.callers_error = error
            raise

    def begin(self, response: httpx.Response) -> None:
        """A response has arrived, without its body."""
        self.status_code, self.is_success = response.status_code, response.is_success
        self.headers = response.headers
        self.next_request = response.next_request

    def receive(self, chunk: bytes) -> None:
        """Some of the body has arrived."""
        self._received += chunk
        if len(self._received) > self.max_size:
            raise TooLargeError(self.max_size)

    def finish(self, content: bytes | None = None) -> None:
        """All of the body has arrived, or it was there already, as that of a mock."""
        self.content = bytes(self._received) if content is None else content
        if len(self.content) > self.max_size:
            raise TooLargeError(self.max_size)
        if content is None and "content-encoding" in self.headers:
            self.why_unreadable = Decoder(self.headers).why_unreadable
            self.content = decoded(self.headers, self.content, self.max_size)

    def fail(self, error: Exception) -> None:
        """Something was raised while the request was sent or its response was read."""
        self.error, self.content = error, bytes(self._received)
        if isinstance(error, httpx.HTTPStatusError) and error.request is self.request:
            # An event hook has called `raise_for_status`.
            self.begin(error.response)
            self.content, self.error = read_already(error.response) or b"", None
        elif not self.status_code:
            self.status_code, self.headers = self.request.extensions.get(ARRIVED, (0, self.headers))
        elif isinstance(error, TooLargeError | httpx.DecodingError) and not self.is_success:
            self.error = None  # the status decides


# What is sent back depends on the step, which the type of a generator cannot express.
Steps = Generator[Exchange | Sleep | Now, Any, T]


def read_already(response: httpx.Response) -> bytes | None:
    """The body of a response that a mock or an event hook has read; None if it was not read."""
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None


def _request_of(error: Exception | None) -> httpx.Request | None:
    try:
        return getattr(error, "request", None)
    except RuntimeError:  # httpx has not set it
        return None


def was_not_sent(exchange: Exchange) -> bool:
    """Whether it is certain that nothing was sent; a transport of the caller's proves nothing."""
    is_certain = exchange.opened.is_ours and not exchange.redirects and not exchange.status_code
    error = exchange.error
    return is_certain and isinstance(error, _NOT_SENT) and _request_of(error) is exchange.request


def is_passing(error: BaseException | None) -> bool:
    """Whether the same request may end otherwise after this exception."""
    is_of_the_wire = isinstance(error, httpx.TransportError | httpx.DecodingError)
    return is_of_the_wire and not isinstance(error, httpx.UnsupportedProtocol)


def is_transient(status_code: int) -> bool:
    """Whether a later response to the same request may be a different one."""
    return status_code in (408, 429) or 500 <= status_code <= 599


def is_retryable(exchange: Exchange) -> bool:
    """Whether a request may be sent again.

    Each POST may be paid for. So a request that writes is repeated only if it certainly was not
    sent, or was refused with 429. A request that was redirected has been received.
    """
    is_safe = exchange.method in SAFE_METHODS
    if exchange.error is not None:
        return (is_safe or was_not_sent(exchange)) and is_passing(exchange.error)
    if is_safe:
        return is_transient(exchange.status_code) or exchange.is_empty_file
    return exchange.status_code == 429 and not exchange.redirects


def repeated(
    config: Config, attempt: Callable[[], Steps[Exchange]], max_retries: int
) -> Steps[Exchange]:
    """Try, again where that is safe, and return what came of the last attempt.

    Raises:
        errors.APIConnectionError: Nothing was sent, or the request is safe to repeat.
        errors.OutcomeUnknownError: It may have been sent, and there was no whole response.
    """
    retry = 0
    while True:
        retry += 1
        exchange = yield from attempt()
        is_last = retry > max_retries or not is_retryable(exchange)
        pause = None if is_last else _pause_before_retry(exchange, retry)
        error = None if exchange.error is None else connection_error(config, exchange)
        if pause is None:
            break
        why = error or f"status {exchange.status_code}"
        text = "retry %d of %d in %.1f s: %s"
        config.package.logger.info(text, retry, max_retries, pause, why)
        yield Sleep(pause)
    if error is not None:
        raise error from exchange.error
    return exchange


def _pause_before_retry(exchange: Exchange, retry: int) -> float | None:
    """Seconds before the n-th retry; None if the server asks for a long pause."""
    jitter = random.uniform(0.0, _MAX_JITTER)
    asked = errors.retry_after(exchange.headers)
    if exchange.error is not None or asked is None:
        backoff: float = _FIRST_BACKOFF * 2 ** min(retry - 1, 10) + jitter
        return min(backoff, _MAX_BACKOFF)
    return asked + jitter if asked <= _MAX_RETRY_AFTER else None


def call(
    config: Config,
    opened: Opened,
    request: Request[Any],
    *,
    deadline: float | None = None,
    max_retries: int | None = None,
) -> Steps[Exchange]:
    """Send a request, again where that is safe, and return what came of it."""

    def attempt() -> Steps[Exchange]:
        first = authorize(config, build_request(config, opened.session, request.arguments))
        exchange = Exchange(first, first.method, opened, config.max_response_size, deadline)
        yield exchange
        while exchange.next_request and not exchange.error and exchange.redirects < MAX_REDIRECTS:
            moved = followed(config, opened.session, exchange.next_request)
            if moved is None:
                break
            exchange = evolve(exchange, request=moved, redirects=exchange.redirects + 1)
            yield exchange
        return exchange

    return repeated(config, attempt, config.max_retries if max_retries is None else max_retries)


def detailed(config: Config, opened: Opened, request: Request[Any]) -> Steps[Response[Any]]:
    """One call that returns its response whatever the status; `parsed` is None if that fails."""
    exchange = yield from call(config, opened, request)
    try:
        body = _read(request.operation, exchange)
    except Exception:
        body = None
    return Response(exchange.status_code, exchange.headers, exchange.content, body)


def parsed(config: Config, opened: Opened, request: Request[T]) -> Steps[T]:
    """One call that returns what a 2xx response contains, or raises."""
    exchange = yield from call(config, opened, request)
    return parsed_of(config, request.operation, exchange)


def parsed_of(config: Config, operation: Operation[T], exchange: Exchange) -> T:
    """What a 2xx response contains.

    Raises:
        errors.APIStatusError: The status is not 2xx.
        errors.OutcomeUnknownError: The status does not tell what became of the request.
        errors.APIResponseValidationError: The body is not what the spec says.
    """
    if not exchange.is_success:
        raise status_error(config, exchange)
    try:
        return _read(operation, exchange)
    except Exception as error:  # whatever it is, the response is kept
        why: Exception | None = error
    shown = redacted(config, exchange)
    what = "the body is not what the spec says"
    if shown[2] == exchange.content:
        what += f" ({type(why).__name__}: {why})"
    else:
        why = None  # it may quote the token from the body
    raise errors.APIResponseValidationError(what, *shown) from why


def _read(operation: Operation[T], exchange: Exchange) -> T:
    """What the spec says that a response with this status holds."""
    if exchange.why_unreadable:
        raise ValueError(exchange.why_unreadable)
    status = str(exchange.status_code)
    for key in (status, f"{status[0]}XX", "default"):
        if key in operation.reads:
            kind, reader = operation.reads[key]
            value: Any = None
            if kind == "json":
                is_empty = operation.job is not None and not exchange.content
                value = {} if is_empty else json.loads(exchange.content)
            elif kind == "text":
                media_type = {"Content-Type": exchange.headers.get("content-type", "")}
                value = httpx.Response(200, headers=media_type, content=exchange.content).text
            elif kind == "content":
                value = exchange.content
            read: T = reader(value) if reader else value
            return read
    msg = f"the spec does not say what a response with status {status} holds"
    raise LookupError(msg)


def status_error(
    config: Config, exchange: Exchange
) -> errors.APIStatusError | errors.OutcomeUnknownError:
    """The error for a response whose status is not 2xx; a 404 names the URL that was asked for.

    A request that writes may have been carried out in spite of its response. Gateways answer 5xx
    when the server behind them took the request and hung up. A redirect to a GET that was followed,
    and any 303, say that the request was carried out.
    """
    asked, redirected = target(config, exchange.request), not_followed(config, exchange)
    status, is_elsewhere = exchange.status_code, exchange.request.method != exchange.method
    is_unclear = is_elsewhere or status in (303, 408) or 500 <= status <= 599
    if is_unclear and exchange.method not in SAFE_METHODS:
        where = f"redirected to {asked}" if is_elsewhere else ""
        what = "; ".join(filter(None, [where, redirected, _CHECK]))
        return errors.OutcomeUnknownError(what, *redacted(config, exchange))
    return errors.status_error(*redacted(config, exchange), asked if status == 404 else redirected)


def connection_error(
    config: Config, exchange: Exchange
) -> errors.APIConnectionError | errors.OutcomeUnknownError:
    """The error for an exception. That exception keeps its request, without the token."""
    error = exchange.error
    for request in (exchange.request, _request_of(error)):
        if request is not None and config.credentials:
            request.headers.pop(config.credentials[0], None)
    why = redact(config, f"{type(error).__name__} {error}".encode()).decode()
    what = f"{target(config, exchange.request)}: {why}".strip()[: errors.MAX_LINE - 100]
    if was_not_sent(exchange):
        return errors.APIConnectionError(f"{what} (nothing was sent)")
    if exchange.method in SAFE_METHODS:
        return errors.APIConnectionError(what)
    what = f"{what} ({'; '.join(filter(None, [not_followed(config, exchange), _CHECK]))})"
    if not exchange.status_code:
        return errors.OutcomeUnknownError(what)
    return errors.OutcomeUnknownError(what, *redacted(config, exchange))


def build_request(config: Config, session: Any, arguments: dict[str, Any]) -> httpx.Request:
    """A request, with what the client and the session add to all requests."""
    try:
        url = _absolute_url(str(base_url(config, session)), arguments["url"])
    except httpx.InvalidURL as error:  # one that is too long, for example
        msg = f"{arguments['method']}: InvalidURL {error} (nothing was sent)"
        raise errors.APIConnectionError(msg) from error
    request: httpx.Request = session.build_request(
        **with_overrides(config, {**arguments, "url": url})
    )
    if isinstance(request.stream, httpx.ByteStream) and len(request.content) > _CHUNK_SIZE:
        request.stream = _Chunks(request.content)
    return request


def with_overrides(config: Config, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request, with what goes on each request of the client."""
    headers = httpx.Headers(NOT_COMPRESSED)
    headers.update(config.overrides.get("headers"))
    headers.update(arguments.get("headers"))
    return {**arguments, **config.overrides, "headers": headers}


def base_url(config: Config, session: Any) -> httpx.URL:
    """Where the API is; a session of the caller's own may say so."""
    return session.base_url if session.base_url.host else httpx.URL(config.base_url)


@functools.lru_cache(maxsize=256)
def _absolute_url(base_url: str, path: str) -> httpx.URL:
    """Parsed once for many calls; httpx would parse both parts, and then the whole, for each.

    If both parts have the version, it is kept once: a base URL may end in /v1 or not.
    """
    base = base_url.rstrip("/")
    version = re.match(r"/v\d+(?=/)", path)
    if version and httpx.URL(base).path.endswith(version[0]):
        path = path[version.end() :]
    return httpx.URL(f"{base}/{path.lstrip('/')}")


class _Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A large body in chunks: httpx would allow the whole of it no more time than one chunk."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), _CHUNK_SIZE):
            yield self._content[start : start + _CHUNK_SIZE]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk
