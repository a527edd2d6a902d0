"""What a command shows: one display with three sinks, a terminal, lines, or JSON.

The result of a command goes to standard output, and everything else to standard error. In JSON
everything goes to standard output: each event is an object of one line.
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

from .._redirects import MIN_SECRET

# What every record of a log has.
_OF_RECORDS = {*logging.makeLogRecord({}).__dict__, "message", "asctime"}

# What a log may not show: the user and the query of a URL, and whole files.
_URL = re.compile(r"(https?://)(?:[^\s\"/?#@\\]*@)?([^\s\"?#\\]*)(?:[?#][^\s\"\\]*)?")
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_FILE = re.compile(r"(?<=;base64,)[\w+/=…-]+")


class Display(logging.Handler):
    """Shows what a command does, and what is logged meanwhile without the `secret`."""

    def __init__(self, options: Any, secret: str = "") -> None:
        super().__init__(logging.INFO)
        self.options, self._secret = options, secret
        self._told, self._next_line = set[str](), 0.0  # why polls failed since one that did not
        bar = BarColumn(None, complete_style="cyan", finished_style="green", pulse_style="cyan")
        columns = TextColumn("{task.description}", markup=False), bar, TimeElapsedColumn()
        console = Console(stderr=True)
        console.width -= 4  # of the terminal, where its echo of Ctrl-C breaks no line
        kept: Any = {"redirect_stdout": False, "redirect_stderr": False, "transient": True}
        is_terminal = console.is_interactive and sys.stderr.isatty()
        is_plain = options.json or options.quiet or not is_terminal
        self._bar = Progress(*columns, console=console, disable=is_plain, expand=True, **kept)
        self._task = self._bar.add_task("", total=None)

    def show(self, name: str, text: str = "", result: str | None = None, /, **fields: Any) -> bool:
        """Show what has happened: the text, and the result; or in JSON the fields, with a name.

        False if the standard output does not take it.
        """
        self.close()
        is_whole = name in ("dry_run", "job") and not sys.stdout.isatty()
        if self.options.json:
            line = json.dumps({"event": name, **fields})
            is_written = not name or _write(sys.stdout, line, is_whole)
            if not is_written:  # it may be the id of a job
                _write(sys.stderr, line)
            return is_written
        is_shown = bool(text) and (name == "error" or not self.options.quiet)
        if is_shown:
            _write(sys.stderr, text)
        is_on_terminal = is_shown and sys.stdout.isatty() and sys.stderr.isatty()
        if result is None or (is_on_terminal and result in text):
            return True
        return _write(sys.stdout, result, is_whole)

    def move(self, name: str, text: str, share: float | None = None, /, **fields: Any) -> None:
        """Show how far something is, until that changes; a share from 0 to 1 fills a bar."""
        if name == "progress":
            self._told.clear()
        if not self._bar.disable:
            total = None if share is None else 1.001  # one that is full stops its clock
            with contextlib.suppress(OSError):  # the terminal was closed
                self._bar.update(self._task, description=text, completed=share, total=total)
                self._bar.start()
        elif self.options.json or (name and time.monotonic() >= self._next_line):
            self._next_line = time.monotonic() + 10.0  # seconds, so that they flood no log
            self.show(name, text, **fields)

    def close(self) -> None:
        """Take away the bar."""
        with contextlib.suppress(OSError):
            self._bar.stop()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning, a retry, and the first of some polls that fail; or all that is logged."""
        fields = {name: value for name, value in record.__dict__.items() if name not in _OF_RECORDS}
        name, text = fields.pop("event", "log"), record.getMessage()
        is_shown = name == "retry" or (name != "log" and record.levelno >= logging.WARNING)
        if name == "poll_failed":
            is_shown = fields["reason"] not in self._told
            self._told.add(fields["reason"])
            told = f"cannot reach {fields['url']}"
            text = fields["reason"].replace("no response from the gateway", told) + ", still trying"
        text = _URL.sub(r"\1\2", text)
        text = text.replace(self._secret, "[token]") if len(self._secret) >= MIN_SECRET else text
        if is_shown:
            self.show(name, text, message=text, **fields)
        elif self.options.verbose and name != "created":  # which is shown already
            self.show("log", text, message=text)


def prepare_streams() -> None:
    """Escape what a stream cannot encode, and open one that is closed: neither ends a command."""
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name) or open(os.devnull, "r+")  # noqa: SIM115, PTH123 - while we run
        setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write(stream: TextIO, text: str, is_whole: bool = False) -> bool:
    """Write lines without control codes, and without the content of files unless `is_whole`.

    If that fails go on without: no video is lost by it.
    """
    text = text if is_whole else _FILE.sub("...", text)
    shown = _CONTROLS.sub(lambda code: f"\\u{ord(code[0]):04x}", text)  # as in JSON
    try:
        stream.write(f"{shown}\n")
        stream.flush()
    except OSError:  # nobody reads any more, or the log is on a full disk
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True
