"""JSON Schema's keywords as code, of a value as it is in JSON: calls of the validators in runtime/.

A reviewer sees a rule of the spec in the generated file, as `_v.ge(1), _v.le(15)`. A keyword that
demands something, and that no validator enforces, ends the generation.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from ..ecma import to_python
from .document import Document, cannot
from .modern import NEVER, Node
from .rewrites import KINDS

JSON_TYPES = {
    "array": "_v.array()",
    "boolean": "_v.boolean",
    "integer": "_v.integer",
    "null": "_v.null",
    "number": "_v.number",
    "object": "_v.object_",
    "string": "_v.string",
}
FORMATS = {
    "binary": "_v.file",
    "date": "_v.date",
    "date-time": "_v.date_time",
    "uuid": "_v.uuid",
}


@frozen
class Group:
    """Keywords that speak of values of one kind, each with its validator."""

    kinds: frozenset[str]
    kind: str
    validators: Mapping[str, str]


STRINGS = Group(
    frozenset({"string"}),
    "_v.string",
    {"minLength": "min_len", "maxLength": "max_len", "pattern": "pattern"},
)
NUMBERS = Group(
    frozenset({"integer", "number"}),
    "_v.number",
    {
        "minimum": "ge",
        "exclusiveMinimum": "gt",
        "maximum": "le",
        "exclusiveMaximum": "lt",
        "multipleOf": "multiple_of",
    },
)
ARRAYS = Group(
    frozenset({"array"}),
    "_v.array()",
    {"minItems": "min_len", "maxItems": "max_len", "uniqueItems": "unique"},
)

# Keywords that nothing here enforces, and that demand something. All others that are not enforced
# demand nothing: JSON Schema lets a validator ignore what it does not know.
REFUSED = frozenset({"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"})
COUNTED = {"minProperties": "min_properties", "maxProperties": "max_properties"}
BRANCHES = ("if", "then", "else")


class Rules:
    """What the schemas of a document demand of values in JSON, as code."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._around: list[str] = []  # the references that are being written out

    def of(self, node: Node, where: str) -> list[str]:
        """All that a node demands of a value in JSON, its type too."""
        if "$ref" in node:
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return [*self._of_reference(node["$ref"], where), *self.of(beside, where)]
        if name := self._document.class_of(node):
            is_nullable = "type" in node and "null" in kinds_in(node)
            return [
                f'_v.any_of(_v.null, _s.model("{name}"))' if is_nullable else f'_s.model("{name}")'
            ]
        types = json_type(node)
        found = [types] if types else []
        found += self.of_values(node, where, kinds_in(node))
        return found + self.of_whole(node, where)

    def _of_reference(self, reference: str, where: str) -> list[str]:
        if reference in self._around:
            cannot(where, f"$ref: {reference} contains itself")
        self._around.append(reference)
        found = self.of(self._document.at(reference), where)
        self._around.pop()
        return found

    def of_values(
        self, schema: Node, where: str, kinds: frozenset[str], texts: Sequence[str] = ()
    ) -> list[str]:
        """What the keywords of texts, numbers and arrays demand, and those of any value.

        Args:
            schema: The schema.
            where: Its place, for messages.
            kinds: The types of JSON that the value can have.
            texts: The types in Python that become a text in JSON.
        """
        for keyword in schema.keys() & REFUSED:
            cannot(where, keyword)
        found = [call("in_", schema["enum"])] if "enum" in schema else []
        found += [call("const", [schema["const"]])] if "const" in schema else []
        for group in (NUMBERS, STRINGS, ARRAYS):
            rules = list(
                filter(None, (rule(group, key, schema, where) for key in group.validators))
            )
            kind = group.kind
            if texts and rules and group is STRINGS:
                if "_v.file" in texts:
                    cannot(where, "a rule about the text of a file")
                rules = [f"_v.as_text({', '.join(rules)})"]
                kind = f"_v.any_of({', '.join(['_v.string', *texts])})"
            if rules and kinds & group.kinds:
                found += rules if kinds <= group.kinds else [f"_v.when({kind}, {', '.join(rules)})"]
        return found

    def of_whole(self, schema: Node, where: str) -> list[str]:
        """What the keywords demand that have schemas in them, of a value in JSON."""
        found = self._of_parts_of_arrays(schema, where) + self._of_objects(schema, where)
        for each in schema.get("allOf", []):
            found += self.of(each, where)
        for union, validator in (("anyOf", "any_of"), ("oneOf", "one_of")):
            if union == "oneOf" and "discriminator" in schema:  # it says which one it is
                validator = "any_of"
            if union in schema:
                rules = [together(self.of(each, where)) for each in schema[union]]
                is_free = "" in rules and validator == "any_of"
                found += [] if is_free else [f"_v.{validator}({listed(rules)})"]
        if "not" in schema:
            found.append(f"_s.not_({listed([together(self.of(schema['not'], where))])})")
        if "if" in schema:
            rules = [together(self.of(schema.get(key, {}), where)) for key in BRANCHES]
            found += [f"_s.if_({listed(rules)})"] if any(rules[1:]) else []
        return found

    def _of_parts_of_arrays(self, schema: Node, where: str) -> list[str]:
        found = []
        of_items = f"{where}[]"
        if {"items", "prefixItems"} & schema.keys():
            prefix = [together(self.of(each, of_items)) for each in schema.get("prefixItems", [])]
            others = together(self.of(schema.get("items", {}), of_items))
            if any([*prefix, others]):
                found.append(f"_s.items({listed([others, *prefix])})")
        if "contains" in schema:
            rule = together(self.of(schema["contains"], of_items))
            bounds = [schema.get("minContains", 1), schema.get("maxContains")]
            found.append(f"_s.contains({listed([rule])}, {', '.join(map(repr, bounds))})")
        return found

    def _of_objects(self, schema: Node, where: str) -> list[str]:
        rules = [call("needs", schema["required"])] if schema.get("required") else []
        for keyword, validator in COUNTED.items():
            rules += [call(validator, [schema[keyword]])] if keyword in schema else []
        for name, names in schema.get("dependentRequired", {}).items():
            rules += [call("needs_with", [name, *names])] if names else []
        found = [f"_s.object_({', '.join(rules)})"] if rules else []
        if "propertyNames" in schema:
            rule = together(self.of(schema["propertyNames"], where))
            found += [f"_s.names({rule})"] if rule else []
        for name, node in schema.get("dependentSchemas", {}).items():
            condition = f"_v.object_, _s.object_({call('needs', [name])})"
            rule = together(self.of(node, where))
            found += [f"_s.if_(_v.all_of({condition}), {rule}, _s.anything)"] if rule else []
        return found + self._of_fields(schema, where)

    def _of_fields(self, schema: Node, where: str) -> list[str]:
        """What the fields of an object have to be."""

        def rules(nodes: Node) -> dict[str, str]:
            return {
                name: together(self.of(node, f"{where}.{name}")) for name, node in nodes.items()
            }

        named = rules(schema.get("properties", {}))
        patterns = rules(schema.get("patternProperties", {}))
        patterned = {arguments("pattern", key, where)[-1]: rule for key, rule in patterns.items()}
        additional = schema.get("additionalProperties", True)
        additional = NEVER if additional is False else additional
        others = together(self.of(additional, where)) if additional is not True else ""
        if not any([*named.values(), *patterned.values(), others]):
            return []
        found = [
            ", ".join(f"{name!r}: {listed([rule])}" for name, rule in each.items())
            for each in (named, patterned)
        ]
        return [f"_s.fields({{{found[0]}}}, {{{found[1]}}}, {listed([others])})"]


def call(validator: str, arguments: Iterable[Any]) -> str:
    """The code that calls a validator: `repr` makes a literal of any text."""
    return f"_v.{validator}({', '.join(map(repr, arguments))})"


def together(rules: Iterable[str]) -> str:
    """Some rules as one; "" if they let everything pass."""
    rules = [*dict.fromkeys(filter(None, rules))]
    return rules[0] if len(rules) == 1 else f"_v.all_of({', '.join(rules)})" if rules else ""


def listed(rules: Iterable[str]) -> str:
    """Rules as arguments: those that let everything pass too."""
    return ", ".join(rule or "_s.anything" for rule in rules)


def rule(group: Group, keyword: str, schema: Node, where: str) -> str:
    """The validator of a keyword; "" if the schema does not have it."""
    if keyword == "uniqueItems":
        return "_v.unique" if schema.get(keyword) else ""
    if keyword not in schema:
        return ""
    return call(group.validators[keyword], arguments(keyword, schema[keyword], where))


def arguments(keyword: str, value: Any, where: str) -> list[Any]:
    """What a validator is given; of a pattern, also what it is in Python if that differs."""
    if keyword != "pattern":
        return [value]
    if (regex := to_python(value)) is None:
        cannot(where, keyword)
    return [value] if regex == value else [value, regex]


def kinds_in(schema: Node) -> frozenset[str]:
    """The types of JSON that a schema names."""
    said = schema.get("type", KINDS)
    kinds = frozenset([said] if isinstance(said, str) else said)
    return kinds | {"integer"} if "number" in kinds else kinds


def json_type(schema: Node) -> str:
    """The type of a schema, as a validator of values in JSON; "" for any."""
    kind = schema.get("type") or []
    types = [JSON_TYPES[name] for name in ([kind] if isinstance(kind, str) else kind)]
    if schema.get("format") == "binary":  # which no JSON has
        types = [type_.replace("_v.string", "_v.file") for type_ in types]
    return f"_v.any_of({', '.join(types)})" if len(types) > 1 else "".join(types)
