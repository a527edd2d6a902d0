"""What a command shows: a progress bar on a terminal, lines elsewhere, or JSON for machines.

The standard output has the result of a command, and the standard error has all other messages. In
JSON, the standard output has all of it: each event is an object of one line.
"""

import io
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from ..errors import one_line
from .exits import Ending


def _write(stream: TextIO, text: str) -> None:
    """Write a line. If that fails, go on without it, so that no video is lost."""
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError:  # nobody reads any more, or the log is on a full disk
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def prepare_streams() -> None:
    """Escape characters that a stream cannot encode, and open one that is closed.

    Neither may end a command.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - as long as we run
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def printable(text: str) -> str:
    """A text of any number of lines, without the control codes of a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


class Display:
    """Shows what happens."""

    def __init__(self, command: str, *, is_json: bool, is_many: bool = False) -> None:
        self._command, self._is_json = command, is_json
        self._start = time.monotonic()
        can_move = sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
        self._has_bar = can_move and not is_json
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn() if is_many else TaskProgressColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            expand=True,
        )
        self._task = self._bar.add_task("", total=None)

    def stop(self) -> None:
        """Stop the bar, which stays as it is then."""
        if self._has_bar:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Show a line that is not a result."""
        if self._has_bar:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            _write(sys.stderr, text)

    def show(
        self, event: str, fields: Mapping[str, Any], *, result: str = "", line: str = ""
    ) -> None:
        """Show what has happened, in JSON or in words: a result, a line that is none, or both."""
        if self._is_json:
            _write(sys.stdout, json.dumps({"event": event, **fields}))
            return
        if result:
            self.stop()  # it would take the result for itself
            _write(sys.stdout, result)
        if line:
            self.say(line)

    def move(self, text: str, done: float = 0, total: float | None = None) -> None:
        """Show a bar, if there is one, that is filled so far; a total of None is not known."""
        if self._has_bar:
            self._bar.update(self._task, description=text, completed=done, total=total)
            self._bar.start()

    @property
    def seconds(self) -> float:
        """The time since the start."""
        return time.monotonic() - self._start

    def show_progress(self, event: str, fields: Mapping[str, Any], line: str) -> None:
        """Show how far something is, where there is no bar."""
        if not self._has_bar:
            minutes, seconds = divmod(int(self.seconds), 60)
            self.show(event, fields, line=line and f"{line}  {minutes}:{seconds:02}")

    def failed(self, end: Ending, job_id: str | None = None, go_on: str = "") -> None:
        """Show what went wrong, and what to do next."""
        self.stop()
        text = "; ".join(filter(None, [end.message.rstrip("."), end.advice]))
        line = f"{self._command}: {one_line(text, 2000)}"
        fields = {
            "code": int(end.code),
            "message": end.message,
            "advice": end.advice or None,
            "job_id": job_id,
            "next": go_on or None,
        }
        self.show("error", fields, line=f"{line}\n{next_line(go_on)}" if go_on else line)


def next_line(go_on: str) -> str:
    """The line that says how to go on with a job."""
    return f"to go on: {printable(go_on)}"
