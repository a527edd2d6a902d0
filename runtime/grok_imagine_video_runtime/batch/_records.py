"""What is known of the requests of a run: in the journal, and beside it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ._journal import Entry, Journal, JournalError
from ._options import OnProgress
from ._status import Status, counts_of


class Records:
    """What is known of the requests of a run.

    A thread writes to the journal, one change after the other, so that the event loop does not wait
    for the disk.

    Attributes:
        total: The number of requests.
        running: How many are being worked on.
        entries: The latest entry of each request that was sent, by number.
        reasons: Why requests are left to the next run or a person, by number.
        is_refused: Whether the gateway refuses this caller.
    """

    def __init__(
        self, journal: Journal, on_progress: OnProgress | None, logger: logging.Logger
    ) -> None:
        self.total = self.running = 0
        self.reasons: dict[int, str] = {}
        self.is_refused = False
        self.entries: Mapping[int, Entry] = journal.entries
        self._journal, self._on_progress, self._logger = journal, on_progress, logger
        self._in_flight: set[int] = set()
        self._thread = ThreadPoolExecutor(1, "journal")

    def status(self) -> Status:
        """How far the batch is; what is in flight is not unknown yet."""
        with self._journal.changing:
            counts = counts_of(self._journal, self.total)
            in_flight = [self.entries.get(number) for number in self._in_flight]
        counts["unknown"] -= sum(1 for entry in in_flight if entry and entry.state == "unknown")
        return Status(**counts, running=self.running)

    def close(self) -> None:
        """Write what waits, and end the thread; nothing can cancel that."""
        self._thread.shutdown()

    async def send(self, entry: Entry) -> None:
        """Write down that a request is about to leave: from now on it may be paid for."""
        self._in_flight.add(entry.number)
        await self._do(self._journal.put, entry)

    async def undo(self, entry: Entry, before: Entry | None) -> None:
        """Take back that a request was sent, for it certainly created no job."""
        self._in_flight.discard(entry.number)
        await self._do(self._journal.remove, entry, before)

    async def put(self, entry: Entry) -> None:
        """Write down what came of a request; if that fails, it is in the log and the reasons."""
        try:
            await self._do(self._journal.put, entry)
        except JournalError:
            self.reasons[entry.number] = why = self._why_unwritten(entry)
            self._logger.error("request %d: %s", entry.number, why)
            raise
        self._in_flight.discard(entry.number)
        if self._on_progress is not None:
            self._on_progress(self.status(), entry)

    async def _do(self, change: Callable[..., None], *args: Any) -> None:
        """Change the journal; `close` waits for that if the caller is cancelled meanwhile."""
        done = self._thread.submit(change, *args)
        await asyncio.shield(asyncio.wrap_future(done))

    def _why_unwritten(self, entry: Entry) -> str:
        """What a person has to know if an entry could not be written."""
        if not entry.job_id:
            return "it may have been paid for"
        if self.entries[entry.number].job_id:
            return f"its job {entry.job_id} has ended, and the next run will see that again"
        return f"its job is {entry.job_id}, which is not in the journal"
