# Do not edit: copied from runtime/batch/_sending.py, whatever the spec says.
# To change it, edit runtime/batch/_sending.py and run: make generate
"""Send the requests of a batch, each at most once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from attrs import evolve

from .. import _calls, errors
from .._io import asyncio_run
from ..client import Client
from ._journal import Entry, JournalError
from ._rate import RateLimiter, one_line
from ._records import Records

_logger = logging.getLogger(__name__)

CALLER_REFUSED = (401, 402, 403)  # the next request would get the same status


class _EndingError(Exception):
    """A request was about to leave when the run was stopped."""


def is_refusal(error: Exception) -> bool:
    """Whether it is certain that no job was created for a request that was sent."""
    if isinstance(error, errors.APIStatusError):
        return 400 <= error.status_code < 500
    return isinstance(error, errors.APIConnectionError | _EndingError)


class Sender:
    """Sends requests, and writes down each before it leaves and when its response is there."""

    def __init__(
        self, create: ModuleType, client: Client, limiter: RateLimiter, records: Records
    ) -> None:
        self._create: Any = create
        self._client = client._sharing({}, max_retries=0)  # the limiter decides about retries
        self._limiter, self._records = limiter, records
        self._posts: set[asyncio.Task[bool]] = set()
        self._is_ending = False

    async def send(self, number: int, request: Any, digest: str) -> None:
        """Send a request, again and again if the gateway refuses it for now."""
        before = self._records.entries.get(number)
        entry = Entry(number, digest, before.attempt + 1 if before else 1)
        is_to_send = True
        while is_to_send and await self._limiter.acquire():
            post = asyncio.create_task(self._post(request, entry, before))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)
            is_to_send = await asyncio.shield(post)

    async def end(self) -> None:
        """Send no more, and wait for the requests in flight: they may be paid for."""
        self._is_ending = True
        if self._posts:
            text = "waiting for %d responses; stop again to leave them unknown"
            _logger.warning(text, len(self._posts))
        await asyncio.gather(*self._posts, return_exceptions=True)

    async def _post(self, request: Any, entry: Entry, before: Entry | None) -> bool:
        """Send a request. True if it was refused for now and has to be sent again."""
        try:
            kwargs = self._create._get_kwargs(body=request)
        except (TypeError, ValueError) as error:
            self._records.reasons[entry.number] = one_line(error)
            return False
        parse = self._create._parse_response
        try:
            await self._announcing(entry)()
            response = await asyncio_run(self._client, _calls.result_of, kwargs, parse)
            entry = evolve(entry, state="created", job_id=self._create.job_id(response))
        except JournalError:
            raise
        except Exception as error:
            if is_refusal(error):
                return await self._undo(entry, before, error)
            content = getattr(error, "content", None)
            entry = evolve(entry, error=one_line(error), response=content)
        await self._records.put(entry)
        self._records.in_flight.discard(entry.number)
        self._limiter.record(unknown=entry.error)
        return False

    def _announcing(self, entry: Entry) -> Callable[[], Awaitable[None]]:
        """What writes down that a request is about to leave: from then on it may be paid for."""
        is_done = False

        async def announce() -> None:
            nonlocal is_done
            if is_done:  # this is where a redirect leads
                return
            if not self._is_ending:
                self._records.in_flight.add(entry.number)
                await self._records.commits.put(entry)
            if self._is_ending:
                raise _EndingError
            is_done = True

        return announce

    async def _undo(self, entry: Entry, before: Entry | None, error: Exception) -> bool:
        """Take back that a request was sent, for it certainly created no job."""
        self._records.in_flight.discard(entry.number)
        if self._records.entries.get(entry.number) != before:
            await self._records.commits.remove(entry, before)
        return not self._is_ending and self._is_to_send_again(entry.number, error)

    def _is_to_send_again(self, number: int, error: Exception) -> bool:
        if isinstance(error, errors.APIConnectionError | errors.RateLimitError):
            return self._limiter.back_off(error)
        self._limiter.record()
        self._records.reasons[number] = one_line(error)
        if isinstance(error, errors.APIStatusError) and error.status_code in CALLER_REFUSED:
            self._records.is_refused = True
            self._limiter.stop(f"request {number}: {one_line(error)}")
        return False


__all__ = ["Sender"]
