"""One download: which requests fetch the file, and whether it is complete and a file at all.

Nothing here does I/O; see `_calls`.
"""

import functools
import re
from collections.abc import Callable
from typing import Any, BinaryIO

import httpx
from attrs import define, field

from . import errors
from ._bodies import Decoder
from ._calls import (
    NOT_COMPRESSED,
    Exchange,
    Steps,
    base_url,
    repeated,
    status_error,
    with_overrides,
)
from ._redirects import MAX_REDIRECTS, authorize, is_same_origin, redacted, without_secrets
from .config import Config, Opened

OnProgress = Callable[[int, int | None], object]

# The status of a file: others of 2xx come with a part of it, or with none.
_OK = 200

# Bytes of a file that are kept, to tell what it is, and that are given to the disk at once.
_HEAD_SIZE = 65_536
_BLOCK_SIZE = 1_048_576

# What a page of a gateway, a login page for example, begins with, after blanks and a mark of UTF-8.
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*[<{\[]")
_TYPE_OF_PAGE = re.compile(r"[^;]*(html|json|xml)", re.IGNORECASE)


@define(eq=False, kw_only=True)
class Save(Exchange):
    """A request for a file. Where the response is no file, its body is read as that of a call."""

    file: BinaryIO
    on_progress: OnProgress | None
    _block: bytearray = field(factory=bytearray, init=False)  # to be written
    _written: int = field(default=0, init=False)
    _arrived: int = field(default=0, init=False)  # compressed or not
    _total: int | None = field(default=None, init=False)  # that were announced
    _decoder: Decoder = field(init=False)

    @property
    def is_full(self) -> bool:
        """Whether `write` is due before more is received."""
        return len(self._block) >= _BLOCK_SIZE

    def begin(self, response: httpx.Response) -> None:
        """A response has arrived, without its body."""
        super().begin(response)
        self._decoder = Decoder(self.headers)
        length = self.headers.get("content-length", "")
        self._total = int(length) if re.fullmatch(r"[0-9]{1,18}", length) else None

    def receive(self, chunk: bytes) -> None:
        """Some of the body has arrived, which may be compressed."""
        if self.status_code != _OK:
            super().receive(chunk)
            return
        self._arrived += len(chunk)
        for piece in self._decoder.feed(chunk):
            self._keep(piece)

    def _keep(self, piece: bytes) -> None:
        self._block += piece
        self.content += piece[: _HEAD_SIZE - len(self.content)]
        if self.on_progress is not None:
            with self.callers():
                self.on_progress(self._arrived, self._total)

    def finish(self, content: bytes | None = None) -> None:
        """All of the body has arrived, or it was there already; an error if it is not whole."""
        if self.status_code != _OK:
            super().finish(content)
            return
        if content is None:
            self.why_unreadable = self._decoder.why_unreadable
            self._decoder.finish()
        else:
            self._arrived = self._total = len(content)
            self._keep(content)
        if self._total not in (None, self._arrived):
            msg = f"the file has {self._arrived} bytes, not the {self._total} that were announced"
            raise httpx.RemoteProtocolError(msg, request=self.request)
        self.is_empty_file = not self.content

    def write(self) -> None:
        """Write what has been received."""
        with self.callers():
            if not self._written:  # an earlier attempt may have filled it
                self.file.seek(0)
                self.file.truncate()
            self.file.write(self._block)
        self._written += len(self._block)
        self._block.clear()


def save(
    config: Config, opened: Opened, url: str, file: BinaryIO, on_progress: OnProgress | None
) -> Steps[None]:
    """Fetch what is at `url` into a file, starting over where that may help."""
    try:
        parsed = parse_url(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    fetch = functools.partial(_fetch, config, opened, parsed, file, on_progress)
    exchange = yield from repeated(config, fetch, config.max_retries)
    if exchange.status_code != _OK:
        raise status_error(config, exchange)
    what, kind = exchange.why_unreadable, exchange.headers.get("content-type", "")
    if not exchange.content:
        what = "the file is empty"
    elif _TYPE_OF_PAGE.match(kind) and _PAGE.match(exchange.content):
        what = f"it is a page, not a file: {kind}"
    if what:
        raise errors.APIResponseValidationError(what, *redacted(config, exchange))


def _fetch(
    config: Config, opened: Opened, url: httpx.URL, file: BinaryIO, on_progress: OnProgress | None
) -> Steps[Exchange]:
    """Follow all redirects to the file; each decides anew what may be sent there."""
    redirects = 0
    while True:
        request = build_request(config, opened.session, url)
        exchange = Save(
            request=request,
            method="GET",
            opened=opened,
            max_size=config.max_response_size,
            auth=httpx.USE_CLIENT_DEFAULT if is_same_origin(config, request.url) else None,
            redirects=redirects,
            file=file,
            on_progress=on_progress,
        )
        yield exchange
        if exchange.error is not None or exchange.next_request is None:
            return exchange
        redirects += 1
        try:
            if redirects > MAX_REDIRECTS:
                msg = f"more than {MAX_REDIRECTS} redirects"
                raise httpx.TooManyRedirects(msg, request=request)
            url = parse_url(str(exchange.next_request.url))
        except (httpx.InvalidURL, httpx.TooManyRedirects) as error:
            exchange.error = error
            return exchange


def parse_url(url: str) -> httpx.URL:
    """A URL that a file can be fetched from: an absolute one, or a path at the API."""
    parsed = httpx.URL(url)
    is_absolute = parsed.scheme in ("http", "https") and parsed.host and (parsed.port or 0) <= 65535
    if not is_absolute and (parsed.scheme or parsed.host or not url):
        shown = without_secrets(parsed)
        msg = f"url must start with https:// or http:// and name a host: {shown!r}"
        raise httpx.InvalidURL(msg)
    return parsed


def build_request(config: Config, session: Any, url: httpx.URL) -> httpx.Request:
    """A request for a file; what the session adds to requests goes to the API's own origin only."""
    url = base_url(config, session).join(url)  # a path from the root, whatever path the base has
    if is_same_origin(config, url):
        query = url.params if session.params else None  # or the session's would replace them
        arguments = with_overrides(config, {"params": query})
        return authorize(config, session.build_request("GET", url, **arguments))
    timeout = httpx.Timeout(config.overrides.get("timeout", session.timeout))
    headers = {"User-Agent": config.package.user_agent, **NOT_COMPRESSED}
    return httpx.Request("GET", url, headers=headers, extensions={"timeout": timeout.as_dict()})
