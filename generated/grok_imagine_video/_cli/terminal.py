# Do not edit: copied from runtime/_cli/terminal.py, whatever the spec says.
# To change it, edit runtime/_cli/terminal.py and run: make generate
"""What a command shows: a progress bar on a terminal, lines elsewhere, or JSON for machines.

The standard output has the result of a command, and the standard error has all other messages. In
JSON, the standard output has all of it: each event is an object of one line.
"""

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from ..errors import _one_line
from .exits import Ending

# Characters, so that a bar fits in beside it.
_MAX_STATUS = 14


def write(stream: TextIO, text: str) -> None:
    """Write a line. If that fails, go on without it, so that no video is lost."""
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError:  # nobody reads any more, or the log is on a full disk
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def prepare_streams() -> None:
    """Escape characters that a stream cannot encode: they must not end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def printable(text: str) -> str:
    """A text of any number of lines, without the control codes of a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


class Lines:
    """Says what happens in lines, for logs and pipes."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._start = time.monotonic()
        self._shown: tuple[str, int | None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End the display."""

    def say(self, text: str) -> None:
        """Show a line that is not a result."""
        write(sys.stderr, text)

    def sending(self) -> None:
        """Show that a request is on its way."""

    def created(self, job_id: str) -> None:
        """Show the id of a job as soon as it is known."""
        self.say(f"created the job {_one_line(job_id, 500)}")

    def progress(self, status: str, percent: float | None) -> None:
        """Show how far a job is."""
        shown = _one_line(status or "pending", 100), None if percent is None else int(percent)
        if shown != self._shown:
            self._shown = shown
            parts = [shown[0], "" if percent is None else f"{int(percent)}%", self._elapsed()]
            self.say("  ".join(filter(None, parts)))

    def _elapsed(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._start), 60)
        return f"{minutes}:{seconds:02}"

    def saving(self, done: int, total: int | None) -> None:
        """Show how far a download is."""

    def saved(self, job_id: str, path: Path) -> None:  # noqa: ARG002 - as in JSON
        """Show where the result is."""
        write(sys.stdout, f"saved {printable(str(path))}")

    def left(self, job_id: str, go_on: str) -> None:
        """Show the id of a job that is not waited for."""
        write(sys.stdout, _one_line(job_id, 500))
        self.say(f"to go on: {printable(go_on)}")

    def result(self, event: str, fields: dict[str, Any], text: str) -> None:  # noqa: ARG002
        """Show what was asked for."""
        write(sys.stdout, printable(text))

    def failed(self, ending: Ending, job_id: str | None, go_on: str) -> None:  # noqa: ARG002
        """Show what went wrong, and what to do next."""
        text = "; ".join(filter(None, [ending.message.rstrip("."), ending.advice]))
        self.say(f"{self._command}: {_one_line(text, 2000)}")
        if go_on:
            self.say(f"to go on: {printable(go_on)}")


class Bar(Lines):
    """Shows a progress bar, and lines above it."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self._console = Console(stderr=True)
        columns = [
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", max_width=_MAX_STATUS),
            ),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        ]
        self._bar = Progress(*columns, console=self._console, expand=True)
        self._task = self._bar.add_task("", total=None, start=True, visible=False)

    def __exit__(self, *exc_info: object) -> None:
        """Stop the bar, which stays as it is then."""
        self._bar.stop()

    def say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def sending(self) -> None:
        self._show("sending", None)

    def progress(self, status: str, percent: float | None) -> None:
        self._show(_one_line(status or "pending", _MAX_STATUS), percent)

    def saving(self, done: int, total: int | None) -> None:
        self._show("saving", 100 * done / total if total else None)

    def _show(self, text: str, percent: float | None) -> None:
        self._bar.start()
        total = None if percent is None else 100
        shown: dict[str, Any] = {"description": text, "total": total, "completed": percent or 0}
        self._bar.update(self._task, visible=True, **shown)

    def saved(self, job_id: str, path: Path) -> None:
        self._show("saved", 100)
        self._bar.stop()
        super().saved(job_id, path)

    def failed(self, ending: Ending, job_id: str | None, go_on: str) -> None:
        self._bar.stop()
        super().failed(ending, job_id, go_on)


class Json(Lines):
    """Says what happens in JSON, one object a line."""

    def _event(self, event: str, **fields: Any) -> None:
        write(sys.stdout, json.dumps({"event": event, **fields}))

    def created(self, job_id: str) -> None:
        self._event("created", job_id=job_id)

    def progress(self, status: str, percent: float | None) -> None:
        seconds = round(time.monotonic() - self._start, 1)
        self._event("progress", status=status, percent=percent, seconds=seconds)

    def saved(self, job_id: str, path: Path) -> None:
        self._event("saved", job_id=job_id, path=str(path), bytes=path.stat().st_size)

    def left(self, job_id: str, go_on: str) -> None:
        self._event("created", job_id=job_id, next=go_on)

    def result(self, event: str, fields: dict[str, Any], text: str) -> None:  # noqa: ARG002
        self._event(event, **fields)

    def failed(self, ending: Ending, job_id: str | None, go_on: str) -> None:
        self._event(
            "error",
            code=int(ending.code),
            message=ending.message,
            advice=ending.advice or None,
            job_id=job_id,
            next=go_on or None,
        )


def is_terminal() -> bool:
    """Whether what is shown can move."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")


def display(command: str, *, is_json: bool) -> Lines:
    """What fits where the output goes."""
    if is_json:
        return Json(command)
    return Bar(command) if is_terminal() else Lines(command)
