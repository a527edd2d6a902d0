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
    result = rules({key: part for key, part in document.items() if key not in LEFT_OUT})
    schemes = result.get("components", {}).get("securitySchemes", {})
    paths = {path: item for path, item in result.get("paths", {}).items() if item}
    result |= {"info": {}, "paths": paths}
    used = set()
    for at, node in mappings(document):
        part = Part(Spec(result, {}), at).node
        if OPERATION.fullmatch(at):
            part.setdefault("security", document.get("security", []))
            used |= {name for row in part["security"] for name in row}
            part.pop("operationId", None)
            part.pop("tags", None)
        if BODY.fullmatch(at) and node.get("examples"):
            values = [{"value": example.get("value")} for example in node["examples"].values()]
            part["examples"] = {str(number): value for number, value in enumerate(values, 1)}
    schemes = {name: schemes[name] for name in schemes if name in used}
    return Spec(result | {"components": {"securitySchemes": schemes}}, {})


def _read_headers(document: Node) -> None:
    """Let the header with a token be the security scheme that it stands for."""
    for item in document["paths"].values():
        for operation in [item[method] for method in METHODS if method in item]:
            rows = [*item.get("parameters", []), *operation.get("parameters", [])]
            for row in [row for row in rows if header_of(row) == "authorization"]:
                auth = operation.get("security") or document.get("security") or [{"bearerAuth": []}]
                is_optional = not row.get("required") and {} not in auth
                operation["security"] = [*auth, {}] if is_optional else auth
                schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
                schemes.setdefault("bearerAuth", {"type": "http", "scheme": "bearer"})


def pointer_of(spec: Spec, pointer: str) -> str:
    """The pointer into a spec that a pointer into its demands stands for."""
    at = ""
    for part in parts_of(pointer):
        at = join(spec.target(at) if spec.find(at) is not None else at, part)
    is_common = at.endswith("/security") and spec.find(at) is None
    return "/security" if is_common else at


def _own(node: Any) -> Any:
    """A part without what names another source."""
    if isinstance(node, list):
        return [_own(item) for item in node]
    if not isinstance(node, dict):
        return node
    foreign = {key for key, part in node.items() if isinstance(part, dict) and "x-source" in part}
    return {key: _own(part) for key, part in node.items() if key not in foreign}
