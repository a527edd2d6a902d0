"""What a spec demands, so that specs which come from different sources can be compared."""

import re
from typing import Any

from ..openapi31 import METHODS
from ..pointers import join, parts_of
from ..review.spec import Node, Part, Spec, mappings
from ..review.values import rules

OPERATION = re.compile(rf"/paths/[^/]+/({'|'.join(METHODS)})")
BODY = re.compile(rf"{OPERATION.pattern}/(requestBody|responses/\w+)/content/[^/]+")
# What demands nothing, and `security`, which each operation gets.
LEFT_OUT = ("info", "openapi", "security", "tags")


def demands(spec: Spec) -> Spec:
    """A spec without references, notes, names for code, and parts that name another source.

    Raises:
        BadInputError: A schema is made of itself.
    """
    document = _own(spec.in_place(spec.document))
    _read_headers(document)
    found = rules({key: part for key, part in document.items() if key not in LEFT_OUT})
    schemes = found.get("components", {}).get("securitySchemes", {})
    paths = {path: item for path, item in found.get("paths", {}).items() if item}
    found |= {"info": {}, "paths": paths, "components": {"securitySchemes": schemes}}
    for at, node in mappings(document):
        part = Part(Spec(found, {}), at).node
        if OPERATION.fullmatch(at):
            part.setdefault("security", document.get("security", []))
            part.pop("operationId", None)
            part.pop("tags", None)
        if BODY.fullmatch(at) and node.get("examples"):
            part["examples"] = _numbered(node["examples"])
    return Spec(found, {})


def _read_headers(document: Node) -> None:
    """Take away the parameters that OpenAPI has another way to say, as it asks for."""
    for at, operation in [*mappings(document)]:
        if OPERATION.fullmatch(at):
            rows = operation.get("parameters", [])
            operation["parameters"] = [
                row for row in rows if not _is_said(row, operation, document)
            ]


def _is_said(row: Node, operation: Node, document: Node) -> bool:
    """Whether a header is that of a bearer token, which it becomes, or that of a body's type."""
    header = row["name"].lower() if row["in"] == "header" else ""
    sample = str(row.get("example") or "")
    if header == "authorization" and re.match("Bearer |$", sample):
        optional: list[Node] = [] if row.get("required") else [{}]
        operation["security"] = operation.get("security") or [{"bearerAuth": []}, *optional]
        schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes.setdefault("bearerAuth", {"type": "http", "scheme": "bearer"})
        return True
    media = operation.get("requestBody", {}).get("content", {})
    return header == "content-type" and sample in ("", *media)


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


def _numbered(examples: Node) -> Node:
    values = enumerate(examples.values(), 1)
    return {str(number): {"value": each.get("value")} for number, each in values}
