"""What can be typed: options of the commands, and one for each field of a request's model."""

import json
import re
import sys
import tempfile
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import attrs
from cyclopts import Group, Parameter, convert
from docstring_parser import parse

from ..config import Package
from ..models import attributes_of, file_field_of, to_json
from ..operations import Create
from ..types import UNSET, Unset

_GROUPS = ("Request", "Batch", "Waiting", "Gateway", "Output")
_REQUEST, _BATCH, _WAITING, _GATEWAY, _OUTPUT = map(Group.create_ordered, _GROUPS)
_METAVARS = {str: None, int: "INT", float: "FLOAT"}


class UsageError(ValueError):
    """What was typed cannot be done."""


def _as_typed(kind: Any, tokens: Any) -> Any:
    """A converter of cyclopts that changes nothing, for a path would lose the // of a URL."""
    texts = [token.value for token in tokens]
    return texts if typing.get_origin(kind) is list else texts[0]


def _numbers(_: Any, tokens: Any) -> list[int]:
    """A converter of cyclopts for numbers and ranges, such as 1-3,7; a slip fills no memory."""
    numbers = set[int]()
    for part in ",".join(token.value for token in tokens).split(","):
        if not (ends := re.fullmatch("([0-9]{1,6})(?:-([0-9]{1,6}))?", part)):
            msg = "numbers and ranges are needed, such as 1-3,7"
            raise ValueError(msg)
        numbers |= {*range(int(ends[1]), int(ends[2] or ends[1]) + 1)}
    return sorted(numbers)


def _option(kind: Any, group: Group, text: str, default: Any = None, **details: Any) -> Any:
    """An attribute of a class of options; a number is shown as the default."""
    details = {"show_default": type(default) in (int, float)} | details
    default = False if kind is bool and default is None else default
    kind = kind if default is not None else kind | None
    kind = Annotated[kind, Parameter(group=group, help=text, **details)]
    return attrs.field(default=default, type=kind, kw_only=True)


def options_of(package: Package) -> dict[str, dict[str, Any]]:
    """The options of each command, by their names."""
    address, key = map(package.environment.get, ("base_url", "token"))
    folder: Any = {"name": "--output", "alias": "-o", "metavar": "FOLDER", "required": True}
    file: Any = {"alias": "-o", "metavar": "FILE", "allow_leading_hyphen": True}
    where = "A file, a folder, or - for the standard output. Default: the id of the job."
    extra = "A field that the spec lacks. Repeatable."
    ranges: Any = {"metavar": "1-3,7", "converter": _numbers}
    json = {"json": _option(bool, _OUTPUT, "Print each event in JSON.")}
    plain = {"allow_plain_http": _option(bool, _GATEWAY, f"Send the key in {key} unencrypted.")}
    getting = (json | plain if key else json) | {
        "base_url": _option(str, _GATEWAY, "Its address.", "", metavar="URL", env_var=address),
        "quiet": _option(bool, _OUTPUT, "Print results and errors only.", alias="-q"),
        "verbose": _option(bool, _OUTPUT, "Show requests, without secrets.", alias="-v"),
    }
    waiting = getting | {
        "interval": _option(float, _WAITING, "Seconds between two requests for a job.", 5.0),
        "timeout": _option(float, _WAITING, "Seconds to wait in all.", 900.0),
    }
    saving = {
        "output": _option(Path, _WAITING, where, converter=_as_typed, **file),
        "force": _option(bool, _WAITING, "Replace an existing file."),
    } | waiting
    creating = {
        "prompt_file": _option(Path, _REQUEST, "Read the prompt from a file.", metavar="FILE"),
        "standard": _option(bool, _REQUEST, "Read the prompt from standard input.", name="-"),
        "extra": _option(list[str], _REQUEST, extra, (), metavar="NAME=JSON"),
        "dry_run": _option(bool, _REQUEST, "Check all and send nothing."),
        "no_wait": _option(bool, _WAITING, "Print the id, and do not wait."),
    } | saving
    running = waiting | {
        "concurrency": _option(int, _BATCH, "Requests that are worked on together.", 20),
        "rate": _option(float, _BATCH, "Requests that are sent in a minute."),
        "budget": _option(float, _BATCH, "US dollars, for all runs in the folder."),
    }
    starting = {
        "folder": _option(Path, _BATCH, "For the results and the journal.", **folder),
        "allow_extra": _option(bool, _REQUEST, "Take fields that the spec lacks."),
    } | running
    retrying = {
        "request": _option(list[int], _BATCH, "Send these again.", (), **ranges),
        "failed": _option(bool, _BATCH, "Send all again that failed."),
        "unknown": _option(bool, _BATCH, "Send all again whose outcome is unknown."),
        "yes": _option(bool, _BATCH, "Do not ask."),
    } | running
    of_batches = {"batch": starting, "status": json, "retry": retrying}
    return {"get": getting, "wait": saving, "create": creating} | of_batches


class Options:
    """What is typed; a subclass has the attributes of a command."""

    json = quiet = verbose = allow_plain_http = False
    base_url, output, force = "", "", None

    def path(self, job_id: str, suffix: str) -> Path | None:
        """The file for the result of a job, if it can be saved; None for the standard output."""
        path = Path(self.output or "")
        if self.output == "-":
            return None
        if not self.output or self.output.endswith("/") or path.is_dir():
            path /= re.sub(r"[^A-Za-z0-9._-]|^\.", "_", job_id)[:100] + suffix
        if path.exists() and not (self.force and path.is_file()):  # it may have been paid for
            hint = "Choose another name, or --force." if path.is_file() else "It is not a file."
            raise UsageError(f"Cannot write to {path}: it exists. {hint}")
        return path

    def ensure_writable(self, job_id: str, suffix: str) -> None:
        """Find out whether a result can be saved, before anything is paid for."""
        path = self.path(job_id, suffix)
        if path is None and (self.json or sys.stdout.isatty()):
            raise UsageError("-o - needs a file or a program behind it, and no --json")
        try:
            tempfile.TemporaryFile(dir=path and path.parent.resolve(strict=True)).close()
        except OSError as error:
            reason = "no such folder" if isinstance(error, FileNotFoundError) else why(error)
            raise UsageError(f"Cannot write to {self.output or path}: {reason}") from None


class Option(NamedTuple):
    """A field of a request, as it is typed; the type is that of its items if it is a list.

    The default is UNSET if nothing is sent then, and NOTHING if the field is required.
    """

    field: str
    names: Sequence[str]  # what messages call it comes first
    default: Any
    type: Any
    is_list: bool

    def attribute(self, text: str) -> Any:
        """The attribute for it in a class of options: a text, a choice, a file, or a switch."""
        kind: Any = str
        about: dict[str, Any] = {"metavar": _METAVARS.get(self.type, "JSON")}
        if self.type is bool or typing.get_origin(self.type) is Literal:
            kind, about = self.type, {"negative": None, "converter": convert}
        elif file_field_of(self.type):
            kind, about = Path, {"metavar": "FILE_OR_URL", "converter": _as_typed}
        about |= {"name": self.names, "required": self.default is attrs.NOTHING}
        about["show_default"] = self.default not in (UNSET, attrs.NOTHING) and str(self.default)
        return _option(list[kind] if self.is_list else kind | None, _REQUEST, text, **about)

    def read(self, value: Any, folder: Path, *, is_typed: bool) -> Any:
        """The JSON of a text that is typed or in a cell; a file can be such a text in JSON too."""
        if self.is_list and isinstance(value, str):
            value = json_or_text(value) if is_typed and value.lstrip()[:1] == "[" else [value]
        if isinstance(value, list):
            item = self._replace(is_list=False)
            return [item.read(part, folder, is_typed=is_typed) for part in value]
        if isinstance(value, str) and (name := file_field_of(self.type)):
            is_url = value.lower().startswith(("https://", "http://", "data:"))
            path = value if value.lower().startswith(("~", "file:")) else folder / value
            return {name: value} if is_url else self.type.from_file(path).to_dict()
        is_text = self.type is str or value in typing.get_args(self.type)
        return value if is_text or not is_typed else json_or_text(value)


class Form:
    """The fields of an operation's request; one whose option is `taken` gets another one.

    `text` is the first required field that takes any text: it is typed without a name. `attributes`
    are the options of the others, `columns` all fields by their names and options, and `labels`
    what messages call them.
    """

    def __init__(self, create: Create, taken: Collection[str]) -> None:
        self.create, self.fields, self.attributes = create, list[Option](), dict[str, Any]()
        self.columns, self.text, self.argument = dict[str, str](), None, Parameter(parse=False)
        model, params = create.model, parse(create.model.__doc__ or "").params
        helps = {param.arg_name: " ".join((param.description or "").split()) for param in params}
        hints = typing.get_type_hints(model)
        for name, attribute in attributes_of(model).items():
            default = getattr(attrs.fields(model), attribute).default
            default = create.defaults.get(name, default) if default is attrs.NOTHING else default
            words = [word.strip("_") for word in (create.names.get(name), attribute) if word]
            names = [f"--{'request-' * (word in taken)}{word.replace('_', '-')}" for word in words]
            kind = _type_of(hints[attribute])
            is_list = typing.get_origin(kind) is list
            kind = _type_of(typing.get_args(kind)[0]) if is_list else kind
            option = Option(name, names, to_json(default), kind, is_list)
            about = helps.get(attribute, "")
            if not (self.text or is_list) and kind is str and default is attrs.NOTHING:
                option = self.text = option._replace(names=[words[-1].upper()])
                self.argument = Parameter(name=option.names, help=about)
            else:
                self.attributes[f"field_{name}"] = option.attribute(about)
            self.fields.append(option)
            self.columns |= dict.fromkeys([name, *(word.strip("-") for word in names)], name)
        self.labels = {option.field: option.names[0] for option in self.fields}

    def body(self, values: Mapping[str, Any], folder: Path, *, is_typed: bool = True) -> Any:
        """The body with these values, and with defaults for others; an error if one is wrong."""
        given = dict(values)
        for option in self.fields:
            value = given.get(option.field, option.default)
            is_blank = value is attrs.NOTHING or not str(value).strip()
            if is_blank and option.default is attrs.NOTHING:
                msg = f"{option.field!r} is missing or blank"
                raise ValueError(msg)
            if value is not UNSET:
                given[option.field] = option.read(value, folder, is_typed=is_typed)
        return self.create.model.from_dict(given)


def _type_of(hint: Any) -> Any:
    """The one type that a field has besides null; object if it has several."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    parts = typing.get_args(hint) if is_union else [hint]
    kinds = [part for part in parts if part not in (Unset, type(None))]
    return kinds[0] if len(kinds) == 1 else object


def json_or_text(text: Any) -> Any:
    """What a text says in JSON, or else the text."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def why(error: OSError) -> str:
    """What an error says, without the file."""
    return (error.strerror or "").lower() or str(error) or type(error).__name__
