"""One call: which request goes next, whether it is retried, and which error comes of it.

Nothing here does I/O. A call is a generator that yields steps, and `_drivers` sends back what came
of each: `Open` a session, `Send` a response or an exception of httpx, `Now` the time.
"""

import functools
import logging
import random
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any, BinaryIO, TypeGuard, TypeVar

import httpx

from . import errors
from .client import AuthenticatedClient, Client, merged_headers, user_agent
from .types import Response

T = TypeVar("T")

Session = httpx.Client | httpx.AsyncClient
OnProgress = Callable[[int, int | None], object]

HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)

MAX_REDIRECTS = 20

# Bytes.
CHUNK_SIZE = 262_144

# Methods that only read, so that repeating a request costs nothing.
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# What httpx raises before the first byte of a request has left.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


class TooLargeError(httpx.RequestError):
    """A response is larger than the client allows."""


# What would be raised again.
_PERMANENT = (
    *(TooLargeError, httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol),
)

# Seconds. If a server asks for a longer pause, the caller gets the error at once.
_MAX_RETRY_AFTER = 60.0

# Seconds. Without a `Retry-After` the pause doubles with every retry.
_FIRST_BACKOFF = 0.5
_MAX_BACKOFF = 8.0

# Seconds, so that callers who were refused together do not come back together.
_MAX_JITTER = 1.0

_logger = logging.getLogger(__package__)


# The steps are plain classes, which are faster to import than those of attrs.


class Open:
    """Open the session of the client; what it adds to requests is needed to build one."""


class Now:
    """Tell the time in seconds, on a clock that never goes back."""


class Sleep:
    """Do nothing for some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Send:
    """Send a request, without following redirects.

    Attributes:
        request: The request.
        deadline: When the whole response must be here, on the clock of `Now`; None for no deadline.
        has_auth: Whether the `auth` of the session is added.
    """

    def __init__(
        self, request: httpx.Request, deadline: float | None = None, *, has_auth: bool = True
    ) -> None:
        self.request = request
        self.deadline = deadline
        self.has_auth = has_auth


class Save(Send):
    """Send a request, and write the body of its response to a file, from the start of the file.

    A response that `is_file` rejects is read whole instead.

    Attributes:
        file: The file.
        on_progress: Called with the number of bytes so far, and with the total or None.
        written: The number of bytes for the file so far.
    """

    def __init__(
        self,
        request: httpx.Request,
        *,
        has_auth: bool,
        file: BinaryIO,
        on_progress: OnProgress | None,
    ) -> None:
        super().__init__(request, has_auth=has_auth)
        self.file = file
        self.on_progress = on_progress
        self.written = 0

    @staticmethod
    def is_file(response: httpx.Response) -> bool:
        """Other statuses of 2xx come with a part of a file, or with none."""
        return response.status_code == 200

    def report(self, response: httpx.Response, size: int) -> None:
        """Note that so many more bytes are there."""
        self.written += size
        if self.on_progress is not None:
            self.on_progress(self.received(response), total_of(response))

    def received(self, response: httpx.Response) -> int:
        """The number of bytes so far, also of a mock, whose content nobody downloads."""
        return response.num_bytes_downloaded or self.written


def total_of(response: httpx.Response) -> int | None:
    """The number of bytes that a response announces, or None if it does not."""
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


Step = Open | Send | Sleep | Now

# What is sent back depends on the step, which the type of a generator cannot express.
Steps = Generator[Step, Any, T]


class RetryableResponse(Exception):  # noqa: N818 - it is not an error
    """A response to a request that may be sent again."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response


def should_retry(
    outcome: int | errors.APIConnectionError, method: str = "", redirects: int = 0
) -> bool:
    """Whether a request may be sent again after this error, or after a response with this status.

    Each POST may be paid for. So a request that writes is repeated only if it was never sent, as
    an `APIConnectionError` says, or was refused with 429. A request that was redirected has been
    received.
    """
    if isinstance(outcome, errors.APIConnectionError):
        return not isinstance(outcome.__cause__, _PERMANENT)
    if method in _SAFE_METHODS:
        return is_transient(outcome)
    return outcome == 429 and not redirects


def is_transient(status_code: int) -> bool:
    """Whether a later response to the same request may be a different one."""
    return status_code in (408, 429) or 500 <= status_code <= 599


def pause_before_retry(
    retry: int, failure: RetryableResponse | errors.APIConnectionError
) -> float | None:
    """Seconds before the n-th retry, or None if the server asks for a pause that is too long."""
    jitter = random.uniform(0.0, _MAX_JITTER)
    if isinstance(failure, RetryableResponse):
        asked = errors.retry_after(failure.response.headers)
        if asked is not None:
            return asked + jitter if asked <= _MAX_RETRY_AFTER else None
    return float(min(_FIRST_BACKOFF * 2 ** min(retry - 1, 10) + jitter, _MAX_BACKOFF))


def with_retries(client: Client, attempt: Callable[[], Steps[T]]) -> Steps[T]:
    """Make an attempt, and up to `client.max_retries` more where `should_retry` allows it.

    Raises:
        RetryableResponse: The last attempt had this response.
        errors.APIConnectionError: The last attempt failed.
    """
    retry = 1
    while True:
        failure: RetryableResponse | errors.APIConnectionError
        try:
            return (yield from attempt())
        except RetryableResponse as error:
            failure = error
        except errors.APIConnectionError as error:
            if not should_retry(error):
                raise
            failure = error
        seconds = pause_before_retry(retry, failure)
        if retry > client.max_retries or seconds is None:
            raise failure
        _logger.info("retry %d of %d in %.1f s: %s", retry, client.max_retries, seconds, failure)
        yield Sleep(seconds)
        retry += 1


def attempt(
    client: Client, request: httpx.Request, deadline: float | None = None
) -> Steps[httpx.Response]:
    """Send a request once, follow its redirects, and return the last response.

    Raises:
        RetryableResponse: The request may be sent again.
        errors.APIConnectionError: Nothing was sent, or the request is safe to repeat.
        errors.OutcomeUnknownError: It was sent, and there was no response.
    """
    redirects = 0
    step = Send(authorize(client, request), deadline)
    try:
        response: httpx.Response = yield step
        while client.follow_redirects and response.next_request and redirects < MAX_REDIRECTS:
            redirects += 1
            step = redirected(client, response.next_request, deadline)
            response = yield step
    except HTTPX_ERRORS as error:
        if is_status_of(error, step.request):
            response = readable(error.response)
        else:
            is_about_it = is_about(error, step.request)
            raise map_exception(client, error, request, redirects, is_about_it) from error
    if should_retry(response.status_code, request.method, redirects):
        raise RetryableResponse(response)
    return response


def is_about(error: Exception, request: httpx.Request) -> bool:
    """Whether an exception is about this request: an event hook may have sent one of its own."""
    about = getattr(error, "_request", None)
    return about is None or about is request


def is_status_of(error: Exception, request: httpx.Request) -> TypeGuard[httpx.HTTPStatusError]:
    """Whether an event hook has called `raise_for_status` on the response to this request."""
    return isinstance(error, httpx.HTTPStatusError) and is_about(error, request)


def readable(response: httpx.Response) -> httpx.Response:
    """A response with a readable body: an empty one if httpx closed it before it was read."""
    try:
        response.content  # noqa: B018 - raises if there is none
    except httpx.ResponseNotRead:
        return httpx.Response(
            response.status_code, headers=response.headers, request=response.request
        )
    return response


def send(client: Client, kwargs: dict[str, Any]) -> Steps[httpx.Response]:
    """One call: send a request, retry it where that is safe, and return its last response."""
    request = build_request(client, (yield Open()), kwargs)
    try:
        return (yield from with_retries(client, lambda: attempt(client, request)))
    except RetryableResponse as error:
        return error.response


def detailed(
    client: Client, kwargs: dict[str, Any], parse: Callable[[httpx.Response], T]
) -> Steps[Response[T]]:
    """One call that returns its response whatever the status; `parsed` is None if that fails."""
    response = yield from send(client, kwargs)
    parsed: T | None
    try:
        parsed = parse(response)
    except _NOT_AS_SPECIFIED:
        parsed = None
    return Response(response.status_code, response.headers, response.content, parsed)


def result(
    client: Client, kwargs: dict[str, Any], parse: Callable[[httpx.Response], T]
) -> Steps[T]:
    """One call that returns what a 2xx response contains, or raises."""
    response = yield from send(client, kwargs)
    return read(client, kwargs["method"], response, parse)


# What reading a body as the spec describes it can raise.
_NOT_AS_SPECIFIED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read(
    client: Client, method: str, response: httpx.Response, parse: Callable[[httpx.Response], T]
) -> T:
    """What a 2xx response contains.

    Raises:
        errors.APIStatusError: The status is not 2xx.
        errors.OutcomeUnknownError: The status does not tell what became of the request.
        errors.APIResponseValidationError: The body is not what the spec says.
    """
    if response.is_success:
        try:
            return parse(response)
        except _NOT_AS_SPECIFIED as error:
            why: Exception | None = error
        shown = redacted(client, response)
        what = "the body is not what the spec says"
        if shown[2] == response.content:
            what += f" ({type(why).__name__}: {why})"
        else:
            why = None  # it may quote the token from the body
        raise errors.APIResponseValidationError(what, *shown) from why
    if is_outcome_unknown(method, response):
        what = "it may have been carried out, check before you send it again"
        raise errors.OutcomeUnknownError(what, *redacted(client, response))
    raise status_error(client, response)


def status_error(client: Client, response: httpx.Response) -> errors.APIStatusError:
    """The error for a response whose status is not 2xx; a 404 names the URL that was asked for."""
    what = target(client, response.request) if response.status_code == 404 else ""
    return errors.status_error(*redacted(client, response), what)


def is_outcome_unknown(method: str, response: httpx.Response) -> bool:
    """Whether a request that writes may have been carried out in spite of this response.

    Gateways answer 5xx when the server behind them took the request and hung up. A redirect to a
    GET says that the request was carried out, whatever the response to the GET is.
    """
    is_unclear = response.status_code == 408 or 500 <= response.status_code <= 599
    return method not in _SAFE_METHODS and (is_unclear or response.request.method != method)


def map_exception(
    client: Client,
    error: Exception,
    request: httpx.Request,
    redirects: int = 0,
    is_about_it: bool = True,
) -> errors.APIConnectionError | errors.OutcomeUnknownError:
    """The error for an exception of httpx. That exception keeps its request, without the token."""
    for sent in (request, getattr(error, "_request", None)):
        if sent is not None:
            strip_auth(client, sent)
    received: httpx.Response | None = vars(error).pop("received", None)  # it may hold the token
    why = redact(client, f"{type(error).__name__} {error}".encode()).decode()
    what = f"{target(client, request)}: {why}".strip()
    if isinstance(error, _NOT_SENT) and is_about_it and not redirects:
        return errors.APIConnectionError(f"{what} (nothing was sent)"[: errors.MAX_LINE])
    if request.method in _SAFE_METHODS:
        return errors.APIConnectionError(what[: errors.MAX_LINE])
    what = f"{what} (it was sent, check before you send it again)"
    if received is None:
        return errors.OutcomeUnknownError(what)
    return errors.OutcomeUnknownError(what, *redacted(client, received))


def build_request(client: Client, session: Session, kwargs: dict[str, Any]) -> httpx.Request:
    """The request of an operation, with what the client and the session add to all requests."""
    try:
        url = _absolute_url(str(base_url(client, session)), kwargs["url"])
    except httpx.InvalidURL as error:  # one that is too long, for example
        msg = f"{kwargs['method']}: InvalidURL {error} (nothing was sent)"
        raise errors.APIConnectionError(msg) from error
    kwargs = with_own(client, {**kwargs, "url": url})
    request = session.build_request(**kwargs)
    if not isinstance(request, httpx.Request):  # the session is a mock
        request = httpx.Client(timeout=client._timeout).build_request(**kwargs)
    if isinstance(request.stream, httpx.ByteStream) and len(request.content) > CHUNK_SIZE:
        request.stream = _Chunks(request.content)
    return request


def with_own(client: Client, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a request, with what the client adds that shares another's session."""
    merged = dict(kwargs)
    for name, value in client._own.items():
        if name == "headers":
            merged[name] = merged_headers(value, kwargs.get(name, {}))
        else:
            merged[name] = {**value, **kwargs.get(name, {})} if name == "cookies" else value
    return merged


def base_url(client: Client, session: Session) -> httpx.URL:
    """Where the API is; a session of the caller's own may say so, and a mock of one does not."""
    own = session.base_url
    return own if isinstance(own, httpx.URL) and own.host else httpx.URL(client._base_url)


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


def is_same_origin(client: Client, url: httpx.URL) -> bool:
    """Whether a URL has the scheme, host and port of the API."""
    return (url.scheme, url.host, url.port) == _origin(client._base_url)


@functools.lru_cache(maxsize=256)
def _origin(base_url: str) -> tuple[str, str, int | None]:
    url = httpx.URL(base_url)
    return url.scheme, url.host, url.port


def authorize(client: Client, request: httpx.Request) -> httpx.Request:
    """Add the token to a request to the API's own origin, and remove it from any other."""
    if not isinstance(client, AuthenticatedClient):
        return request
    if is_same_origin(client, request.url):
        token = f"{client.prefix} {client.token}" if client.prefix else client.token
        request.headers[client.auth_header_name] = token
    else:
        strip_auth(client, request)
    return request


# What describes the host or the body, and says nothing about the caller.
_NEUTRAL_HEADERS = (
    *("Accept", "Accept-Encoding", "Content-Length", "Content-Type", "Host", "Transfer-Encoding"),
)


def redirected(client: Client, request: httpx.Request, deadline: float | None) -> Send:
    """Follow a redirect. A request to another origin has no credentials."""
    if not is_same_origin(client, request.url):
        return Send(anonymous(request), deadline, has_auth=False)
    if own := client._own.get("cookies"):  # httpx keeps those of the session alone
        header = request.headers.get("Cookie", "")
        pairs = (pair.partition("=") for pair in header.split("; ") if pair)
        merged = {name: value for name, _, value in pairs} | own
        request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in merged.items())
    return Send(authorize(client, request), deadline)


def anonymous(request: httpx.Request) -> httpx.Request:
    """A request without what the session adds to it: token, other headers and cookies."""
    headers = {name: request.headers[name] for name in _NEUTRAL_HEADERS if name in request.headers}
    headers["User-Agent"] = user_agent()
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def strip_auth(client: Client, request: httpx.Request) -> None:
    """Remove the token from a request, so that an error can keep it."""
    if isinstance(client, AuthenticatedClient):
        request.headers.pop(client.auth_header_name, None)


# A shorter token protects nothing, and removing it would garble the text around it.
_MIN_SECRET = 8


def redact(client: Client, content: bytes) -> bytes:
    """A text without the token, which a server may echo."""
    if not isinstance(client, AuthenticatedClient) or len(client.token) < _MIN_SECRET:
        return content
    token = client.token.encode()
    return content.replace(token, b"[token]").replace(token.replace(b"/", rb"\/"), b"[token]")


def redacted(client: Client, response: httpx.Response) -> tuple[int, httpx.Headers, bytes]:
    """A response as an error may show it."""
    headers = [(name, redact(client, value)) for name, value in response.headers.raw]
    return response.status_code, httpx.Headers(headers), redact(client, response.content)


def target(client: Client, request: httpx.Request) -> str:
    """The method and the URL of a request, as an error may show them."""
    return redact(client, f"{request.method} {without_secrets(request.url)}".encode()).decode()


def without_secrets(url: httpx.URL) -> str:
    """A URL as it may be shown: without a password, and without the query, which may sign it."""
    return str(url.copy_with(query=None, userinfo=None))
