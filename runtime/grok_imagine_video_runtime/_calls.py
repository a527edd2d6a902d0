"""One call, sans-I/O: which request goes next, whether it is retried, and which error it raises.

A call is a generator that yields what `_io` does next. It sends an `Exchange`, and puts the
response, or the exception, into it. A number is how many seconds it sleeps.
"""

import contextlib
import functools
import json
import os
import random
import re
import ssl
from collections.abc import Callable, Generator, Iterator
from typing import Any, BinaryIO, TypeVar

import httpx
from attrs import define, evolve, field

from . import errors
from ._bodies import Decoder, TooLargeError
from ._redirects import authorize, follow_redirect, redact, redact_response, redact_text, show_url
from .config import ARRIVED, Config, Opened
from .models import to_json
from .operations import Operation, Request
from .types import Response

T = TypeVar("T")

# Called with the bytes so far, and with the total or None.
OnProgress = Callable[[int, int | None], object]

# Methods that only read, so that retrying costs nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# So that no response has to be decompressed.
NOT_COMPRESSED = {"Accept-Encoding": "identity"}

# What a transport that we opened raises before the first byte of a request is sent.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

# Seconds before a retry.
_MAX_RETRY_AFTER = 60.0  # if a server asks for more, the caller gets the error at once
_FIRST_BACKOFF = 0.5  # without a `Retry-After`; it doubles with every retry
_MAX_BACKOFF = 8.0
_MAX_JITTER = 1.0  # so that callers that were refused together do not retry together


@define(eq=False, repr=False)
class Exchange:
    """A request that is sent, following no redirects, and its response or exception.

    If there is a file, a body with status 200 goes there, and `content` is its beginning.
    """

    request: httpx.Request
    method: str  # of the first request, before any redirects
    opened: Opened
    config: Config
    deadline: float | None = None  # for the whole response, as `time.monotonic` counts
    file: BinaryIO | None = None
    on_progress: OnProgress | None = None
    redirects: int = 0  # followed so far

    status_code: int = field(default=0, init=False)  # 0 if there is no response
    is_success: bool = field(default=False, init=False)
    headers: httpx.Headers = field(factory=httpx.Headers, init=False)
    content: bytes = field(default=b"", init=False)  # the body, decompressed if it can be
    next_request: httpx.Request | None = field(default=None, init=False)  # if it is a redirect
    error: Exception | None = field(default=None, init=False)  # why the response is not whole
    decoder: Any = field(default=None, init=False)  # of the body as it arrives
    is_file: bool = field(default=False, init=False)  # whether the body goes to the file
    total: int | None = field(default=None, init=False)  # bytes of the body, as announced
    arrived: int = field(default=0, init=False)  # bytes of a file, compressed or not
    written: int = field(default=0, init=False)  # bytes of a file
    _received: bytearray = field(factory=bytearray, init=False)

    def begin(self, response: httpx.Response) -> None:
        """Note a response, before its body is read."""
        self.status_code, self.is_success = response.status_code, response.is_success
        self.headers = response.headers
        self.next_request = response.next_request
        # A body that was read already, as that of a mock, is decompressed.
        headers = httpx.Headers() if response.is_stream_consumed else self.headers
        self.decoder = Decoder(headers)
        # Other 2xx have a part of a file, or none.
        if self.file is not None and self.status_code == 200:
            self.is_file, length = True, headers.get("content-length", "")
            self.total = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None

    def receive(self, chunk: bytes) -> Iterator[bytes]:
        """Note a part of the body, and yield what is written to the file."""
        if not self.is_file:
            self._received += chunk
            if len(self._received) > self.config.max_response_size:
                raise TooLargeError(self.config.max_response_size)
            return
        self.arrived += len(chunk)
        for piece in self.decoder.feed(chunk):
            self._received += piece[: 65_536 - len(self._received)]  # enough to recognize a page
            yield piece

    def finish(self) -> None:
        """Note the end of the body; an error if a file is incomplete."""
        self.content = bytes(self._received)
        if self.is_file:
            self.decoder.finish()
            if self.total not in (None, self.arrived):
                msg = f"the file has {self.arrived} bytes, not the {self.total} that were announced"
                raise httpx.RemoteProtocolError(msg, request=self.request)
        elif self.decoder.coding:
            self.content = self.decoder.whole(self.content, self.config.max_response_size)

    def fail(self, error: Exception) -> None:
        """Note an exception of sending the request or reading its response."""
        self.error, self.content = error, bytes(self._received)
        response: object = getattr(error, "response", None)
        is_ours = isinstance(error, httpx.HTTPStatusError) and _request_of(error) is self.request
        if is_ours and isinstance(response, httpx.Response) and not response.is_success:
            self.begin(response)  # an event hook called `raise_for_status`
            self.error = None
            with contextlib.suppress(httpx.ResponseNotRead):
                self.content = response.content
        elif not self.status_code:
            self.status_code, self.headers = self.request.extensions.get(ARRIVED, (0, self.headers))
        elif isinstance(error, TooLargeError | httpx.DecodingError) and not self.is_success:
            self.error = None  # the status says enough


Steps = Generator[Exchange | float, None, T]


def _request_of(error: Exception | None) -> httpx.Request | None:
    with contextlib.suppress(Exception):  # such as the RuntimeError of httpx, if it has not set it
        request = getattr(error, "request", None)
        return request if isinstance(request, httpx.Request) else None
    return None


def words_of(error: BaseException | None) -> str:
    """What an exception says; its name if it says nothing."""
    with contextlib.suppress(Exception):
        return str(error) or type(error).__name__
    return type(error).__name__


def was_not_sent(exchange: Exchange) -> bool:
    """Whether certainly nothing was sent; exceptions of a caller's transport prove nothing."""
    is_provable = exchange.opened.is_ours and not exchange.redirects and not exchange.status_code
    error = exchange.error
    return is_provable and isinstance(error, _NOT_SENT) and _request_of(error) is exchange.request


def is_transient_error(error: BaseException | None) -> bool:
    """Whether the same request may succeed after this exception."""
    is_of_network = isinstance(error, httpx.TransportError | httpx.DecodingError)
    return is_of_network and not isinstance(error, httpx.UnsupportedProtocol)


def is_transient_status(status_code: int) -> bool:
    """Whether the same request may succeed after this status."""
    return status_code in (408, 429) or 500 <= status_code <= 599


def is_retryable(exchange: Exchange) -> bool:
    """Whether a request may be sent again.

    Each POST may be paid for. So a request that writes is retried only if it certainly was not
    sent, or was refused with 429. A server that redirects a request has received it.
    """
    is_safe = exchange.method in SAFE_METHODS
    if exchange.error is not None:
        return (is_safe or was_not_sent(exchange)) and is_transient_error(exchange.error)
    if is_safe:
        is_empty_file = exchange.is_file and not exchange.content
        return is_transient_status(exchange.status_code) or is_empty_file
    return exchange.status_code == 429 and not exchange.redirects


def send(
    first: Callable[[], Exchange], follow: Callable[[httpx.Request], httpx.Request | None]
) -> Steps[Exchange]:
    """Send a request, follow its redirects, retry where that is safe, and return the last exchange.

    `first` makes the exchange of the first hop, for each try anew; `follow` prepares the request of
    a redirect, or returns None if it is not followed. With a deadline nothing is retried: that is
    what a wait does. If there is no whole response, this raises an error.
    """
    exchange, retry = first(), 1
    config = exchange.config
    max_retries = config.max_retries if exchange.deadline is None else 0
    while True:
        yield exchange
        redirect = None if exchange.error else exchange.next_request
        is_allowed = exchange.redirects < exchange.opened.session.max_redirects
        if redirect and is_allowed and (request := follow(redirect)):
            exchange = evolve(exchange, request=request, redirects=exchange.redirects + 1)
            continue
        error = None if exchange.error is None else connection_error(config, exchange)
        is_last = retry > max_retries or not is_retryable(exchange)
        delay = None if is_last else _retry_delay(exchange, retry)
        if delay is None and error is not None:
            raise error
        if delay is None:
            return exchange
        reason = error or f"status {exchange.status_code}"
        text = "retry %d of %d in %.1f s: %s"
        extra = {"event": "retry", "attempt": retry, "delay": delay, "reason": str(reason)}
        config.package.logger.info(text, retry, max_retries, delay, reason, extra=extra)
        yield delay
        exchange, retry = first(), retry + 1


def _retry_delay(exchange: Exchange, retry: int) -> float | None:
    """Seconds before the n-th retry; None if the server asks for too long a delay."""
    jitter = random.uniform(0.0, _MAX_JITTER)
    retry_after = errors.retry_after(exchange.headers)
    if exchange.error is not None or retry_after is None:
        backoff: float = _FIRST_BACKOFF * 2 ** min(retry - 1, 10) + jitter
        return min(backoff, _MAX_BACKOFF)
    return retry_after + jitter if retry_after <= _MAX_RETRY_AFTER else None


def call(
    config: Config, opened: Opened, request: Request[Any], deadline: float | None = None
) -> Steps[Exchange]:
    """Send a request, with retries and redirects, and return the last exchange."""
    url = absolute_url(opened.session.base_url, config.base_url, request.arguments["url"])

    def first() -> Exchange:
        sent = build_request(config, opened.session, {**request.arguments, "url": url})
        return Exchange(sent, sent.method, opened, config, deadline)

    return send(first, functools.partial(follow_redirect, config, opened.session))


def detailed(config: Config, opened: Opened, request: Request[Any]) -> Steps[Response[Any]]:
    """One call that returns its response, whatever the status; see `Response`."""
    exchange = yield from call(config, opened, request)
    value = None
    with contextlib.suppress(Exception):
        value = _read_body(request.operation, exchange)
    return Response(exchange.status_code, exchange.headers, exchange.content, value)


def parsed(config: Config, opened: Opened, request: Request[T]) -> Steps[T]:
    """One call that returns the value of a 2xx response, or raises."""
    exchange = yield from call(config, opened, request)
    return parse_response(config, request.operation, exchange)


def parse_response(config: Config, operation: Operation[T], exchange: Exchange) -> T:
    """The value of a 2xx response; any other response is an error, as is another body."""
    if not exchange.is_success:
        raise response_error(config, exchange)
    exchange.content = redact(config, exchange.content)  # an error may quote what is read from it
    try:
        return _read_body(operation, exchange)
    except Exception as error:  # whatever it is, the response is kept
        msg = f"the response is not what the spec says: {error}"
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            msg = "the response is not JSON"
        raise errors.APIResponseValidationError(msg, *redact_response(config, exchange)) from error


def _read_body(operation: Operation[T], exchange: Exchange) -> T:
    """Read the body as the spec says for this status; None if it says nothing."""
    if exchange.decoder.why_unreadable:
        raise ValueError(exchange.decoder.why_unreadable)
    status, reads = str(exchange.status_code), operation.reads
    keys = (status, f"{status[0]}XX", "default")
    source, reader = next((reads[key] for key in keys if key in reads), ("", None))
    value: Any = None
    if source == "json":
        is_empty = operation.rules is not None and not exchange.content
        value = {} if is_empty else json.loads(exchange.content)
    elif source == "text":
        value = exchange.content.decode("utf-8", "replace")
    elif source == "content":
        value = exchange.content
    read: T = reader(value) if reader else value
    with contextlib.suppress(RecursionError):  # whose traceback nothing could pickle
        to_json(read)  # walks through it, as a wait or the caller will
        return read
    msg = "it is nested too deeply"
    raise ValueError(msg)


def response_error(config: Config, exchange: Exchange) -> errors.APIError:
    """The error for a response whose status is not 2xx; that for a 404 names the URL.

    Gateways answer 5xx when the server behind them took the request and hung up. A 303, and a
    redirect that was followed with a GET, mean that the request was carried out.
    """
    url = show_url(config, exchange.request.url)
    msg = _unfollowed_redirect(config, exchange)
    status, is_other_method = exchange.status_code, exchange.request.method != exchange.method
    is_unclear = is_other_method or status in (303, 408) or 500 <= status <= 599
    response = redact_response(config, exchange)
    if is_unclear and exchange.method not in SAFE_METHODS:
        msg = msg or f"redirected to {url}" * is_other_method
        return errors.OutcomeUnknownError(msg, *response)
    return errors.status_error(*response, f"nothing at {url}" if status == 404 else msg)


def _unfollowed_redirect(config: Config, exchange: Exchange) -> str:
    """Say where a redirect leads that was not followed; "" if the response is not one."""
    if exchange.status_code // 100 != 3 or "location" not in exchange.headers:
        return ""
    redirect = exchange.next_request
    address = redirect.url if redirect else exchange.headers["location"]  # which is not a URL
    return f"redirected to {show_url(config, address)}, which was not followed"


def connection_error(config: Config, exchange: Exchange) -> errors.APIError:
    """The error for an exception, which is its cause unless it quotes the token."""
    cause, status = exchange.error, exchange.status_code
    for sent in (exchange.request, _request_of(cause)):
        if sent is not None and config.credentials:
            sent.headers.pop(config.credentials[0], None)
    url = show_url(config, exchange.request.url)
    silence = f"no {'whole ' * bool(status)}response from {url} ({_why(config, cause)})"
    msg = _unfollowed_redirect(config, exchange) or silence
    response: tuple[Any, ...] = redact_response(config, exchange) if status else ()
    error: errors.APIError = errors.OutcomeUnknownError(msg, *response)
    if exchange.method in SAFE_METHODS:
        error = errors.APIConnectionError(msg)
    elif was_not_sent(exchange):
        error = errors.APIConnectionError(f"{msg}; nothing was sent")
    said = words_of(cause).encode("utf-8", "backslashreplace")
    error.__cause__ = cause if redact(config, said) == said else None
    return error


def _why(config: Config, error: BaseException | None) -> str:
    """Why there was no response, in a few words: those of the system, if they are a cause."""
    why = words_of(error)
    if isinstance(error, httpx.TimeoutException) and why == type(error).__name__:
        why = "timed out"
    for _ in range(10):  # for causes may go round in circles
        if isinstance(error, OSError) and isinstance(error.errno, int) and error.errno:
            # Or the number is of a name lookup or TLS.
            is_of_system = error.errno > 0 and not isinstance(error, ssl.SSLError)
            why = os.strerror(error.errno) if is_of_system else str(error.strerror)
        error = error and (error.__cause__ or error.__context__)
    why = redact_text(config, why).partition(" (")[0].rstrip(".")
    return re.sub(r"^[A-Z](?=[a-z]* )", lambda first: first[0].lower(), why)  # within a sentence


def build_request(config: Config, session: Any, arguments: dict[str, Any]) -> httpx.Request:
    """Build a request, with what the client and the session add to each request."""
    headers = httpx.Headers(NOT_COMPRESSED)
    headers.update(config.overrides.get("headers"))
    headers.update(arguments.get("headers"))
    request = session.build_request(**arguments | config.overrides | {"headers": headers})
    return authorize(config, request)


@functools.lru_cache(maxsize=256)
def absolute_url(session_url: httpx.URL, client_url: str, path: str) -> httpx.URL:
    """Join a path to the base URL of the session, which the caller may have opened, or the client.

    A version that ends the base URL and begins the path, such as /v1, is kept once. Cached, because
    httpx would parse both for each call.
    """
    base = (str(session_url) if session_url.host else client_url).rstrip("/")
    version = re.match(r"/v\d+(?=/)", path)
    if version and httpx.URL(base).path.endswith(version[0]):
        path = path[version.end() :]
    return httpx.URL(f"{base}/{path.lstrip('/')}")
