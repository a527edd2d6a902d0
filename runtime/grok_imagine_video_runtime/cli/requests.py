"""The requests in a file: one as JSON in each line, or one in each row of a table in CSV."""

import codecs
import csv
import difflib
import json
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from ..batch._requests import digest_of
from ..models import attributes_of
from ..operations import Create
from .options import (
    FILE_OR_URL,
    Kind,
    body_of,
    check_texts,
    is_url,
    options_of,
    text_or_json,
)
from .terminal import printable

_NOT_UTF8 = "it is not UTF-8; save it as UTF-8"

# Requests that are named because something is wrong with them.
_MAX_NAMED = 20


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
        for number, record in self._records():
            try:
                yield number, self._read(record)
            except (TypeError, ValueError, RecursionError) as error:
                msg = f"{self.path}:{number}: {_explain(error)}"
                raise ValueError(msg) from None

    def check(self, say: Callable[[str], None]) -> None:
        """Count the requests, and say what is wrong with them.

        Raises:
            OSError: The file cannot be read.
            ValueError: One of them cannot be sent, it has none, or it can be read only once.
        """
        self._count = bad = 0
        for number, record in self._records():
            self._count += 1
            try:
                digest_of(number, self._read(record))
            except (TypeError, ValueError, RecursionError) as error:
                bad += 1
                if bad <= _MAX_NAMED:
                    say(printable(f"{self.path}:{number}: {_explain(error)}"))
        if bad or not self._count:
            msg = f"{bad} of {self._count} requests cannot be sent; nothing was sent"
            msg = f"{self.path}: {msg if bad else 'the file has no requests'}"
            raise ValueError(msg)

    def _records(self) -> Iterable[tuple[int, Any]]:
        if self.path.exists() and not self.path.is_file():
            msg = f"{self.path} is not a file that can be read more than once; save it as one"
            raise ValueError(msg)
        if self.path.suffix.lower() != ".csv":
            return _lines(self.path)
        columns = {name: each.field for each in self._options for name in each.columns}
        return _rows(self.path, columns)

    def _read(self, record: bytes | dict[str, str]) -> Any:
        if isinstance(record, bytes):
            request = self._create.model.from_dict(_object(record))
            check_texts(self._options, request)
        else:
            request = self._of_row(record)
        if not self._has_extra and (extra := next(_unknown_names(request), None)):
            msg = f"{extra}; --extra sends it as it is"
            raise ValueError(msg)
        return request

    def _of_row(self, row: dict[str, str]) -> Any:
        """A request from the cells of a row; each is what would be typed as an option."""
        values = {}
        for option in self._options:
            if cell := row.pop(option.field, ""):
                values[option.name] = self._typed(option.kind, cell)
            elif option.default is attrs.NOTHING:
                msg = f"{option.field!r} is required, and the row has no such cell: {row}"
                raise ValueError(msg)
        extra = {name: text_or_json(cell) for name, cell in row.items()}
        return body_of(self._create, self._options, values, extra)

    def _typed(self, kind: Kind, cell: str) -> Any:
        """What a cell holds, as an option would have it; the model says if it has the wrong type.

        A file is looked for beside the table.
        """
        if typing.get_origin(kind.type) is list:
            inner = attrs.evolve(kind, type=typing.get_args(kind.type)[0])
            items = json.loads(cell) if cell.lstrip().startswith("[") else [cell]
            return [self._typed(inner, item) if isinstance(item, str) else item for item in items]
        if kind.type in (bool, float):
            value = text_or_json(cell.lower())
            return cell if isinstance(value, str) else value
        is_path = kind.metavar == FILE_OR_URL and not (is_url(cell) or cell.lstrip()[:1] == "{")
        return str(self.path.parent / cell) if is_path else cell


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank. Only a line feed ends one, as JSON has it."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if text.strip():
                yield number, text


def _rows(path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the header, by field, without the cells that are empty."""
    csv.field_size_limit(2**31 - 1)  # an image may be in a cell
    with path.open(newline="", encoding="utf-8-sig") as file:
        number = 0
        try:
            reader = csv.reader(file, strict=True)
            names = [columns.get(name, name) for name in next(reader, [])]
            _check_header(names)
            for number, row in enumerate(filter("".join, reader), 1):
                if len(row) > len(names):
                    msg = "more cells than the header has"
                    raise ValueError(msg)
                yield number, {name: cell for name, cell in zip(names, row, strict=False) if cell}
        except UnicodeError:
            msg = f"{path}: line {_line_that_is_not_utf8(path)}: {_NOT_UTF8}"
            raise ValueError(msg) from None
        except csv.Error as error:
            msg = f"{path}: after row {number}: {error}"
            raise ValueError(msg) from None
        except ValueError as error:
            msg = f"{path}: row {number}: {error}"
            raise ValueError(msg) from None


def _line_that_is_not_utf8(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeError:
                return number
    return 0


def _check_header(names: Sequence[str]) -> None:
    for name in names:
        if not name or names.count(name) > 1:
            msg = f"two columns are {name!r}" if name else "a column has no name"
            raise ValueError(msg)


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


def _explain(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"not JSON: {error.msg} at column {error.colno}"
        case RecursionError():
            return "nested too deeply"
        case UnicodeError():
            return _NOT_UTF8
    return str(error)
