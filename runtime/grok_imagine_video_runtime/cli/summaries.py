"""What the command `batch` shows: how far it is, and what became of the requests."""

import shlex
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import asdict, define, field

from ..batch import Entry, Status, Summary
from ..batch._requests import path_of
from ..errors import MAX_LINE, one_line
from .exits import ExitCode
from .terminal import Display, printable

# Seconds between two lines about the progress.
_LINE_INTERVAL = 10.0


@define
class Report:
    """Shows one batch.

    Attributes:
        display: Where it is shown.
        name: What is typed for the command.
        folder: The folder of the batch.
        suffix: How the names of results end.
    """

    display: Display
    name: str
    folder: Path
    suffix: str
    _last_line: float = field(default=0.0, init=False)

    def path_of(self, number: int) -> Path:
        """Where the result of a request is saved."""
        return path_of(self.folder, number, self.suffix)

    def start(self, status: Status) -> None:
        """Show what there is to do."""
        self.display.move(_more(status), status.done, status.total)

    def changed(self, status: Status, entry: Entry) -> None:
        """Show that the state of a request has changed."""
        self.display.move(_more(status), status.done, status.total)
        names = ("number", "state", "job_id", "cost", "error")
        fields = {name: getattr(entry, name) for name in names}
        fields |= {"done": status.done, "total": status.total}
        line = ""
        if time.monotonic() >= self._last_line + _LINE_INTERVAL:
            self._last_line = time.monotonic()
            line = f"{status.done} of {status.total} done, {_more(status)}"
        self.display.show_progress("request", fields, line)

    def summary(
        self, summary: Summary, code: ExitCode | None = None, *, has_hints: bool = True
    ) -> None:
        """Show how far a batch is: the requests in each state, and those that need attention."""
        fields = asdict(summary) | {"not_sent": summary.not_sent, "code": code}
        del fields["running"], fields["is_refused"]
        lines = [*_lines(summary), *(self._hints(summary) if has_hints else ())]
        self.display.show("summary", fields, result="\n".join(lines))

    def _hints(self, summary: Summary) -> Iterator[str]:
        """A line for each state in which requests without a result are: what can be done."""
        if summary.is_running:
            yield "it is running now, so some of the unknown are in flight"
            return
        if summary.unknown:
            number = next(each.number for each in summary.problems if each.state == "unknown")
            path = printable(str(self.path_of(number)))
            yield (
                "unknown: it may have been paid for; look for it at the gateway, and save its"
                f" result, of request {number} as {path}; or send all again: --resend-unknown"
            )
        if summary.failed:
            folder = printable(shlex.quote(str(self.folder)))
            yield f"failed: to pay for another try: {self.name} retry {folder} --line NUMBER"
        if summary.unfinished:
            yield "unfinished: start the batch again to go on; --forget NUMBER ends a lost one"
        if summary.not_sent:
            yield "not sent: start the batch again to send the rest"


def _lines(summary: Summary) -> Iterator[str]:
    states = ("done", "failed", "unknown", "unfinished", "not_sent")
    counts = ", ".join(f"{getattr(summary, each)} {each}" for each in states)
    total = f"{summary.total} requests: {counts.replace('_', ' ')}"
    yield f"{total}; ${summary.cost:.2f} reported so far"
    for each in summary.problems:
        text = f"request {each.number} {each.state}: {each.reason}"
        yield one_line(text, 2 * MAX_LINE)


def _more(status: Status) -> str:
    troubles = [f"{status.failed} failed"] * bool(status.failed)
    troubles += [f"{status.unknown} unknown"] * bool(status.unknown)
    return ", ".join([f"{status.running} running", *troubles, f"${status.cost:.2f}"])
