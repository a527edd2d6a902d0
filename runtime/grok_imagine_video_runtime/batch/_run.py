"""Send the requests of a batch, each at most once, and bring their jobs to an end."""

import asyncio
import functools
import os
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Any, ParamSpec

import httpx
from attrs import evolve

from .. import _calls, _downloads, _files, _io, errors
from .._jobs import NO_RESPONSE, Waiting, cost_of, reason_of, wait
from ..client import Client
from ..config import LIMITS
from ..models import SentObject
from ..operations import Request
from ._journal import Entry, Journal, JournalError
from ._limits import RateLimiter
from ._requests import Batch, Resend
from ._status import OnProgress, Records, Summary

P = ParamSpec("P")


class Worker:
    """Brings the requests to their end, and writes down each step before the next one.

    No more requests are in flight than the client has connections. The others wait before they are
    written down, so they have not left, and are not sent once the run is stopped.
    """

    def __init__(self, batch: Batch, journal: Journal) -> None:
        session = batch.client.sessions.asyncio_opened(batch.client).session
        timeout = httpx.Timeout(batch.client.overrides.get("timeout", session.timeout))
        timeout.pool = None  # a request waits for a connection as long as it takes
        self._client = batch.client.with_timeout(timeout)
        self._creator = evolve(self._client, max_retries=0)  # the limiter decides about retries
        self._batch, self._logger = batch, batch.client.package.logger
        self._records = Records(journal, batch.on_progress)
        self._limiter = RateLimiter(batch.rate, batch.waiting.timeout, self._logger)
        limits: httpx.Limits = batch.client.httpx_args.get("limits", LIMITS)
        self._permits = asyncio.Semaphore(limits.max_connections or batch.concurrency)
        self._running, self._has_ended = 0, asyncio.Event()
        self._in_budget, self._over_budget = 0, ""  # requests that may tell a price, or be refused
        self._posts: set[asyncio.Task[bool]] = set()
        self._is_ending = False

    async def work(self) -> Summary:
        """Work on every request. If cancelled, wait for the responses in flight."""
        records, limiter = self._records, self._limiter
        try:
            async with asyncio.TaskGroup() as group:
                for entry, request in self._batch.remaining(records.entries, limiter.stop):
                    while self._running >= self._batch.concurrency:
                        await self._end_of_another()
                    if request is not None and limiter.stopped:
                        break
                    self._running += 1
                    group.create_task(self._work(entry, request))
        except ExceptionGroup as group_of_errors:  # the journal is lost, or on_progress raises
            raise group_of_errors.exceptions[0] from None
        finally:
            await self._end()
        is_over_budget = limiter.stopped == self._over_budget
        return records.summary(stopped=limiter.stopped, is_over_budget=is_over_budget)

    async def _end_of_another(self) -> None:
        self._has_ended.clear()
        await self._has_ended.wait()

    async def _work(self, entry: Entry, request: Request[Any] | None) -> None:
        entries, before = self._records.entries, self._records.entries.get(entry.number)
        self._in_budget += request is None
        try:
            if request is not None:
                await self._send(request, entry)
            latest = entries.get(entry.number)
            has_changed = request is None or latest != before  # a refused one is not followed
            if latest and latest.state == "created" and has_changed:
                await self._follow(latest)
        finally:
            self._in_budget -= request is None or entries.get(entry.number) != before
            self._running -= 1
            self._has_ended.set()

    async def _send(self, request: Request[Any], entry: Entry) -> None:
        """Send a request, again and again if the gateway refuses it for now."""
        entries, before = self._records.entries, self._records.entries.get(entry.number)
        async with self._permits:
            while await self._is_within_budget() and await self._limiter.acquire():
                if self._records.over_budget(self._batch.budget):
                    continue  # others were faster, or dearer
                self._records.unpriced += 1
                self._in_budget += 1
                post = asyncio.create_task(self._post(request, entry))
                self._posts.add(post)
                post.add_done_callback(self._note_end)
                is_for_now = await asyncio.shield(post)
                if entries.get(entry.number) != before:
                    return
                self._in_budget -= 1  # it was refused, or did not leave
                self._has_ended.set()
                if not is_for_now:
                    return

    def _note_end(self, post: "asyncio.Task[bool]") -> None:
        self._posts.discard(post)
        if not post.cancelled():
            post.exception()  # so that asyncio does not report it; the journal is lost

    async def _is_within_budget(self) -> bool:
        """Wait until one more request is within the budget. False if no more are sent."""
        while why := self._records.over_budget(self._batch.budget):
            if not self._in_budget:  # nobody else can make room
                self._over_budget = why
                self._limiter.stop(why)
            if self._limiter.stopped:
                return False
            await self._end_of_another()
        return True

    async def _end(self) -> None:
        """Send no more, and wait for the requests in flight: they may be paid for."""
        self._is_ending = True
        if count := len(self._posts):
            text = "waiting for %d responses; stop again to leave them unknown"
            self._logger.warning(text, count, extra={"event": "ending", "in_flight": count})
        await asyncio.gather(*self._posts, return_exceptions=True)

    async def _post(self, request: Request[Any], entry: Entry) -> bool:
        """Send a request. True if it was refused for now and has to be sent again."""
        records = self._records
        await records.send(entry)
        is_too_much = records.over_budget(self._batch.budget, records.unpriced - 1)
        if self._is_ending or is_too_much:  # a price was told meanwhile
            await records.undo(entry)
            return not self._is_ending
        try:
            response = await _io.asyncio_run(self._creator, _calls.parsed, request)
            job_id = self._batch.create.module.job_id(response)
            entry = evolve(entry, state="created", job_id=job_id)
        except (errors.APIConnectionError, errors.RateLimitError) as error:
            await self._records.undo(entry)
            return not self._is_ending and self._limiter.back_off(error)
        except Exception as error:
            if isinstance(error, errors.APIStatusError) and 400 <= error.status_code < 500:
                await self._refuse(entry, error)
                return False
            why = reason_of(error)
            if "it may have been" not in why:
                why += "; it may have been paid for"
            entry = evolve(entry, error=why, response=getattr(error, "content", None))
        try:
            await self._records.put(entry)
        except JournalError:
            if entry.job_id:  # it is known nowhere else
                text = "request %d: its job is %s, which is not in the journal"
                self._logger.error(text, entry.number, entry.job_id, extra={"event": "unwritten"})
            raise
        self._limiter.record(unknown=entry.error)
        return False

    async def _refuse(self, entry: Entry, error: errors.APIStatusError) -> None:
        """Note that certainly no job was created."""
        reason = reason_of(error).partition(" (request id ")[0]  # so that equal ones can be grouped
        await self._records.undo(entry, reason)
        self._limiter.record()
        if error.status_code in (401, 402, 403):  # the next request would get the same
            self._limiter.stop(f"request {entry.number}: {error}")

    async def _follow(self, entry: Entry) -> None:
        """Follow the job of a request to its end, and save its result."""
        batch, module, job_id = self._batch, self._batch.job.module, entry.job_id
        self._records.note(entry.number, "running")
        try:
            poll = module.OPERATION.follow(job_id)
            job = await _io.asyncio_run(self._client, wait, poll, job_id, batch.waiting)
            entry = evolve(entry, cost=cost_of(module.JOB, job))
            self._records.count_price(entry)
            if entry.cost:  # which others wait for, and which the download may delay
                self._has_ended.set()
            url, path = module.result(job), batch.path_of(entry.number)
            async with _files.asyncio_atomic_file(path, _files.keep_other_file) as file:
                await _io.asyncio_run(self._client, _downloads.save, url, file, None)
            entry = evolve(entry, state="done")
        except (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError) as error:
            cost = cost_of(module.JOB, error.job) if error.job else None
            entry = evolve(entry, state="failed", cost=cost, error=reason_of(error))
        except Exception as error:
            await self._leave(entry, error)
            return
        await self._records.put(entry)

    async def _leave(self, entry: Entry, error: Exception) -> None:
        """Leave a request with a job to the next run."""
        if isinstance(error, errors.ResultMissingError):
            entry = evolve(entry, cost=cost_of(self._batch.job.module.JOB, error.job))
        if entry.cost is not None:  # it is paid, even if its result cannot be saved
            await self._records.put(entry)
        why = reason_of(error).replace(NO_RESPONSE, "cannot fetch its result")
        if isinstance(error, OSError):
            why = f"{error.filename or self._batch.path_of(entry.number)}: {error.strerror or why}"
            if not isinstance(error, FileExistsError):
                self._limiter.stop(why)  # the next results could not be saved either
        self._records.note(entry.number, reason=why)


async def asyncio_run(
    requests: Iterable[SentObject],
    *,
    client: Client,
    folder: str | os.PathLike[str],
    concurrency: int = 20,
    rate: float | None = None,
    budget: float | None = None,
    interval: float = 5.0,
    timeout: float = 900.0,  # noqa: ASYNC109 - of each wait
    resend: Collection[Resend] = (),
    only: Collection[int] | None = None,
    source: str = "",
    on_progress: OnProgress | None = None,
) -> Summary:
    """Create a job for each request, wait for all of them and save their results.

    All requests are checked before the first one is sent. Each is sent once; it is sent again only
    where it is certain that no job was created, such as after status 429. A run that is cancelled
    or stopped with Ctrl-C sends no more requests, waits for the responses in flight, and writes
    them down. If it is cancelled again, their outcome stays unknown.

    Args:
        requests: They are numbered from 1. A later run needs the same ones, and new ones at the
            end. They are read more than once; a sequence that makes each on demand saves memory.
        client: Where the API is. Its `max_retries` do not count for requests that create jobs.
        folder: Where the results and the journal are; made if it is missing.
        concurrency: How many requests are worked on at the same time, 1 or more.
        rate: How many requests are sent in a minute, above 0. Default: no limit.
        budget: US dollars, above 0, for all runs in the folder. A request is sent if all prices
            stay within it when the request, and each job without a price, costs as much as the
            dearest job so far. Until there is a price, one request runs alone. Default: no limit.
        interval: Seconds between two requests for one job, above 0.
        timeout: Seconds to wait for a job, and for a gateway that accepts nothing, above 0.
        resend: Requests of earlier runs to send and pay for again: "unknown", "failed" or
            "unfinished". The job of an unfinished one is not followed any more.
        only: The numbers of the requests to work on. Default: all.
        source: Where the requests come from, for `Summary.source`. Default: what it was before.
        on_progress: Called with the `Status` and the `Entry` each time a request has a new entry.

    Returns:
        How many are done, failed and so on. Errors of single requests are in it, not raised.

    Raises:
        TypeError: No operation creates jobs from such requests, or several do.
        ValueError: An argument or a request cannot be used, another request was sent under its
            number, the journal belongs to another gateway or process; nothing was sent.
        JournalError: The journal cannot be written, or is no longer in its place; the error has the
            ids of the jobs that are not in it.
        OSError: The folder cannot be used.
        RuntimeError: `run` is called where an event loop runs; await `asyncio_run` there.
    """
    if isinstance(requests, SentObject):
        msg = "requests must be a list of requests: pass [request]"
        raise TypeError(msg)
    listed = requests if isinstance(requests, Sequence) else list(requests)
    waiting, last = Waiting[Any](interval, timeout), (resend, only, source, on_progress)
    batch = Batch(listed, client, folder, concurrency, rate, budget, waiting, *last)
    with ExitStack() as stack:  # a thread that is cancelled leaves what it has opened to it
        journal = await _files.in_thread(batch.open, stack)
        summary = await Worker(batch, journal).work()
        _files.remove_temporary_files(batch.folder)  # of runs that were killed
        return summary


def _blocking(function: Callable[P, Coroutine[Any, Any, Summary]]) -> Callable[P, Summary]:
    """The same function, in an event loop of its own."""

    async def run_and_close(*args: P.args, **options: P.kwargs) -> Summary:
        try:
            return await function(*args, **options)
        finally:
            client: Any = options.get("client")
            with suppress(Exception):  # what a transport raises must not hide the summary
                await client.sessions.close_loop()

    @functools.wraps(function)
    def run(*args: P.args, **options: P.kwargs) -> Summary:
        loop = None
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
        if loop is not None:
            msg = "an event loop is running, as in a notebook: await batch.asyncio_run(...) instead"
            raise RuntimeError(msg)
        return asyncio.run(run_and_close(*args, **options))

    run.__name__ = run.__qualname__ = "run"
    return run


run = _blocking(asyncio_run)
