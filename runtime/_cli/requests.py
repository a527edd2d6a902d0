"""The requests in a file: one as JSON in each line, or one in each row of a table in CSV."""

import codecs
import csv
import difflib
import json
import sys
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs

from .._objects import _attributes
from .._registry import Create
from ..batch._requests import digest_of
from .options import _text_or_json, body_of, options_of


class Requests:
    """The requests in a file, made anew each time they are asked for, so that few are in memory.

    A line of JSON has its number in the file, and the first row below a header is 1.
    """

    def __init__(self, path: Path, create: Create, *, has_extra: bool) -> None:
        self.path = path
        self._create, self._has_extra = create, has_extra
        self._options = options_of(create, ())
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        return ((number, self._read(record)) for number, record in self._records())

    def check(self) -> Iterator[str]:
        """Count the requests, and tell what is wrong with each."""
        self._count = 0
        for number, record in self._records():
            self._count += 1
            try:
                digest_of(number, self._read(record))
            except (TypeError, ValueError, RecursionError) as error:
                yield f"{self.path}:{number}: {_explain(error)}"
        if not self._count:
            yield f"{self.path}: the file has no requests"

    def _records(self) -> Iterable[tuple[int, Any]]:
        is_table = self.path.suffix.lower() == ".csv"
        return _rows(self.path) if is_table else _lines(self.path)

    def _read(self, record: bytes | dict[str, str]) -> Any:
        if isinstance(record, bytes):
            request = self._create.body.from_dict(_object(record))
        else:
            request = self._of_row(record)
        if not self._has_extra and (extra := next(_unknown_names(request), None)):
            msg = f"{extra}; --extra sends it as it is"
            raise ValueError(msg)
        return request

    def _of_row(self, row: dict[str, str]) -> Any:
        """A request from the cells of a row; each is what would be typed as an option."""
        values, extra = {}, []
        for name, cell in row.items():
            option = next((each for each in self._options if name in each.columns), None)
            if option is None:
                extra.append(f"{name}={json.dumps(_text_or_json(cell))}")
            else:
                values[option.parameter.name] = _typed(option.kind.type, cell)
        return body_of(self._create, self._options, values, extra)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank. Only a line feed ends one, as JSON has it."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if text.strip():
                yield number, text


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the header, without the cells that are empty."""
    csv.field_size_limit(sys.maxsize)  # an image may be in a cell
    with path.open(newline="", encoding="utf-8-sig") as file:
        number = 0
        try:
            for number, row in enumerate(csv.DictReader(file, strict=True), 1):
                if None in row:
                    msg = "more cells than the header has"
                    raise ValueError(msg)
                yield number, {name: cell for name, cell in row.items() if cell}
        except (csv.Error, UnicodeError, ValueError) as error:
            msg = f"{path}: row {number or 1}: {error}"
            raise ValueError(msg) from None


def _typed(kind: Any, cell: str) -> Any:
    """What a cell holds, as an option would have it; the model says if it has the wrong type."""
    if typing.get_origin(kind) is list:
        (inner,) = typing.get_args(kind)
        items = json.loads(cell) if cell.lstrip().startswith("[") else [cell]
        return [_typed(inner, item) if isinstance(item, str) else item for item in items]
    if typing.get_origin(kind) is Literal:
        return next((each for each in typing.get_args(kind) if str(each) == cell), cell)
    if kind in (bool, int, float):
        try:
            return json.loads(cell.lower())
        except ValueError:
            return cell
    return cell


def _object(line: bytes) -> Any:
    hooks: dict[str, Any] = {"object_pairs_hook": _without_doubles, "parse_constant": _refuse}
    return json.loads(line.decode(), **hooks)


def _without_doubles(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            msg = f"{name!r} occurs twice"
            raise ValueError(msg)
        fields[name] = value
    return fields


def _refuse(constant: str) -> None:
    msg = f"JSON has no {constant}"
    raise ValueError(msg)


def _unknown_names(model: object, place: str = "") -> Iterator[str]:
    """What is wrong with each name, in a model and the models in it, that the spec lacks."""
    known = _attributes(model)
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


def _explain(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"not JSON: {error.msg} at column {error.colno}"
        case RecursionError():
            return "nested too deeply"
        case UnicodeError():
            return f"not UTF-8: {error}"
    return str(error)
