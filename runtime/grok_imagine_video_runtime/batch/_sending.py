"""Send the requests of a batch, each at most once."""

import asyncio
from typing import Any

import httpx
from attrs import evolve

from .. import errors
from .._calls import parsed
from .._io import asyncio_run
from ..client import Client
from ..config import LIMITS
from ..operations import Request
from ._journal import Entry
from ._rate import RateLimiter, reason_of
from ._records import Records

CALLER_REFUSED = (401, 402, 403)  # the next request would get the same status


def is_refusal(error: Exception) -> bool:
    """Whether it is certain that no job was created for a request that was sent."""
    if isinstance(error, errors.APIStatusError):
        return 400 <= error.status_code < 500
    return isinstance(error, errors.APIConnectionError)


class Sender:
    """Sends requests, and writes down each before it leaves and when its response is there.

    No more requests are in flight than the client has connections. The others wait before they are
    written down, so they have not left, and are not sent once the run is stopped.
    """

    def __init__(
        self,
        create: Any,
        client: Client,
        concurrency: int,
        limiter: RateLimiter,
        records: Records,
    ) -> None:
        self._create = create
        self._client = evolve(client, max_retries=0)  # the limiter decides about retries
        limits: httpx.Limits = client.httpx_args.get("limits", LIMITS)
        self._permits = asyncio.Semaphore(min(concurrency, limits.max_connections or concurrency))
        self._limiter, self._records = limiter, records
        self._posts: set[asyncio.Task[bool]] = set()
        self._is_ending = False

    async def send(self, number: int, request: Request[Any], digest: str) -> None:
        """Send a request, again and again if the gateway refuses it for now."""
        before = self._records.entries.get(number)
        entry = Entry(number, digest, before.attempt + 1 if before else 1)
        async with self._permits:
            while await self._limiter.acquire():
                post = asyncio.create_task(self._post(request, entry, before))
                self._posts.add(post)
                post.add_done_callback(self._posts.discard)
                if not await asyncio.shield(post):
                    return

    async def end(self) -> None:
        """Send no more, and wait for the requests in flight: they may be paid for."""
        self._is_ending = True
        if self._posts:
            text = "waiting for %d responses; stop again to leave them unknown"
            self._client.package.logger.warning(text, len(self._posts))
        await asyncio.gather(*self._posts, return_exceptions=True)

    async def _post(self, request: Request[Any], entry: Entry, before: Entry | None) -> bool:
        """Send a request. True if it was refused for now and has to be sent again."""
        await self._records.send(entry)
        if self._is_ending:
            await self._records.undo(entry, before)
            return False
        try:
            response = await asyncio_run(self._client, parsed, request)
            entry = evolve(entry, state="created", job_id=self._create.job_id(response))
        except Exception as error:
            if is_refusal(error):
                await self._records.undo(entry, before)
                return not self._is_ending and self._is_to_send_again(entry.number, error)
            content = getattr(error, "content", None)
            entry = evolve(entry, error=reason_of(error), response=content)
        await self._records.put(entry)
        self._limiter.record(unknown=entry.error)
        return False

    def _is_to_send_again(self, number: int, error: Exception) -> bool:
        if isinstance(error, errors.APIConnectionError | errors.RateLimitError):
            return self._limiter.back_off(error)
        self._limiter.record()
        self._records.reasons[number] = reason_of(error)
        if isinstance(error, errors.APIStatusError) and error.status_code in CALLER_REFUSED:
            self._records.is_refused = True
            self._limiter.stop(f"request {number}: {reason_of(error)}")
        return False
