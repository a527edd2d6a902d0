"""Send the requests of a batch, each at most once, and bring their jobs to an end."""

import asyncio
import contextlib
from typing import Any

import httpx
from attrs import evolve

from .. import errors
from .._calls import parsed
from .._downloads import save
from .._files import asyncio_atomic_file, keep_other_file
from .._io import asyncio_run
from .._jobs import cost_of, is_lost
from ..config import LIMITS
from ..operations import Request
from ._journal import Entry, Journal, JournalError
from ._limits import RateLimiter, reason_of
from ._requests import Batch
from ._status import Records, Summary

_CALLER_REFUSED = (401, 402, 403)  # the next request would get the same status
_ENDED = (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError)


class Run:
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
        concurrency = int(batch.concurrency)
        self._permits = asyncio.Semaphore(min(concurrency, limits.max_connections or concurrency))
        self._slots = asyncio.Semaphore(concurrency)
        self._running, self._has_ended = 0, asyncio.Event()
        self._posts: set[asyncio.Task[bool]] = set()
        self._is_ending = self._is_over_budget = False
        self._error: JournalError | None = None

    async def all(self) -> Summary:
        """Work on every request. If cancelled, wait for the responses in flight."""
        work = self._batch.remaining(self._records.entries, self._limiter.stop)
        with contextlib.closing(self._records):
            try:
                async with asyncio.TaskGroup() as group:
                    for entry, request in work:
                        await self._slots.acquire()
                        if request is not None and not await self._is_within_budget():
                            break
                        self._running += 1
                        group.create_task(self._work(entry, request))
            except ExceptionGroup as group_of_errors:  # what on_progress raises
                raise (self._error or group_of_errors.exceptions[0]) from None
            finally:
                await self._end()
        if self._error:
            raise self._error
        stopped, is_over_budget = self._limiter.stopped, self._is_over_budget
        return self._records.summary(stopped=stopped, is_over_budget=is_over_budget)

    async def _is_within_budget(self) -> bool:
        """Wait until one more request is within the budget. False if no more are sent."""
        records, budget = self._records, self._batch.budget
        while not self._limiter.stopped and not records.has_room(budget, self._running):
            if self._running:
                self._has_ended.clear()
                await self._has_ended.wait()
            else:
                self._is_over_budget = True
                why = f"one more request could exceed the budget of ${budget:g}: {records.prices}"
                if not records.dearest:
                    why = "no price was reported, so the budget cannot be kept: run without one"
                self._limiter.stop(why)
        if self._limiter.stopped:
            return False
        records.unpriced += 1
        return True

    async def _work(self, entry: Entry, request: Request[Any] | None) -> None:
        number, records = entry.number, self._records
        before = records.entries.get(number)
        try:
            if request is not None:
                await self._send(request, entry, before)
            latest = records.entries.get(number)
            if latest and latest.state == "created":
                await self._follow(latest)
        except JournalError as error:
            self._error = error
            self._limiter.stop(str(error))
        finally:
            latest = records.entries.get(number)
            self._release(None if latest is before else latest, is_new=request is not None)

    def _release(self, entry: Entry | None, *, is_new: bool) -> None:
        """Let another request run in the place of one, with its new entry if it has one."""
        self._running -= 1
        self._slots.release()
        self._has_ended.set()
        if is_new and entry is None:
            self._records.unpriced -= 1  # no job was created

    async def _send(self, request: Request[Any], entry: Entry, before: Entry | None) -> None:
        """Send a request, again and again if the gateway refuses it for now."""
        async with self._permits:
            while await self._limiter.acquire():
                post = asyncio.create_task(self._post(request, entry, before))
                self._posts.add(post)
                post.add_done_callback(self._posts.discard)
                if not await asyncio.shield(post):
                    return

    async def _end(self) -> None:
        """Send no more, and wait for the requests in flight: they may be paid for."""
        self._is_ending = True
        if count := len(self._posts):
            text = "waiting for %d responses; stop again to leave them unknown"
            self._logger.warning(text, count, extra={"event": "ending", "in_flight": count})
        await asyncio.gather(*self._posts, return_exceptions=True)

    async def _post(self, request: Request[Any], entry: Entry, before: Entry | None) -> bool:
        """Send a request. True if it was refused for now and has to be sent again."""
        await self._records.send(entry)
        if self._is_ending:
            await self._records.undo(entry, before)
            return False
        try:
            response = await asyncio_run(self._creator, parsed, request)
            job_id = self._batch.create.module.job_id(response)
            entry = evolve(entry, state="created", job_id=job_id)
        except Exception as error:
            is_status = isinstance(error, errors.APIStatusError) and 400 <= error.status_code < 500
            if is_status or isinstance(error, errors.APIConnectionError):
                return await self._refuse(entry, before, error)
            content = getattr(error, "content", None)
            entry = evolve(entry, error=reason_of(error), response=content)
        try:
            await self._records.put(entry)
        except JournalError:
            if entry.job_id:  # it is known nowhere else
                text = "request %d: its job is %s, which is not in the journal"
                self._logger.error(text, entry.number, entry.job_id, extra={"event": "unwritten"})
            raise
        self._limiter.record(unknown=entry.error)
        return False

    async def _refuse(self, entry: Entry, before: Entry | None, error: Exception) -> bool:
        """Note that certainly no job was created. True if the request has to be sent again."""
        if isinstance(error, errors.APIConnectionError | errors.RateLimitError):
            await self._records.undo(entry, before)
            return not self._is_ending and self._limiter.back_off(error)
        reason = reason_of(error).partition(" (request id ")[0]  # so that equal ones can be grouped
        await self._records.undo(entry, before, reason)
        self._limiter.record()
        if getattr(error, "status_code", 0) in _CALLER_REFUSED:
            self._limiter.stop(f"request {entry.number}: {reason_of(error)}")
        return False

    async def _follow(self, entry: Entry) -> None:
        """Follow the job of a request to its end, and save its result."""
        number, rules = entry.number, self._batch.job.module.JOB
        self._records.note(number, "running")
        try:
            job = await self._save(entry)
            entry = evolve(entry, state="done", cost=cost_of(rules, job))
        except _ENDED as error:
            cost = cost_of(rules, error.job)
            entry = evolve(entry, state="failed", cost=cost, error=reason_of(error))
        except Exception as error:
            is_lost_for_ever = isinstance(error, errors.ResultMissingError) or is_lost(rules, error)
            if number not in self._batch.forget or not is_lost_for_ever:
                self._leave(entry, error, can_be_forgotten=is_lost_for_ever)
                return
            why = f"forgotten, job {entry.job_id}: {reason_of(error)}"
            entry = evolve(entry, state="failed", error=why)
        await self._records.put(entry)

    async def _save(self, entry: Entry) -> Any:
        """Wait for a job, save its result, and return the last response."""
        module, waiting = self._batch.job.module, self._batch.waiting
        times = {"interval": waiting.interval, "timeout": waiting.timeout}
        job = await module.asyncio_wait(entry.job_id, client=self._client, **times)
        url, path = module.result(job), self._batch.path_of(entry.number)
        async with asyncio_atomic_file(path, keep_other_file) as file:
            await asyncio_run(self._client, save, url, file, None)
        return job

    def _leave(self, entry: Entry, error: Exception, *, can_be_forgotten: bool) -> None:
        """Leave a request with a job to the next run."""
        why = reason_of(error)
        if isinstance(error, OSError) and error.strerror:
            why = f"{error.filename or self._batch.path_of(entry.number)}: {error.strerror}"
        if is_lost(self._batch.job.module.JOB, error):
            why = f"the gateway does not find its job {entry.job_id} ({why})"
        self._records.reasons[entry.number] = why + "; it can be forgotten" * can_be_forgotten
        self._records.note(entry.number)
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            self._limiter.stop(why)  # the next results could not be saved either
