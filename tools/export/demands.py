"""What a document of OpenAPI demands, so that an export and openapi.yaml can be compared."""

from typing import Any

from ..review.documents import METHODS
from ..review.spec import Node, Spec
from ..review.values import is_note
from ..specs import BadSpecError

# What only a document of OpenAPI has, and no export of another form.
OURS = {"definitions", "info", "openapi", "operationId", "schemas", "tags"}
# What says nothing when it is empty.
HOLDERS = {"components", "content", "examples", "headers", "links", "parameters", "paths"}
HOLDERS |= {"properties", "required", "securitySchemes", "servers"}


def demands(document: Node) -> Spec:
    """What a document demands, in a form that has one way to say each thing."""
    return Spec({"info": {}, "paths": {}, **_without_notes(document)}, {})


def expanded(spec: Spec) -> Node:
    """A spec with its references in place, and without what names another source.

    Raises:
        BadSpecError: A reference leads nowhere, or a schema is made of itself.
    """
    document: Node = {**spec.document, "components": {}}
    document = _expanded(document, spec, ())
    schemes = spec.document.get("components", {}).get("securitySchemes")
    document["components"] = {"securitySchemes": schemes} if schemes else {}
    security = document.pop("security", [])
    for item in document["paths"].values():
        for method in item.keys() & set(METHODS):
            item[method].setdefault("security", security)
    return document


def _expanded(node: Any, spec: Spec, around: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_expanded(each, spec, around) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(reference := node.get("$ref"), str):
        target = reference.removeprefix("#")
        if target in around or not isinstance(found := spec.find(target), dict):
            raise BadSpecError(f"the reference {reference} has no end, or leads nowhere")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _expanded({**found, **beside}, spec, (*around, target))
    ours = {key: e for key, e in node.items() if not (isinstance(e, dict) and "x-source" in e)}
    return {key: _expanded(each, spec, around) for key, each in ours.items()}


def _without_notes(node: Any, *, are_names: bool = False) -> Any:
    if isinstance(node, list):
        return [_without_notes(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for key in node if are_names else sorted(node):
        part = node[key]
        if not are_names and key == "examples" and "schema" in node and "in" not in node:
            part = {str(n): {"value": each["value"]} for n, each in enumerate(part.values(), 1)}
        elif not are_names and (is_note(key) or key in OURS):
            continue
        else:
            part = _without_notes(part, are_names=key == "properties" and not are_names)
        is_nothing = part in ({}, [], False) and (key in HOLDERS or key.startswith("/"))
        if are_names or not (is_nothing or (key == "additionalProperties" and part is True)):
            found[key] = part
    if isinstance(found.get("required"), list) and not are_names:
        found["required"].sort()
    return found
