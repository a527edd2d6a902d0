# Do not edit: copied from runtime/_downloads.py, whatever the spec says.
# To change it, edit runtime/_downloads.py and run: make generate
"""One download: which requests fetch the file, and whether it is complete.

Nothing here does I/O; see `_calls`.
"""

import os
from pathlib import Path
from typing import BinaryIO, NoReturn

import httpx

from ._calls import (
    HTTPX_ERRORS,
    MAX_REDIRECTS,
    OnProgress,
    Open,
    RetryableResponse,
    Save,
    Session,
    Steps,
    anonymous,
    authorize,
    base_url,
    is_same_origin,
    map_exception,
    readable,
    should_retry,
    status_error,
    total_of,
    with_own,
    with_retries,
    without_secrets,
)
from .client import Client


def save(client: Client, url: str, file: BinaryIO, on_progress: OnProgress | None) -> Steps[None]:
    """Fetch what is at `url` into a file, starting over where that may help.

    Raises:
        ValueError: No file can be fetched from `url`.
        errors.APIConnectionError: The connection broke, or the file was shorter than announced.
        errors.APIStatusError: The status of the response is not 200.
    """
    try:
        parsed = parse_url(url)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from None
    session: Session = yield Open()

    def attempt() -> Steps[None]:
        request = build_request(client, session, parsed)
        try:
            yield from _follow(client, session, request, file, on_progress)
        except httpx.HTTPStatusError as error:  # of an event hook that calls raise_for_status
            refused = readable(error.response)
        except HTTPX_ERRORS as error:
            raise map_exception(client, error, request) from error
        else:
            return
        _refuse(client, refused)

    try:
        yield from with_retries(client, attempt)
    except RetryableResponse as error:
        response = error.response
    else:
        return
    raise status_error(client, response)


def _follow(
    client: Client,
    session: Session,
    request: httpx.Request,
    file: BinaryIO,
    on_progress: OnProgress | None,
) -> Steps[None]:
    """Follow all redirects to the file; each decides anew what may be sent there."""
    for _ in range(MAX_REDIRECTS):
        has_auth = is_same_origin(client, request.url)
        step = Save(request=request, has_auth=has_auth, file=file, on_progress=on_progress)
        response: httpx.Response = yield step
        if not response.has_redirect_location:
            return _check(client, response, step.received(response))
        target = response.url.join(response.headers["location"])
        request = build_request(client, session, parse_url(str(target)))
    msg = f"more than {MAX_REDIRECTS} redirects"
    raise httpx.TooManyRedirects(msg, request=request)


def _check(client: Client, response: httpx.Response, received: int) -> None:
    if not Save.is_file(response):
        _refuse(client, response)
    total = total_of(response)
    if total is not None and received != total:
        msg = f"the file has {received} bytes, not the {total} that were announced"
        raise httpx.RemoteProtocolError(msg, request=response.request)


def _refuse(client: Client, response: httpx.Response) -> NoReturn:
    if should_retry(response.status_code, "GET"):
        raise RetryableResponse(response)
    raise status_error(client, response)


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
    identity = {"Accept-Encoding": "identity"}
    url = base_url(client, session).join(url)  # a path from the root, whatever path the base has
    if is_same_origin(client, url):
        query = url.params if session.params else None  # or the session's would replace them
        kwargs = with_own(client, {"params": query, "headers": identity})
        return authorize(client, session.build_request("GET", url, **kwargs))
    timeout = httpx.Timeout(client._own.get("timeout", session.timeout)).as_dict()
    return anonymous(httpx.Request("GET", url, headers=identity, extensions={"timeout": timeout}))


def temporary_path(path: Path) -> Path:
    """A new name beside `path`, short enough for every file system."""
    return path.with_name(f".{os.urandom(8).hex()}.part")
