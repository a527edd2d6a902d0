"""A spec as a document whose parts are found by JSON pointers, with the lines that they are on."""

import copy
import json
from pathlib import Path
from typing import Any

from attrs import frozen
from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

Node = dict[str, Any]


class BadSpecError(Exception):
    """A text that is no spec; the words are the one line to print."""


@frozen(eq=False)
class Spec:
    """A document of OpenAPI, and the line of each pointer into it."""

    document: Node
    lines: dict[str, int]

    @classmethod
    def parse(cls, text: str, name: str) -> "Spec":
        """Read a spec from YAML.

        Raises:
            BadSpecError: It is no YAML, or no OpenAPI document.
        """
        try:
            loaded = YAML(typ="rt").load(text)
        except (YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark else ""
            what = getattr(error, "problem", None) or str(error)
            raise BadSpecError(f"{name}{where}: {' '.join(what.split())}") from None
        if not isinstance(loaded, dict):
            raise BadSpecError(f"{name}: not an OpenAPI document: openapi, info, paths are needed")
        document = json.loads(json.dumps(loaded, default=str))
        try:
            validate(document)
        except OpenAPIValidationError as error:
            place = "/".join(map(str, error.absolute_path))
            what = " ".join(error.message.split())[:300]
            raise BadSpecError(f"{name}: not a valid OpenAPI document: {place}: {what}") from None
        except Exception as error:  # references that lead nowhere have errors of many kinds
            raise BadSpecError(f"{name}: {' '.join(str(error).split())[:300]}") from None
        return cls(document, dict(lines_of(loaded)))

    @classmethod
    def read(cls, path: Path) -> "Spec":
        try:
            return cls.parse(path.read_text("utf-8"), str(path))
        except OSError as error:
            raise BadSpecError(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise BadSpecError(f"{path}: not UTF-8: {error.reason}") from None

    def at(self, pointer: str) -> Any:
        node: Any = self.document
        for part in parts_of(pointer):
            node = node[int(part)] if isinstance(node, list) else node[part]
        return node

    def has(self, pointer: str) -> bool:
        try:
            self.at(pointer)
        except (LookupError, TypeError, ValueError):
            return False
        return True

    def line(self, pointer: str) -> int:
        """The line of a part, or of the nearest part around it that is there."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)

    def target(self, pointer: str) -> str:
        """Where the part at a pointer really is: behind its references."""
        seen: set[str] = set()
        while isinstance(node := self.at(pointer), dict) and "$ref" in node and pointer not in seen:
            seen.add(pointer)
            pointer = node["$ref"].removeprefix("#")
        return pointer

    def changed(self, pointer: str, value: Any, other: "Spec") -> "Spec":
        """A copy in which a part is as given, or is gone if the value is None.

        What the part refers to is taken from the other spec, if this one does not have it.
        """
        document = copy.deepcopy(self.document)
        ours = document.setdefault("components", {})
        for kind, parts in other.document.get("components", {}).items():
            for name, part in parts.items():
                ours.setdefault(kind, {}).setdefault(name, part)
        *way, last = parts_of(pointer)
        node: Any = document
        for part in way:
            node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
        if value is None:
            del node[last]
        else:
            node[last] = copy.deepcopy(value)
        return Spec(document, self.lines)


def lines_of(node: Any, pointer: str = "") -> list[tuple[str, int]]:
    found = []
    if isinstance(node, CommentedMap):
        for key, value in node.items():
            below = join(pointer, str(key))
            found += [(below, node.lc.key(key)[0] + 1), *lines_of(value, below)]
    elif isinstance(node, CommentedSeq):
        for index, value in enumerate(node):
            below = join(pointer, str(index))
            found += [(below, node.lc.item(index)[0] + 1), *lines_of(value, below)]
    return found


def join(pointer: str, *parts: object) -> str:
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "/".join([pointer, *escaped])


def parts_of(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
