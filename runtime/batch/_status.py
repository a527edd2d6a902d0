"""How far a batch is, and what needs a person."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ._journal import Journal, State

# What a person reads for the states of the journal; None is a request that is not in it.
NAMES: dict[State | None, str] = {
    "done": "done",
    "failed": "failed",
    "unknown": "unknown",
    "created": "unfinished",
    None: "not sent",
}


@frozen
class Status:
    """How far a batch is, in numbers of requests.

    Attributes:
        total: All of them.
        done: Those whose result is saved.
        failed: Those whose job ended without a result.
        unknown: Those that were sent, with an outcome that is not known; they may be paid for.
        unfinished: Those whose job has not ended, or whose result is not saved.
        cost: The price of all jobs in US dollars, as far as responses reported it.
        running: Those that are being worked on.
    """

    total: int
    done: int
    failed: int
    unknown: int
    unfinished: int
    cost: float
    running: int = 0

    @property
    def not_sent(self) -> int:
        """The number of requests that were not sent, or were certainly refused."""
        return self.total - self.done - self.failed - self.unknown - self.unfinished


@frozen
class Problem:
    """A request that has no result.

    Attributes:
        number: Its number.
        state: "failed", "unknown", "unfinished" or "not sent".
        reason: Why.
        job_id: The id of its job, if there is one.
    """

    number: int
    state: str
    reason: str
    job_id: str | None = None


@frozen
class Summary(Status):
    """How a run of a batch has ended.

    Attributes:
        problems: What there is to say about requests without a result, in order.
        stopped: Why no more requests were sent; None if all were.
        is_refused: Whether the gateway refuses this caller: status 401, 402 or 403.
        is_running: Whether a process is running the batch; then some of the unknown are in flight.
    """

    problems: tuple[Problem, ...] = ()
    stopped: str | None = None
    is_refused: bool = False
    is_running: bool = False


def counts_of(journal: Journal, total: int) -> dict[str, Any]:
    """The attributes of a `Status` that a journal knows."""
    states: tuple[State, ...] = ("done", "failed", "unknown", "created")
    counts = {NAMES[state]: journal.counts[state] for state in states}
    return {"total": total, "cost": round(journal.cost, 10), **counts}


def problems_of(journal: Journal, reasons: Mapping[int, str]) -> tuple[Problem, ...]:
    """What there is to say about requests without a result."""
    return tuple(_problems(journal, sorted({*reasons, *journal.entries}), reasons))


def _problems(
    journal: Journal, numbers: list[int], reasons: Mapping[int, str]
) -> Iterator[Problem]:
    for number in numbers:
        entry = journal.entries.get(number)
        reason = (entry and entry.error) or reasons.get(number)
        state = entry.state if entry else None
        if state == "unknown":
            reason = reason or "stopped before a response came"
        if reason:
            yield Problem(number, NAMES[state], reason, entry.job_id if entry else None)


def summary_of(journal: Journal | None, total: int) -> Summary:
    """What a journal, or none, says about a batch that is not run now."""
    if journal is None:
        return Summary(total, done=0, failed=0, unknown=0, unfinished=0, cost=0.0)
    problems = problems_of(journal, {})
    return Summary(**counts_of(journal, total), problems=problems, is_running=journal.is_running)


def status(folder: str | os.PathLike[str]) -> Summary:
    """How far the batch in a folder is, also while another process runs it.

    Raises:
        OSError: The folder has no journal.
        ValueError: The file is not the journal of a batch.
    """
    with Journal(Path(folder), read_only=True) as journal:
        return summary_of(journal, journal.about[2])


__all__ = ["Problem", "Status", "Summary", "counts_of", "problems_of", "status", "summary_of"]
