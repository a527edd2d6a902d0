"""The rules of schemas for what is sent, as code: calls of the validators.

A reviewer sees a rule of the spec in the generated file, as `_v.ge(1), _v.le(15)`. A keyword that
no validator enforces ends the generation.
"""

import itertools
from collections.abc import Iterable
from typing import Any

from ..openapi31 import Node
from ..patterns import to_python
from .document import UNIONS, Document, refuse, values_of

SCALARS = frozenset({"boolean", "integer", "null", "number", "string"})
KINDS = SCALARS - {"integer"} | {"array", "object"}

OF_NUMBERS = {"minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt"}
# The keywords that demand something of values of one kind, and their validators.
KEYWORDS: dict[str, dict[str, str]] = {
    "string": {"minLength": "min_len", "maxLength": "max_len", "pattern": "pattern"},
    "integer": OF_NUMBERS,
    "number": OF_NUMBERS,
    "array": {"minItems": "min_len", "maxItems": "max_len"},
}
# These, and those that have validators of their own.
OF_ONE_KIND = frozenset({"items", "properties", "required", "additionalProperties"}).union(
    *KEYWORDS.values()
)
# What demands nothing.
ANNOTATIONS = frozenset(
    {"$comment", "default", "deprecated", "description", "example", "examples", "externalDocs"}
    | {"format", "readOnly", "title", "writeOnly", "xml"}
)


class Rules:
    """The rules of what a document sends, as code."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def of_field(self, node: Node, *, is_required: bool) -> str:
        """The validators of a field or a parameter; "" for none."""
        code = ", ".join(self.of(node))
        if is_required:
            return code or "_v.given"
        return f"_v.if_set({code})" if code else ""

    def of(self, node: Node) -> list[str]:
        """The validators of what a schema describes; none if it takes everything."""
        node = self._target(node)
        for union in UNIONS:
            if union in node:
                return self._of_union(node, union)
        if "enum" in node or "const" in node:
            return of_values(node)
        kinds = self._kinds_in(node)
        of_object = {"not"} if kinds == ["object"] else set()  # a rule for all kinds is refused
        refuse_unknown(node, {"type", *OF_ONE_KIND, *of_object} if kinds else ())
        return any_of([self._of_kind(kind, node) for kind in kinds])

    def _target(self, node: Node) -> Node:
        """What a reference, or an allOf of one schema and nothing else, leads to."""
        while self._document.class_of(node) is None:
            if "$ref" in node:
                refuse_unknown(node, {"$ref"})
                node = self._document.resolved(node)
            elif len(node.get("allOf", [])) == 1:
                refuse_unknown(node, {"allOf"})
                (node,) = node["allOf"]
            else:
                break
        return node

    def _kinds_in(self, node: Node) -> list[str]:
        """The types that a schema names; a model is an object, also if it does not say so."""
        return kinds_in(node) or (["object"] if self._document.class_of(node) else [])

    def _of_kind(self, kind: str, node: Node) -> list[str]:
        """The validators for values of one kind."""
        if kind == "object":
            name = self._document.class_of(node) or refuse(node, "type")
            return [f"_v.model({name})"]
        if kind == "array":
            return [f"_v.array({', '.join(self.of(node['items']))})", *calls(kind, node)]
        if kind == "string" and node.get("format") == "binary":
            refuse_unknown(node, {"type"})
            kind = "file"
        return [f"_v.{kind}", *calls(kind, node)]

    def _of_union(self, node: Node, union: str) -> list[str]:
        refuse_unknown(node, {union, "discriminator"})
        branches = [self._target(branch) for branch in node[union]]
        rules = [self.of(branch) for branch in branches]
        if not all(rules) and union == "anyOf":
            return []
        class_of = self._document.class_of
        tags = self._document.tags(filter(None, map(class_of, branches)))
        for first, second in itertools.combinations(branches, 2):
            shared = self._kinds(first) & self._kinds(second)
            if tags and class_of(first) and class_of(second):
                shared -= {"object"}
            if union == "anyOf" or are_disjoint(first, second):
                shared -= SCALARS
            if shared:
                refuse(node, union, f"the alternatives of {union!r} cannot be told apart")
        return any_of(rules)

    def _kinds(self, node: Node) -> frozenset[str]:
        """The kinds of values that a schema can take; a number can be an integer."""
        node = self._target(node)
        kinds = self._kinds_in(node) or [*map(kind_of, values_of(node))]
        for union in UNIONS:
            kinds += [kind for branch in node.get(union, []) for kind in self._kinds(branch)]
        return frozenset("number" if kind == "integer" else kind for kind in kinds) or KINDS

    def vet_object(self, node: Node) -> None:
        """Refuse the keywords of an object that no validator enforces."""
        refuse_unknown(node, {"type", "not", *OF_ONE_KIND})
        for name in node.get("required", []):
            if name not in node.get("properties", {}):
                refuse(node, "required", f"{name!r} is required and not described")

    def excluded(self, node: Node) -> list[str]:
        """The names of the fields of an object that cannot be used together."""
        if "not" not in node:
            return []
        refuse_unknown(node["not"], {"required"})
        names: list[str] = node["not"].get("required", [])
        if not names or not node.get("properties", {}).keys() >= {*names}:
            refuse(node, "not")
        return names


def refuse_unknown(node: Node, known: Iterable[str]) -> None:
    """Refuse the keywords of a schema that are neither known nor annotations."""
    for keyword in node:
        if keyword not in {*known, *ANNOTATIONS} and not keyword.startswith("x-"):
            refuse(node, keyword)


def kinds_in(node: Node) -> list[str]:
    """The types that a schema names."""
    types = node.get("type") or []
    return [types] if isinstance(types, str) else [*types]


def kind_of(value: Any) -> str:
    """The kind of a value; "" for one that is no scalar."""
    return {bool: "boolean", int: "integer", str: "string", type(None): "null"}.get(type(value), "")


def of_values(node: Node) -> list[str]:
    """The validators of an `enum` or a `const`."""
    keyword = "enum" if "enum" in node else "const"
    refuse_unknown(node, {"type", keyword})
    values = [value for value in values_of(node) if value is not None]
    kinds = {kind_of(value) for value in values}
    types = kinds_in(node)
    allowed = {*types, "integer"} if "number" in types else {*types} or SCALARS
    if len(kinds) != 1 or not kinds <= allowed:
        refuse(node, keyword)
    rules = [[f"_v.{kind}", f"_v.in_({', '.join(map(repr, values))})"] for kind in kinds]
    if None in values_of(node) and (not types or "null" in types):
        rules.append(["_v.null"])
    return any_of(rules)


def are_disjoint(first: Node, second: Node) -> bool:
    """Whether two schemas name values, and have none in common."""
    values, others = values_of(first), values_of(second)
    return bool(values and others) and not any(value in others for value in values)


def any_of(rules: list[list[str]]) -> list[str]:
    """The validators of values that pass all validators of an alternative."""
    if len(rules) < 2:
        return [*itertools.chain(*rules)]
    alternatives = [x[0] if len(x) == 1 else f"_v.all_of({', '.join(x)})" for x in rules]
    return [f"_v.any_of({', '.join(alternatives)})"]


def calls(kind: str, node: Node) -> list[str]:
    """The validators of the keywords of one kind, as calls."""
    return [
        f"_v.{validator}({arguments(keyword, node)})"
        for keyword, validator in KEYWORDS.get(kind, {}).items()
        if keyword in node
    ]


def arguments(keyword: str, node: Node) -> str:
    """The arguments of a validator; a pattern has a second one if it differs in Python."""
    value = node[keyword]
    if keyword != "pattern":
        return repr(int(value) if isinstance(value, float) and value.is_integer() else value)
    if (regex := to_python(value)) is None:
        refuse(node, keyword, f"the pattern {value!r} may mean something else in Python")
    return repr(value) if regex == value else f"{value!r}, {regex!r}"
