"""Compare parts of specs as JSON values: what is the same, what is missing, what only describes."""

import json
from typing import Any

from .spec import Node

# Keywords that change nothing about what may be sent, nor do extensions.
ANNOTATIONS = {"$comment", "description", "example", "examples"}
ANNOTATIONS |= {"externalDocs", "summary", "title", "xml"}


def is_note(keyword: str) -> bool:
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def rules(node: Any) -> Any:
    """A part of a spec without what only describes it."""
    if isinstance(node, list):
        return [rules(each) for each in node]
    if isinstance(node, dict):
        return {key: rules(value) for key, value in node.items() if not is_note(key)}
    return node


def plain(value: Any) -> str:
    """A value as text that is the same for equal values, whatever their order."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = sorted(value)
    if isinstance(value, float) and value.is_integer():  # JSON Schema makes no difference
        value = int(value)
    return json.dumps(value, sort_keys=True)


def short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


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


def is_missing(old: Any, new: Any) -> bool:
    """Whether something in the old value is not in the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return any(name not in new or is_missing(old[name], new[name]) for name in old)
    if isinstance(old, list) and isinstance(new, list):
        return bool(set(map(plain, old)) - set(map(plain, new)))
    return bool(old != new)
