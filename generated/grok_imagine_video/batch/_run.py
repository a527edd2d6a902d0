# Do not edit: copied from runtime/batch/_run.py, whatever the spec says.
# To change it, edit runtime/batch/_run.py and run: make generate
"""One run of a batch: send each request at most once, follow its job and save its result."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from attrs import evolve

from .._files import remove_temporary_files
from .._registry import Create, Job
from ..client import Client
from ._following import Follower
from ._journal import Change, Journal, JournalError
from ._options import Options
from ._rate import RateLimiter, one_line
from ._records import Records
from ._requests import (
    Numbered,
    as_checked,
    check,
    check_forgotten,
    check_free,
    check_gateway,
    path_of,
)
from ._sending import Sender, permits_of
from ._status import Status, Summary


def without_pool_timeout(client: Client) -> Client:
    """A client whose requests wait for a connection as long as it takes."""
    timeout = httpx.Timeout(client._timeout)
    timeout.pool = None
    return client.with_timeout(timeout)


class Run:
    """One run over the requests."""

    def __init__(
        self,
        requests: Numbered,
        *,
        create: Create,
        job: Job,
        client: Client,
        journal: Journal,
        options: Options,
    ) -> None:
        self._requests, self._journal, self._options = requests, journal, options
        self._job = job.operation
        self._client = without_pool_timeout(client)
        self._folder = journal.path.parent
        self._limiter = RateLimiter(options.rate, options.timeout)
        self._records = Records(journal, options.on_progress)
        permits = permits_of(client, options.concurrency)
        self._sender = Sender(create.operation, self._client, permits, self._limiter, self._records)
        self._follower = Follower(
            self._job, self._client, options, self._path_of, self._limiter, self._records
        )
        self._digests: list[str] = []

    def status(self) -> Status:
        """How far the batch is."""
        return self._records.status()

    def summary(self) -> Summary:
        """How the run has ended."""
        return self._records.summary(self._limiter.stopped)

    def check(self) -> None:
        """Refuse to mix up requests, gateways or files, so that no paid result is lost.

        Raises:
            ValueError: Something is not as it was in the previous run.
        """
        _, source, _ = self._journal.about
        gateway = self._client._base_url.rstrip("/")
        check_gateway(self._journal, gateway)
        only = self._options.only or ()
        self._digests = check(self._requests, self._journal.entries, self._path_of, only)
        self._records.total = len(self._digests)
        check_forgotten(self._journal, self._options.forget)
        if "failed" in self._options.resend:
            check_free(map(self._path_of, self._in_state("failed")))
        self._journal.describe(gateway, self._options.source or source, self._records.total)

    def _path_of(self, number: int) -> Path:
        return path_of(self._folder, number, self._job._JOB.suffix)

    async def all(self) -> None:
        """Work on every unfinished request. If cancelled, wait for the responses in flight.

        Raises:
            JournalError: The journal is not in its place.
        """
        with contextlib.closing(self._records):
            await self._count_found()
            await self._share()
        self._records.check()
        remove_temporary_files(self._folder)  # of runs that were killed

    async def _share(self) -> None:
        """Let tasks share the requests."""
        requests = self._remaining()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._options.concurrency, self._records.total)):
                    group.create_task(self._work(requests))
        except ExceptionGroup as group:  # what on_progress raises
            raise group.exceptions[0] from None
        finally:
            await self._sender.end()

    async def _count_found(self) -> None:
        """Count the results of unknown requests that a person has found."""
        for number in self._in_state("unknown"):
            if self._path_of(number).exists():
                found = evolve(self._journal.entries[number], state="done", error=None)
                await self._records.write(Change(found))

    def _is_wanted(self, number: int) -> bool:
        return self._options.only is None or number in self._options.only

    def _in_state(self, *states: str) -> list[int]:
        entries = self._journal.entries.values()
        numbers = [entry.number for entry in entries if entry.state in states]
        return [number for number in numbers if self._is_wanted(number)]

    def _remaining(self) -> Iterator[tuple[int, Any, str]]:
        """The requests to work on, starting with those that have a job."""
        again = self._in_state(*self._options.resend)
        settled = set(self._journal.entries).difference(again)
        yield from ((number, None, "") for number in self._in_state("created"))
        for number, request, digest in as_checked(self._requests, self._digests):
            if self._is_wanted(number) and number not in settled:
                yield number, request, digest

    async def _work(self, requests: Iterator[tuple[int, Any, str]]) -> None:
        while each := self._next(requests):
            self._records.running += 1
            try:
                await self._advance(*each)
            except JournalError as error:
                self._limiter.stop(str(error))
            finally:
                self._records.running -= 1

    def _next(self, requests: Iterator[tuple[int, Any, str]]) -> tuple[int, Any, str] | None:
        """The next request; none if they are no longer as they were checked."""
        try:
            return next(requests, None)
        except (OSError, RecursionError, TypeError, ValueError) as error:
            self._limiter.stop(one_line(error))
            return None

    async def _advance(self, number: int, request: Any, digest: str) -> None:
        if request is not None:
            await self._sender.send(number, request, digest)
        entry = self._journal.entries.get(number)
        if entry and entry.job_id and entry.state == "created":
            await self._follower.finish(entry, entry.job_id)


__all__ = ["Run"]
