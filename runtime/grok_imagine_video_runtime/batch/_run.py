"""Send the requests of a batch, each at most once, and bring their jobs to an end."""

import asyncio
import functools
import os
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any, ParamSpec

import httpx
from attrs import evolve

from .. import _calls, _downloads, _files, _io, errors
from .._jobs import Waiting, cost_of, reason_of, wait
from ..client import Client, running_loop
from ..models import SentObject
from ..operations import Request
from ._journal import Entry, Journal, JournalError
from ._limits import RateLimiter
from ._requests import Batch, Resend, Work
from ._status import OnProgress, Records, Summary

P = ParamSpec("P")


class Worker:
    """Brings the requests to their end, and writes down each step before the next one.

    A request waits for the budget, the rate and fewer requests in flight than connections before it
    is written down. So one that waits has not left, and is not sent once the run is stopped.
    """

    def __init__(self, batch: Batch, journal: Journal) -> None:
        session = batch.client.get_async_httpx_client()
        timeout = httpx.Timeout(batch.client.overrides.get("timeout", session.timeout))
        timeout.pool = None  # a request waits for a connection as long as it takes
        self._client = batch.client.with_timeout(timeout)
        self._creator = evolve(self._client, max_retries=0)  # the limiter decides about retries
        self._batch, self._journal, self._logger = batch, journal, batch.client.package.logger
        self._records = Records(journal, batch.budget, batch.on_progress)
        self._limiter = RateLimiter(batch.rate, batch.waiting.timeout, self._logger)
        arguments, _ = batch.client.sessions.settings
        self._connections = arguments["limits"].max_connections or batch.concurrency
        self._has_changed = asyncio.Event()
        self._posts: set[asyncio.Task[Entry]] = set()
        self._again: list[Work] = []  # what was refused for now

    async def work(self) -> Summary:
        """Work on every request. If cancelled, send no more, and wait for those in flight."""
        remaining = self._batch.remaining(self._journal.entries, self._limiter.stop)
        try:
            async with asyncio.TaskGroup() as group:
                while work := await self._next(remaining):
                    self._records.note(work[0].number, is_running=True)
                    post = asyncio.create_task(self._post(*work))
                    self._posts.add(post)
                    group.create_task(self._finish(post, work[0].number))
        except ExceptionGroup as group_of_errors:  # the journal is lost, or on_progress raises
            raise group_of_errors.exceptions[0] from None
        finally:
            if count := sum(not post.done() for post in self._posts):  # they may be paid for
                self._limiter.stopped = "the run has ended"
                text = "waiting for %d responses; stop again to leave them unknown"
                self._logger.warning(text, count, extra={"event": "ending", "in_flight": count})
            await asyncio.gather(*self._posts, return_exceptions=True)
        return self._records.summary(self._limiter.stopped)

    async def _next(self, remaining: Iterator[Work]) -> Work | None:
        """Wait until one more request may be worked on. None if there is none, or none may."""
        limit, counts = self._batch.concurrency, self._records.counts
        while counts["running"] >= limit or len(self._posts) >= self._connections:
            await self._change()
        while not (work := self._again.pop() if self._again else next(remaining, None)):
            if not counts["running"]:
                return None
            await self._change()
        if work[1] is None:
            return work
        while (why := self._records.excess()) and not self._limiter.stopped:
            if not counts["running"]:  # nobody else can make room
                self._limiter.stop(why)
            else:
                await self._change()
        if not await self._limiter.acquire():
            return None
        self._records.unpriced += 1
        return work

    async def _change(self) -> None:
        self._has_changed.clear()
        await self._has_changed.wait()

    async def _finish(self, post: asyncio.Task[Entry], number: int) -> None:
        """Follow a request to its end once it is sent; one that is sent is not cancelled."""
        await asyncio.wait([post])
        self._posts.remove(post)
        self._has_changed.set()
        try:
            if (entry := post.result()).state == "created":
                await self._follow(entry)
        finally:  # also if a callback cancels this: the group goes on, and does not wait for it
            self._records.note(number)
            self._has_changed.set()

    async def _post(self, entry: Entry, request: Request[Any] | None) -> Entry:
        """Send a request, unless there is a job already, and write down what came of it."""
        if request is None:
            return entry
        records, limiter = self._records, self._limiter
        await _files.in_thread(self._journal.put, entry)  # from now on it may be paid for
        if limiter.stopped or records.excess(0):  # a price was told meanwhile
            await records.undo(entry)
            self._again.append((entry, request))
            return entry
        try:
            response = await _io.asyncio_run(self._creator, _calls.parsed, request)
            sent = evolve(entry, job_id=self._batch.create.module.job_id(response), state="created")
        except (errors.APIConnectionError, errors.RateLimitError) as error:
            await records.undo(entry)
            self._again.append((entry, request))
            if not limiter.stopped:
                limiter.back_off(error)
            return entry
        except Exception as error:
            if isinstance(error, errors.APIStatusError) and 400 <= error.status_code < 500:
                if error.status_code in (401, 402, 403):  # the next request would get the same
                    limiter.stop(f"request {entry.number}: {error}")
                error.request_id = None  # so that equal reasons can be grouped
                await records.undo(entry, reason_of(error))
                limiter.record()
                return entry
            sent = evolve(entry, error=reason_of(error), response=getattr(error, "content", None))
        try:
            await records.put(sent)
        except JournalError:
            if sent.job_id:  # it is known nowhere else
                text = "request %d: its job is %s, which is not in the journal"
                self._logger.error(text, sent.number, sent.job_id, extra={"event": "unwritten"})
            raise
        limiter.record(unknown=sent.error)
        return sent

    async def _follow(self, entry: Entry) -> None:
        """Follow the job of a request to its end, and save its result."""
        module, job_id = self._batch.job.module, entry.job_id
        path = self._batch.path_of(entry.number)
        try:
            poll = module.OPERATION.follow(job_id)
            job = await _io.asyncio_run(self._client, wait, poll, job_id, self._batch.waiting)
            entry = self._priced(entry, job)  # others wait for it, and not for the download
            url = module.result(job)
            async with _files.asyncio_atomic_file(path) as file:
                await _io.asyncio_run(self._client, _downloads.save, url, file, None)
            entry = evolve(entry, state="done", error=None)
        except (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError) as error:
            entry = evolve(self._priced(entry, error.job), state="failed", error=reason_of(error))
        except errors.ResultMissingError as error:
            entry = evolve(self._priced(entry, error.job), error=reason_of(error))
        except OSError as error:  # the next results could not be saved either
            why = f"{error.filename or path}: {error.strerror or reason_of(error)}"
            self._limiter.stop(why)
            entry = evolve(entry, error=why)
        except Exception as error:
            entry = evolve(entry, error=reason_of(error))
        await self._records.put(entry)

    def _priced(self, entry: Entry, job: Any) -> Entry:
        self._has_changed.set()  # the price may make room for others
        cost = cost_of(self._batch.job.module.JOB, job) if job else None
        return self._records.priced(entry, cost)


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

    All requests are checked before the first one is sent. Each is sent once, and again only where
    it is certain that no job was created, such as after status 429. A run that is cancelled, or
    stopped with Ctrl-C, waits for the responses in flight; if cancelled again, they stay unknown.

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
        JournalError: The journal cannot be written, or was moved; `jobs` has the ids it lacks.
        OSError: The folder cannot be used.
        RuntimeError: `run` is called where an event loop runs; await `asyncio_run` there.
    """
    if isinstance(requests, SentObject):
        msg = "requests must be a list of requests: pass [request]"
        raise TypeError(msg)
    listed = requests if isinstance(requests, Sequence) else list(requests)
    chosen = range(1, len(listed) + 1) if only is None else only
    waiting, last = Waiting[Any](interval, timeout), (resend, chosen, source, on_progress)
    batch = Batch(listed, client, folder, concurrency, rate, budget, waiting, *last)
    with ExitStack() as stack:  # a thread that is cancelled leaves what it has opened to it
        journal = await _files.in_thread(batch.open, stack)
        return await Worker(batch, journal).work()


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
        if running_loop() is not None:
            msg = "an event loop is running, as in a notebook: await batch.asyncio_run(...) instead"
            raise RuntimeError(msg)
        return asyncio.run(run_and_close(*args, **options))

    run.__name__ = run.__qualname__ = "run"
    return run


run = _blocking(asyncio_run)
