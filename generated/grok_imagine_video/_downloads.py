# Do not edit: copied from runtime/_downloads.py, whatever the spec says.
# To change it, edit runtime/_downloads.py and run: make generate
"""One download: which requests fetch the file, and whether it is complete and a file at all.

Nothing here does I/O; see `_calls`.
"""

import re
from collections.abc import Callable
from typing import BinaryIO

import httpx

from . import errors
from ._bodies import Received
from ._calls import (
    NOT_COMPRESSED,
    Attempt,
    Send,
    Sleep,
    Steps,
    base_url,
    connection_error,
    is_retryable,
    pause_before_retry,
    status_error,
    with_overrides,
)
from ._opening import Opened, Session
from ._redirects import (
    MAX_REDIRECTS,
    anonymous,
    authorize,
    is_same_origin,
    redacted,
    without_secrets,
)
from .client import Client

OnProgress = Callable[[int, int | None], object]

# The status of a file: others of 2xx come with a part of it, or with none.
_OK = 200

# Bytes of a file that are kept, to tell what it is.
_HEAD_SIZE = 65_536

# What a page of a gateway, a login page for example, begins with, after blanks and a mark of UTF-8.
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*[<{\[]")
_TYPE_OF_PAGE = re.compile(r"[^;]*(html|json|xml)", re.IGNORECASE)


class Save(Send):
    """Send a request, and write the body of its response to a file, from the start of the file.

    A response that `is_file` rejects is read whole instead.

    Attributes:
        file: The file.
        on_progress: Called with the number of bytes so far, and with the total or None.
        size: The number of bytes for the file so far.
        received: The number of bytes that have arrived, which may be compressed.
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
        self.size = 0
        self.received = 0

    @property
    def is_file(self) -> bool:
        """Whether the response is a file."""
        return bool(self.response.status_code == _OK)

    def report(self, chunk: bytes) -> None:
        """Note the bytes that have been written."""
        self.size += len(chunk)
        self.content += chunk[: _HEAD_SIZE - len(self.content)]
        self.received = self.response.num_bytes_downloaded  # 0 of what a mock or a hook has read
        if self.on_progress is not None:
            self.on_progress(self.received or self.size, _total_of(self.response.headers))

    def why_incomplete(self) -> httpx.RemoteProtocolError | None:
        """What is wrong with a file that is shorter or longer than announced."""
        total = None if self.response is None else _total_of(self.response.headers)
        if total is None or self.received in (0, total):
            return None
        msg = f"the file has {self.received} bytes, not the {total} that were announced"
        return httpx.RemoteProtocolError(msg, request=self.request)


def _total_of(headers: httpx.Headers) -> int | None:
    """The number of bytes that a response announces, or None if it does not."""
    length = headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None


def save(
    client: Client, opened: Opened, url: str, file: BinaryIO, on_progress: OnProgress | None
) -> Steps[None]:
    """Fetch what is at `url` into a file, starting over where that may help.

    Raises:
        ValueError: No file can be fetched from `url`.
        errors.APIConnectionError: The connection broke, or the file was shorter than announced.
        errors.APIStatusError: The status of the response is not 200.
        errors.APIResponseValidationError: It is empty, or a page and no file.
    """
    try:
        parsed = parse_url(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    retry = 0
    while True:
        retry += 1
        attempt = yield from _fetch(client, opened, parsed, file, on_progress)
        pause = None
        if is_retryable(attempt) or _is_empty(attempt):
            pause = pause_before_retry(client, retry, attempt, client.max_retries)
        if pause is None:
            break
        yield Sleep(pause)
    _check(client, attempt)


def _fetch(
    client: Client, opened: Opened, url: httpx.URL, file: BinaryIO, on_progress: OnProgress | None
) -> Steps[Attempt]:
    """Follow all redirects to the file; each decides anew what may be sent there."""
    request = build_request(client, opened.session, url)
    attempt = Attempt(request, is_ours=opened.is_ours)
    while True:
        has_auth = is_same_origin(client, request.url)
        step = Save(request, has_auth=has_auth, file=file, on_progress=on_progress)
        yield step
        attempt.record(step, client.max_response_size)
        response = attempt.response
        attempt.error = attempt.error or step.why_incomplete()
        if attempt.error or response is None or response.next_request is None:
            return attempt
        try:
            request = build_request(client, opened.session, _next_url(attempt, response))
        except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
            attempt.error = error
            return attempt


def _next_url(attempt: Attempt, response: Received) -> httpx.URL:
    attempt.redirects += 1
    if attempt.redirects > MAX_REDIRECTS or response.next_request is None:
        msg = f"more than {MAX_REDIRECTS} redirects"
        raise httpx.TooManyRedirects(msg, request=attempt.request)
    return parse_url(str(response.next_request.url))


def _is_empty(attempt: Attempt) -> bool:
    response = attempt.response
    return response is not None and response.status_code == _OK and not response.content


def _check(client: Client, attempt: Attempt) -> None:
    """Make sure that a file has been saved, and no page that came in its place."""
    response = attempt.response
    if attempt.error is not None or response is None:
        raise connection_error(client, attempt) from attempt.error
    if response.status_code != _OK:
        raise status_error(client, response)
    what = response.why_unreadable
    kind = response.headers.get("content-type", "")
    if not response.content:
        what = "the file is empty"
    elif _TYPE_OF_PAGE.match(kind) and _PAGE.match(response.content):
        what = f"it is a page, not a file: {kind}"
    if what:
        raise errors.APIResponseValidationError(what, *redacted(client, response))


def parse_url(url: str) -> httpx.URL:
    """A URL that a file can be fetched from: an absolute one, or a path at the API.

    Raises:
        httpx.InvalidURL: It is neither.
    """
    parsed = httpx.URL(url)
    is_absolute = parsed.scheme in ("http", "https") and parsed.host and (parsed.port or 0) <= 65535
    if not is_absolute and (parsed.scheme or parsed.host or not url):
        msg = (
            f"url must start with https:// or http:// and name a host: {without_secrets(parsed)!r}"
        )
        raise httpx.InvalidURL(msg)
    return parsed


def build_request(client: Client, session: Session, url: httpx.URL) -> httpx.Request:
    """A request for a file; what the session adds to requests goes to the API's own origin only."""
    url = base_url(client, session).join(url)  # a path from the root, whatever path the base has
    if is_same_origin(client, url):
        query = url.params if session.params else None  # or the session's would replace them
        kwargs = with_overrides(client, {"params": query})
        return authorize(client, session.build_request("GET", url, **kwargs))
    timeout = httpx.Timeout(client._overrides.get("timeout", session.timeout))
    return anonymous(url, NOT_COMPRESSED, timeout)
