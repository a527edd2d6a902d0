"""What a spec demands, so that specs which come from different sources can be compared."""

import re
from typing import Any

from ..openapi31 import METHODS, header_of, nodes, settle
from ..pointers import join, parts_of
from ..review.spec import Node, Part, Spec, mappings
from ..review.values import rules

OPERATION = re.compile(rf"/paths/[^/]+/({'|'.join(METHODS)})")
BODY = re.compile(rf"{OPERATION.pattern}/(requestBody|responses/\w+)/content/[^/]+")
# What demands nothing, and `security`, which each operation gets.
LEFT_OUT = ("info", "openapi", "security", "servers", "tags")


def demands(spec: Spec) -> Spec:
    """A spec without references, notes, names for code, and parts of another source.

    Raises:
        BadInputError: A schema is made of itself.
    """
    document = _own(spec.in_place(spec.document))
    _read_headers(document)
    for at, node in nodes(document):
        settle(node, at, document)
    found = rules({key: part for key, part in document.items() if key not in LEFT_OUT})
    schemes = found.get("components", {}).get("securitySchemes", {})
    paths = {path: item for path, item in found.get("paths", {}).items() if item}
    found |= {"info": {}, "paths": paths}
    used = set()
    for at, node in mappings(document):
        part = Part(Spec(found, {}), at).node
        if OPERATION.fullmatch(at):
            part.setdefault("security", document.get("security", []))
            used |= {name for each in part["security"] for name in each}
            part.pop("operationId", None)
            part.pop("tags", None)
        if BODY.fullmatch(at) and node.get("examples"):
            values = [{"value": each.get("value")} for each in node["examples"].values()]
            part["examples"] = {str(number): each for number, each in enumerate(values, 1)}
    schemes = {name: schemes[name] for name in schemes if name in used}
    return Spec(found | {"components": {"securitySchemes": schemes}}, {})


def _read_headers(document: Node) -> None:
    """Let the header with a token be the security scheme that it stands for."""
    for item in document["paths"].values():
        for operation in [item[method] for method in METHODS if method in item]:
            rows = [*item.get("parameters", []), *operation.get("parameters", [])]
            for row in [row for row in rows if header_of(row) == "authorization"]:
                said = operation.get("security") or document.get("security") or [{"bearerAuth": []}]
                is_optional = not row.get("required") and {} not in said
                operation["security"] = [*said, {}] if is_optional else said
                schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
                schemes.setdefault("bearerAuth", {"type": "http", "scheme": "bearer"})


def place(spec: Spec, pointer: str) -> str:
    """Where a spec says, or does not say, what is at a pointer into its demands."""
    found = ""
    for part in parts_of(pointer):
        found = join(spec.target(found) if spec.find(found) is not None else found, part)
    is_common = found.endswith("/security") and spec.find(found) is None
    return "/security" if is_common else found


def _own(node: Any) -> Any:
    """A part without what names another source."""
    if isinstance(node, list):
        return [_own(each) for each in node]
    if not isinstance(node, dict):
        return node
    foreign = {key for key, each in node.items() if isinstance(each, dict) and "x-source" in each}
    return {key: _own(each) for key, each in node.items() if key not in foreign}
