"""The types of a document, of which openapi-python-client makes types in Python.

The generator is given nothing else: it would refuse documents, or lose a part of them, for keywords
that it has no types for. What they demand is enforced all the same: schemas.py and constraints.py
read the whole document.
"""

import re
from collections.abc import Iterator
from typing import Any

from ..pointers import join, lookup
from .modern import METHODS, NEVER, UNIONS, Node, with_schemas

# What the generator reads of a schema, beside the schemas in it.
READ = ("const", "default", "description", "enum", "example", "format", "required", "title", "type")
# What says nothing of a value, and what is ours.
ANNOTATIONS = {"default", "description", "example", "title", "x-at"}
# Names that the modules of a package import, and that no class can have as well.
RESERVED = frozenset({"Client", "AuthenticatedClient", "File", "Response", "Unset", "UUID"})
KINDS = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
MISSING: Node = {}  # what a reference leads to that leads nowhere
AT = "x-at"  # where a schema of the types is in the document


def types_of(document: Node) -> Node:
    """A document of types: each schema says in `x-at` where it is in the one that it is from."""
    types = _Types(document)
    rewritten: Node = with_schemas(document, "#", types.of)
    if types.moved:
        rewritten["components"]["schemas"] |= types.moved
    shared = rewritten.get("components", {}).get("parameters", {}).values()
    inline = (node for item in rewritten["paths"].values() for node in _parameters(item))
    for node in [*shared, *inline]:
        schema = node.get("schema", {})
        if node.get("in") == "header" and "const" in schema:  # an enumeration of one is the same
            schema["enum"] = [schema.pop("const")]
    return rewritten


def _parameters(item: Node) -> Iterator[Node]:
    """The parameters of a path and of its operations."""
    for holder in (item, *(item[method] for method in METHODS if method in item)):
        yield from (each for each in holder["parameters"] if "$ref" not in each)


def is_component(at: str) -> bool:
    """Whether a place is that of a schema which has a name."""
    return re.fullmatch(r"#/components/schemas/[^/]+", at) is not None


class _Types:
    """Makes types of the schemas of a document."""

    def __init__(self, document: Node) -> None:
        self._document = document
        self._around: list[str] = []  # the references that are being written out
        self.moved: dict[str, Node] = {}  # what is to be a component of its own
        # By the class around, what has a name: no two classes can have the same.
        self._titles: dict[tuple[str, str], str] = {}
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            if "title" not in schema:
                self._is_taken(name, join("#/components/schemas", name))

    def of(self, schema: Node, at: str) -> Node:
        """What the generator is to read of a schema."""
        if "$ref" in schema:
            return self._of_reference(schema["$ref"], at)
        found = {key: schema[key] for key in READ if key in schema} | {AT: at}
        found |= {key: value for key, value in schema.items() if key.startswith("x-")}
        kinds = self._kinds(schema)
        self._keep_title(found, kinds, at)
        if "allOf" in schema:
            self._add_parts(found, schema, kinds, at)
        if isinstance(found.get("type"), list) and len(found["type"]) == 1:
            (found["type"],) = found["type"]
        if self._is_nullable(at):  # those who refer to it say so
            found["type"] = "object"
        self._keep_values(found)
        self._add_union(found, schema, at)
        self._add_items(found, schema, at)
        self._add_fields(found, schema, at)
        return self._moved(found, schema, at)

    def _moved(self, found: Node, schema: Node, at: str) -> Node:
        """A class in a component that is none gets a name: the generator would make it twice."""
        component = "/".join(at.split("/")[:4])
        is_inner = is_component(component) and component != at and "/properties/" not in at
        if not is_inner or not self._is_class(schema) or self._is_class({"$ref": component}):
            return found
        place = re.sub(r"/(any|one|all)Of/", "_type_", at.removeprefix("#/components/schemas/"))
        name = re.sub(r"\W", "_", place.replace("/items", "_item"))
        while name in self._document["components"]["schemas"]:
            name += "_"
        self.moved[name] = found
        return {"$ref": f"#/components/schemas/{name}"}

    def _keep_title(self, found: Node, kinds: frozenset[str], at: str) -> None:
        """Leave out a title that would make two classes of one name, or hide an import."""
        name = str(found.get("title") or (is_component(at) and at.rpartition("/")[2]))
        if name in RESERVED:
            found["title"] = f"{name}Model"
        is_class = "object" in kinds or "enum" in found
        if "title" in found and is_class and self._is_taken(str(found["title"]), at):
            del found["title"]

    def _is_taken(self, name: str, at: str) -> bool:
        """Whether another class in the same class has a name, or this one has it now."""
        around = at.rpartition("/properties/")[0] or "/".join(at.split("/")[:4])
        around = "" if is_component(at) else around
        key = (around, re.sub(r"[\W_]", "", name).lower())
        return self._titles.setdefault(key, at) != at

    def _of_reference(self, reference: str, at: str) -> Node:
        """A reference, or what it leads to if the generator cannot follow it."""
        if "/".join(at.split("/")[:4]) in self._needed(reference):
            return {}  # the generator cannot follow a circle that no class is in
        if self._is_nullable(reference):
            return {"oneOf": [{"$ref": reference}, {"type": "null"}]}
        if is_component(reference) or reference in self._around:
            return {"$ref": reference}
        try:
            target = lookup(self._document, reference)
        except LookupError:  # the generator says so, with the operation
            return {"$ref": reference}
        self._around.append(reference)
        found = self.of(target, reference)
        self._around.pop()
        return found

    def _is_nullable(self, reference: str) -> bool:
        """Whether a component is an object or null: no class is both."""
        schema = self._resolved({"$ref": reference}) if is_component(reference) else {}
        is_either = isinstance(schema.get("type"), list) and {*schema["type"]} == {"object", "null"}
        return is_either and self._is_class(schema)

    def _needed(self, reference: str) -> set[str]:
        """The references that lead to no class, in one that does not either."""
        found: set[str] = set()
        waiting: list[Any] = [{"$ref": reference}]
        while waiting:
            node = waiting.pop()
            if not isinstance(node, dict):
                waiting += node if isinstance(node, list) else []
            elif not isinstance(node.get("$ref"), str):
                waiting += node.values()
            elif node["$ref"] not in found and not self._is_class(node):
                found.add(node["$ref"])
                waiting.append(self._resolved(node))
        return found

    def _resolved(self, schema: Node) -> Node:
        try:
            for _ in range(100):
                if "$ref" not in schema:
                    return schema
                schema = lookup(self._document, schema["$ref"])
        except LookupError:
            return MISSING
        return {}

    def _parts(self, schema: Node, at: str = "", depth: int = 20) -> Iterator[tuple[Node, str]]:
        """A schema and all that are in its allOf, each with its place."""
        if "$ref" in schema:
            at = str(schema["$ref"])
        schema = self._resolved(schema)
        yield schema, at
        for index, each in enumerate(schema.get("allOf", []) if depth else []):
            yield from self._parts(each, join(at, "allOf", index), depth - 1)

    def _kinds(self, schema: Node, around: tuple[str, ...] = ()) -> frozenset[str]:
        """The types of JSON that a schema can have; all of them for one that it is in."""
        reference = str(schema.get("$ref"))
        if reference in around:
            return KINDS
        kinds = KINDS
        for part, _ in self._parts(schema):
            said = part.get("type", KINDS)
            kinds &= {said} if isinstance(said, str) else {*said}
            kinds |= {"integer"} if "number" in kinds else set()
            for union in UNIONS:
                if part.get(union):
                    inner = (*around, reference)
                    kinds &= set().union(*(self._kinds(each, inner) for each in part[union]))
        return kinds

    def _is_object(self, schema: Node) -> bool:
        """Whether a schema is one of objects alone, so that it can be a class."""
        kinds = self._kinds(schema)
        is_described = any("properties" in part for part, _ in self._parts(schema))
        return kinds == {"object"} or (is_described and "object" in kinds)

    def _is_class(self, schema: Node) -> bool:
        """Whether the generator makes a class of a schema, and not a union of some."""
        schema = self._resolved(schema)
        return schema is MISSING or (self._is_object(schema) and not schema.keys() & {*UNIONS})

    def _add_parts(self, found: Node, schema: Node, kinds: frozenset[str], at: str) -> None:
        """Add what an allOf says of the type."""
        if (reference := self._only_reference(schema, at)) is not None:
            found |= {"allOf": [reference]} if "$ref" in reference else reference
            found.pop("type", None)
        elif self._is_object(schema):
            found |= self._of_parts(schema, at)
        else:
            found |= self._merged(schema, at) | found
            found.pop("type", None)
            kinds = kinds if "number" not in kinds else kinds - {"integer"}
            if kinds and kinds | {"integer"} < KINDS and not found.keys() & {*UNIONS}:
                found["type"] = sorted(kinds)

    def _merged(self, schema: Node, at: str) -> Node:
        """What the parts of an allOf say of values that are not objects."""
        found: Node = {}
        for part, place in [*self._parts(schema, at)][1:]:
            said = self.of({key: value for key, value in part.items() if key != "allOf"}, place)
            for key in ("required", "title", "type"):
                said.pop(key, None)
            found = said | found
            found |= {key: said[key] for key in ("enum", "format") if key in said}
        return found

    def _only_reference(self, schema: Node, at: str) -> Node | None:
        """What an allOf refers to, if it says nothing else about the type."""
        parts = [part for part in schema.get("allOf", []) if part.keys() - ANNOTATIONS]
        has_more = schema.keys() & {"properties", "enum", "const", "items", *UNIONS}
        if len(parts) != 1 or "$ref" not in parts[0] or has_more:
            return None
        return self._of_reference(parts[0]["$ref"], at)

    def _of_parts(self, schema: Node, at: str) -> Node:
        """The parts of an object, and what is beside them if the generator would not see it."""
        parts = [part for part in self._flat(schema, at) if part.keys() - ANNOTATIONS]
        if len(parts) == 1 and "$ref" in parts[0]:
            parts.append({"type": "object", "properties": {}, AT: at})
        return {"allOf": parts}

    def _flat(self, schema: Node, at: str) -> Iterator[Node]:
        for index, each in enumerate(schema["allOf"]):
            if "$ref" in each:
                yield {"$ref": each["$ref"]} if self._is_class(each) else {}
            elif "allOf" in each:
                yield from self._flat(each, join(at, "allOf", index))
                rest = {key: value for key, value in each.items() if key != "allOf"}
                yield self.of(rest, join(at, "allOf", index))
            else:
                yield self.of(each, join(at, "allOf", index))

    @staticmethod
    def _keep_values(found: Node) -> None:
        """Leave out values that the generator makes no type of: it knows texts and integers."""
        kinds = {type(value) for value in found.get("enum", []) if value is not None}
        if "enum" in found and (not found["enum"] or kinds not in ({str}, {int}, set())):
            del found["enum"]
        if "const" in found and not isinstance(found["const"], str | int):
            del found["const"]

    def _add_union(self, found: Node, schema: Node, at: str) -> None:
        """Add alternatives, unless none of them has a type of its own."""
        for union in UNIONS:
            branches = schema.get(union, [])
            if any("$ref" in each or self._kinds(each) < KINDS for each in branches):
                found[union] = [
                    self.of(each, join(at, union, index)) for index, each in enumerate(branches)
                ]
                found.pop("type", None)

    def _add_items(self, found: Node, schema: Node, at: str) -> None:
        kinds = found.get("type", [])
        if kinds != "array" and "array" not in kinds:
            return
        if "prefixItems" in schema:
            found["prefixItems"] = [
                self.of(each, join(at, "prefixItems", index))
                for index, each in enumerate(schema["prefixItems"])
            ]
        items: Any = schema.get("items", found.get("items", {}))
        if items != NEVER or "prefixItems" not in found:
            found["items"] = self.of(items, join(at, "items"))

    def _add_fields(self, found: Node, schema: Node, at: str) -> None:
        if "properties" in schema:
            found["properties"] = {
                name: self.of(each, join(at, "properties", name))
                for name, each in schema["properties"].items()
            }
        additional = schema.get("additionalProperties", {})
        if "patternProperties" in schema or additional == {} or ("allOf" in found and additional):
            return
        if isinstance(additional, dict):
            additional = self.of(additional, join(at, "additionalProperties"))
        found["additionalProperties"] = additional
