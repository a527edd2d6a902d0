"""One run of a batch: send each line at most once, follow its job and save its video."""

import argparse
import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from attrs import evolve
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from batch_journal import Entry, Journal
from batch_limiter import RateLimiter, console, one_line, say
from batch_lines import Line, video_of
from create_video import ENDED
from grok_imagine_video import AuthenticatedClient, VideoJob, create_video, errors, get_video

Follow = Callable[[str, Path], Awaitable[VideoJob]]

CALLER_REFUSED = (401, 402, 403)  # the next line would get the same status
MOST_TICKS = 10**15  # a larger number is not a price, and may not fit into SQLite


def price(job: VideoJob | None) -> int | None:
    """The price of a job, if its last response reports it."""
    usage = job.to_dict().get("usage") if job else None
    ticks = usage.get("cost_in_usd_ticks") if isinstance(usage, dict) else None
    return ticks if isinstance(ticks, int) and 0 <= ticks < MOST_TICKS else None


def is_refusal(error: Exception) -> bool:
    """Whether it is certain that no job was created for a line."""
    if isinstance(error, errors.APIStatusError):
        return 400 <= error.status_code < 500
    return isinstance(error, errors.APIConnectionError)


class Run:
    """One run over the lines.

    Attributes:
        reasons: Why a line is left for the next run, by line number.
        is_refused: Whether the gateway refuses this caller.
    """

    def __init__(
        self,
        lines: list[Line],
        journal: Journal,
        client: AuthenticatedClient,
        gateway: str,
        options: argparse.Namespace,
    ) -> None:
        self.reasons: dict[int, str] = {}
        self.is_refused = False
        self._lines, self._journal, self._client = lines, journal, client
        self._gateway, self._options = gateway, options
        self._folder = options.output.resolve()  # a worker has another working folder
        self._sender = evolve(client, max_retries=0)  # the limiter decides when to send again
        self._limiter = RateLimiter(options.rate, options.timeout)
        self._posts: set[asyncio.Task[bool]] = set()
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        self._bar = Progress(*columns, TimeElapsedColumn(), console=console)
        self._task = self._bar.add_task("", total=len(lines))

    async def all(self) -> None:
        """Work on every unfinished line. When cancelled, wait for the requests in flight."""
        cancel = asyncio.current_task().cancel  # type: ignore[union-attr]
        for name in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows raises KeyboardInterrupt
                asyncio.get_running_loop().add_signal_handler(name, cancel)
        if not (remaining := self._remaining()):
            return
        lines = iter(remaining)
        with self._bar:
            self._show()
            async with self._client, self._sender, self._following() as self._follow:
                try:
                    async with asyncio.TaskGroup() as group:
                        for _ in range(self._options.concurrency):
                            group.create_task(self._work(lines))
                finally:
                    await self._last_responses()

    async def _last_responses(self) -> None:
        """Wait for the requests in flight when the run is stopped: they may be paid for."""
        if self._posts:
            say(f"waiting for {len(self._posts)} responses; stop again to leave them unknown")
        await asyncio.gather(*self._posts, return_exceptions=True)

    def _remaining(self) -> list[Line]:
        """The lines to work on, starting with those that have a job."""
        states = {entry.number: entry.state for entry in self._journal.entries()}
        order = ["created", "unsent", *(["unknown"] if self._options.resend_unknown else [])]
        remaining = [each for each in self._lines if states.get(each.number, "unsent") in order]
        return sorted(remaining, key=lambda line: order.index(states.get(line.number, "unsent")))

    @contextlib.asynccontextmanager
    async def _following(self) -> AsyncIterator[Follow]:
        if self._options.cluster is None:
            yield self._follow_here
            return
        import batch_cluster  # it needs the `cluster` extra

        journal = self._journal.path.resolve()
        async with batch_cluster.following(self._client, self._options, journal) as follow:
            yield follow

    async def _follow_here(self, job_id: str, path: Path) -> VideoJob:
        timeout = self._options.timeout
        job = await get_video.asyncio_wait(job_id, client=self._client, timeout=timeout)
        if not await asyncio.to_thread(path.exists):  # a killed run may have saved it already
            await self._client.asyncio_download(get_video.result(job), path)
        return job

    async def _work(self, lines: Iterator[Line]) -> None:
        for line in lines:
            try:
                await self._advance(line)
                self._show()
            except sqlite3.Error as error:
                self._limiter.stop(f"the journal cannot be written: {error}")

    async def _advance(self, line: Line) -> None:
        entry = self._journal.get(line.number)
        if entry is None or entry.state == "unknown":
            await self._send(line)
            entry = self._journal.get(line.number)
        if entry and entry.job and entry.state == "created":
            await self._finish(entry, entry.job)

    async def _send(self, line: Line) -> None:
        is_to_send = True
        while is_to_send and await self._limiter.acquire():
            post = asyncio.create_task(self._post(line))
            self._posts.add(post)
            post.add_done_callback(self._posts.discard)
            is_to_send = await asyncio.shield(post)

    async def _post(self, line: Line) -> bool:
        """Send a line. True if it was refused for now and has to be sent again."""
        before = self._journal.get(line.number)
        entry = Entry(line.number, line.digest, self._gateway)
        self._journal.put(entry)  # before it is sent: from then on it may be paid for
        try:
            job = await create_video.asyncio(client=self._sender, body=line.request)
            entry = evolve(entry, state="created", job=create_video.job_id(job))
        except Exception as error:
            if is_refusal(error):
                self._journal.restore(line.number, before)
                return self._is_to_send_again(line, error)
            response = getattr(error, "content", None)
            entry = evolve(entry, error=one_line(error), response=response)
        self._record(entry)
        self._limiter.record(unknown=entry.error)
        return False

    def _record(self, entry: Entry) -> None:
        try:
            self._journal.put(entry)
        except sqlite3.Error:
            if entry.job:
                say(f"line {entry.number}: its job is {entry.job}, which is not in the journal")
            raise
        self._show()

    def _is_to_send_again(self, line: Line, error: Exception) -> bool:
        if isinstance(error, errors.APIConnectionError | errors.RateLimitError):
            return self._limiter.back_off(error)
        self._limiter.record()
        self.reasons[line.number] = one_line(error)
        if isinstance(error, errors.APIStatusError) and error.status_code in CALLER_REFUSED:
            self.is_refused = True
            self._limiter.stop(f"line {line.number}: {one_line(error)}")
        return False

    async def _finish(self, entry: Entry, job_id: str) -> None:
        path = video_of(self._folder, entry.number)
        try:
            job = await self._follow(job_id, path)
            entry = evolve(entry, state="done", ticks=price(job))
        except ENDED as error:
            entry = evolve(entry, state="failed", ticks=price(error.job), error=one_line(error))
        except Exception as error:
            self.reasons[entry.number] = one_line(error)
            if isinstance(error, OSError):  # the next videos could not be saved either
                self._limiter.stop(one_line(error))
            return
        self._record(entry)

    def _show(self) -> None:
        counts = self._journal.counts()
        running = counts.get("created", 0) + len(self._posts)
        shown = f"{running} running, ${self._journal.dollars():.2f}"
        self._bar.update(self._task, completed=counts.get("done", 0), description=shown)
