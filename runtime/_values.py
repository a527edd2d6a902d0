"""Values as they are in Python, and as they are in JSON, in a URL, in a header and in a form."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any, TypeVar, cast
from uuid import UUID

from ._validators import show
from .types import UNSET, File, FileTypes

T = TypeVar("T")

# What a reader raises for a value that is not what the spec says.
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)

# Beyond it a float is not an exact integer.
_MOST_EXACT = 2**53


def list_of(read: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """A reader of a JSON array; a text is not taken for a list of its letters."""

    def read_each(source: Any) -> list[T]:
        if not isinstance(source, list):
            msg = f"a JSON array is needed, not {type(source).__name__}: {show(source)}"
            raise TypeError(msg)
        return [read(item) for item in source]

    return read_each


def first_of(*readers: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The first of several readers that can read a value; what none can read is kept as it is."""

    def read(source: Any) -> Any:
        for reader in readers:
            try:
                return reader(source)
            except UNREADABLE:
                continue
        return source

    return read


def tagged(name: str, readers: Mapping[Any, Callable[[Any], T]]) -> Callable[[Any], T]:
    """A reader of objects that say in a field which one they are."""
    return lambda source: readers[source[name]](source)


def _text_like(pattern: str, parse: Callable[[str], T]) -> Callable[[Any], T]:
    """A reader of texts of one form; others would not become the same text again."""
    form = re.compile(pattern, re.ASCII)

    def read(source: Any) -> T:
        if not form.fullmatch(source):
            msg = f"{show(source)} has another form"
            raise ValueError(msg)
        return parse(source)

    return read


_DAY = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)?"
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"

date_of = _text_like(_DAY, date.fromisoformat)
date_time_of = _text_like(f"{_DAY}[Tt ]{_TIME}", datetime.fromisoformat)
uuid_of = _text_like(_UUID, UUID)


def file(source: Any) -> File:
    """A file to read what was downloaded; JSON has none, and what it has is kept."""
    return File(payload=BytesIO(source)) if isinstance(source, bytes) else cast(File, source)


def to_json(value: Any) -> Any:
    """A value as it is in JSON; what a response had in its place stays as it is.

    A whole number has no fraction: some servers refuse 4.0 where they want an integer.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _MOST_EXACT else value
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def text_of(value: Any) -> str:
    """A value as the text that it is in a path, a header or a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return str(to_json(value))


def _given(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in values.items() if value not in (UNSET, None)}


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Headers: those that are set, as texts."""
    return {name: text_of(value) for name, value in _given(values).items()}


def query(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a URL: those that are set."""
    return {name: to_json(value) for name, value in _given(values).items()}


def form_parts(name: str, value: Any) -> Iterator[tuple[str, FileTypes]]:
    """A field as parts of a multipart/form-data body: each item of a list is one of its own."""
    if isinstance(value, list):
        for item in value:
            yield from form_parts(name, item)
    elif isinstance(value, File):
        yield name, value.to_tuple()
    elif hasattr(value, "to_dict") or isinstance(value, dict):
        yield name, (None, json.dumps(to_json(value)).encode(), "application/json")
    elif value is not None:
        yield name, (None, text_of(value).encode(), "text/plain")


__all__ = [
    "UNREADABLE",
    "date_of",
    "date_time_of",
    "file",
    "first_of",
    "form_parts",
    "list_of",
    "query",
    "tagged",
    "text_of",
    "texts",
    "to_json",
    "uuid_of",
]
