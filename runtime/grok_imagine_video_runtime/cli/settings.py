"""The options that depend on no field of a spec, and what they say: address, key and output."""

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import attrs
import httpx
from cyclopts import Group, Parameter

from .._redirects import without_secrets
from ..config import Package
from .exits import UsageError, why

REQUEST = Group("Request", sort_key=0)
_BATCH, _WAITING = Group("Batch", sort_key=1), Group("Waiting", sort_key=2)
_GATEWAY, _OUTPUT = Group("Gateway", sort_key=3), Group("Output", sort_key=4)

# Bytes that are written to find out whether a disk is full.
_PROBE_SIZE = 1_048_576

# More than a batch has, so that a range with a slip does not fill the memory.
_MAX_REQUESTS = 10_000_000

# The options of the commands.
GATEWAY = ("base_url", "no_key", "allow_plain_http", "json")
SHOWN = (*GATEWAY, "quiet", "verbose")
SAVING = ("output", "force", "interval", "timeout", *SHOWN)
CREATING = ("standard", "extra", "dry_run", "no_wait", *SAVING)
RUNNING = ("concurrency", "rate", "budget", "forget", "interval", "timeout")
STARTING = ("standard", "folder", "resend_unknown", "allow_extra", "dry_run", *RUNNING, *SHOWN)
RETRYING = ("request", "failed", "unknown", "yes", *RUNNING, *SHOWN)


def as_typed(kind: Any, tokens: Any) -> Any:
    """A converter of cyclopts that changes nothing."""
    texts = [token.value for token in tokens]
    return texts if getattr(kind, "__origin__", None) is list else texts[0]


def _numbers(_: Any, tokens: Any) -> list[int]:
    """A converter of cyclopts for numbers and ranges, such as 1-3,7."""
    parts = [part for token in tokens for part in token.value.split(",")]
    if not all(re.fullmatch("[0-9]+(-[0-9]+)?", part) for part in parts):
        msg = "numbers and ranges are needed, such as 1-3,7"
        raise ValueError(msg)
    ends = [[int(end) for end in part.split("-")] for part in parts]
    if max(map(max, ends)) > _MAX_REQUESTS:
        msg = f"a batch has at most {_MAX_REQUESTS} requests"
        raise ValueError(msg)
    return [number for first, *last in ends for number in range(first, (*last, first)[0] + 1)]


def option(kind: Any, group: Group, text: str, default: Any = None, **details: Any) -> Any:
    """An attribute of a class of options; one of type bool is off unless it is typed."""
    default = False if kind is bool and default is None else default
    about: dict[str, Any] = {"group": group, "help": text, "negative": ""}
    about["show_default"] = default is not False and default is not None
    kind = Annotated[kind if default is not None else kind | None, Parameter(**about | details)]
    return attrs.field(default=default, type=kind, kw_only=True)


def _table(package: Package) -> dict[str, Any]:
    """All options by their names."""
    address, key = map(package.environment.get, ("base_url", "token"))
    url = {"metavar": "URL", "env_var": address, "show_default": False}
    folder = {"name": "--output", "alias": "-o", "metavar": "FOLDER", "required": True}
    file = {"alias": "-o", "metavar": "FILE", "allow_leading_hyphen": True, "converter": as_typed}
    ranges = {"converter": _numbers, "metavar": "1-3,7"}
    extra = {"metavar": "NAME=JSON", "converter": as_typed}
    where = "A file, a folder, or - for the standard output. Default: the id of the job."
    return {
        "base_url": option(str, _GATEWAY, "Where it is.", "", **url),
        "no_key": option(
            bool, _GATEWAY, f"Send no key, though {key} is set." if key else "No key."
        ),
        "allow_plain_http": option(bool, _GATEWAY, "Send the key unencrypted."),
        "json": option(bool, _OUTPUT, "Print each event in JSON."),
        "quiet": option(bool, _OUTPUT, "Print results and errors only.", alias="-q"),
        "verbose": option(bool, _OUTPUT, "Show requests, without secrets.", alias="-v"),
        "output": option(Path, _WAITING, where, **file),
        "force": option(bool, _WAITING, "Replace an existing file."),
        "interval": option(float, _WAITING, "Seconds between two requests for a job.", 5.0),
        "timeout": option(float, _WAITING, "Seconds to wait in all.", 900.0),
        "no_wait": option(bool, _WAITING, "Print the id, and do not wait."),
        "standard": option(bool, REQUEST, "Read from the standard input instead.", name="-"),
        "extra": option(list[str], REQUEST, "A field that the spec lacks. Repeatable.", **extra),
        "dry_run": option(bool, REQUEST, "Check all and send nothing."),
        "allow_extra": option(bool, REQUEST, "Take fields that the spec lacks."),
        "folder": option(Path, _BATCH, "For the results and the journal.", **folder),
        "concurrency": option(int, _BATCH, "Requests that are worked on together.", 20),
        "rate": option(float, _BATCH, "Requests that are sent in a minute."),
        "budget": option(float, _BATCH, "US dollars, for all runs in the folder."),
        "forget": option(list[int], _BATCH, "Give up these lost jobs.", **ranges),
        "resend_unknown": option(bool, _BATCH, "Send again what may have been paid."),
        "request": option(list[int], _BATCH, "Send these again.", **ranges),
        "failed": option(bool, _BATCH, "Send all again that failed."),
        "unknown": option(bool, _BATCH, "Send all again whose outcome is unknown."),
        "yes": option(bool, _BATCH, "Do not ask."),
    }


class Options:
    """What is typed; `class_of` gives it the attributes that a command has."""

    json = quiet = verbose = no_key = allow_plain_http = force = False
    base_url, output = "", None

    def settings(self, package: Package) -> dict[str, dict[str, Any]]:
        """What is set, and where; the value of the key is not shown."""
        address, key = map(package.environment.get, ("base_url", "token"))
        source = address if self.base_url == os.environ.get(address or "", "") else "--base-url"
        try:
            shown = without_secrets(httpx.URL(self.base_url)) or None
        except httpx.InvalidURL:
            shown = self.base_url
        url = {"value": shown, "is_set": bool(self.base_url), "source": source}
        token = {"value": None, "is_set": bool(self.key(package))}
        return {"base_url": url, "token": token | {"source": "--no-key" if self.no_key else key}}

    def typed(self, package: Package) -> list[str]:
        """What has to be typed to reach the same API and to save in the same place."""
        source = self.settings(package)["base_url"]["source"]
        # What has come to that place meanwhile stays there; the id of the job is a name too.
        is_free = self.force or not Path(self.output or "").is_file()
        words = ["-o", str(self.output)] if self.output and is_free else []
        words += ["--base-url", self.base_url] if self.base_url and source == "--base-url" else []
        names = ("force", "no_key", "allow_plain_http")
        return words + [f"--{name.replace('_', '-')}" for name in names if getattr(self, name)]

    def key(self, package: Package) -> str:
        """The key; "" if none is sent."""
        return "" if self.no_key else os.environ.get(package.environment.get("token", ""), "")

    def path(self, job_id: str, suffix: str) -> Path | None:
        """The file for the result of a job, if it can be saved; None for the standard output."""
        text, path = str(self.output or ""), Path(self.output or "")
        if text == "-":
            return None
        if not text or text.endswith("/") or path.is_dir():
            path /= re.sub(r"[^A-Za-z0-9._-]|^\.", "_", job_id)[:100] + suffix
        if path.exists() and not (self.force and path.is_file()):
            hint = "Choose another name, or --force." if path.is_file() else "It is not a file."
            msg = f"Cannot write to {path}: it exists. {hint}"  # and may have been paid for
            raise UsageError(msg)
        return path

    def check(self, job_id: str, suffix: str) -> None:
        """Find out whether a result can be saved, before anything is paid for."""
        path = self.path(job_id, suffix)
        if path is None and (self.json or sys.stdout.isatty()):
            msg = "The standard output is a terminal: send it to a file or a program"
            raise UsageError("-o - and --json exclude each other" if self.json else msg)
        try:
            if path:
                path.parent.stat()  # as it is typed, for `missing/../v.mp4` is not `v.mp4`
            with tempfile.TemporaryFile(dir=path and path.resolve().parent) as file:
                file.write(bytes(_PROBE_SIZE))
                file.flush()
        except OSError as error:
            reason = "no such folder" if isinstance(error, FileNotFoundError) else why(error)
            msg = f"Cannot write to {path}: {reason}"
            raise UsageError(msg) from None


# Stands for what is typed in the signatures of commands.
TYPED: Any = Options()


def class_of(package: Package, names: tuple[str, ...], more: Any = None) -> Any:
    """A class of options with these names, and more."""
    table = _table(package)
    fields = (more or {}) | {name: table[name] for name in names}
    made = attrs.make_class("Options", fields, bases=(Options,), frozen=True)
    return Parameter(name="*")(made)
