"""JSON Schema's keywords as code: calls of the validators in runtime/_validators.py.

A reviewer sees a rule of the spec in the generated file, as `_v.ge(1), _v.le(15)`. A keyword that
no validator enforces ends the generation.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

from attrs import frozen
from openapi_python_client.parser.properties import ModelProperty, Property
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty

from ..ecma import to_python
from .document import Document, cannot
from .rewrites import NEVER, UNIONS, Node

# The classes of properties that the generator knows, with the validators of their types.
TYPES = {
    "BooleanProperty": "_v.boolean",
    "DateProperty": "_v.date",
    "DateTimeProperty": "_v.date_time",
    "FileProperty": "_v.file",
    "FloatProperty": "_v.number",
    "IntProperty": "_v.integer",
    "NoneProperty": "_v.null",
    "StringProperty": "_v.string",
    "UuidProperty": "_v.uuid",
}
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

    types: tuple[str, ...]
    kind: str
    validators: Mapping[str, str]


STRINGS = Group(
    ("string",),
    "_v.string",
    {"minLength": "min_len", "maxLength": "max_len", "pattern": "pattern"},
)
NUMBERS = Group(
    ("integer", "number"),
    "_v.number",
    {
        "minimum": "ge",
        "exclusiveMinimum": "gt",
        "maximum": "le",
        "exclusiveMaximum": "lt",
        "multipleOf": "multiple_of",
    },
)
ARRAYS = Group(("array",), "_v.array()", {"minItems": "min_len", "maxItems": "max_len"})

# Keywords that nothing here enforces, and that demand something. All others that are not enforced
# demand nothing: JSON Schema lets a validator ignore what it does not know.
REFUSED = frozenset({"$dynamicRef", "$recursiveRef", "unevaluatedItems", "unevaluatedProperties"})
COUNTED = {"minProperties": "min_properties", "maxProperties": "max_properties"}
BRANCHES = ("if", "then", "else")
# Types of which the generator knows all that there is to know.
PLAIN = frozenset(JSON_TYPES.values()) | {"_v.file"}


@frozen
class ObjectRules:
    """The rules about a whole object, and those that hold only once it is complete."""

    always: list[str]
    when_sent: list[str]


class Constraints:
    """The constraints of a document's schemas, as code."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._around: list[str] = []  # the references that are being written out

    def rules(self, prop: Property, nodes: Iterable[Node], where: str) -> str:
        """The type and the constraints of a property; "" for none."""
        found = self.of_property(prop, nodes, where)
        code = ", ".join(dict.fromkeys(found))
        if prop.required:
            return code or "_v.given"
        return f"_v.if_set({code})" if code else ""

    def of_property(self, prop: Property, nodes: Iterable[Node], where: str) -> list[str]:
        """The type and the constraints of a property."""
        type_ = type_of(prop)
        if not type_ and not isinstance(prop, ConstProperty):  # it can be anything in Python
            return in_json(rule for node in nodes for rule in self.of_json(node, where))
        rules = (rule for node in nodes for rule in self._beyond(prop, node, where))
        return [*filter(None, [type_]), *rules]

    def _beyond(self, prop: Property, node: Node, where: str) -> list[str]:
        """What a node demands of a value beyond the type that it has in Python."""
        found = []
        document = self._document
        own = document.parts(document.model(prop)) if isinstance(prop, ModelProperty) else []
        for part in self._document.schemas(node):
            if any(part is each for each in own):  # the class holds its objects to it
                continue
            found += self._of_values(part, where) + self._of_items(prop, part, where)
            for each in part.get("allOf", []):
                found += self._beyond(prop, each, where)
            known = {"allOf", *self._known(prop, part, where)}
            rest = {key: value for key, value in part.items() if key not in known}
            found += in_json(self._of_whole(rest, where))
        return found

    def _known(self, prop: Property, part: Node, where: str) -> Iterable[str]:
        """The keywords of a part that the type of a property in Python, or its items, enforce."""
        if isinstance(prop, ListProperty) and "prefixItems" not in part:
            yield "items"
        for union in UNIONS if isinstance(prop, UnionProperty) else ():
            branches = part.get(union, [])
            rules = [together(self.of_json(each, where)) for each in branches]
            types = [
                FORMATS.get(each.get("format"), rule)
                for each, rule in zip(branches, rules, strict=True)
            ]
            is_any = union == "anyOf" or "discriminator" in part or are_apart(types)
            if is_any and all(rule in PLAIN or is_object(rule) for rule in rules):
                yield union

    def rules_of_object(
        self, model: ModelProperty, names: Collection[str], where: str, *, closed: bool
    ) -> ObjectRules:
        """The rules about a whole object, whose described fields have these names."""
        rules = ObjectRules([], [])
        parts = self._document.parts(model)
        for part in parts:
            excluded = part.get("not", {})
            rest = {key: value for key, value in part.items() if key not in ("allOf", "properties")}
            if [*excluded] == ["required"]:
                rules.always.append(call("not_together", rest.pop("not")["required"]))
            if "maxProperties" in part:
                rules.always.append(call("max_properties", [rest.pop("maxProperties")]))
            if undescribed := [name for name in rest.pop("required", []) if name not in names]:
                rules.when_sent.append(call("needs", undescribed))
            if part.get("minProperties"):
                rules.when_sent.append(call("min_properties", [rest.pop("minProperties")]))
            if len(parts) > 1 or "patternProperties" in part:  # the class does not hold to it
                rest["properties"] = {key: {} for key in part.get("properties", {})}
            else:
                rest.pop("additionalProperties", None)
            if whole := self._of_values(rest, where) + self._of_whole(rest, where):
                rules.when_sent.append(f"_s.whole({where!r}, {', '.join(whole)})")
        if closed:
            rules.always.append(call("closed", names))
        return rules

    def of_json(self, node: Node, where: str) -> list[str]:
        """All that a node demands of a value in JSON, its type too."""
        if "$ref" in node:
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return [*self._of_reference(node["$ref"], where), *self.of_json(beside, where)]
        if name := self._document.class_of(node):
            return [f'_s.model("{name}")']
        types = json_type(node)
        found = [types] if types else []
        return found + self._of_values(node, where) + self._of_whole(node, where)

    def _of_reference(self, reference: str, where: str) -> list[str]:
        if reference in self._around:
            cannot(where, f"$ref: {reference} contains itself")
        self._around.append(reference)
        found = self.of_json(self._document.at(reference), where)
        self._around.pop()
        return found

    def _of_values(self, schema: Node, where: str) -> list[str]:
        """What the keywords of texts, numbers and arrays demand, and those of any value."""
        for keyword in schema.keys() & REFUSED:
            cannot(where, keyword)
        found = [call("in_", schema["enum"])] if "enum" in schema else []
        found += [call("const", [schema["const"]])] if "const" in schema else []
        for group in (NUMBERS, STRINGS, ARRAYS):
            found += grouped(schema, group, where)
        if schema.get("uniqueItems"):
            is_array = schema.get("type") == "array"
            found.append("_v.unique" if is_array else "_v.when(_v.array(), _v.unique)")
        return found

    def _of_items(self, prop: Property, part: Node, where: str) -> list[str]:
        """What the items of a list have to be, beyond their type in Python."""
        if "items" not in self._known(prop, part, where) or "items" not in part:
            return []
        rules = self._beyond(cast(Any, prop).inner_property, part["items"], f"{where}[]")
        return [f"_v.each({', '.join(rules)})"] if rules else []

    def _of_whole(self, schema: Node, where: str) -> list[str]:
        """What the keywords demand that have schemas in them, of a value in JSON."""
        found = self._of_parts_of_arrays(schema, where) + self._of_objects(schema, where)
        for each in schema.get("allOf", []):
            found += self.of_json(each, where)
        for union, validator in (("anyOf", "any_of"), ("oneOf", "one_of")):
            if union == "oneOf" and "discriminator" in schema:  # it says which one it is
                validator = "any_of"
            if union in schema:
                rules = [together(self.of_json(each, where)) for each in schema[union]]
                is_free = "" in rules and validator == "any_of"
                found += [] if is_free else [f"_v.{validator}({listed(rules)})"]
        if "not" in schema:
            found.append(f"_s.not_({listed([together(self.of_json(schema['not'], where))])})")
        if "if" in schema:
            rules = [together(self.of_json(schema.get(key, {}), where)) for key in BRANCHES]
            found += [f"_s.if_({listed(rules)})"] if any(rules[1:]) else []
        return found

    def _of_parts_of_arrays(self, schema: Node, where: str) -> list[str]:
        found = []
        if {"items", "prefixItems"} & schema.keys():
            prefix = [together(self.of_json(each, where)) for each in schema.get("prefixItems", [])]
            others = together(self.of_json(schema.get("items", {}), where))
            if any([*prefix, others]):
                found.append(f"_s.items({listed([others, *prefix])})")
        if "contains" in schema:
            rule = together(self.of_json(schema["contains"], where))
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
            rule = together(self.of_json(schema["propertyNames"], where))
            found += [f"_s.names({rule})"] if rule else []
        for name, node in schema.get("dependentSchemas", {}).items():
            condition = f"_v.object_, _s.object_({call('needs', [name])})"
            rule = together(self.of_json(node, where))
            found += [f"_s.if_(_v.all_of({condition}), {rule}, _s.anything)"] if rule else []
        return found + self._of_fields(schema, where)

    def _of_fields(self, schema: Node, where: str) -> list[str]:
        """What the fields of an object have to be."""

        def rules(nodes: Node) -> dict[str, str]:
            return {
                name: together(self.of_json(node, f"{where}.{name}"))
                for name, node in nodes.items()
            }

        named = rules(schema.get("properties", {}))
        patterns = rules(schema.get("patternProperties", {}))
        patterned = {arguments("pattern", key, where)[-1]: rule for key, rule in patterns.items()}
        additional = schema.get("additionalProperties", True)
        additional = NEVER if additional is False else additional
        others = together(self.of_json(additional, where)) if additional is not True else ""
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


def in_json(rules: Iterable[str]) -> list[str]:
    """Rules about a value in JSON, as one about the value in Python."""
    rules = [*dict.fromkeys(rules)]
    return [f"_s.in_json({', '.join(rules)})"] if rules else []


def are_apart(types: list[str]) -> bool:
    """Whether no value is of two of these types."""
    found = ["object" if is_object(each) else each for each in types]
    return len({*found}) == len(found) and not {"_v.integer", "_v.number"} <= {*found}


def is_object(rule: str) -> bool:
    """Whether a rule is the type of an object."""
    return rule == "_v.object_" or rule.startswith("_s.model(")


def type_of(prop: Property, *, in_union: bool = False) -> str:
    """The Python type that the generator chose for a property, as a validator; "" for any."""
    kind = type(prop).__name__
    if kind in TYPES:
        return TYPES[kind]
    found: Any = prop
    if kind == "ListProperty":
        return f"_v.array({type_of(found.inner_property)})"
    if isinstance(prop, ModelProperty):
        return f'_v.model("{prop.class_info.name}")'
    if kind == "LiteralEnumProperty":
        return "_v.integer" if found.value_type is int else "_v.string"
    if kind == "EnumProperty":
        return f"_v.instance({found.class_info.name})"
    if kind == "ConstProperty" and in_union:
        return f"_v.const({found.value.python_code.as_unembedded_code()})"
    if kind == "UnionProperty":
        types = [type_of(each, in_union=True) for each in found.inner_properties]
        return f"_v.any_of({', '.join(types)})" if "" not in types else ""
    return ""


def json_type(schema: Node) -> str:
    """The type of a schema, as a validator of values in JSON; "" for any."""
    kind = schema.get("type") or []
    types = [JSON_TYPES[name] for name in ([kind] if isinstance(kind, str) else kind)]
    if schema.get("format") == "binary":  # which no JSON has
        types = [type_.replace("_v.string", "_v.file") for type_ in types]
    return f"_v.any_of({', '.join(types)})" if len(types) > 1 else "".join(types)


def grouped(schema: Node, group: Group, where: str) -> list[str]:
    """The keywords of one group: JSON Schema lets a value of another type pass."""
    keywords = [keyword for keyword in group.validators if keyword in schema]
    found = [
        call(group.validators[keyword], arguments(keyword, schema[keyword], where))
        for keyword in keywords
    ]
    kind, format_ = schema.get("type"), schema.get("format")
    has_one_type = isinstance(kind, str)
    if not found or (has_one_type and kind not in group.types):
        return []
    if format_ == "binary":
        cannot(where, keywords[0])
    if group is STRINGS and format_ in FORMATS:
        text = f"_v.as_text({', '.join(found)})"
        kind_ = f"_v.any_of(_v.string, {FORMATS[format_]})"
        return [text if has_one_type else f"_v.when({kind_}, {text})"]
    return found if has_one_type else [f"_v.when({group.kind}, {', '.join(found)})"]


def arguments(keyword: str, value: Any, where: str) -> list[Any]:
    """What a validator is given; of a pattern, also what it is in Python if that differs."""
    if keyword != "pattern":
        return [value]
    if (regex := to_python(value)) is None:
        cannot(where, keyword)
    return [value] if regex == value else [value, regex]
