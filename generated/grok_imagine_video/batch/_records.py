# Do not edit: copied from runtime/batch/_records.py, whatever the spec says.
# To change it, edit runtime/batch/_records.py and run: make generate
"""What is known of the requests of a run: in the journal, and beside it."""

import logging
from collections.abc import Mapping

from ._commits import Commits
from ._journal import Entry, Journal, JournalError
from ._options import OnProgress
from ._status import Status, Summary, counts_of, problems_of

_logger = logging.getLogger(__name__)


class Records:
    """What is known of the requests of a run.

    Attributes:
        commits: Writes to the journal while the run is going on.
        total: The number of requests.
        running: How many are being worked on.
        in_flight: The numbers of those that have been sent and have no response yet.
        reasons: Why requests are left to the next run or a person, by number.
        is_refused: Whether the gateway refuses this caller.
    """

    commits: Commits

    def __init__(self, journal: Journal, on_progress: OnProgress | None) -> None:
        self.total = self.running = 0
        self.in_flight: set[int] = set()
        self.reasons: dict[int, str] = {}
        self.is_refused = False
        self._journal, self._on_progress = journal, on_progress
        self._lost: dict[int, str] = {}  # jobs that are not in the journal, by number

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

    async def put(self, entry: Entry) -> None:
        """Write down what came of a request.

        Raises:
            JournalError: It is not on disk; it is in the log, and among the reasons.
        """
        try:
            await self.commits.put(entry)
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
