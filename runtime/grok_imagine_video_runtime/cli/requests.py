"""What is read: the text of a request, and the requests in a file of JSON lines, CSV or texts."""

import csv
import difflib
import io
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from ..models import attributes_of
from .display import Display
from .exits import UsageError
from .options import Form, json_or_text

# Requests that are named because something is wrong with them.
_MAX_NAMED = 20

_KINDS = {".csv": "table", ".txt": "texts", ".jsonl": "JSON", ".ndjson": "JSON", ".json": "JSON"}


def text_of(form: Form, typed: str | None, file: str | None) -> dict[str, Any]:
    """The text of a request: as it is typed, or in a file."""
    if form.text is None:
        return {}
    label, flag = form.text.label, f"{form.text.names[-1]}-file"
    if (typed is None) == (file is None):
        msg = f"{label} is needed once: in quotes, - for the standard input, or {flag} FILE"
        raise UsageError(msg)
    if typed and typed.startswith("@") and Path(typed[1:]).is_file():
        msg = f"{typed} is not read as a file: use {flag} {shlex.quote(typed[1:])}"
        raise UsageError(msg)
    return {form.text.field: typed if file is None else content(file).strip()}


def content(source: str) -> str:
    """The text in a file, or on the standard input if that is "-"."""
    data = sys.stdin.buffer.read() if source == "-" else Path(source).expanduser().read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        msg = f"{source}:{line}: it is not UTF-8; save it as UTF-8"
        raise UsageError(msg) from None


class Requests(Sequence[Any]):
    """The requests in a file, each made when it is asked for, so that few are in memory.

    The file is read once. An error names its line, and the column, as an editor counts them.
    """

    def __init__(self, source: str, form: Form, *, allows_extra: bool) -> None:
        self._source, self._form, self._allows_extra = source, form, allows_extra
        self._records: list[tuple[int, Any]]
        self._fields = {option.field: option.field for option in form.fields}  # by their columns
        for option in form.fields:
            names = (name.strip("-").replace("-", "_") for name in option.names)
            self._fields |= dict.fromkeys(names, option.field)
        text = content(source)
        self._kind = _KINDS.get(Path(source).suffix.lower()) or self._kind_of(text)
        lines = enumerate(text.split("\n"), 1)  # only a line feed ends one, as JSON has it
        self._records = [(number, line.rstrip()) for number, line in lines if line.strip()]
        if self._kind == "table":
            self._records = list(self._rows(text))

    def _kind_of(self, text: str) -> str:
        """What a text is whose name does not say it."""
        header = text.partition("\n")[0].strip().split(",")
        is_table = all(name.strip() in self._fields for name in header)
        return "JSON" if text.lstrip().startswith("{") else "table" if is_table else "texts"

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        line, record = self._records[index]
        try:
            return self._request(record)
        except json.JSONDecodeError as error:
            msg = f"{self._source}:{line}:{error.colno}: not JSON: {error.msg}"
        except (TypeError, ValueError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else error
            msg = f"{self._source}:{line}: {why}"
        raise UsageError(msg)

    def check(self, display: Display) -> None:
        """Say what is wrong with the requests; a UsageError if one is, or if there are none."""
        bad = 0
        for index in range(len(self)):
            try:
                self[index]
            except UsageError as error:
                bad += 1
                if bad <= _MAX_NAMED:
                    display.show("log", str(error), message=str(error))
        if bad or not self:
            msg = f"{bad} of {len(self)} requests cannot be sent; nothing was sent"
            raise UsageError(f"{self._source}: {msg if bad else 'there are no requests'}")

    def _request(self, record: Any) -> Any:
        is_json = self._kind == "JSON"
        if is_json:
            record = json.loads(record, object_pairs_hook=_object, parse_constant=_refuse)
        elif isinstance(record, str) and self._form.text and not record.startswith("{"):
            record = {self._form.text.field: record.strip()}
        if not isinstance(record, dict):
            msg = "a JSON object is needed, in a file whose name ends with .jsonl"
            raise ValueError(msg)
        pairs = [(self._fields.get(str(name), str(name)), record[name]) for name in record]
        values = _object(pairs)
        if not is_json:  # what is no field is typed as in JSON
            known = set(self._fields.values())
            values = {name: v if name in known else json_or_text(v) for name, v in values.items()}
        request = self._form.body(values, Path(self._source).parent, is_typed=not is_json)
        if not self._allows_extra and (extra := next(_unknown_names(request), None)):
            msg = f"{extra}; --allow-extra sends it as it is"
            raise ValueError(msg)
        return request

    def _rows(self, text: str) -> Iterator[tuple[int, dict[str, str]]]:
        """The rows below the header with their lines, without the cells that are empty."""
        csv.field_size_limit(2**31 - 1)  # an image may be in a cell
        reader, line = csv.reader(io.StringIO(text, newline=""), strict=True), 1
        try:
            names = next(reader, [])
            _object([(self._fields.get(name, name), "") for name in names])
            while (line := reader.line_num + 1) and (row := next(reader, None)) is not None:
                if len(row) > len(names) and "".join(row):
                    msg = "more cells than the header has"
                    raise ValueError(msg)
                pairs = zip(names, row, strict=False)
                if cells := {name: cell for name, cell in pairs if cell}:
                    yield line, cells
        except (csv.Error, ValueError) as error:
            msg = f"{self._source}:{line}: {error}"
            raise UsageError(msg) from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object, in which no name may occur twice."""
    names = [name for name, _ in pairs]
    if double := next((name for name in names if names.count(name) > 1), None):
        msg = f"{double!r} occurs twice"
        raise ValueError(msg)
    return dict(pairs)


def _refuse(constant: str) -> None:
    msg = f"JSON has no {constant}"
    raise ValueError(msg)


def _unknown_names(model: object, place: str = "") -> Iterator[str]:
    """What is wrong with each name, in a model and the models in it, that the spec lacks."""
    known = attributes_of(type(model))
    for name in getattr(model, "additional_properties", ()):
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        yield f"the spec has no {place + name!r}{hint}"
    for name, attribute in known.items():
        value = getattr(model, attribute)
        for index, part in enumerate(value if isinstance(value, list) else [value]):
            if attrs.has(type(part)):
                inner = f"{place}{name}.{index}." if value is not part else f"{place}{name}."
                yield from _unknown_names(part, inner)
