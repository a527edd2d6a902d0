"""What is known of the requests of a run: in the journal, and beside it."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from ._journal import Change, Entry, Journal, JournalError
from ._options import OnProgress
from ._status import Status, Summary, counts_of, problems_of

_logger = logging.getLogger(__name__)


class Records:
    """What is known of the requests of a run.

    A thread writes to the journal, one change after the other, so that the event loop does not wait
    for the disk.

    Attributes:
        total: The number of requests.
        running: How many are being worked on.
        in_flight: The numbers of those that have been sent and have no response yet.
        reasons: Why requests are left to the next run or a person, by number.
        is_refused: Whether the gateway refuses this caller.
    """

    def __init__(self, journal: Journal, on_progress: OnProgress | None) -> None:
        self.total = self.running = 0
        self.in_flight: set[int] = set()
        self.reasons: dict[int, str] = {}
        self.is_refused = False
        self._journal, self._on_progress = journal, on_progress
        self._lost: dict[int, str] = {}  # jobs that are not in the journal, by number
        self._thread = ThreadPoolExecutor(1, "journal")
        self._writing: deque[tuple[Future[None], Change]] = deque()

    @property
    def entries(self) -> Mapping[int, Entry]:
        """The latest entry of each request that was sent, by number."""
        return self._journal.entries

    def status(self) -> Status:
        """How far the batch is."""
        counts = counts_of(self._journal, self.total)
        in_flight = [self.entries.get(number) for number in self.in_flight]
        counts["unknown"] -= sum(1 for entry in in_flight if entry and entry.state == "unknown")
        return Status(**counts, running=self.running)

    def summary(self, stopped: str | None) -> Summary:
        """How the run has ended."""
        return Summary(
            **counts_of(self._journal, self.total),
            problems=problems_of(self._journal, self.reasons),
            stopped=stopped,
            is_refused=self.is_refused,
        )

    def check(self) -> None:
        """Make sure that the journal is in its place.

        Raises:
            JournalError: It is not; the error has all jobs.
        """
        try:
            self._journal.check()
        except JournalError as error:
            error.jobs |= self._lost
            raise

    async def write(self, change: Change) -> None:
        """Put a change on disk; it is there after `close` if the caller is cancelled meanwhile.

        Raises:
            JournalError: It is not on disk.
        """
        done = self._thread.submit(self._journal.commit, change)
        self._writing.append((done, change))
        try:
            await asyncio.shield(asyncio.wrap_future(done))
        finally:
            self._keep_written()

    def _keep_written(self) -> None:
        while self._writing and self._writing[0][0].done():
            done, change = self._writing.popleft()
            if done.exception() is None:
                self._journal.keep(change)

    def close(self) -> None:
        """Write what waits, and end the thread; nothing can cancel that."""
        self._thread.shutdown()
        self._keep_written()

    async def put(self, entry: Entry) -> None:
        """Write down what came of a request.

        Raises:
            JournalError: It is not on disk; it is in the log, and among the reasons.
        """
        try:
            await self.write(Change(entry))
        except JournalError:
            self.reasons[entry.number] = why = self._why_unwritten(entry)
            _logger.error("request %d: %s", entry.number, why)
            raise
        if self._on_progress is not None:
            self._on_progress(self.status(), entry)

    def _why_unwritten(self, entry: Entry) -> str:
        """What a person has to know if an entry could not be written."""
        if not entry.job_id:
            return "it may have been paid for"
        if self.entries[entry.number].job_id:
            return f"its job {entry.job_id} has ended, and the next run will see that again"
        self._lost[entry.number] = entry.job_id
        return f"its job is {entry.job_id}, which is not in the journal"


__all__ = ["Records"]
