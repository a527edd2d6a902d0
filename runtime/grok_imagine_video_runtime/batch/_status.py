"""How far a batch is, and what needs a person."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import asdict, evolve, frozen

from .._files import in_thread
from ._journal import Entry, Journal


@frozen
class Status:
    """How far a batch is, in numbers of requests; each is counted once beside `total`."""

    total: int  #: All of them.
    done: int = 0  #: Those whose result is saved.
    failed: int = 0  #: Those whose job ended without a result.
    unknown: int = 0  #: Those that were sent, and may have been paid for; nobody knows.
    unfinished: int = 0  #: Those whose job has not ended, or whose result is not saved.
    refused: int = 0  #: Those that this run sent, and that certainly created no job.
    running: int = 0  #: Those whose response or job a run waits for.
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


OnProgress = Callable[[Status, Entry], object]


@frozen
class Problem:
    """A request that has no result."""

    number: int  #: Its number.
    state: str  #: "failed", "unknown", "unfinished" or "refused".
    reason: str  #: Why; "" if its run was stopped.
    job_id: str | None = None  #: The id of its job, if there is one.


@frozen
class Summary(Status):
    """How a run of a batch has ended."""

    problems: tuple[Problem, ...] = ()  #: What is known of requests without a result, in order.
    source: str = ""  #: Where the requests come from, as `batch.run` was told.
    stopped: str | None = None  #: Why no more requests were sent; None if all were.
    is_over_budget: bool = False  #: Whether that is because one more could exceed the budget.
    is_running: bool = False  #: Whether a process is running the batch.


def state_of(entry: Entry) -> str:
    """The state that `Problem` and `resend` call it by."""
    return "unfinished" if entry.state == "created" else entry.state


class Records:
    """What is known of the requests of a run: in the journal, and beside it."""

    def __init__(self, journal: Journal, on_progress: OnProgress | None = None) -> None:
        _, self._source, self._total = journal.about
        self.paid, self.dearest, self.unpriced = journal.prices
        self.entries = journal.entries
        self._journal, self._on_progress = journal, on_progress
        self._noted: dict[int, Problem] = {}  # by number; those without a reason are none
        self._counts: Counter[str] = Counter()
        self._priced = {number for number, entry in self.entries.items() if entry.cost is not None}
        for number in self.entries:
            self.note(number)

    def status(self) -> Status:
        """How far the batch is."""
        return Status(self._total, cost=round(self.paid, 9), **self._counts)

    def summary(self, **ended: Any) -> Summary:
        """How far the batch is, with what only its run knows."""
        noted = (problem for _, problem in sorted(self._noted.items()))
        problems = tuple(x for x in noted if x.reason or x.state == "unfinished")
        ended |= {"source": self._source, "is_running": self._journal.is_running}
        return Summary(**asdict(self.status()), problems=problems, **ended)

    def note(self, number: int, state: str = "", reason: str | None = None) -> None:
        """Count a request in this state from now on. Default: that of its entry, or queued."""
        if number in self._noted:
            self._counts[self._noted.pop(number).state] -= 1
        entry = self.entries.get(number)
        if entry and not state:
            state = state_of(entry)
            reason = reason or entry.error
            if state in ("unfinished", "unknown") and self._journal.is_running and not reason:
                state = "running"
            elif state == "unknown":
                reason = reason or "stopped before a response came"
        if state:
            job_id = entry.job_id if entry else None
            self._noted[number] = Problem(number, state, reason or "", job_id)
            self._counts[state] += 1

    def over_budget(self, budget: float | None, unpriced: int | None = None) -> str:
        """Why one more request may exceed a budget; "" if it is within it.

        What has no price counts as much as the dearest. Until there is a price, one runs alone.
        """
        unpriced = self.unpriced if unpriced is None else unpriced
        if budget is None or not (self.dearest or unpriced):
            return ""
        if not self.dearest:
            return "no price was reported, so the budget cannot be kept: run without one"
        if round(self.paid + (unpriced + 1) * self.dearest, 9) <= budget:
            return ""
        others = f", {unpriced} have no price yet" * bool(unpriced)
        prices = f"${self.paid:.2f} is paid{others}, and one costs up to ${self.dearest:.2f}"
        return f"one more request could exceed the budget of ${budget:g}: {prices}"

    def count_price(self, entry: Entry) -> None:
        """Count the price of a job, once, as soon as it is known."""
        if entry.cost is not None and entry.number not in self._priced:
            self._priced.add(entry.number)
            self.paid, self.unpriced = self.paid + entry.cost, self.unpriced - 1
            self.dearest = max(self.dearest, entry.cost)

    async def send(self, entry: Entry) -> None:
        """Write down that a request is about to leave: from now on it may be paid for."""
        self.note(entry.number, "running")
        self._priced.discard(entry.number)
        await in_thread(self._journal.put, entry)

    async def undo(self, entry: Entry, refusal: str = "") -> None:
        """Take back that a request was sent, for it certainly created no job."""
        await in_thread(self._journal.remove, entry)
        self.unpriced -= 1
        is_first = entry.attempt == 1
        again = "" if is_first or not refusal else "it was sent again and refused: "
        self.note(entry.number, "refused" if refusal and is_first else "", again + refusal)

    async def put(self, entry: Entry) -> None:
        """Write down what came of a request."""
        earlier = self.entries.get(entry.number)
        if earlier and earlier.attempt == entry.attempt and earlier.cost is not None:
            entry = evolve(entry, cost=earlier.cost)  # a later response may report none
        self.count_price(entry)
        await in_thread(self._journal.put, entry)
        state = "running" if entry.state == "created" else entry.state
        self.note(entry.number, state, entry.error)
        if self._on_progress is not None:
            self._on_progress(self.status(), entry)


def status(folder: str | os.PathLike[str]) -> Summary:
    """How far the batch in a folder is, also while another process runs it.

    Raises:
        OSError: The folder has no journal.
        ValueError: The file is not the journal of a batch.
    """
    with Journal(Path(folder), read_only=True) as journal:
        return Records(journal).summary()
