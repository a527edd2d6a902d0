"""What the command `batch` shows: a progress bar, lines, or JSON for machines."""

import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import asdict, frozen
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..batch import Entry, Status, Summary
from ..batch._requests import path_of
from ..errors import MAX_LINE, _one_line
from .exits import ExitCode
from .terminal import Json, Lines, is_terminal, printable, write

# Seconds between two lines about the progress.
_LINE_INTERVAL = 10.0


@frozen
class Hints:
    """What can be done about requests without a result.

    Attributes:
        name: What is typed for the command.
        folder: The folder of the batch.
        suffix: How the names of results end.
    """

    name: str
    folder: Path
    suffix: str

    def of(self, summary: Summary) -> Iterator[str]:
        """A line for each state in which requests are."""
        if summary.is_running:
            yield "it is running now, so some of the unknown are in flight"
            return
        if summary.unknown:
            number = next(each.number for each in summary.problems if each.state == "unknown")
            path = path_of(self.folder, number, self.suffix)
            yield (
                "unknown: it may have been paid for; look for it at the gateway, and save its"
                f" result, of request {number} as {path}; or send all again: --resend-unknown"
            )
        if summary.failed:
            folder = shlex.quote(str(self.folder))
            yield f"failed: to pay for another try: {self.name} retry {folder} --line NUMBER"
        if summary.unfinished:
            yield "unfinished: start the batch again to go on; --forget NUMBER ends a lost one"
        if summary.not_sent:
            yield "not sent: start the batch again to send the rest"


class Shown(Lines):
    """Says what happens in lines, for logs and pipes."""

    _last_line = 0.0

    def start(self, status: Status) -> None:
        """Show what there is to do."""

    def changed(self, status: Status, entry: Entry) -> None:  # noqa: ARG002 - as in JSON
        """Show that the state of a request has changed."""
        if time.monotonic() >= self._last_line + _LINE_INTERVAL:
            self._last_line = time.monotonic()
            self.say(f"{status.done} of {status.total} done, {_more(status)}  {self._elapsed()}")

    def summary(self, summary: Summary, hints: Hints | None, code: ExitCode | None) -> None:  # noqa: ARG002
        """Show how far a batch is: the requests in each state, and those that need attention."""
        states = ("done", "failed", "unknown", "unfinished", "not_sent")
        counts = ", ".join(f"{getattr(summary, each)} {each}" for each in states)
        total = f"{summary.total} requests: {counts.replace('_', ' ')}"
        write(sys.stdout, f"{total}; ${summary.cost:.2f} reported so far")
        for each in summary.problems:
            text = f"request {each.number} {each.state}: {each.reason}"
            write(sys.stdout, _one_line(text, 2 * MAX_LINE))
        for hint in hints.of(summary) if hints else ():
            write(sys.stdout, printable(hint))


class _Bar(Shown):
    """Shows a progress bar, and lines above it."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self._console = Console(stderr=True)
        columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=None)
        more = MofNCompleteColumn(), TimeElapsedColumn()
        self._bar = Progress(*columns, *more, console=self._console, expand=True)
        self._task = self._bar.add_task("", total=None)

    def __exit__(self, *exc_info: object) -> None:
        """Stop the bar, which stays as it is then."""
        self._bar.stop()

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def start(self, status: Status) -> None:
        self._show(status)
        self._bar.start()

    def changed(self, status: Status, entry: Entry) -> None:  # noqa: ARG002
        self._show(status)

    def _show(self, status: Status) -> None:
        shown: dict[str, Any] = {"total": status.total, "completed": status.done}
        self._bar.update(self._task, description=_more(status), **shown)

    def summary(self, summary: Summary, hints: Hints | None, code: ExitCode | None) -> None:
        self._bar.stop()
        super().summary(summary, hints, code)


class _Json(Json, Shown):
    """Says what happens in JSON, one object a line."""

    def changed(self, status: Status, entry: Entry) -> None:
        names = ("number", "state", "job_id", "cost", "error")
        fields = {name: getattr(entry, name) for name in names}
        self._event("request", **fields, done=status.done, total=status.total)

    def summary(self, summary: Summary, hints: Hints | None, code: ExitCode | None) -> None:  # noqa: ARG002
        fields = asdict(summary) | {"not_sent": summary.not_sent, "code": code}
        del fields["running"], fields["is_refused"]
        self._event("summary", **fields)


def _more(status: Status) -> str:
    troubles = [f"{status.failed} failed"] * bool(status.failed)
    troubles += [f"{status.unknown} unknown"] * bool(status.unknown)
    return ", ".join([f"{status.running} running", *troubles, f"${status.cost:.2f}"])


def display(command: str, *, is_json: bool) -> Shown:
    """What fits where the output goes."""
    if is_json:
        return _Json(command)
    return _Bar(command) if is_terminal() else Shown(command)
