# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""One call: send a request, again where that cannot be paid for twice, and judge the answer."""

import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

import httpx

from . import errors
from .client import Client
from .types import Response

T = TypeVar("T")

# Methods that only read, so that repeating a request costs nothing.
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# What httpx raises before the first byte of a request has left.
_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

# What httpx would raise again.
_HOPELESS = (httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol)

HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)

# A gateway answers with one of these when it does not know what became of the request behind it.
_OUTCOME_UNKNOWN = frozenset({408, 502, 504, 520, 524})

# Seconds. A server that asks for a longer wait does not get it.
_LONGEST_WAIT = 60.0

MOST_REDIRECTS = 20

# Bytes.
_PART = 262_144


class TryLaterError(Exception):
    """An answer to a request that may be sent again later."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"status {response.status_code}")
        self.response = response


class _InParts(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A large body, part by part: httpx would let all of it take as long as one part may."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._content), _PART):
            yield self._content[start : start + _PART]  # type: ignore[misc]

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


@functools.lru_cache(maxsize=256)
def _whole_url(base_url: str, path: str) -> httpx.URL:
    """Both in one, read once for many calls: httpx would read them at each call, and then again."""
    return httpx.URL(f"{base_url.rstrip('/')}/{path.lstrip('/')}")


def _built(session: httpx.Client | httpx.AsyncClient, kwargs: dict[str, Any]) -> httpx.Request:
    kwargs = {**kwargs, "url": _whole_url(str(session.base_url), kwargs["url"])}
    request = session.build_request(**kwargs)
    if isinstance(request.stream, httpx.ByteStream) and len(request.content) > _PART:
        request.stream = _InParts(request.content)
    return request


def send(client: Client, kwargs: dict[str, Any]) -> httpx.Response:
    """Send a request, at most `client.max_retries` times more, and return its last answer.

    Raises:
        errors.APIConnectionError: Nothing was sent, or the request is safe to repeat.
        errors.OutcomeUnknownError: The request was sent, and no answer came.
    """
    session = client.get_httpx_client()
    request = _built(session, kwargs)
    try:
        return repeated(client, lambda: _send_once(client, session, request))
    except TryLaterError as error:
        return error.response


def repeated(client: Client, call: Callable[[], T]) -> T:
    """What a call returns, which is made at most `client.max_retries` times more where that may help.

    Raises:
        TryLaterError: The last answer was one to a request that may be sent again.
        errors.APIConnectionError: So was the last failure.
    """
    try:
        return call()
    except (TryLaterError, errors.APIConnectionError) as error:
        first = error
    for attempt in _attempts(client):
        with attempt:
            if attempt.num == 1:  # made above: most calls need no more, and nothing to count it
                raise first
            return call()
    msg = "unreachable: the last attempt returns or raises"
    raise AssertionError(msg)


def send_in_time(client: Client, kwargs: dict[str, Any], seconds: float) -> httpx.Response:
    """Send a request that only reads, once, and return its answer.

    Raises:
        errors.APIConnectionError: The request failed, or there was no whole answer in `seconds`.
        errors.APIStatusError: The status is 408, 429 or 5xx.
    """
    session = client.get_httpx_client()
    request = _built(session, kwargs)
    _shorten_timeouts(request, seconds)
    try:
        return _in_time(seconds, lambda: _send_once(client, session, request))
    except TimeoutError:
        what = f"{_target(request)}: there was no whole answer when the time was up"
        raise errors.APIConnectionError(what) from None
    except TryLaterError as error:
        response = error.response
    raise errors.status_error(*shown(client, response))


def _send_once(client: Client, session: httpx.Client, request: httpx.Request) -> httpx.Response:
    hops = 0
    try:
        with client.slot(request):
            response = session.send(client.authorize(request), follow_redirects=False)
            while client.follow_redirects and response.next_request and hops < MOST_REDIRECTS:
                hops += 1
                onward = client.authorize(response.next_request)
                response = session.send(onward, follow_redirects=False)
    except HTTPX_ERRORS as error:
        raise named(client, error, request, hops) from error
    if is_worth_repeating(response.status_code, request, hops):
        raise TryLaterError(response)
    return response


async def asyncio_send(client: Client, kwargs: dict[str, Any]) -> httpx.Response:
    """Send a request, at most `client.max_retries` times more, and return its last answer.

    Raises:
        errors.APIConnectionError: Nothing was sent, or the request is safe to repeat.
        errors.OutcomeUnknownError: The request was sent, and no answer came.
    """
    session = client.get_async_httpx_client()
    request = _built(session, kwargs)
    try:
        return await asyncio_repeated(client, lambda: _asyncio_send_once(client, session, request))
    except TryLaterError as error:
        return error.response


async def asyncio_repeated(client: Client, call: Callable[[], Awaitable[T]]) -> T:
    """What a call returns, which is made at most `client.max_retries` times more where that may help.

    Raises:
        TryLaterError: The last answer was one to a request that may be sent again.
        errors.APIConnectionError: So was the last failure.
    """
    try:
        return await call()
    except (TryLaterError, errors.APIConnectionError) as error:
        first = error
    async for attempt in _attempts(client):
        with attempt:
            if attempt.num == 1:  # made above: most calls need no more, and nothing to count it
                raise first
            return await call()
    msg = "unreachable: the last attempt returns or raises"
    raise AssertionError(msg)


async def asyncio_send_in_time(
    client: Client, kwargs: dict[str, Any], seconds: float
) -> httpx.Response:
    """Send a request that only reads, once, and return its answer.

    Raises:
        errors.APIConnectionError: The request failed, or there was no whole answer in `seconds`.
        errors.APIStatusError: The status is 408, 429 or 5xx.
    """
    session = client.get_async_httpx_client()
    request = _built(session, kwargs)
    _shorten_timeouts(request, seconds)
    import asyncio  # slow to import, and of no use to those who call without it

    try:
        async with asyncio.timeout(seconds):
            return await _asyncio_send_once(client, session, request)
    except TimeoutError:
        what = f"{_target(request)}: there was no whole answer when the time was up"
        raise errors.APIConnectionError(what) from None
    except TryLaterError as error:
        response = error.response
    raise errors.status_error(*shown(client, response))


async def _asyncio_send_once(
    client: Client, session: httpx.AsyncClient, request: httpx.Request
) -> httpx.Response:
    hops = 0
    try:
        async with client.aslot(request):
            response = await session.send(client.authorize(request), follow_redirects=False)
            while client.follow_redirects and response.next_request and hops < MOST_REDIRECTS:
                hops += 1
                onward = client.authorize(response.next_request)
                response = await session.send(onward, follow_redirects=False)
    except HTTPX_ERRORS as error:
        raise named(client, error, request, hops) from error
    if is_worth_repeating(response.status_code, request, hops):
        raise TryLaterError(response)
    return response


def _shorten_timeouts(request: httpx.Request, seconds: float) -> None:
    """Let no step of a request take longer than `seconds`."""
    timeouts: dict[str, float | None] = request.extensions["timeout"]
    for step, usual in timeouts.items():
        timeouts[step] = seconds if usual is None else min(usual, seconds)


def _in_time(seconds: float, call: Callable[[], T]) -> T:
    """What a call returns; it is left to itself when the time is up, for httpx cannot be stopped.

    Its timeouts begin anew with every byte, and none of them ends a search for an address.
    """
    from concurrent.futures import (
        Future,  # both slow to import, and of use to this alone
    )
    from contextvars import copy_context

    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # raised where the result is asked for
            outcome.set_exception(error)

    run_here = copy_context().run
    threading.Thread(target=run_here, args=[run], name="request-in-time", daemon=True).start()
    return outcome.result(seconds)


def _attempts(client: Client) -> Any:
    import stamina  # slow to import, and seldom needed

    return stamina.retry_context(
        on=_seconds_to_wait,
        attempts=client.max_retries + 1,
        timeout=None,
        wait_initial=0.5,
        wait_max=8.0,
    )


def _seconds_to_wait(error: Exception) -> bool | float:
    """What the server asks for, or True for stamina's own backoff, or False to give up."""
    if isinstance(error, TryLaterError):
        asked = errors.retry_after(error.response.headers)
        return True if asked is None else min(asked, _LONGEST_WAIT)
    hopeless = isinstance(error.__cause__, _HOPELESS)
    return isinstance(error, errors.APIConnectionError) and not hopeless


def is_passing(status_code: int) -> bool:
    """Whether a later answer to the same request may be another one."""
    return status_code in (408, 429) or 500 <= status_code <= 599


def is_worth_repeating(status_code: int, request: httpx.Request, hops: int) -> bool:
    """Whether the answer allows to send the request again.

    A request that was redirected was received once, so only one that reads is repeated after that.
    """
    if request.method in _REPEATABLE:
        return is_passing(status_code)
    return status_code == 429 and not hops


def named(
    client: Client, error: Exception, request: httpx.Request, hops: int
) -> errors.APIConnectionError | errors.OutcomeUnknownError:
    """The error of ours for one of httpx's, which keeps its request without the token."""
    for sent in (request, getattr(error, "_request", None)):
        if sent is not None:
            client.unauthorize(sent)
    what = f"{_target(request)}: {type(error).__name__} {error}".strip()
    what = client.without_token(what.encode()).decode()
    if isinstance(error, _NOTHING_SENT) and not hops:
        return errors.APIConnectionError(f"{what} (nothing was sent)"[:500])
    if request.method in _REPEATABLE:
        return errors.APIConnectionError(what[:500])
    return errors.OutcomeUnknownError(f"{what} (look before sending it again, for it was sent)")


def _target(request: httpx.Request) -> str:
    return f"{request.method} {without_secrets(request.url)}"


def without_secrets(url: httpx.URL) -> str:
    """A URL as it may be shown: without a password and without the query, which may sign it."""
    return str(url.copy_with(query=None, userinfo=b""))


def detailed(response: httpx.Response, parse: Callable[[httpx.Response], T]) -> Response[T]:
    """The whole answer, with its body as a model where it is one."""
    parsed: T | None
    try:
        parsed = parse(response)
    except _NOT_AS_SPECIFIED:
        parsed = None
    return Response(response.status_code, response.headers, response.content, parsed)


def shown(client: Client, response: httpx.Response) -> tuple[int, httpx.Headers, bytes]:
    """An answer as an error may show it: without the token, should the server have repeated it."""
    headers = [(name, client.without_token(value)) for name, value in response.headers.raw]
    return response.status_code, httpx.Headers(headers), client.without_token(response.content)


# What reading a body as the spec describes it can raise.
_NOT_AS_SPECIFIED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def result(
    client: Client, method: str, response: httpx.Response, parse: Callable[[httpx.Response], T]
) -> T:
    """What a 2xx answer holds.

    Raises:
        errors.APIStatusError: The status is not 2xx.
        errors.OutcomeUnknownError: The status leaves open what became of the request.
        errors.APIResponseValidationError: The body is not what the spec says.
    """
    if response.is_success:
        try:
            return parse(response)
        except _NOT_AS_SPECIFIED as error:
            why: Exception | None = error
        answer = shown(client, response)
        what = "the body is not what the spec says"
        if answer[2] == response.content:
            what += f" ({type(why).__name__}: {why})"
        else:
            why = None  # it may show the token that is in the body
        raise errors.APIResponseValidationError(what, *answer) from why
    answer = shown(client, response)
    if response.status_code in _OUTCOME_UNKNOWN and method not in _REPEATABLE:
        what = "look before sending it again, for it may have been carried out"
        raise errors.OutcomeUnknownError(what, *answer)
    raise errors.status_error(*answer)
