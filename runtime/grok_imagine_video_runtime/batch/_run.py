"""One run of a batch: send each request at most once, follow its job and save its result."""

import asyncio
import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import httpx
from attrs import evolve

from .._files import remove_temporary_files
from ..client import Client
from ..operations import Commands, Create, Request
from . import _requests
from ._following import Follower
from ._journal import Journal, JournalError, State
from ._options import Options
from ._rate import RateLimiter, reason_of
from ._records import Records
from ._sending import Sender
from ._status import Status, Summary, summary_of

# A request to work on: its number, what is sent unless it has a job, and the digest of that.
Work = tuple[int, Request[Any] | None, str]


class Run:
    """One run over the requests."""

    def __init__(
        self,
        requests: _requests.Numbered,
        *,
        create: Create,
        job: Commands,
        client: Client,
        journal: Journal,
        options: Options,
    ) -> None:
        self._requests, self._journal, self._options = requests, journal, options
        self._create = create.module.OPERATION
        self._suffix = job.module.JOB.suffix
        self._folder, self._gateway = journal.path.parent, client.base_url.rstrip("/")
        self._digests: dict[int, str] = {}
        self._wanted: Collection[int] = ()
        timeout = httpx.Timeout(client.timeout)
        timeout.pool = None  # a request waits for a connection as long as it takes
        client = client.with_timeout(timeout)
        self._limiter = limiter = RateLimiter(options.rate, options.timeout, client.package.logger)
        self._records = records = Records(journal, options.on_progress, client.package.logger)
        self._sender = Sender(create.module, client, options.concurrency, limiter, records)
        self._follower = Follower(job.module, client, options, self._path_of, limiter, records)

    def status(self) -> Status:
        """How far the batch is."""
        return self._records.status()

    def summary(self) -> Summary:
        """How the run has ended."""
        records, stopped = self._records, self._limiter.stopped
        more = {"stopped": stopped, "is_refused": records.is_refused}
        return summary_of(self._journal, records.total, records.reasons, **more)

    def check(self) -> None:
        """Refuse to mix up requests, gateways or files; count results that a person has found."""
        entries, only = self._journal.entries, self._options.only
        _requests.check_gateway(self._journal, self._gateway)
        self._digests = _requests.check(self._requests, entries, self._path_of, only or ())
        self._wanted = self._digests.keys() if only is None else frozenset(only)
        self._records.total = len(self._digests)
        _requests.check_forgotten(self._journal, self._options.forget)
        if "failed" in self._options.resend:
            _requests.check_free(map(self._path_of, self._in_state("failed")))
        _, source, _ = self._journal.about
        self._journal.describe(self._gateway, self._options.source or source, self._records.total)
        for number in self._in_state("unknown"):
            if self._path_of(number).exists():
                self._journal.put(evolve(entries[number], state="done", error=None))

    def _path_of(self, number: int) -> Path:
        return _requests.path_of(self._folder, number, self._suffix)

    async def all(self) -> None:
        """Work on every unfinished request. If cancelled, wait for the responses in flight.

        Raises:
            JournalError: The journal is not in its place.
        """
        requests = self._remaining()
        with contextlib.closing(self._records):
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(self._options.concurrency, self._records.total)):
                        group.create_task(self._work(requests))
            except ExceptionGroup as errors:  # what on_progress raises
                raise errors.exceptions[0] from None
            finally:
                await self._sender.end()
        self._journal.check()
        remove_temporary_files(self._folder)  # of runs that were killed

    def _in_state(self, *states: State) -> list[int]:
        entries = self._journal.entries.values()
        numbers = [entry.number for entry in entries if entry.state in states]
        return [number for number in numbers if number in self._wanted]

    def _remaining(self) -> Iterator[Work]:
        """The requests to work on, starting with those that have a job."""
        again = self._in_state(*self._options.resend)
        settled = set(self._journal.entries).difference(again)
        yield from ((number, None, "") for number in self._in_state("created"))
        try:
            for number, request in self._requests:
                if not (digest := self._digests.get(number)):
                    continue  # it is new since the check, and left to the next run
                if _requests.digest_of(number, request) != digest:
                    msg = f"request {number} has changed since it was checked; restore it"
                    raise ValueError(msg)
                if number in self._wanted and number not in settled:
                    yield number, self._create.request(body=request), digest
        except (OSError, RecursionError, TypeError, ValueError) as error:
            self._limiter.stop(reason_of(error))

    async def _work(self, requests: Iterator[Work]) -> None:
        for number, request, digest in requests:
            self._records.running += 1
            try:
                if request:
                    await self._sender.send(number, request, digest)
                entry = self._journal.entries.get(number)
                if entry and entry.job_id and entry.state == "created":
                    await self._follower.finish(entry, entry.job_id)
            except JournalError as error:
                self._limiter.stop(str(error))
            finally:
                self._records.running -= 1
