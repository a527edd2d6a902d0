"""What a document of OpenAPI demands, so that an export and openapi.yaml can be compared."""

from typing import Any

from ..review.documents import METHODS
from ..review.spec import Spec
from ..review.values import is_note
from ..specs import BadSpecError

# What only a document of OpenAPI has, and no export of another form.
OURS = {"definitions", "info", "openapi", "operationId", "schemas", "tags"}
# What says nothing when it is empty.
HOLDERS = {"components", "content", "examples", "headers", "links", "parameters", "properties"}
HOLDERS |= {"required", "securitySchemes", "servers"}


def demands(spec: Spec) -> Spec:
    """A spec with its references in place, and without notes and what names another source.

    There is one way to say each thing, so that two specs can be compared keyword by keyword.

    Raises:
        BadSpecError: A reference leads nowhere, or a schema is made of itself.
    """
    found = {"info": {}, "paths": {}, **_part(spec.document, spec)}
    security = found.pop("security", [])
    for item in found["paths"].values():
        for method in item.keys() & set(METHODS):
            item[method] = {"security": security, **item[method]}
    return Spec(found, {})


def _part(node: Any, spec: Spec, around: tuple[str, ...] = (), *, are_names: bool = False) -> Any:
    if isinstance(node, list):
        return [_part(each, spec, around) for each in node]
    if not isinstance(node, dict):
        return node
    if isinstance(reference := node.get("$ref"), str):
        target = reference.removeprefix("#")
        if target in around or not isinstance(found := spec.find(target), dict):
            raise BadSpecError(f"the reference {reference} has no end, or leads nowhere")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return _part({**found, **beside}, spec, (*around, target))
    kept = {}
    for key in node if are_names else sorted(node):
        part, is_keyword = node[key], not are_names
        if isinstance(part, dict) and "x-source" in part:
            continue
        if is_keyword and key == "examples" and "schema" in node and "in" not in node:
            part = {str(n): {"value": each["value"]} for n, each in enumerate(part.values(), 1)}
        elif is_keyword and (is_note(key) or key in OURS):
            continue
        else:
            part = _part(part, spec, around, are_names=key == "properties" and is_keyword)
        is_nothing = part in ({}, [], False) and (key in HOLDERS or key.startswith("/"))
        if not is_keyword or not (is_nothing or (key, part) == ("additionalProperties", True)):
            kept[key] = part
    if not are_names and isinstance(kept.get("required"), list):
        kept["required"] = sorted(kept["required"])
    return kept
