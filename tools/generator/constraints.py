"""JSON Schema's keywords as code: calls of the validators in runtime/_validators.py.

A reviewer sees a rule of the spec in the generated file, as `_v.ge(1), _v.le(15)`. A keyword that
no validator enforces ends the generation.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen
from openapi_python_client.parser.properties import ModelProperty, Property

from .document import Document, Node, cannot

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

ANNOTATIONS = frozenset(
    {"$comment", "contentEncoding", "contentMediaType", "default", "deprecated", "description"}
    | {"discriminator", "example", "examples", "externalDocs", "format", "nullable", "readOnly"}
    | {"title", "type", "writeOnly", "xml"}
)
# Keywords of objects, which `rules_of_object` enforces if the schema becomes a model.
OF_OBJECTS = frozenset(
    {"additionalProperties", "maxProperties", "minProperties", "not", "properties", "required"}
)
OF_VALUES = frozenset(
    {"allOf", "anyOf", "const", "enum", "items", "oneOf", "uniqueItems"}
    | STRINGS.validators.keys()
    | NUMBERS.validators.keys()
    | ARRAYS.validators.keys()
)
KNOWN = ANNOTATIONS | OF_OBJECTS | OF_VALUES

# Of those, what a schema of an object can say: the others demand nothing of an object.
KNOWN_OF_OBJECTS = KNOWN - {
    "anyOf",
    "const",
    "contentEncoding",
    "contentMediaType",
    "enum",
    "oneOf",
}


@frozen
class ObjectRules:
    """The rules about a whole object, and those that hold only once it is complete."""

    always: list[str]
    when_sent: list[str]


class Constraints:
    """The constraints of a document's schemas, as code."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def rules(self, prop: Property, nodes: Iterable[Node], where: str) -> str:
        """The type and the constraints of a property; "" for none."""
        found = [type_of(prop)] if type_of(prop) else []
        for node in nodes:
            found += self.constraints(node, where)
        code = ", ".join(dict.fromkeys(found))
        if prop.required:
            return code or "_v.given"
        return f"_v.if_set({code})" if code else ""

    def constraints(self, node: Node, where: str) -> list[str]:
        """All that a node demands of a value beyond its type."""
        return [
            rule
            for schema in self._document.schemas(node)
            for rule in self._of_schema(schema, where)
        ]

    def rules_of_object(
        self, parts: list[Node], names: Iterable[str], where: str, *, closed: bool
    ) -> ObjectRules:
        """The rules about a whole object of some parts, whose described fields have these names."""
        rules = ObjectRules([], [])
        for index, part in enumerate(parts):
            refuse_unknown(part, KNOWN_OF_OBJECTS, where)
            if isinstance(part.get("type"), str) and part["type"] != "object":
                cannot(where, "type")
            if index and part.get("additionalProperties") not in (None, True):
                cannot(where, "additionalProperties")
            if "not" in part:
                if list(part["not"]) != ["required"]:
                    cannot(where, "not")
                rules.always.append(call("not_together", part["not"]["required"]))
            if "maxProperties" in part:
                rules.always.append(call("max_properties", [part["maxProperties"]]))
            if undescribed := [name for name in part.get("required", []) if name not in names]:
                rules.when_sent.append(call("needs", undescribed))
            if part.get("minProperties"):
                rules.when_sent.append(call("min_properties", [part["minProperties"]]))
        if closed:
            rules.always.append(call("closed", names))
        return rules

    def _of_schema(self, schema: Node, where: str) -> list[str]:
        refuse_unknown(schema, KNOWN if is_model(schema) else KNOWN - OF_OBJECTS, where)
        found = [call("in_", schema["enum"])] if "enum" in schema else []
        found += [call("const", [schema["const"]])] if "const" in schema else []
        found += grouped(schema, NUMBERS, where) + grouped(schema, STRINGS, where)
        found += self._of_arrays(schema, where)
        if not is_model(schema):
            for part in schema.get("allOf", []):
                found += self.constraints(part, where)
        found += self._of_branches("any_of", schema.get("anyOf", []), where)
        return found + self._of_branches("one_of", schema.get("oneOf", []), where)

    def _of_arrays(self, schema: Node, where: str) -> list[str]:
        of_lists = ["_v.unique"] if schema.get("uniqueItems") else []
        items = schema.get("items")
        if isinstance(items, dict) and (rules := self.constraints(items, f"{where}[]")):
            of_lists.append(f"_v.each({', '.join(rules)})")
        if not isinstance(schema.get("type"), str):
            of_lists = [f"_v.when(_v.array(), {rule})" for rule in of_lists]
        return grouped(schema, ARRAYS, where) + of_lists

    def _of_branches(self, validator: str, nodes: list[Node], where: str) -> list[str]:
        """Branches of anyOf or oneOf, if they demand more than the types that `type_of` has."""
        branches = []
        are_demanding = False
        models = 0
        for node in nodes:
            schemas = self._document.schemas(node)
            demands = self.constraints(node, where)
            are_demanding |= bool(demands)
            models += sum(map(is_model, schemas))
            branches.append([*filter(None, map(json_type, schemas)), *demands])
        if not branches or [] in branches:  # a branch without demands lets everything pass
            return []
        if models > 1:  # each is a class of its own, so that no value fits two of them
            validator = "any_of"
        if not are_demanding and (validator == "any_of" or len(branches) == 1):
            return []
        return [f"_v.{validator}({', '.join(map(together, branches))})"]


def call(validator: str, arguments: Iterable[Any]) -> str:
    """The code that calls a validator: `repr` makes a literal of any text."""
    return f"_v.{validator}({', '.join(map(repr, arguments))})"


def together(rules: Iterable[str]) -> str:
    """Some rules as one, which lets everything pass if there are none."""
    rules = list(filter(None, rules))
    return rules[0] if len(rules) == 1 else f"_v.all_of({', '.join(rules)})"


def refuse_unknown(schema: Node, known: frozenset[str], where: str) -> None:
    """End the generation for a keyword that nobody knows."""
    for keyword in schema:
        if keyword not in known and not keyword.startswith("x-"):
            cannot(where, keyword)


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
    """A JSON type in a branch of anyOf or oneOf, where the generator's property cannot tell."""
    kind = schema.get("type") or []
    types = [JSON_TYPES[name] for name in ([kind] if isinstance(kind, str) else kind)]
    if schema.get("format") in FORMATS:
        types = [FORMATS[schema["format"]] if type_ == "_v.string" else type_ for type_ in types]
    return f"_v.any_of({', '.join(types)})" if len(types) > 1 else "".join(types)


def grouped(schema: Node, group: Group, where: str) -> list[str]:
    """The keywords of one group: JSON Schema lets a value of another type pass."""
    keywords = [keyword for keyword in group.validators if keyword in schema]
    if "pattern" in keywords and not compiles(schema["pattern"]):
        cannot(where, "pattern")
    found = [call(group.validators[keyword], [schema[keyword]]) for keyword in keywords]
    kind, format_ = schema.get("type"), schema.get("format")
    has_one_type = isinstance(kind, str)
    if not found or (has_one_type and kind not in group.types):
        return []
    if format_ == "binary":
        cannot(where, keywords[0])
    if group is STRINGS and format_ in FORMATS:
        text = f"_v.as_text({', '.join(found)})"
        return [text if has_one_type else f"_v.when({FORMATS[format_]}, {text})"]
    return found if has_one_type else [f"_v.when({group.kind}, {', '.join(found)})"]


def compiles(pattern: str) -> bool:
    """Whether a pattern is one for Python too."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def is_model(schema: Node) -> bool:
    """Whether the generator makes a class of its own of a schema."""
    subs = [*schema.get("allOf", []), *schema.get("anyOf", []), *schema.get("oneOf", [])]
    if len(subs) == 1 and "$ref" in subs[0]:
        return False
    if schema.get("enum") or schema.get("anyOf") or schema.get("oneOf"):
        return False
    kind = schema.get("type")
    return (
        (kind == "object" or (isinstance(kind, list) and "object" in kind))
        or bool(schema.get("allOf"))
        or (kind is None and "properties" in schema)
    )
