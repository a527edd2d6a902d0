"""A document of OpenAPI 3.0 in the terms of 3.1, for every tool that reads one.

Apifox writes 3.0: `nullable`, bounds that are exclusive if a boolean says so, and references whose
names are percent-encoded.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from . import BadInputError
from .pointers import behind, items, join

Node = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# Keywords that hold something by name, where each name is free, and those that hold values.
NAMED = frozenset(
    {"$defs", "callbacks", "content", "dependentSchemas", "encoding", "headers", "links"}
    | {"mapping", "parameters", "paths", "pathItems", "patternProperties", "properties"}
    | {"requestBodies", "responses", "schemas", "scopes", "securitySchemes", "variables"}
)
VALUES = frozenset({"const", "default", "enum", "example", "examples", "security"})
EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
MIXED = ("$ref", "allOf", "anyOf", "oneOf")

# Parameters that OpenAPI says to ignore in headers: the client sets them. Apifox writes them.
OF_CLIENT = frozenset({"accept", "authorization", "content-type"})
# What is said of responses that can be of any type: they are read as JSON.
OF_ANY_TYPE = frozenset({"*/*", "application/*"})
STYLES = {"cookie": "form", "header": "simple", "path": "simple", "query": "form"}


def in_31(document: Node) -> Node:
    """A copy of a document in the terms of 3.1, in which no part is in two places.

    What is in it has the pointer that it had, but for what may now be null as well.
    """
    result: Node = json.loads(json.dumps(document, default=str))
    is_old = str(result.get("openapi", "")).startswith("3.0")
    for _, node in nodes(result):
        if isinstance(node.get("$ref"), str):
            node["$ref"] = unquote(node["$ref"])
        if isinstance(mapping := node.get("mapping"), dict):  # of a discriminator
            node["mapping"] = {key: unquote(str(to)) for key, to in mapping.items()}
        if is_old:
            _rewrite(node)
    return result | ({"openapi": "3.1.0"} if is_old else {})


def nodes(node: Any, pointer: str = "#", *, is_named: bool = False) -> Iterator[tuple[str, Node]]:
    """Each mapping of keywords in a document, all schemas among them, with its pointer."""
    if isinstance(node, dict) and not is_named:
        yield pointer, node
    for key, value in [*items(node)]:
        holds_values = not is_named and (key in VALUES or str(key).startswith("x-"))
        if isinstance(value, dict | list) and not holds_values:
            is_map = not is_named and key in NAMED and isinstance(value, dict)
            yield from nodes(value, join(pointer, key), is_named=is_map)


def header_of(parameter: Node) -> str:
    """The header that a parameter is, in lower case; "" for all others."""
    return str(parameter.get("name")).lower() if parameter.get("in") == "header" else ""


def media_type(text: str, *, is_request: bool) -> str:
    """A media type as it is read: in lower case, and without the charset that JSON has anyway."""
    name, _, more = (part.strip() for part in text.partition(";"))
    is_plain = re.fullmatch(r'(charset="?utf-8"?)?', more, re.IGNORECASE)
    type_ = name.lower() if is_plain else f"{name.lower()}; {more}"
    return "application/json" if type_ in OF_ANY_TYPE and not is_request else type_


def usual(parameter: Node) -> Node:
    """How a parameter or a header is written where it does not say so."""
    usual_style = STYLES.get(str(parameter.get("in", "header")))
    is_form = parameter.get("style", usual_style) == "form"
    return {"style": usual_style, "explode": is_form, "allowReserved": False}


def settle(node: Node, pointer: str, document: Node) -> None:
    """Remove what a client neither sends nor reads from a part of a document.

    Raises:
        BadInputError: A media type is there twice.
    """
    if isinstance(rows := node.get("parameters"), list):
        node["parameters"] = [
            row for row in rows if header_of(behind(row, document)) not in OF_CLIENT
        ]
    if isinstance(rows := node.get("responses"), dict):  # Apifox has names for a second response
        node["responses"] = {key: rows[key] for key in rows if not key.startswith("x-")}
    if isinstance(content := node.get("content"), dict):
        types = [media_type(key, is_request="/responses/" not in pointer) for key in content]
        node["content"] = dict(zip(types, content.values(), strict=True))
        if len(node["content"]) < len(content):
            raise BadInputError(f"{pointer}/content: a media type is there twice")


def _rewrite(schema: Node) -> None:
    for exclusive, bound in EXCLUSIVE.items():
        if isinstance(schema.get(exclusive), bool) and schema.pop(exclusive) and bound in schema:
            schema[exclusive] = schema.pop(bound)
    if isinstance(schema.get("nullable"), bool) and schema.pop("nullable"):
        _add_null(schema)


def _add_null(schema: Node) -> None:
    """Let a schema take null; without a type it does already, and nothing stands beside a $ref."""
    if "type" in schema:
        types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        schema["type"] = [*dict.fromkeys([*types, "null"])]
    elif "$ref" not in schema and (mixed := [key for key in MIXED if key in schema]):
        inner = {key: schema.pop(key) for key in (*mixed, "discriminator") if key in schema}
        schema["anyOf"] = [inner, {"type": "null"}]
