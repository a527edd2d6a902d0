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

from .display import Display
from .exits import UsageError
from .options import Form, json_or_text


def text_of(form: Form, typed: str | None, options: Any) -> dict[str, Any]:
    """The text of a request: as it is typed, or in a file."""
    if form.text is None:
        return {}
    file = "-" if options.standard else options.file
    label = form.text.names[0]
    flag = f"--{label.lower().replace('_', '-')}-file"
    if (typed is None) == (file is None):
        way = f"in quotes, - for the standard input, or {flag} FILE"
        raise UsageError(f"{label} is needed once: {way}")
    if typed and typed.startswith("@") and Path(typed[1:]).is_file():
        raise UsageError(f"{typed} is not read as a file: use {flag} {shlex.quote(typed[1:])}")
    return {form.text.field: typed if file is None else _content(file).strip()}


def _content(source: str) -> str:
    """The text in a file, or on the standard input if that is "-"."""
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{source}:{line}: it is not UTF-8; save it as UTF-8") from None


class Requests(Sequence[Any]):
    """The requests in a file, each made when it is asked for, so that few are in memory.

    The file is read once. An error names its line, and the column, as an editor counts them.
    """

    def __init__(self, source: str, form: Form, *, allows_extra: bool) -> None:
        self._source, self._form, self._allows_extra = source, form, allows_extra
        self._suffix = Path(source).suffix.lower()
        self._fields = {
            _column(name): option.field
            for option in form.fields
            for name in (option.field, *option.names)
        }
        text, self._records = _content(source), list[tuple[int, Any]]()
        if self._suffix == ".csv":
            self._records += self._rows(text)
        else:  # only a line feed ends a line, as JSON has it
            lines = enumerate(text.split("\n"), 1)
            self._records += [(number, line.rstrip()) for number, line in lines if line.strip()]

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        line, record = self._records[index]
        try:
            return self._request(record)
        except json.JSONDecodeError as error:
            place, why = f"{line}:{error.colno}", f"not JSON: {error.msg}"
        except (TypeError, ValueError, RecursionError) as error:
            place, why = str(line), str(error)
        raise UsageError(f"{self._source}:{place}: {why}")

    def check(self, display: Display) -> None:
        """Say what is wrong with the requests; a UsageError if one is, or if there are none."""
        bad = 0
        for index in range(len(self)):
            try:
                self[index]
            except UsageError as error:
                bad += 1
                display.show("log", str(error), message=str(error))
        if bad or not self:
            msg = f"{bad} of {len(self)} requests cannot be sent; nothing was sent"
            raise UsageError(f"{self._source}: {msg if bad else 'there are no requests'}")

    def _request(self, record: Any) -> Any:
        if isinstance(record, Exception):
            raise record
        is_row, text, known = isinstance(record, dict), self._form.text, set(self._fields.values())
        if text and not is_row and self._suffix in (".txt", "") and record.lstrip()[0] != "{":
            record = {text.field: record.strip()}
        elif not is_row:
            record = json.loads(record)
        if not isinstance(record, dict):
            msg = "a JSON object is needed"
            raise TypeError(msg)
        values = {self._fields.get(_column(name), name): record[name] for name in map(str, record)}
        for name in [name for name in values if name not in known]:
            if not self._allows_extra:
                near = difflib.get_close_matches(name, self._fields, n=1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                msg = f"the spec has no {name!r}{hint}; --allow-extra sends it as it is"
                raise ValueError(msg)
            if is_row:  # what is no field is typed as in JSON
                values[name] = json_or_text(values[name])
        return self._form.body(values, Path(self._source).parent, is_typed=is_row)

    def _rows(self, text: str) -> Iterator[tuple[int, Any]]:
        """The rows below the header with their lines, without empty cells; or what is wrong."""
        csv.field_size_limit(2**31 - 1)  # an image may be in a cell
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            names = next(reader, [])
            while (line := reader.line_num + 1) and (row := next(reader, None)) is not None:
                if any(row[len(names) :]):
                    yield line, ValueError("more cells than the header has")
                elif cells := {name: cell for name, cell in zip(names, row, strict=False) if cell}:
                    yield line, cells
        except csv.Error as error:
            yield reader.line_num, ValueError(f"not CSV: {error}")


def _column(name: str) -> str:
    """A name of a field or an option, as all its spellings are."""
    return name.strip("-").replace("-", "_")
