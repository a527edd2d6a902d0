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
    queued: int = 0  #: Those that were not sent yet, or wait to be sent again.
    cost: float = 0.0  #: The price of all jobs in US dollars, as far as responses reported it.

    @property
    def finished(self) -> int:
        """The number of requests that are done or failed."""
        return self.done + self.failed


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
    gateway: str = ""  #: Where they are sent: the `base_url` of its client.
    stopped: str | None = None  #: Why no more requests were sent; None if all were.
    is_over_budget: bool = False  #: Whether that is because one more could exceed the budget.
    is_running: bool = False  #: Whether a process is running the batch.


def state_of(entry: Entry) -> str:
    """The state that `Problem` and `resend` call it by."""
    return "unfinished" if entry.state == "created" else entry.state


class Records:
    """What is known of the requests of a run and of all prices: in the journal, and beside it.

    A job without a price counts as much as the dearest. Until there is a price, one runs alone.
    """

    def __init__(
        self, journal: Journal, budget: float | None = None, on_progress: OnProgress | None = None
    ) -> None:
        self._gateway, self._source, self._total = journal.about
        self._paid, self._dearest, self.unpriced = journal.prices
        self._journal, self._budget, self._on_progress = journal, budget, on_progress
        self._refusals: dict[int, str] = {}  # why, by number
        self._states: dict[int, str] = {}  # by number; of others it is queued
        self.counts = Counter(queued=self._total)
        for number in journal.entries:
            self.note(number)

    def status(self) -> Status:
        """How far the batch is."""
        return Status(self._total, cost=round(self._paid, 9), **self.counts)

    def summary(self, stopped: str | None = None) -> Summary:
        """How far the batch is, and why its run has stopped."""
        problems = list[Problem]()
        for number, state in sorted(self._states.items()):
            if state not in ("done", "running", "queued"):
                entry = self._journal.entries.get(number) or Entry(number, "")
                default = "stopped before a response came" * (state == "unknown")
                reason = self._refusals.get(number) or entry.error or default
                problems.append(Problem(number, state, reason, entry.job_id))
        known: dict[str, Any] = asdict(self.status()) | {"problems": tuple(problems)}
        known |= {"source": self._source, "gateway": self._gateway, "stopped": stopped}
        known |= {"is_over_budget": stopped == self.excess()}
        return Summary(**known, is_running=self._journal.is_running)

    def priced(self, entry: Entry, cost: float | None) -> Entry:
        """Count the price of a job once, and keep it: a later response may report none."""
        if cost is None or entry.cost is not None:
            return entry
        self._paid, self.unpriced = self._paid + cost, self.unpriced - 1
        self._dearest = max(self._dearest, cost)
        return evolve(entry, cost=cost)

    def excess(self, more: int = 1) -> str:
        """Why so many more requests may exceed the budget; "" if they do not. 0: the last one."""
        others = self.unpriced + more - 1
        if self._budget is None or not (self._dearest or others):
            return ""
        if not self._dearest:
            return "no price was reported, so the budget cannot be kept: run without one"
        if round(self._paid + (others + 1) * self._dearest, 9) <= self._budget:
            return ""
        unknown = f", {others} have no price yet" * bool(others)
        prices = f"${self._paid:.2f} is paid{unknown}, and one costs up to ${self._dearest:.2f}"
        return f"one more request could exceed the budget of ${self._budget:g}: {prices}"

    def note(self, number: int, *, is_running: bool = False) -> None:
        """Count a request as running from now on, or in the state that it is in."""
        state = "refused" if number in self._refusals else "queued"
        if entry := self._journal.entries.get(number):
            state = state_of(entry)
            is_open = state in ("unfinished", "unknown") and not entry.error
            is_running |= is_open and self._journal.is_running
        self.counts[self._states.get(number, "queued")] -= 1
        self._states[number] = "running" if is_running else state
        self.counts[self._states[number]] += 1

    async def undo(self, entry: Entry, refusal: str = "") -> None:
        """Take back that a request was sent, for it certainly created no job."""
        await in_thread(self._journal.remove, entry)
        self.unpriced -= 1
        if refusal:
            again = "it was sent again and refused: " * (entry.attempt > 1)
            self._refusals[entry.number] = again + refusal
        self.note(entry.number)

    async def put(self, entry: Entry) -> None:
        """Write down what came of a request."""
        await in_thread(self._journal.put, entry)
        self.note(entry.number, is_running=entry.state == "created" and not entry.error)
        if self._on_progress is not None:
            self._on_progress(self.status(), entry)


def status(folder: str | os.PathLike[str]) -> Summary:
    """How far the batch in a folder is, also while another process runs it.

    It is an OSError if the folder has no journal, and a ValueError if the file is not one.
    """
    with Journal(Path(folder), read_only=True) as journal:
        return Records(journal).summary()
