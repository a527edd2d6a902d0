"""The types and constraints of fields, arguments and objects, as code that checks Python's values.

A rule that is about the text, the number or the items themselves checks the value as it is. All
others check what the value is in JSON.
"""

from collections.abc import Collection, Iterable
from typing import Any, cast

from attrs import frozen
from openapi_python_client.parser.properties import ModelProperty, Property
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty

from .document import Document
from .modern import UNIONS, Node
from .rewrites import KINDS
from .schemas import FORMATS, JSON_TYPES, Rules, call, json_type, kinds_in, together

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
# The types of JSON of those validators, and of values in Python.
KINDS_OF_TYPES = {code: kind for kind, code in JSON_TYPES.items()}
KINDS_OF_TYPES |= dict.fromkeys(FORMATS.values(), "string")
KINDS_OF_VALUES = {bool: "boolean", int: "integer", str: "string"}
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
        self._in_json = Rules(document)

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
            return in_json(rule for node in nodes for rule in self._in_json.of(node, where))
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
            kinds, known = kinds_of(prop), {"allOf", *self._known(prop, part, where)}
            types = json_type(part)
            found += in_json([types]) if types and not kinds <= kinds_in(part) else []
            found += self._in_json.of_values(part, where, kinds, texts_of(prop))
            if "items" in known & part.keys():
                inner: Any = cast(Any, prop).inner_property
                rules = self._beyond(inner, part["items"], f"{where}[]")
                found += [f"_v.each({', '.join(rules)})"] if rules else []
            for each in part.get("allOf", []):
                found += self._beyond(prop, each, where)
            rest = {key: value for key, value in part.items() if key not in known}
            found += in_json(self._in_json.of_whole(rest, where))
        return found

    def _known(self, prop: Property, part: Node, where: str) -> Iterable[str]:
        """The keywords of a part that the type of a property in Python, or its items, enforce."""
        if isinstance(prop, ListProperty) and "prefixItems" not in part:
            yield "items"
        for union in UNIONS if isinstance(prop, UnionProperty) else ():
            branches = part.get(union, [])
            rules = [together(self._in_json.of(each, where)) for each in branches]
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
            types = [] if "object" in kinds_in(part) else [json_type(part)]
            values = self._in_json.of_values(rest, where, frozenset({"object"}))
            if whole := types + values + self._in_json.of_whole(rest, where):
                rules.when_sent.append(f"_s.whole({where!r}, {', '.join(whole)})")
        if closed:
            rules.always.append(call("closed", names))
        return rules


def in_json(rules: Iterable[str]) -> list[str]:
    """Rules about a value in JSON, as one about the value in Python."""
    rules = [*dict.fromkeys(rules)]
    return [f"_s.in_json({', '.join(rules)})"] if rules else []


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


def kinds_of(prop: Property) -> frozenset[str]:
    """The types of JSON that the values of a property have."""
    found: Any = prop
    if isinstance(prop, UnionProperty):
        return frozenset().union(*map(kinds_of, found.inner_properties))
    kind = type(prop).__name__
    if kind == "ConstProperty":
        return frozenset([KINDS_OF_VALUES[type(found.value.raw_value)]])
    if kind in ("EnumProperty", "LiteralEnumProperty"):
        return frozenset([KINDS_OF_VALUES[found.value_type]])
    if kind == "ListProperty":
        return frozenset(["array"])
    if kind == "ModelProperty":
        return frozenset(["object"])
    return frozenset([KINDS_OF_TYPES[TYPES[kind]]]) if kind in TYPES else KINDS


def texts_of(prop: Property) -> list[str]:
    """The types of a property that are a text in JSON, and none in Python."""
    inner: list[Any] = prop.inner_properties if isinstance(prop, UnionProperty) else [prop]
    return [type_of(each) for each in inner if type_of(each) in FORMATS.values()]


def are_apart(types: list[str]) -> bool:
    """Whether no value is of two of these types."""
    found = ["object" if is_object(each) else each for each in types]
    return len({*found}) == len(found) and not {"_v.integer", "_v.number"} <= {*found}


def is_object(rule: str) -> bool:
    """Whether a rule is the type of an object."""
    return rule == "_v.object_" or rule.startswith("_s.model(")
