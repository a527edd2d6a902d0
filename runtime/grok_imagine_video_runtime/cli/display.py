"""What a command shows: one display with three sinks, a terminal, lines, or JSON.

The standard output has the result of a command, and the standard error has all other messages. In
JSON, the standard output has all of it: each event is an object of one line.
"""

import contextlib
import io
import json
import logging
import os
import re
import sys
import time
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .._jobs import reason_of
from ..errors import APIError
from .exits import NO_RESPONSE, without_escapes

# Seconds between two lines about the progress.
_LINE_INTERVAL = 10.0

# What every record of a log has.
_OF_RECORDS = {*logging.makeLogRecord({}).__dict__, "message", "asctime"}

# What a log may not show: the user and the query of a URL, and whole files.
_URL = re.compile(r"(https?://)(?:[^\s\"/?#@\\]*@)?([^\s\"?#\\]*)(?:[?#][^\s\"\\]*)?")
FILE = re.compile(r"(?<=;base64,)[\w+/=…-]+")


class Display(logging.Handler):
    """Shows what a command does, and what is logged meanwhile without the `secret`."""

    def __init__(self, options: Any) -> None:
        super().__init__(logging.INFO)
        self._options, self.secret = options, ""
        self._is_cut_off, self._next_line = False, 0.0
        is_plain = options.json or options.quiet or os.environ.get("TERM") in ("dumb", "unknown")
        self._bar: Progress | None = None
        if sys.stderr.isatty() and not is_plain:
            styles: Any = {"complete_style": "cyan", "finished_style": "green"}
            bar = BarColumn(bar_width=None, pulse_style="cyan", **styles)
            kept: Any = {"redirect_stdout": False, "redirect_stderr": False}
            console = Console(stderr=True)
            console.width -= 4  # of the terminal, where its echo of Ctrl-C breaks no line
            columns = TextColumn("{task.description}", markup=False), bar, TimeElapsedColumn()
            self._bar = Progress(*columns, console=console, transient=True, expand=True, **kept)
            self._bar.add_task("", total=None)

    def show(self, name: str, text: str = "", result: str | None = None, **fields: Any) -> None:
        """Show what has happened: the text, and the result; or in JSON the fields, with a name."""
        self.close()
        text = FILE.sub("...", text)
        if "message" in fields:
            fields["message"] = FILE.sub("...", fields["message"])
        if self._options.json:
            if name:
                _write(sys.stdout, json.dumps({"event": name, **fields}))
            return
        is_shown = bool(text) and (name == "error" or not self._options.quiet)
        if is_shown:
            _write(sys.stderr, text)
        is_enough = is_shown and sys.stdout.isatty() and sys.stderr.isatty()
        if result is not None and not is_enough:
            _write(sys.stdout, FILE.sub("...", result) if name == "summary" else result)

    def move(self, name: str, text: str, share: float | None = None, **fields: Any) -> None:
        """Show how far something is, until that changes; a share from 0 to 1 fills a bar."""
        self._is_cut_off = False
        if self._bar is not None:
            total, done = (None, 0.0) if share is None else (1.0, share)
            with contextlib.suppress(OSError):  # the terminal was closed
                self._bar.update(
                    self._bar.task_ids[0], description=text, completed=done, total=total
                )
                self._bar.start()
        elif self._options.json or (name and time.monotonic() >= self._next_line):
            self._next_line = time.monotonic() + _LINE_INTERVAL
            self.show(name, text, **fields)

    def close(self) -> None:
        """Take away the bar."""
        with contextlib.suppress(OSError):
            if self._bar is not None:
                self._bar.stop()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning, a retry, and the first of some polls that fail; or all that is logged."""
        fields = {name: value for name, value in record.__dict__.items() if name not in _OF_RECORDS}
        name, text = fields.pop("event", "log"), record.getMessage()
        is_shown = name == "retry" or (name != "log" and record.levelno >= logging.WARNING)
        if name == "poll_failed":
            is_shown, self._is_cut_off = not self._is_cut_off, True
            reason = fields["reason"].replace(NO_RESPONSE, f"cannot reach {fields['url']}")
            text = f"{reason}, still trying"
        arguments: Any = record.args or ("",)
        if name == "retry" and isinstance(error := arguments[-1], APIError):
            fields["reason"] = reason_of(error).removeprefix(f"{NO_RESPONSE} (").rstrip(")")
            text = text.replace(str(error), fields["reason"])
        fields = {"message": text} | (fields if is_shown else {})
        if is_shown or self._options.verbose:
            fields = {k: self._redacted(v) if isinstance(v, str) else v for k, v in fields.items()}
            self.show(name if is_shown else "log", fields["message"], **fields)

    def _redacted(self, text: str) -> str:
        text = FILE.sub("...", _URL.sub(r"\1\2", text))
        return text.replace(self.secret, "[key]") if self.secret else text


def prepare_streams() -> None:
    """Escape what a stream cannot encode, and open one that is closed: neither ends a command."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115, PTH123 - as long as we run
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write(stream: TextIO, text: str) -> None:
    """Write lines without control codes. If that fails go on without: no video is lost by it."""
    text = without_escapes(text)
    shown = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
    try:
        stream.write(f"{shown}\n")
        stream.flush()
    except OSError:  # nobody reads any more, or the log is on a full disk
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
