"""Compare parts of specs as JSON values: what is the same, what is missing, what only describes."""

import json
from typing import Any

from .. import cut
from ..openapi31 import usual
from .spec import Node

# Keywords that change nothing about what may be sent, nor do extensions.
ANNOTATIONS = {"$comment", "description", "example", "examples"}
ANNOTATIONS |= {"externalDocs", "summary", "title", "xml"}

# What a schema says of itself, and does not say if it is false.
FLAGS = ("deprecated", "nullable", "readOnly", "writeOnly")
# What is as if it were not there.
SAYS_NOTHING: list[tuple[str, Any]] = [("items", {}), ("additionalProperties", True)]
SAYS_NOTHING += [(key, []) for key in ("parameters", "required", "servers", "tags")]
SAYS_NOTHING += [(key, 0) for key in ("minItems", "minLength", "minProperties")]
SAYS_NOTHING += [(key, False) for key in ("allowEmptyValue", "required", "uniqueItems", *FLAGS)]
SAYS_NOTHING += [(key, {}) for key in ("callbacks", "content", "encoding", "headers", "links")]
SAYS_NOTHING += [("properties", {}), ("servers", [{"url": "/"}]), ("webhooks", {})]


def is_note(keyword: str) -> bool:
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def rules(node: Any) -> Any:
    """A part of a spec without what only describes it or says nothing, in the order of names."""
    if isinstance(node, list):
        return [rules(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _rules_of(key, node[key]) for key in sorted(node) if not is_note(key)}
    nothing = [*SAYS_NOTHING, *usual(node).items()]
    return {key: part for key, part in kept.items() if (key, part) not in nothing}


def _rules_of(key: str, part: Any) -> Any:
    if key == "properties" and isinstance(part, dict):  # names of fields are no keywords
        return {name: rules(part[name]) for name in sorted(part)}
    is_names = key == "required" and isinstance(part, list)
    return sorted(part) if is_names else rules(part)


def plain(value: Any) -> str:
    """A value as text that is the same for equal values, whatever their order."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = sorted(value)
    if isinstance(value, float) and value.is_integer():  # JSON Schema makes no difference
        value = int(value)
    return json.dumps(value, sort_keys=True)


def short(value: Any) -> str:
    return cut(json.dumps(value, ensure_ascii=False), 80)


def names_in(old: Node, new: Node) -> list[str]:
    """The names in either mapping, in their order."""
    return [*old, *(name for name in new if name not in old)]


def differing(old: Node, new: Node) -> list[str]:
    """The names whose values differ in any way, even in the order of what is in them."""
    return [
        name
        for name in names_in(old, new)
        if json.dumps(old.get(name)) != json.dumps(new.get(name))
    ]
