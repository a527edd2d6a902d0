"""Values as they are in Python, and as they are in JSON, in a URL, in a header and in a form."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from enum import Enum, IntEnum, StrEnum
from io import BytesIO
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from ._validators import show
from .types import UNSET, File, FileTypes

T = TypeVar("T")

# What a reader raises for a value that is not what the spec says.
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)


class StringEnum(StrEnum):
    """An enumeration of the spec; a response may have other values than its members."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

    @classmethod
    def _missing_(cls, value: Any) -> Self:
        unknown = str.__new__(cls, value)
        unknown._name_, unknown._value_ = str(value), value
        return unknown


class IntegerEnum(IntEnum):
    """An enumeration of the spec; a response may have other values than its members."""

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

    @classmethod
    def _missing_(cls, value: Any) -> Self:
        unknown = int.__new__(cls, value if isinstance(value, int) else 0)
        unknown._name_, unknown._value_ = str(value), value
        return unknown


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


def member_of(enum: type[Enum]) -> Callable[[Any], Any]:
    """A reader of the members of an enumeration, and of no other values."""

    def read_member(source: Any) -> Any:
        for member in enum:
            if type(member.value) is type(source) and member.value == source:
                return member
        msg = f"{show(source)} is not a member"
        raise ValueError(msg)

    return read_member


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


def content(value: Any) -> Any:
    """A body that is not JSON, as it is sent."""
    return value.payload.read() if isinstance(value, File) else value


def to_json(value: Any) -> Any:
    """A value as it is in JSON; what a response had in its place stays as it is.

    A whole number has no fraction: some servers refuse 4.0 where they want an integer.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, File):
        return value.to_tuple()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, UUID) else value


def text_of(value: Any) -> str:
    """A value as the text that it is in JSON, a path, a header or a cookie."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return text_of(value.value)
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return str(to_json(value))


def json_text(value: Any) -> Any:
    """A parameter that the spec has as JSON, as a text of JSON."""
    return json.dumps(to_json(value)) if _is_given(value) else value


def _is_given(value: Any) -> bool:
    return value is not UNSET and value is not None


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Headers or cookies: those that are set, as texts."""
    return {name: text_of(value) for name, value in values.items() if _is_given(value)}


def query(values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a URL: those that are set; each field of a model is one of its own."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        plain = to_json(value)
        found |= plain if hasattr(value, "to_dict") else {name: plain}
    return {name: value for name, value in found.items() if _is_given(value)}


def form_parts(name: str, value: Any) -> Iterator[tuple[str, FileTypes]]:
    """A field as parts of a multipart/form-data body: each item of a list is one of its own."""
    if isinstance(value, list):
        for item in value:
            yield from form_parts(name, item)
    elif isinstance(value, File):
        yield name, value.to_tuple()
    elif hasattr(value, "to_dict") or isinstance(value, dict):
        yield name, (None, json.dumps(to_json(value)).encode(), "application/json")
    elif _is_given(value):
        yield name, (None, text_of(value).encode(), "text/plain")


__all__ = [
    "UNREADABLE",
    "IntegerEnum",
    "StringEnum",
    "content",
    "date_of",
    "date_time_of",
    "file",
    "first_of",
    "form_parts",
    "json_text",
    "list_of",
    "member_of",
    "query",
    "text_of",
    "texts",
    "to_json",
    "uuid_of",
]
