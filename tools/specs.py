"""Read a spec, and refuse what would harm those who read on.

A spec is written by others. Libraries follow its references into files and into the network,
unfold a few lines into gigabytes, and end in a traceback at what they did not expect. So the
generator, the review and the linter read a spec through here first, and get one line about it.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pyjson5
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    ScalarEvent,
)

from .pointers import key_of, parts_of

MOST_BYTES = 10_000_000
MOST_NODES = 1_000_000
MOST_LEVELS = 100
LONGEST_NAME = 200  # of a key, and of what names a file or a class
NAMES = ("operationId", "tags", "title")

# Keywords whose value says where something is. One that says elsewhere makes a library fetch it.
REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "externalValue"})
TOO_DEEP = f"nested more than {MOST_LEVELS} levels deep"


class BadSpecError(Exception):
    """What is wrong with a spec, in one line, and the number of its line if it is known."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def text_of(path: Path) -> str:
    """The text of a spec, which is not read further than it may be long."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadSpecError(f"larger than {MOST_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSpecError(f"not UTF-8: {error.reason}") from None


def read(path: Path) -> dict[str, Any]:
    """The document in a file of YAML or, by its name, of JSON."""
    return load(text_of(path), is_json=path.suffix == ".json")


def load(text: str, *, is_json: bool = False) -> dict[str, Any]:
    """The document in a text.

    Raises:
        BadSpecError: It is not a document, or one that would harm its readers.
    """
    document = _from_json(text) if is_json else _from_yaml(text)
    if not isinstance(document, dict):
        what = "not an OpenAPI document: a mapping with openapi, info and paths is needed"
        raise BadSpecError(what)
    _vet(document, "#", MOST_LEVELS)
    return document


def line_of(path: Path, pointer: str) -> int:
    """The line of a part, or of the nearest part around it that is there; 0 if it is not known."""
    line = 0
    try:
        node: Any = YAML(typ="rt").load(text_of(path))
        for part in parts_of(pointer):
            key = key_of(node, part)
            at = node.lc.key(key) if isinstance(key, str) else node.lc.item(key)
            line, node = at[0] + 1, node[key]
    except (AttributeError, LookupError, TypeError, ValueError, YAMLError):
        return line
    return line


def from_json5(text: str, where: str) -> Any:
    """What JSON with comments and trailing commas says.

    Raises:
        BadSpecError: It is not JSON; the text says where, with the line and the column in it.
    """
    try:
        return pyjson5.decode(text, MOST_LEVELS)
    except pyjson5.Json5Exception as error:
        what = str(error.args[0]).replace("b'", "'")
        at = int((re.findall(r" near (\d+)", what) or [0])[0])
        what = re.sub(r"( starting)? near \d+", "", what)
        what = re.sub(r"U\+(\w+)", lambda code: repr(chr(int(code[1], 16))), what)
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        raise BadSpecError(f"{where}: line {line}, column {column}: not JSON: {what}") from None


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise BadSpecError(TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise BadSpecError(f"not JSON: {error.msg}", error.lineno) from None
    except ValueError:
        raise BadSpecError("a number has too many digits") from None


def _from_yaml(text: str) -> Any:
    try:
        _vet_nodes(text)
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else None
        raise BadSpecError(f"not YAML: {' '.join(what.split())[:300]}", line) from None
    except ValueError:  # a number or a date that Python does not have
        raise BadSpecError("a number has too many digits, or a date is none") from None


def _vet_nodes(text: str) -> None:
    """Refuse a text that is nested too deep, or too large once its aliases are unfolded.

    The events of the parser come one by one, so that it does not matter how bad the text is.
    """
    sizes: dict[str, int] = {}
    around: list[tuple[str | None, int]] = []  # the collections that are open
    size = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent):
            if event.anchor in (anchor for anchor, _ in around):
                raise BadSpecError(f"the alias *{_shown(event.anchor)} contains itself", line)
            size += sizes.get(event.anchor, 1)
        elif isinstance(event, CollectionStartEvent):
            around.append((event.anchor, size))
            size = 1
            if len(around) > MOST_LEVELS:
                raise BadSpecError(TOO_DEEP, line)
        elif isinstance(event, CollectionEndEvent):
            anchor, before = around.pop()
            sizes |= {anchor: size} if anchor else {}
            size += before
        elif isinstance(event, ScalarEvent):
            size += 1
            sizes |= {event.anchor: 1} if event.anchor else {}
        if size > MOST_NODES:
            raise BadSpecError(f"more than {MOST_NODES:,} values, with aliases unfolded", line)


def _vet(node: Any, at: str, levels: int) -> None:
    """Refuse a part of a document that leads elsewhere, or that no reader expects."""
    if not levels:
        _refuse(at, TOO_DEEP)
    if isinstance(node, str):
        _vet_text(node, at)
    elif isinstance(node, int | float) and not _is_finite(node):
        _refuse(at, "a number that JSON does not have")
    for key, value in _items(node):
        below = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
        _vet_name(key, at)
        _vet_keyword(key, value, below)
        _vet(value, below, levels - 1)


def _items(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, dict):
        yield from node.items()
    elif isinstance(node, list):
        yield from enumerate(node)


def _vet_name(name: Any, at: str) -> None:
    if not isinstance(name, str | int | float | None):
        _refuse(at, f"a key that is not a text: {_shown(name)}")
    if isinstance(name, str):
        _vet_text(name, at)
        if len(name) > LONGEST_NAME:
            _refuse(at, f"a key of more than {LONGEST_NAME} characters")


def _vet_text(text: str, at: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):  # no file can hold it
        _refuse(at, "a text with half of a surrogate pair")


def _vet_keyword(key: Any, value: Any, at: str) -> None:
    for name in value if isinstance(value, list) else [value]:
        if key in NAMES and isinstance(name, str) and len(name) > LONGEST_NAME:
            _refuse(at, f"a name of more than {LONGEST_NAME} characters")
    if key in REFERENCES and isinstance(value, str) and not value.startswith("#"):
        _refuse(at, f"other documents are not read: {_shown(value)}")
    if key == "discriminator" and isinstance(value, dict):
        for _, target in _items(value.get("mapping")):
            if isinstance(target, str) and "/" in target and not target.startswith("#"):
                _refuse(f"{at}/mapping", f"other documents are not read: {_shown(target)}")


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer that is larger than any float
        return False


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _refuse(at: str, what: str) -> NoReturn:
    place = "".join(each if each.isprintable() else "?" for each in at)
    raise BadSpecError(f"{place if len(place) <= 200 else f'…{place[-199:]}'}: {what}")
