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
from batch_lines import Line
from batch_videos import save, temporary_path, video_of
from grok_imagine_video import AuthenticatedClient, VideoJob, create_video, errors, get_video

Follow = Callable[[str, Path], Awaitable[VideoJob]]

ENDED = (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError)
CALLER_REFUSED = (401, 402, 403)  # the next line would get the same status
NO_SUCH_JOB = (400, 404, 410)  # for a job, or its video, that the gateway has forgotten
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


def is_forgotten(error: Exception) -> bool:
    """Whether the gateway does not find a job, or its video, or answers with an error and 200."""
    if isinstance(error, errors.APIStatusError):
        return error.status_code in NO_SUCH_JOB or 200 <= error.status_code <= 299
    return isinstance(error, errors.ResultMissingError)


class Run:
    """One run over the lines.

    Attributes:
        reasons: Why a line is left for the next run or a person, by line number.
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
        self._running = 0
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
                        for _ in range(min(self._options.concurrency, len(remaining))):
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
        order = ["created", "unsent", *(["unknown"] if self._options.resend_unknown else [])]
        states = {line.number: self._state(line) for line in self._lines}
        remaining = [line for line in self._lines if states[line.number] in order]
        return sorted(remaining, key=lambda line: order.index(states[line.number]))

    def _state(self, line: Line) -> str:
        entry = self._journal.entries.get(line.number)
        return entry.state if entry else "unsent"

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
        await self._client.asyncio_download(get_video.result(job), path)
        return job

    async def _work(self, lines: Iterator[Line]) -> None:
        for line in lines:
            self._running += 1
            try:
                await self._advance(line)
            except sqlite3.Error as error:
                self._limiter.stop(f"the journal cannot be written: {error}")
            finally:
                self._running -= 1
                self._show()

    async def _advance(self, line: Line) -> None:
        if self._state(line) in ("unsent", "unknown"):
            await self._send(line)
        entry = self._journal.entries.get(line.number)
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
        before = self._journal.entries.get(line.number)
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
            job = f"its job is {entry.job}, which is not in the journal"
            self.reasons[entry.number] = why = job if entry.job else "it may have been paid for"
            say(f"line {entry.number}: {why}")
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
        try:
            job = await self._save(job_id, video_of(self._folder, entry.number))
            entry = evolve(entry, state="done", ticks=price(job))
        except ENDED as error:
            entry = evolve(entry, state="failed", ticks=price(error.job), error=one_line(error))
        except Exception as error:
            if not (why := self._why_forgotten(entry, error)):
                self._leave(entry, error)
                return
            entry = evolve(entry, state="failed", error=why)
        self._record(entry)

    async def _save(self, job_id: str, path: Path) -> VideoJob:
        temporary = temporary_path(path)
        try:
            job = await self._follow(job_id, temporary)
            await asyncio.to_thread(save, temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        return job

    def _why_forgotten(self, entry: Entry, error: Exception) -> str | None:
        """Why the line ends without a video, if a person said so and the gateway agrees."""
        if entry.number not in self._options.forget or not is_forgotten(error):
            return None
        return f"ended by --forget, job {entry.job}: {one_line(error)}"

    def _leave(self, entry: Entry, error: Exception) -> None:
        """Leave a line with a job to the next run."""
        why = one_line(error)
        if is_forgotten(error):
            end = f"--forget {entry.number} ends the line without a video"
            why = f"the gateway does not find its job {entry.job} ({why}); {end}"
        self.reasons[entry.number] = why
        if isinstance(error, OSError) and not isinstance(error, FileExistsError):
            self._limiter.stop(why)  # the next videos could not be saved either

    def _show(self) -> None:
        shown = f"{self._running} running, ${self._journal.dollars():.2f}"
        self._bar.update(self._task, completed=self._journal.counts["done"], description=shown)
