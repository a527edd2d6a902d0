"""How far a batch is, and what needs a person."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from ._journal import STATES, Entry, Journal, State

# What a person reads for a state of the journal, if it is not its name; None is not in it.
NAMES: dict[State | None, str] = {"created": "unfinished", None: "not sent"}


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
    counts = {NAMES.get(state, state): journal.counts[state] for state in STATES}
    return {"total": total, "cost": round(journal.cost, 10), **counts}


def summary_of(
    journal: Journal | None, total: int, reasons: Mapping[int, str] | None = None, **more: Any
) -> Summary:
    """What a journal, or none, says about a batch, and the `reasons` that a run has beside it."""
    if journal is None:
        return Summary(total, done=0, failed=0, unknown=0, unfinished=0, cost=0.0)
    problems = tuple(_problems(journal.entries, reasons or {}))
    counts = counts_of(journal, total)
    return Summary(**counts, problems=problems, is_running=journal.is_running, **more)


def _problems(entries: Mapping[int, Entry], reasons: Mapping[int, str]) -> Iterator[Problem]:
    for number in sorted({*reasons, *entries}):
        entry = entries.get(number)
        state = entry.state if entry else None
        default = "stopped before a response came" if state == "unknown" else None
        if reason := (entry.error if entry else None) or reasons.get(number, default):
            yield Problem(
                number, NAMES.get(state, str(state)), reason, entry.job_id if entry else None
            )


def status(folder: str | os.PathLike[str]) -> Summary:
    """How far the batch in a folder is, also while another process runs it.

    Raises:
        OSError: The folder has no journal.
        ValueError: The file is not the journal of a batch.
    """
    with Journal(Path(folder), read_only=True) as journal:
        return summary_of(journal, journal.about[2])
