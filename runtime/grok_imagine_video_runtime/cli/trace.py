"""What `-v` shows: each request and response, and what the package logs, without secrets."""

import contextlib
import logging
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from .._calls import SAFE_METHODS
from .._redirects import redact, target
from ..client import Client

# What a body may hold that must not be shown: whole files, and what signs a URL.
_DATA = re.compile(r"(data:[\w/+.-]*;base64,)[\w+/=-]*")
_URL = re.compile(r"(https?://)(?:[^\s\"/?#@\\]*@)?([^\s\"?#\\]*)(?:[?#][^\s\"\\]*)?")

# Characters of a body.
_MAX_SHOWN = 2000


class Trace:
    """Sees all requests of a client; says what they are, if that is asked for.

    Attributes:
        has_posted: Whether a request that may create something has left, or was about to.
        client: The client whose token is not shown.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        logger: logging.Logger,
        *,
        is_shown: bool,
        is_many: bool,
    ) -> None:
        self._say, self._logger = say, logger
        self._is_shown, self._is_many = is_shown, is_many
        self.has_posted = False
        self.client: Client | None = None

    @property
    def hooks(self) -> dict[str, list[Callable[[Any], Any]]]:
        """The event hooks for an `httpx.Client`, or for an `httpx.AsyncClient` if it is many."""

        async def on_request(request: httpx.Request) -> None:
            self._on_request(request)

        async def on_response(response: httpx.Response) -> None:
            self._on_response(response)

        if self._is_many:
            return {"request": [on_request], "response": [on_response]}
        return {"request": [self._on_request], "response": [self._on_response]}

    def _on_request(self, request: httpx.Request) -> None:
        self.has_posted |= request.method not in SAFE_METHODS
        request.extensions = {**request.extensions, "started": time.monotonic()}
        if self._is_shown and self.client is not None:
            shown = target(self.client, request)
            if request.method not in SAFE_METHODS:
                shown += f" {_body(redact(self.client, request.content))}"
            self._say(f"> {shown}".rstrip())

    def _on_response(self, response: httpx.Response) -> None:
        if self._is_shown:
            seconds = time.monotonic() - response.request.extensions["started"]
            self._say(f"< {response.status_code} {response.reason_phrase} in {seconds:.2f} s")

    @contextlib.contextmanager
    def log(self) -> Iterator[None]:
        """Show what the package logs, or its warnings, or nothing of it."""
        is_heard = self._is_shown or self._is_many
        handler = _Handler(self._say) if is_heard else logging.NullHandler()
        level = self._logger.level
        self._logger.addHandler(handler)
        self._logger.setLevel(logging.INFO if self._is_shown else logging.WARNING)
        try:
            yield
        finally:
            self._logger.removeHandler(handler)
            self._logger.setLevel(level)


def _body(content: bytes) -> str:
    """What may be shown of a body."""
    text = _DATA.sub(r"\1...", content.decode("utf-8", "replace"))
    text = _URL.sub(r"\1\2", text)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


class _Handler(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say_line = say

    def emit(self, record: logging.LogRecord) -> None:
        star = "* " if record.levelno < logging.WARNING else ""
        self._say_line(f"{star}{record.getMessage()}")
