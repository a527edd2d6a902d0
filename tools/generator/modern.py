"""A document in the terms of OpenAPI 3.1, with names that Python can tell apart."""

import itertools
import re
from collections.abc import Callable
from typing import Any

from openapi_python_client.parser.openapi import generate_operation_id
from openapi_python_client.schema import UntrustedString
from openapi_python_client.strings import PythonIdentifier

from ..pointers import join, lookup

Node = dict[str, Any]
Make = Callable[[Any, str], Any]

# Keywords that hold a schema, a list of schemas, and schemas by name.
ONE = ("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
MAPS = ("$defs", "dependentSchemas", "patternProperties", "properties")
UNIONS = ("anyOf", "oneOf")
# Keywords outside of schemas that hold something by name.
NAMED = frozenset(
    {"callbacks", "content", "encoding", "headers", "links", "mapping", "parameters", "responses"}
    | {"scopes", "variables"}
)
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
VALUES = {"boolean": bool, "integer": int, "number": int | float, "string": str}
NEVER: Node = {"not": {}}


def modern(document: Node) -> Node:
    """A document in the terms of 3.1: 3.0's `nullable` and its boolean bounds are rewritten."""
    found: Node = with_schemas(_with_names(document), "#", lambda schema, _: _modern(schema))
    return found


def _resolve(document: Node, node: Node) -> Node:
    """A node, or what it refers to."""
    found: Node = lookup(document, node["$ref"]) if "$ref" in node else node
    return found


def with_schemas(node: Any, at: str, make: Make) -> Any:
    """A copy of a part of a document, whose schemas are what `make` makes of them."""
    if isinstance(node, list):
        return [with_schemas(each, join(at, index), make) for index, each in enumerate(node)]
    if not isinstance(node, dict):
        return node
    found = {}
    has_names = re.search(r"^#/(paths|components/\w+)$", at) or at.rpartition("/")[2] in NAMED
    for key, value in node.items():
        place = join(at, key)
        if at == "#/components/schemas" or (key == "schema" and not has_names):
            found[key] = make(value, place)
        elif not has_names and (key in ("example", "examples") or str(key).startswith("x-")):
            found[key] = value
        else:
            found[key] = with_schemas(value, place, make)
    return found


def _within(schema: Node, at: str, make: Make) -> Node:
    """The schemas in a schema, by its keywords."""
    found: Node = {}
    for key, value in schema.items():
        place = join(at, key)
        if key in ONE:
            found[key] = make(value, place)
        elif key in LISTS:
            found[key] = [make(each, join(place, index)) for index, each in enumerate(value)]
        elif key in MAPS:
            found[key] = {name: make(each, join(place, name)) for name, each in value.items()}
    return found


def _modern(schema: Any) -> Any:
    if isinstance(schema, bool):
        return {} if schema else dict(NEVER)
    found = {key: _whole(value) for key, value in schema.items()}
    found |= _within(schema, "", lambda each, _: _modern(each))
    if isinstance(schema.get("additionalProperties"), bool):
        found["additionalProperties"] = schema["additionalProperties"]
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(exclusive), bool) and found.pop(exclusive) and bound in found:
            found[exclusive] = found.pop(bound)
    if found.pop("nullable", False) is True and "$ref" not in found:
        found = _or_null(found)
    kind = VALUES.get(str(found.get("type")))
    if kind and found.get("enum") and not any(isinstance(each, kind) for each in found["enum"]):
        del found["type"]  # by mistake, as no value fits both: `type: string` with 1 and 2
    return found


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _or_null(schema: Node) -> Node:
    if "type" in schema:
        kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        return schema | {"type": list(dict.fromkeys([*kinds, "null"]))}
    ways = {key: schema[key] for key in ("allOf", *UNIONS, "discriminator") if key in schema}
    rest = {key: value for key, value in schema.items() if key not in ways}
    return rest | {"anyOf": [{"type": "null"}, ways]} if ways else schema


def _with_names(document: Node) -> Node:
    """A document whose operations and parameters have names of their own in Python."""
    items = {path: _resolve(document, item) for path, item in document["paths"].items()}
    document = document | {"paths": {path: dict(item) for path, item in items.items()}}
    seen: set[tuple[str, str]] = set()
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                item[method] = _named(item[method], path, method, seen)
        for holder in (item, *(item[method] for method in METHODS if method in item)):
            holder["parameters"] = _renamed(document, holder.get("parameters") or [])
    return document


def _named(operation: Node, path: str, method: str, seen: set[tuple[str, str]]) -> Node:
    """An operation with a name that no other one with its tag has."""
    tag = str((operation.get("tags") or [""])[0])
    made = str(generate_operation_id(path=UntrustedString(path), method=method, prefix="field_"))
    others = (f"{made}_{number}" for number in itertools.count(2))
    for name in itertools.chain([operation.get("operationId") or made, made], others):
        key = (tag, str(PythonIdentifier(name, "field_")))
        if key not in seen:
            break
    seen.add(key)
    return operation | {"operationId": name}


def _renamed(document: Node, parameters: list[Node]) -> list[Node]:
    """Parameters with a schema each; `x-name` is the name of one that needs another in Python."""
    seen: dict[tuple[str, str], list[str]] = {}
    found = []
    for node in parameters:
        try:
            full = _resolve(document, node)
        except LookupError:  # the generator says so, with the operation
            found.append(node)
            continue
        name = str(PythonIdentifier(full["name"], "field_", skip_snake_case=True))
        names = seen.setdefault((full["in"], name), [])
        if "schema" not in full and full.get("content"):
            (first, *_) = full["content"].values()
            node = full = full | {"schema": first.get("schema", {})}
        is_taken = names and full["name"] not in names  # the same name twice is a mistake
        if is_taken and full["in"] != "path":  # where the name is a part of the path too
            node = full | {"name": f"{full['name']}_{len(names) + 1}", "x-name": full["name"]}
        names.append(full["name"])
        found.append(node)
    return found
