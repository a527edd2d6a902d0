"""One run of a batch: send each request at most once, follow its job and save its result."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import evolve

from .. import errors
from .._drivers import asyncio_download
from .._files import keep_other_file, remove_temporary_files
from .._polling import cost_of
from .._registry import Create, Job
from ..client import Client
from ._commits import Commits
from ._journal import Entry, Journal, JournalError
from ._options import Options
from ._rate import RateLimiter, one_line
from ._requests import (
    Numbered,
    check,
    check_forgotten,
    check_free,
    check_gateway,
    digest_of,
    path_of,
)
from ._status import Status, Summary, counts_of, problems_of

_logger = logging.getLogger(__name__)

Follow = Callable[[str, Path], Awaitable[Any]]

ENDED = (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError)
CALLER_REFUSED = (401, 402, 403)  # the next request would get the same status
NO_SUCH_JOB = (400, 404, 410)  # for a job, or its result, that the gateway has forgotten


def is_refusal(error: Exception) -> bool:
    """Whether it is certain that no job was created for a request."""
    if isinstance(error, errors.APIStatusError):
        return 400 <= error.status_code < 500
    return isinstance(error, errors.APIConnectionError | TypeError | ValueError)


def is_forgotten(error: Exception) -> bool:
    """Whether the gateway does not find a job, or its result, or answers with an error and 200."""
    if isinstance(error, errors.APIStatusError):
        return error.status_code in NO_SUCH_JOB or 200 <= error.status_code <= 299
    return isinstance(error, errors.ResultMissingError)


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
        self._create, self._job = create.operation, job.operation
        self._rules = job.operation._JOB
        self._client = client
        self._sender = client._sharing({}, max_retries=0)  # the limiter decides about retries
        self._folder = journal.path.parent.resolve()  # a worker has another working folder
        self._limiter = RateLimiter(options.rate, options.timeout)
        self._reasons: dict[int, str] = {}
        self._lost: dict[int, str] = {}  # jobs that are not in the journal, by number
        self._posts: set[asyncio.Task[bool]] = set()
        self._running = self._in_flight = 0
        self._is_refused = self._is_ending = False

    def status(self) -> Status:
        """How far the batch is."""
        counts = counts_of(self._journal, len(self._requests))
        counts["unknown"] = max(0, counts["unknown"] - self._in_flight)
        return Status(**counts, running=self._running)

    def summary(self) -> Summary:
        """How the run has ended."""
        return Summary(
            **counts_of(self._journal, len(self._requests)),
            problems=problems_of(self._journal, self._reasons),
            stopped=self._limiter.stopped,
            is_refused=self._is_refused,
        )

    def check(self) -> None:
        """Refuse to mix up requests, gateways or files, so that no paid result is lost.

        Raises:
            ValueError: Something is not as it was in the previous run.
        """
        _, source, _ = self._journal.about
        gateway = self._client._base_url.rstrip("/")
        check_gateway(self._journal, gateway)
        check(self._requests, self._journal.entries, self._path_of, self._options.only or ())
        check_forgotten(self._journal, self._options.forget)
        if "failed" in self._options.resend:
            check_free(map(self._path_of, self._in_state("failed")))
        self._journal.describe(gateway, self._options.source or source, len(self._requests))

    def _path_of(self, number: int) -> Path:
        return path_of(self._folder, number, self._rules.suffix)

    async def all(self) -> None:
        """Work on every unfinished request. If cancelled, wait for the responses in flight.

        Raises:
            JournalError: The journal is not in its place.
        """
        remove_temporary_files(self._folder)
        async with Commits(self._journal) as self._commits:
            await self._count_found()
            if remaining := self._count_remaining():
                async with self._following() as self._follow:
                    await self._share(remaining)
        self._check_journal()
        remove_temporary_files(self._folder)  # a lost worker leaves some too

    def _check_journal(self) -> None:
        try:
            self._journal.check()
        except JournalError as error:
            error.jobs |= self._lost
            raise

    def _count_remaining(self) -> int:
        entries, only = self._journal.entries, self._options.only
        unsent = len(self._requests) - len(entries)
        if only is not None:
            unsent = sum(number not in entries for number in only)
        return unsent + len(self._in_state("created", *self._options.resend))

    async def _share(self, remaining: int) -> None:
        """Let tasks share the requests."""
        requests = self._remaining()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._options.concurrency, remaining)):
                    group.create_task(self._work(requests))
        except ExceptionGroup as group:  # what on_progress raises
            raise group.exceptions[0] from None
        finally:
            self._is_ending = True
            await self._last_responses()

    async def _last_responses(self) -> None:
        """Wait for the requests in flight when the run is stopped: they may be paid for."""
        if self._posts:
            text = "waiting for %d responses; stop again to leave them unknown"
            _logger.warning(text, len(self._posts))
        await asyncio.gather(*self._posts, return_exceptions=True)

    async def _count_found(self) -> None:
        """Count the results of unknown requests that a person has found."""
        for number in self._in_state("unknown"):
            if self._path_of(number).exists():
                found = evolve(self._journal.entries[number], state="done", error=None)
                await self._commits.put(found)

    def _is_wanted(self, number: int) -> bool:
        return self._options.only is None or number in self._options.only

    def _in_state(self, *states: str) -> list[int]:
        entries = self._journal.entries.values()
        numbers = [entry.number for entry in entries if entry.state in states]
        return [number for number in numbers if self._is_wanted(number)]

    def _remaining(self) -> Iterator[tuple[int, Any]]:
        """The requests to work on, starting with those that have a job."""
        again = set(self._in_state(*self._options.resend))
        yield from ((number, None) for number in self._in_state("created"))
        sent = set(self._journal.entries)
        for number, request in self._requests:
            if number not in sent and self._is_wanted(number):
                yield number, request
        for number, request in self._requests if again else ():
            if number in again:
                yield number, request

    @contextlib.asynccontextmanager
    async def _following(self) -> AsyncIterator[Follow]:
        if self._options.cluster is None:
            yield self._follow_here
            return
        from ._cluster import following  # it needs the extra `cluster`

        async with following(self._job, self._client, self._options, self._journal.path) as follow:
            yield follow

    async def _follow_here(self, job_id: str, path: Path) -> Any:
        """Wait for a job, and save its result."""
        job = await self._job.asyncio_wait(
            job_id,
            client=self._client,
            interval=self._options.interval,
            timeout=self._options.timeout,
        )
        url = self._job.result(job)
        await asyncio_download(self._client, url, path, None, place=keep_other_file)
        return job

    async def _work(self, requests: Iterator[tuple[int, Any]]) -> None:
        for number, request in requests:
            self._running += 1
            try:
                await self._advance(number, request)
            except JournalError as error:
                self._limiter.stop(str(error))
            finally:
                self._running -= 1

    async def _advance(self, number: int, request: Any) -> None:
        if request is not None:
            await self._send(number, request)
        entry = self._journal.entries.get(number)
        if entry and entry.job_id and entry.state == "created":
            await self._finish(entry, entry.job_id)

    async def _send(self, number: int, request: Any) -> None:
        is_to_send = True
        while is_to_send and await self._limiter.acquire():
            post = asyncio.create_task(self._post(number, request))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)
            is_to_send = await asyncio.shield(post)

    async def _post(self, number: int, request: Any) -> bool:
        """Send a request. True if it was refused for now and has to be sent again."""
        before = self._journal.entries.get(number)
        attempt = before.attempt + 1 if before else 1
        entry = Entry(number, digest_of(number, request), attempt)
        await self._commits.put(entry)  # before it is sent: from then on it may be paid for
        if self._is_ending:
            await self._commits.remove(entry, before)
            return False
        self._in_flight += 1
        try:
            return await self._outcome_of(request, entry, before)
        finally:
            self._in_flight -= 1

    async def _outcome_of(self, request: Any, entry: Entry, before: Entry | None) -> bool:
        try:
            response = await self._create.asyncio(client=self._sender, body=request)
            entry = evolve(entry, state="created", job_id=self._create.job_id(response))
        except Exception as error:
            if is_refusal(error):
                await self._commits.remove(entry, before)
                return self._is_to_send_again(entry.number, error)
            content = getattr(error, "content", None)
            entry = evolve(entry, error=one_line(error), response=content)
        await self._record(entry)
        self._limiter.record(unknown=entry.error)
        return False

    async def _record(self, entry: Entry) -> None:
        try:
            await self._commits.put(entry)
        except JournalError:
            self._reasons[entry.number] = why = self._why_unwritten(entry)
            _logger.error("request %d: %s", entry.number, why)
            raise
        if self._options.on_progress is not None:
            self._options.on_progress(self.status(), entry)

    def _why_unwritten(self, entry: Entry) -> str:
        """What a person has to know if an entry could not be written."""
        if not entry.job_id:
            return "it may have been paid for"
        if self._journal.entries[entry.number].job_id:
            return f"its job {entry.job_id} has ended, and the next run will see that again"
        self._lost[entry.number] = entry.job_id
        return f"its job is {entry.job_id}, which is not in the journal"

    def _is_to_send_again(self, number: int, error: Exception) -> bool:
        if isinstance(error, errors.APIConnectionError | errors.RateLimitError):
            return self._limiter.back_off(error)
        self._limiter.record()
        self._reasons[number] = one_line(error)
        if isinstance(error, errors.APIStatusError) and error.status_code in CALLER_REFUSED:
            self._is_refused = True
            self._limiter.stop(f"request {number}: {one_line(error)}")
        return False

    async def _finish(self, entry: Entry, job_id: str) -> None:
        try:
            job = await self._follow(job_id, self._path_of(entry.number))
            entry = evolve(entry, state="done", cost=cost_of(self._rules, job))
        except ENDED as error:
            cost = cost_of(self._rules, error.job)
            entry = evolve(entry, state="failed", cost=cost, error=one_line(error))
        except Exception as error:
            if not (why := self._why_forgotten(entry, error)):
                self._leave(entry, error)
                return
            entry = evolve(entry, state="failed", error=why)
        await self._record(entry)

    def _why_forgotten(self, entry: Entry, error: Exception) -> str | None:
        """Why the request ends without a result, if a person said so and the gateway agrees."""
        if entry.number not in self._options.forget or not is_forgotten(error):
            return None
        return f"forgotten, job {entry.job_id}: {one_line(error)}"

    def _leave(self, entry: Entry, error: Exception) -> None:
        """Leave a request with a job to the next run."""
        why = one_line(error)
        if is_forgotten(error):
            why = f"the gateway does not find its job {entry.job_id} ({why}); it can be forgotten"
        self._reasons[entry.number] = why
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            self._limiter.stop(why)  # the next results could not be saved either
