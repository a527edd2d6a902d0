"""One download, sans-I/O: which requests fetch the file, and whether it is a complete file."""

import contextlib
import re
from typing import Any, BinaryIO

import httpx

from . import _calls, _redirects, errors
from .config import AUTH, Config, Opened

# A page of a gateway, such as a login page, has such a media type, and no byte that no text has.
_PAGE_MEDIA_TYPE = re.compile(r"text/|[^;]*(html|json|xml)", re.IGNORECASE)
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a]")


def save(
    config: Config, opened: Opened, url: str, file: BinaryIO, on_progress: _calls.OnProgress | None
) -> _calls.Steps[None]:
    """Fetch `url` into a file; a retry starts over."""
    if not isinstance(url, str):
        modules = (job.module.__name__.rpartition(".")[2] for job in config.package.jobs())
        hint = " or ".join(f"{module}.result(job)" for module in modules)
        msg = f"url must be str, not {type(url).__name__}: pass {hint or 'the URL of a file'}"
        raise TypeError(msg)

    def first() -> _calls.Exchange:
        request = _file_request(config, opened.session, url)
        return _calls.Exchange(request, "GET", opened, config, file=file, on_progress=on_progress)

    def follow(redirect: httpx.Request) -> httpx.Request | None:
        with contextlib.suppress(ValueError):  # no file can be fetched from there
            return _file_request(config, opened.session, str(redirect.url))
        return None

    exchange = yield from _calls.send(first, follow)
    if not exchange.is_file:
        raise _calls.response_error(config, exchange)
    msg, media_type = exchange.decoder.why_unreadable, exchange.headers.get("content-type", "")
    if not exchange.content:
        msg = "the file is empty"
    elif _PAGE_MEDIA_TYPE.match(media_type) and not _NOT_IN_TEXT.search(exchange.content):
        msg = f"it is a page, not a file: {media_type}"
    if msg:
        raise errors.APIResponseValidationError(msg, *_redirects.redact_response(config, exchange))


def _file_request(config: Config, session: Any, url: str) -> httpx.Request:
    """Build a request; headers and cookies of the session go to the API's own origin only."""
    try:
        parsed = httpx.URL(url)
        whole = _calls.absolute_url(session.base_url, config.base_url, "/").join(parsed)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    is_absolute = parsed.scheme in ("http", "https") and parsed.host and (parsed.port or 0) <= 65535
    if not is_absolute and (parsed.scheme or parsed.host or not url):
        address = _redirects.show_url(config, parsed)
        msg = f"url must start with https:// or http:// and name a host: {address!r}"
        raise ValueError(msg)
    if _redirects.is_same_origin(config, whole):
        query = whole.params if session.params else None  # else those of the session replace them
        arguments = {"method": "GET", "url": whole, "params": query}
        return _calls.build_request(config, session, arguments)
    timeout = httpx.Timeout(config.overrides.get("timeout", session.timeout))
    headers = {"User-Agent": config.package.user_agent, **_calls.NOT_COMPRESSED}
    extensions = {"timeout": timeout.as_dict(), AUTH: None}
    return httpx.Request("GET", whole, headers=headers, extensions=extensions)
