"""JSON pointers: where a part of a document is."""

from collections.abc import Iterable
from typing import Any


def items(node: Any) -> Iterable[tuple[Any, Any]]:
    """The items of a part, with their names or indexes; none if it is a single value."""
    if isinstance(node, dict):
        return node.items()
    return enumerate(node) if isinstance(node, list) else ()


def join(pointer: str, *parts: object) -> str:
    """The pointer of a part below another one."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return "/".join([pointer, *escaped])


def parts_of(pointer: str) -> list[str]:
    """The names and indexes in a pointer, which may be the fragment of a reference."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def key_of(node: Any, part: str) -> Any:
    """A part of a pointer as an index if it is in a list, or else as a name."""
    return int(part) if isinstance(node, list) else part


def behind(node: dict[str, Any], document: Any) -> dict[str, Any]:
    """A part, or what it refers to; LookupError if that leads nowhere, or in a circle."""
    for _ in range(100):
        if "$ref" not in node:
            return node
        node = lookup(document, node["$ref"])
    raise LookupError(f"the reference {node['$ref']} leads in a circle")


def lookup(document: Any, pointer: str) -> Any:
    """The part that a pointer leads to.

    Raises:
        LookupError: It leads nowhere.
    """
    node = document
    for part in parts_of(pointer):
        try:
            node = node[key_of(node, part)]
        except (LookupError, TypeError, ValueError):
            raise LookupError(f"the reference {pointer} leads nowhere") from None
    return node
