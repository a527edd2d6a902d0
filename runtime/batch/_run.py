"""One run of a batch: send each request at most once, follow its job and save its result."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from attrs import evolve

from .. import _calls, errors
from .._drivers import asyncio_download, asyncio_run
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
    as_checked,
    check,
    check_forgotten,
    check_free,
    check_gateway,
    path_of,
)
from ._status import Status, Summary, counts_of, problems_of

_logger = logging.getLogger(__name__)

Follow = Callable[[str, Path], Awaitable[Any]]

ENDED = (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError)
CALLER_REFUSED = (401, 402, 403)  # the next request would get the same status
NO_SUCH_JOB = (400, 404, 410)  # for a job, or its result, that the gateway has forgotten


def is_refusal(error: Exception) -> bool:
    """Whether it is certain that no job was created for a request that was sent."""
    if isinstance(error, errors.APIStatusError):
        return 400 <= error.status_code < 500
    return isinstance(error, errors.APIConnectionError | _EndingError)


def is_forgotten(error: Exception) -> bool:
    """Whether the gateway does not find a job, or its result, or answers with an error and 200."""
    if isinstance(error, errors.APIStatusError):
        return error.status_code in NO_SUCH_JOB or 200 <= error.status_code <= 299
    return isinstance(error, errors.ResultMissingError)


class _EndingError(Exception):
    """A request was about to leave when the run was stopped."""


def without_pool_timeout(client: Client) -> Client:
    """A client whose requests wait for a connection as long as it takes."""
    timeout = httpx.Timeout(client._own.get("timeout", client._timeout))
    timeout.pool = None
    return client._sharing({"timeout": timeout}, timeout=timeout)


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
        self._client = without_pool_timeout(client)
        self._sender = self._client._sharing({}, max_retries=0)  # the limiter decides about retries
        self._folder = journal.path.parent.resolve()  # a worker has another working folder
        self._limiter = RateLimiter(options.rate, options.timeout)
        self._reasons: dict[int, str] = {}
        self._lost: dict[int, str] = {}  # jobs that are not in the journal, by number
        self._posts: set[asyncio.Task[bool]] = set()
        self._running = 0
        self._in_flight: set[int] = set()
        self._is_refused = self._is_ending = False
        self._total = 0
        self._checked: Sequence[int] = ()

    def status(self) -> Status:
        """How far the batch is."""
        counts = counts_of(self._journal, self._total)
        in_flight = [self._journal.entries.get(number) for number in self._in_flight]
        counts["unknown"] -= sum(1 for entry in in_flight if entry and entry.state == "unknown")
        return Status(**counts, running=self._running)

    def summary(self) -> Summary:
        """How the run has ended."""
        return Summary(
            **counts_of(self._journal, self._total),
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
        only = self._options.only or ()
        self._checked = check(self._requests, self._journal.entries, self._path_of, only)
        self._total = len(self._checked)
        check_forgotten(self._journal, self._options.forget)
        if "failed" in self._options.resend:
            check_free(map(self._path_of, self._in_state("failed")))
        self._journal.describe(gateway, self._options.source or source, self._total)

    def _path_of(self, number: int) -> Path:
        return path_of(self._folder, number, self._rules.suffix)

    async def all(self) -> None:
        """Work on every unfinished request. If cancelled, wait for the responses in flight.

        Raises:
            JournalError: The journal is not in its place.
        """
        with Commits(self._journal) as self._commits:
            await self._count_found()
            if remaining := self._count_remaining():
                async with self._following() as self._follow:
                    await self._share(remaining)
        self._check_journal()
        remove_temporary_files(self._folder)  # of this run's lost workers, and of killed runs

    def _check_journal(self) -> None:
        try:
            self._journal.check()
        except JournalError as error:
            error.jobs |= self._lost
            raise

    def _count_remaining(self) -> int:
        entries, only = self._journal.entries, self._options.only
        unsent = self._total - len(entries)
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

    def _remaining(self) -> Iterator[tuple[int, Any, str]]:
        """The requests to work on, starting with those that have a job."""
        again = set(self._in_state(*self._options.resend))
        yield from ((number, None, "") for number in self._in_state("created"))
        sent = set(self._journal.entries)
        for each in as_checked(self._requests, self._checked):
            if each[0] not in sent and self._is_wanted(each[0]):
                yield each
        for each in as_checked(self._requests, self._checked) if again else ():
            if each[0] in again:
                yield each

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

    async def _work(self, requests: Iterator[tuple[int, Any, str]]) -> None:
        while each := self._next(requests):
            self._running += 1
            try:
                await self._advance(*each)
            except JournalError as error:
                self._limiter.stop(str(error))
            finally:
                self._running -= 1

    def _next(self, requests: Iterator[tuple[int, Any, str]]) -> tuple[int, Any, str] | None:
        """The next request; none if they are no longer as they were checked."""
        try:
            return next(requests, None)
        except (OSError, RecursionError, TypeError, ValueError) as error:
            self._limiter.stop(one_line(error))
            return None

    async def _advance(self, number: int, request: Any, digest: str) -> None:
        if request is not None:
            await self._send(number, request, digest)
        entry = self._journal.entries.get(number)
        if entry and entry.job_id and entry.state == "created":
            await self._finish(entry, entry.job_id)

    async def _send(self, number: int, request: Any, digest: str) -> None:
        before = self._journal.entries.get(number)
        entry = Entry(number, digest, before.attempt + 1 if before else 1)
        is_to_send = True
        while is_to_send and await self._limiter.acquire():
            post = asyncio.create_task(self._post(request, entry, before))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)
            is_to_send = await asyncio.shield(post)

    async def _post(self, request: Any, entry: Entry, before: Entry | None) -> bool:
        """Send a request. True if it was refused for now and has to be sent again."""
        try:
            kwargs = self._create._get_kwargs(body=request)
        except (TypeError, ValueError) as error:
            self._reasons[entry.number] = one_line(error)
            return False
        steps = _calls.result(self._sender, kwargs, self._create._parse_response)
        try:
            response = await asyncio_run(self._sender, steps, self._announcing(entry))
            entry = evolve(entry, state="created", job_id=self._create.job_id(response))
        except JournalError:
            raise
        except Exception as error:
            if is_refusal(error):
                return await self._undo(entry, before, error)
            content = getattr(error, "content", None)
            entry = evolve(entry, error=one_line(error), response=content)
        await self._record(entry)
        self._in_flight.discard(entry.number)
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
                self._in_flight.add(entry.number)
                await self._commits.put(entry)
            if self._is_ending:
                raise _EndingError
            is_done = True

        return announce

    async def _undo(self, entry: Entry, before: Entry | None, error: Exception) -> bool:
        """Take back that a request was sent, for it certainly created no job."""
        self._in_flight.discard(entry.number)
        if self._journal.entries.get(entry.number) != before:
            await self._commits.remove(entry, before)
        return not self._is_ending and self._is_to_send_again(entry.number, error)

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
        path, is_other_file = self._path_of(entry.number), isinstance(error, FileExistsError)
        if isinstance(error, OSError) and error.strerror:
            error = OSError(f"{error.filename or path}: {error.strerror}")
        why = one_line(error)
        if is_forgotten(error):
            why = f"the gateway does not find its job {entry.job_id} ({why}); it can be forgotten"
        self._reasons[entry.number] = why
        if isinstance(error, OSError) and not is_other_file:
            self._limiter.stop(why)  # the next results could not be saved either
