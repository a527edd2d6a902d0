# Do not edit: copied from runtime/_calls.py, whatever the spec says.
# To change it, edit runtime/_calls.py and run: make generate
"""One call: which request goes next, whether it is sent again, and which error comes of it.

Nothing here does I/O. A call is a generator that yields steps. `_io` does them, and sends back the
time for `Now`.
"""

import functools
import logging
import random
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, TypeVar

import httpx

from . import errors
from ._bodies import Received, TooLargeError, decoded, why_unreadable
from ._opening import ARRIVED, Opened, Session
from ._redirects import (
    MAX_REDIRECTS,
    authorize,
    followed,
    new_address,
    redact,
    redacted,
    strip_auth,
    target,
)
from .client import Client, merged_headers
from .types import Response

T = TypeVar("T")

# Bytes.
CHUNK_SIZE = 262_144

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

_logger = logging.getLogger(__package__)


# The steps are plain classes, which are faster to import than those of attrs.


class Now:
    """Tell the time in seconds, on a clock that never goes back."""


class Sleep:
    """Do nothing for some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Send:
    """Send a request, without following redirects, read its response, and note here what came.

    Attributes:
        request: The request.
        deadline: When the whole response must be here, on the clock of `Now`; None for no deadline.
        has_auth: Whether the `auth` of the session is added.
        response: The response of httpx, or None.
        content: What arrived of its body.
        is_decoded: Whether `content` is decompressed already, as that of a mock is.
        error: What was raised while the request was sent or its response was read.
    """

    def __init__(
        self, request: httpx.Request, deadline: float | None = None, *, has_auth: bool = True
    ) -> None:
        request.extensions.pop(ARRIVED, None)  # of an earlier attempt
        self.request = request
        self.deadline = deadline
        self.has_auth = has_auth
        self.response: Any = None
        self.content = b""
        self.is_decoded = False
        self.error: Exception | None = None


Step = Send | Sleep | Now

# What is sent back depends on the step, which the type of a generator cannot express.
Steps = Generator[Step, Any, T]


class Attempt:
    """What came of a request, and of the redirects that were followed.

    Attributes:
        method: The method of the first request.
        request: The last request.
        redirects: How many redirects were followed.
        is_ours: Whether this package opened the transport.
        response: The last response, or what arrived of it; None if nothing did.
        error: Why there is no whole response.
    """

    def __init__(self, request: httpx.Request, *, is_ours: bool) -> None:
        self.method = request.method
        self.request = request
        self.redirects = 0
        self.is_ours = is_ours
        self.response: Received | None = None
        self.error: Exception | None = None

    def record(self, sent: Send, max_size: int) -> None:
        """Note what came of a request."""
        request, response, content = sent.request, sent.response, sent.content
        is_decoded = sent.is_decoded
        self.request, self.error, self.response = request, sent.error, None
        if isinstance(self.error, httpx.HTTPStatusError) and _is_about(self.error, request):
            # An event hook has called `raise_for_status`.
            response, self.error = self.error.response, None
            content, is_decoded = read_already(response) or b"", True
        if response is None:
            if head := request.extensions.get(ARRIVED):
                self.response = Received(request, *head)
            return
        if isinstance(self.error, TooLargeError) and not response.is_success:
            self.error = None  # the status decides
        if self.error is None and not is_decoded:
            try:
                content = decoded(response.headers, content, max_size)
            except (TooLargeError, httpx.DecodingError) as error:
                self.error = error if response.is_success else None  # or the status decides
        status, headers, moved = response.status_code, response.headers, response.next_request
        self.response = Received(request, status, headers, content, moved)
        if not is_decoded:
            self.response.why_unreadable = why_unreadable(headers)


def read_already(response: httpx.Response) -> bytes | None:
    """The body of a response that a mock or an event hook has read; None if it was not read."""
    try:
        return response.content
    except httpx.ResponseNotRead:
        return None


def _is_about(error: Exception, request: httpx.Request) -> bool:
    """Whether an exception of httpx is about this request: a hook may have sent one of its own."""
    return _request_of(error) is request


def _request_of(error: Exception | None) -> httpx.Request | None:
    try:
        return getattr(error, "request", None)
    except RuntimeError:  # httpx has not set it
        return None


def was_not_sent(attempt: Attempt) -> bool:
    """Whether it is certain that nothing was sent; a transport of the caller's proves nothing."""
    is_certain = attempt.is_ours and not attempt.redirects and attempt.response is None
    error = attempt.error
    return is_certain and isinstance(error, _NOT_SENT) and _is_about(error, attempt.request)


def is_passing(error: BaseException | None) -> bool:
    """Whether the same request may end otherwise after this exception."""
    is_of_the_wire = isinstance(error, httpx.TransportError | httpx.DecodingError)
    return is_of_the_wire and not isinstance(error, httpx.UnsupportedProtocol)


def is_transient(status_code: int) -> bool:
    """Whether a later response to the same request may be a different one."""
    return status_code in (408, 429) or 500 <= status_code <= 599


def is_retryable(attempt: Attempt) -> bool:
    """Whether a request may be sent again.

    Each POST may be paid for. So a request that writes is repeated only if it certainly was not
    sent, or was refused with 429. A request that was redirected has been received.
    """
    if attempt.error is not None:
        is_free = attempt.method in SAFE_METHODS or was_not_sent(attempt)
        return is_free and is_passing(attempt.error)
    status = 0 if attempt.response is None else attempt.response.status_code
    if attempt.method in SAFE_METHODS:
        return is_transient(status)
    return status == 429 and not attempt.redirects


def pause_before_retry(
    client: Client, retry: int, attempt: Attempt, max_retries: int
) -> float | None:
    """Seconds before the n-th retry; None if there is none, or the server asks for a long pause."""
    if retry > max_retries:
        return None
    jitter = random.uniform(0.0, _MAX_JITTER)
    seconds: float = min(_FIRST_BACKOFF * 2 ** min(retry - 1, 10) + jitter, _MAX_BACKOFF)
    if attempt.error is not None or attempt.response is None:
        why: object = connection_error(client, attempt)
    else:
        why = f"status {attempt.response.status_code}"
        asked = errors.retry_after(attempt.response.headers)
        if asked is not None and asked > _MAX_RETRY_AFTER:
            return None
        seconds = seconds if asked is None else asked + jitter
    _logger.info("retry %d of %d in %.1f s: %s", retry, max_retries, seconds, why)
    return seconds


def call(
    client: Client,
    opened: Opened,
    kwargs: dict[str, Any],
    *,
    deadline: float | None = None,
    max_retries: int | None = None,
) -> Steps[Received]:
    """Send a request, again where that is safe, and return the last response whatever its status.

    Raises:
        errors.APIConnectionError: Nothing was sent, or the request is safe to repeat.
        errors.OutcomeUnknownError: It may have been sent, and there was no whole response.
    """
    first = build_request(client, opened.session, kwargs)
    most = client.max_retries if max_retries is None else max_retries
    retry = 0
    while True:
        retry += 1
        attempt = Attempt(first, is_ours=opened.is_ours)
        request: httpx.Request | None = authorize(client, first)
        while request is not None:
            step = Send(request, deadline)
            yield step
            attempt.record(step, client.max_response_size)
            request = _next_request(client, opened.session, attempt)
        pause = pause_before_retry(client, retry, attempt, most) if is_retryable(attempt) else None
        if pause is None:
            break
        yield Sleep(pause)
    if attempt.error is not None or attempt.response is None:
        raise connection_error(client, attempt) from attempt.error
    return attempt.response


def _next_request(client: Client, session: Session, attempt: Attempt) -> httpx.Request | None:
    """The request that a redirect leads to, if it is followed."""
    if attempt.error or attempt.response is None or attempt.redirects == MAX_REDIRECTS:
        return None
    request = followed(client, session, attempt.response)
    attempt.redirects += request is not None
    return request


def detailed(
    client: Client,
    opened: Opened,
    kwargs: dict[str, Any],
    parse: Callable[[Received], T],
) -> Steps[Response[T]]:
    """One call that returns its response whatever the status; `parsed` is None if that fails."""
    response = yield from call(client, opened, kwargs)
    parsed: T | None
    try:
        parsed = _parsed(response, parse)
    except _NOT_AS_SPECIFIED:
        parsed = None
    return Response(response.status_code, response.headers, response.content, parsed)


def result_of(
    client: Client,
    opened: Opened,
    kwargs: dict[str, Any],
    parse: Callable[[Received], T],
) -> Steps[T]:
    """One call that returns what a 2xx response contains, or raises."""
    response = yield from call(client, opened, kwargs)
    return read(client, kwargs["method"], response, parse)


# What reading a body as the spec describes it can raise.
_NOT_AS_SPECIFIED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read(client: Client, method: str, response: Received, parse: Callable[[Received], T]) -> T:
    """What a 2xx response contains.

    Raises:
        errors.APIStatusError: The status is not 2xx.
        errors.OutcomeUnknownError: The status does not tell what became of the request.
        errors.APIResponseValidationError: The body is not what the spec says.
    """
    if response.is_success:
        try:
            return _parsed(response, parse)
        except _NOT_AS_SPECIFIED as error:
            why: Exception | None = error
        shown = redacted(client, response)
        what = "the body is not what the spec says"
        if shown[2] == response.content:
            what += f" ({type(why).__name__}: {why})"
        else:
            why = None  # it may quote the token from the body
        raise errors.APIResponseValidationError(what, *shown) from why
    if method not in SAFE_METHODS and _is_outcome_unknown(method, response):
        is_elsewhere = response.request.method != method
        where = f"redirected to {target(client, response.request)}" if is_elsewhere else ""
        what = "; ".join(filter(None, [where, _redirected_to(client, response), _CHECK]))
        raise errors.OutcomeUnknownError(what, *redacted(client, response))
    raise status_error(client, response)


def _parsed(response: Received, parse: Callable[[Received], T]) -> T:
    if response.why_unreadable:
        raise ValueError(response.why_unreadable)
    return parse(response)


def _is_outcome_unknown(method: str, response: Received) -> bool:
    """Whether a request that writes may have been carried out in spite of this response.

    Gateways answer 5xx when the server behind them took the request and hung up. A redirect to a
    GET that was followed, and any 303, say that the request was carried out.
    """
    status = response.status_code
    return status in (303, 408) or 500 <= status <= 599 or response.request.method != method


def status_error(client: Client, response: Received) -> errors.APIStatusError:
    """The error for a response whose status is not 2xx; a 404 names the URL that was asked for."""
    what = target(client, response.request) if response.status_code == 404 else ""
    what = what or _redirected_to(client, response)
    return errors.status_error(*redacted(client, response), what)


def _redirected_to(client: Client, response: Received) -> str:
    address = new_address(client, response)
    return f"redirected to {address}, which was not followed" if address else ""


def connection_error(
    client: Client, attempt: Attempt
) -> errors.APIConnectionError | errors.OutcomeUnknownError:
    """The error for an exception. That exception keeps its request, without the token."""
    for request in (attempt.request, _request_of(attempt.error)):
        if request is not None:
            strip_auth(client, request)
    error, response = attempt.error, attempt.response
    why = redact(client, f"{type(error).__name__} {error}".encode()).decode()
    what = f"{target(client, attempt.request)}: {why}".strip()
    if was_not_sent(attempt):
        return errors.APIConnectionError(f"{what} (nothing was sent)"[: errors.MAX_LINE])
    if attempt.method in SAFE_METHODS:
        return errors.APIConnectionError(what[: errors.MAX_LINE])
    if response is None:
        return errors.OutcomeUnknownError(f"{what} ({_CHECK})")
    hints = "; ".join(filter(None, [_redirected_to(client, response), _CHECK]))
    return errors.OutcomeUnknownError(f"{what} ({hints})", *redacted(client, response))


def build_request(client: Client, session: Session, kwargs: dict[str, Any]) -> httpx.Request:
    """The request of an operation, with what the client and the session add to all requests."""
    try:
        url = _absolute_url(str(base_url(client, session)), kwargs["url"])
    except httpx.InvalidURL as error:  # one that is too long, for example
        msg = f"{kwargs['method']}: InvalidURL {error} (nothing was sent)"
        raise errors.APIConnectionError(msg) from error
    request = session.build_request(**with_overrides(client, {**kwargs, "url": url}))
    if isinstance(request.stream, httpx.ByteStream) and len(request.content) > CHUNK_SIZE:
        request.stream = _Chunks(request.content)
    return request


def with_overrides(client: Client, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request, with what goes on each request of the client."""
    merged = {**kwargs}
    if "timeout" in client._overrides:
        merged["timeout"] = client._overrides["timeout"]
    if "cookies" in client._overrides:
        merged["cookies"] = {**client._overrides["cookies"], **kwargs.get("cookies", {})}
    headers = merged_headers(NOT_COMPRESSED, client._overrides.get("headers", {}))
    merged["headers"] = merged_headers(headers, kwargs.get("headers", {}))
    return merged


def base_url(client: Client, session: Session) -> httpx.URL:
    """Where the API is; a session of the caller's own may say so."""
    return session.base_url if session.base_url.host else httpx.URL(client._base_url)


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
        self._content = memoryview(content)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), CHUNK_SIZE):
            yield self._content[start : start + CHUNK_SIZE]  # type: ignore[misc]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk
