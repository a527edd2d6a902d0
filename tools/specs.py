"""Read a spec, and refuse what would harm the tools that read it next.

A spec may come from strangers. Libraries follow its references into files and the network, expand
a few lines to gigabytes, and end with a traceback at what they do not expect. So the generator,
the review and the linter read a spec through here first, and report a problem in one line.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pyjson5
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from . import BadInputError, cut
from .openapi31 import nodes
from .pointers import items, join

MAX_BYTES = 10_000_000
MAX_LEVELS = 100
MAX_NUMBER = sys.float_info.max
TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
# The line and the column of each part of a document, by its pointer.
Positions = dict[str, tuple[int, int]]

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*\n((?s:.*?))(?:^ {0,3}\1[`~]* *$|\Z)", re.M)
OPENAPI = re.compile(r"""^[ {]*["']?openapi["']? *:""", re.M)

# Keywords that refer to something. A library fetches what is in another document.
REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "externalValue"})


def text_of(path: Path) -> str:
    """The text of a spec; a file that is too large is not read to its end."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: not UTF-8: {error.reason}") from None
    if len(data) > MAX_BYTES:
        raise BadInputError(f"{path}: larger than {MAX_BYTES:,} bytes")
    return text


def load(text: str, name: str) -> dict[str, Any]:
    """The document in a text of YAML or JSON.

    Raises:
        BadInputError: It is not a document, or one that would harm its readers.
    """
    document = from_json5(text, name) if text.lstrip().startswith("{") else _from_yaml(text, name)
    if not isinstance(document, dict):
        msg = "not an OpenAPI document: a mapping with openapi, info and paths is needed"
        raise BadInputError(f"{name}: {msg}")
    for place, msg in _problems(document, "#"):
        pointer = "".join(c if c.isprintable() else "?" for c in place)
        raise BadInputError(f"{name}: {pointer[-200:]}: {msg}")
    _vet_types(document, text, name)
    return document


def unfenced(text: str) -> str:
    """The document in the fence of a page of Markdown, on its lines; a text without one as it is.

    Raises:
        BadInputError: The page has several documents.
    """
    fences = [fence for fence in FENCE.finditer(text) if OPENAPI.search(fence[2])]
    if len(fences) > 1:
        raise BadInputError("the page has several documents: put each into a file of its own")
    for fence in fences:
        text = "\n" * text.count("\n", 0, fence.start(2)) + dedent(fence[2])
    return text


def positions_of(text: str) -> Positions:
    """Where each part of a document is, by its pointer; nowhere if it is not YAML."""
    try:
        return dict(_positions(YAML(typ="rt").load(text), ""))
    except YAMLError:  # JSON with the same name twice
        return {}


def position_of(positions: Positions, pointer: str) -> tuple[int, int]:
    """The line and the column of a part, or of the nearest part around it."""
    while pointer and pointer not in positions:
        pointer = pointer.rpartition("/")[0]
    return positions.get(pointer, (1, 1))


def from_json5(text: str, where: str) -> Any:
    """Parse JSON with comments and trailing commas.

    Raises:
        BadInputError: It is not JSON; the text says where, with the line and the column in it.
    """
    try:
        return pyjson5.decode(text, MAX_LEVELS)
    except pyjson5.Json5Exception as error:
        msg = str(error.args[0]).replace("b'", "'")
        at = int((re.findall(r" near (\d+)", msg) or [0])[0])
        msg = re.sub(r"( starting)? near \d+", "", msg)
        msg = re.sub(r"U\+(\w+)", lambda code: repr(chr(int(code[1], 16))), msg)
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        raise BadInputError(f"{where}: line {line}, column {column}: not JSON: {msg}") from None


def _from_yaml(text: str, name: str) -> Any:
    try:
        _vet_events(text, name)
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        line = f"line {mark.line + 1}: " if mark else ""
        msg = " ".join(str(getattr(error, "problem", None) or error).split())[:300]
        raise BadInputError(f"{name}: {line}not YAML: {msg}") from None
    except ValueError:  # a number or a date that Python does not have
        raise BadInputError(f"{name}: a number is too long, or a date is wrong") from None


def _vet_events(text: str, name: str) -> None:
    """Refuse a text that is nested too deeply, or that has aliases, which can make it too large.

    The events of the parser come one by one, so that it does not matter how bad the text is.
    """
    level = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        where = f"{name}: line {event.start_mark.line + 1}"
        level += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if level > MAX_LEVELS:
            raise BadInputError(f"{where}: nested more than {MAX_LEVELS} levels deep")
        if isinstance(event, AliasEvent):
            raise BadInputError(f"{where}: aliases of YAML are not read: use $ref, or write it out")


def _vet_types(document: dict[str, Any], text: str, name: str) -> None:
    """Refuse a schema whose type does not exist; libraries say so in a page of text."""
    schemas = (x for x in nodes(document) if "/securitySchemes/" not in x[0])
    for pointer, types in ((f"{at}/type", node["type"]) for at, node in schemas if "type" in node):
        for type_ in types if isinstance(types, list) else [types]:
            if type_ not in TYPES:
                line, column = position_of(positions_of(text), pointer[1:])
                where = f"line {line}, column {column}: {pointer}" if "\n" in text else pointer
                msg = f"{cut(repr(type_), 120)} is not a type; use one of {', '.join(TYPES)}"
                raise BadInputError(f"{name}: {where}: {msg}")


def _problems(node: Any, at: str) -> Iterator[tuple[str, str]]:
    """The pointers and texts of problems in a part of a document."""
    if isinstance(node, str) and re.search("[\ud800-\udfff]", node):  # no file can hold it
        yield at, "a text with half of a surrogate pair"
    elif isinstance(node, int | float) and not -MAX_NUMBER <= node <= MAX_NUMBER:
        yield at, "a number that JSON does not have"
    for key, value in items(node):
        if not isinstance(key, str | int | float | None):
            yield at, f"a key that is not a text: {cut(repr(key), 120)}"
        yield from _problems(key, at)
        yield from _foreign(key, value, join(at, key))
        yield from _problems(value, join(at, key))


def _foreign(key: Any, value: Any, at: str) -> Iterator[tuple[str, str]]:
    """The references to other documents in the value of a keyword."""
    if key in REFERENCES and isinstance(value, str) and not value.startswith("#"):
        yield at, f"other documents are not read: {cut(repr(value), 120)}"
    if key == "discriminator" and isinstance(value, dict):
        for _, target in items(value.get("mapping")):
            if isinstance(target, str) and "/" in target and not target.startswith("#"):
                yield join(at, "mapping"), f"other documents are not read: {cut(repr(target), 120)}"


def _positions(node: Any, pointer: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for key, value in items(node):
        position, below = node.lc, join(pointer, key)
        line, column = position.key(key) if isinstance(node, dict) else position.item(key)
        yield below, (line + 1, column + 1)
        yield from _positions(value, below)
