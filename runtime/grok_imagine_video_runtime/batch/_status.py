"""How far a batch is, and what needs a person."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from ._journal import Entry, Journal

OnProgress = Callable[["Status", Entry], object]


@frozen
class Status:
    """How far a batch is, in numbers of requests; each is counted once beside `total`."""

    total: int  #: All of them.
    done: int = 0  #: Those whose result is saved.
    failed: int = 0  #: Those whose job ended without a result.
    unknown: int = 0  #: Those that were sent, and may have been paid for; nobody knows.
    unfinished: int = 0  #: Those whose job has not ended, or whose result is not saved.
    refused: int = 0  #: Those that this run sent, and that certainly created no job.
    running: int = 0  #: Those that this run sent, and whose response or job it waits for.
    cost: float = 0.0  #: The price of all jobs in US dollars, as far as responses reported it.

    @property
    def finished(self) -> int:
        """The number of requests that are done or failed."""
        return self.done + self.failed

    @property
    def queued(self) -> int:
        """The number of requests that were not sent yet, or wait to be sent again."""
        sent = self.finished + self.unknown + self.unfinished + self.refused + self.running
        return self.total - sent


@frozen
class Problem:
    """A request that has no result."""

    number: int  #: Its number.
    state: str  #: "failed", "unknown", "unfinished" or "refused".
    reason: str  #: Why.
    job_id: str | None = None  #: The id of its job, if there is one.


@frozen
class Summary(Status):
    """How a run of a batch has ended."""

    problems: tuple[Problem, ...] = ()  #: What is known of requests without a result, in order.
    source: str = ""  #: Where the requests come from, as `batch.run` was told.
    stopped: str | None = None  #: Why no more requests were sent; None if all were.
    is_over_budget: bool = False  #: Whether that is because one more could exceed the budget.
    #: Whether a process is running the batch; then some of the unknown are in flight.
    is_running: bool = False


class Records:
    """What is known of the requests of a run: in the journal, and beside it.

    A thread writes to the journal, one change after the other, so that the event loop does not wait
    for the disk.
    """

    def __init__(self, journal: Journal, on_progress: OnProgress | None = None) -> None:
        _, self._source, self._total = journal.about
        self.paid, self.dearest, self.unpriced = journal.prices
        self.reasons: dict[int, str] = {}  # why requests are left to the next run or a person
        self.entries = journal.entries
        self._states: dict[int, str] = {}
        self._counts: Counter[str] = Counter()
        for number in self.entries:
            self.note(number, "")
        self._journal, self._on_progress = journal, on_progress
        self._thread = ThreadPoolExecutor(1, "journal")

    def status(self) -> Status:
        """How far the batch is."""
        return Status(self._total, cost=round(self.paid, 9), **self._counts)

    def summary(self, **details: Any) -> Summary:
        """How the run has ended, with what only the run knows."""
        counts: dict[str, Any] = asdict(self.status())
        counts |= {"source": self._source, "is_running": self._journal.is_running} | details
        return Summary(**counts, problems=tuple(self._problems()))

    def _problems(self) -> Iterator[Problem]:
        for number, state in sorted(self._states.items()):
            entry = self.entries.get(number)
            reason = self.reasons.get(number) or (entry and entry.error)
            if state == "unknown":
                reason = reason or "stopped before a response came"
            if reason:
                yield Problem(number, state, reason, entry.job_id if entry else None)

    def note(self, number: int, state: str = "") -> None:
        """Count a request in this state from now on. Default: that in the journal, or queued."""
        if old := self._states.pop(number, None):
            self._counts[old] -= 1
        entry = self.entries.get(number)
        if not state and entry:
            state = "unfinished" if entry.state == "created" else entry.state
        if state:
            self._states[number] = state
            self._counts[state] += 1

    def has_room(self, budget: float | None, running: int) -> bool:
        """Whether one more request is within a budget, with `running` ones without a price.

        What has no price counts as much as the dearest. Until there is a price, one runs alone.
        """
        if budget is None or not self.dearest:
            return budget is None or not (running or self.unpriced)
        return round(self.paid + (self.unpriced + 1) * self.dearest, 9) <= budget

    @property
    def prices(self) -> str:
        """What is known of the prices."""
        unpriced = f", {self.unpriced} have no price yet" * bool(self.unpriced)
        return f"${self.paid:.2f} is paid{unpriced}, and one costs up to ${self.dearest:.2f}"

    def close(self) -> None:
        """Write what waits, and end the thread; nothing can cancel that."""
        self._thread.shutdown()

    async def send(self, entry: Entry) -> None:
        """Write down that a request is about to leave: from now on it may be paid for."""
        self.note(entry.number, "running")
        await self._do(self._journal.put, entry)

    async def undo(self, entry: Entry, before: Entry | None, refusal: str | None = None) -> None:
        """Take back that a request was sent, for it certainly created no job."""
        await self._do(self._journal.remove, entry, before)
        self.note(entry.number, "refused" if refusal and not before else "")
        if refusal:
            again = "it was sent again and refused: " * bool(before)
            self.reasons[entry.number] = again + refusal

    async def put(self, entry: Entry) -> None:
        """Write down what came of a request."""
        await self._do(self._journal.put, entry)
        self.note(entry.number, "running" if entry.state == "created" else entry.state)
        if entry.cost is not None:
            self.paid, self.unpriced = self.paid + entry.cost, self.unpriced - 1
            self.dearest = max(self.dearest, entry.cost)
        if self._on_progress is not None:
            self._on_progress(self.status(), entry)

    async def _do(self, change: Callable[..., None], *args: Any) -> None:
        """Change the journal; `close` waits for that if the caller is cancelled meanwhile."""
        done = self._thread.submit(change, *args)
        await asyncio.shield(asyncio.wrap_future(done))


def status(folder: str | os.PathLike[str]) -> Summary:
    """How far the batch in a folder is, also while another process runs it.

    Raises:
        OSError: The folder has no journal.
        ValueError: The file is not the journal of a batch.
    """
    with Journal(Path(folder), read_only=True) as journal:
        return Records(journal).summary()
