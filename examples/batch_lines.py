"""The lines of a batch: one JSON request each, all checked before the first one is sent."""

import codecs
import difflib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import fields, frozen

from grok_imagine_video import CreateVideoRequest


@frozen
class Line:
    """A request, the number of its line, and the hash of its content."""

    number: int
    request: CreateVideoRequest
    digest: str


def read(path: Path, allow_extra: bool) -> tuple[list[Line], dict[int, str]]:
    """The good lines, and the errors of the bad ones by line number. Blank lines are skipped.

    A line with a field that the spec does not have is bad, unless extra fields are allowed.
    """
    good: list[Line] = []
    bad: dict[int, str] = {}
    # Not splitlines: it also splits at Unicode line breaks, which JSON allows in strings.
    for number, raw in enumerate(path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        try:
            if raw.strip():
                good.append(parse(number, raw, allow_extra))
        except (TypeError, ValueError, RecursionError) as error:
            bad[number] = explain(error)
    return good, bad


def parse(number: int, raw: bytes, allow_extra: bool) -> Line:
    hooks: dict[str, Any] = {"object_pairs_hook": to_object, "parse_constant": refuse}
    request = CreateVideoRequest.from_dict(json.loads(raw.decode(), **hooks))
    options: dict[str, Any] = {"allow_nan": False, "ensure_ascii": False, "sort_keys": True}
    canonical = json.dumps(request.to_dict(), **options).encode()  # as strict as httpx
    if not allow_extra and (extra := next(unknown_names(request), None)):
        raise ValueError(f"{extra}; --extra sends it as it is")
    return Line(number, request, hashlib.sha256(canonical).hexdigest())


def to_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"{name!r} occurs twice")
        fields[name] = value
    return fields


def unknown_names(model: Any, place: str = "") -> Iterator[str]:
    """What is wrong with each name, in a model and the models in it, that the spec lacks."""
    known = [field.name for field in fields(type(model)) if field.name != "additional_properties"]
    for name in model.additional_properties:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        yield f"the spec has no {place + name!r}{hint}"
    for name in known:
        value = getattr(model, name)
        for index, part in enumerate(value if isinstance(value, list) else [value]):
            if hasattr(part, "additional_properties"):
                inner = f"{place}{name}.{index}." if value is not part else f"{place}{name}."
                yield from unknown_names(part, inner)


def refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def explain(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"not JSON: {error.msg} at column {error.colno}"
        case RecursionError():
            return "nested too deeply"
        case UnicodeError():
            return f"not UTF-8: {error}"
    return str(error)
