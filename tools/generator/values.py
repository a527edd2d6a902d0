"""How values are read from JSON and written to it, as code: calls of runtime/_values.py."""

from typing import Any

from openapi_python_client.parser.properties import (
    AnyProperty,
    EnumProperty,
    LiteralEnumProperty,
    ModelProperty,
)
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.const import ConstProperty
from openapi_python_client.parser.properties.date import DateProperty
from openapi_python_client.parser.properties.datetime import DateTimeProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.properties.uuid import UuidProperty

from .document import Document, properties_of

# What makes a value of its text, and raises for any other text.
PARSERS: dict[type, str] = {
    DateProperty: "_values.date_of",
    DateTimeProperty: "_values.date_time_of",
    UuidProperty: "_values.uuid_of",
}
# Their values are the same in Python and in JSON. An integer may be 4.0 in Python.
PLAIN = (AnyProperty, BooleanProperty, FloatProperty, NoneProperty, StringProperty)


def reader(prop: PropertyProtocol, document: Document, *, strict: bool = False) -> str:
    """The function that makes a value of JSON; "" if the value is taken as it is.

    If it is strict, it raises for an object whose fixed values are those of another model.
    """
    if type(prop) in PARSERS:  # a response may have another text in its place, which is kept
        return f"_values.first_of({PARSERS[type(prop)]})"
    if isinstance(prop, ModelProperty):
        read = f"{prop.class_info.name}.from_dict"
        fixed = fixed_values(document.model(prop)) if strict else {}
        return f"_objects.if_like({fixed}, {read})" if fixed else read
    if isinstance(prop, EnumProperty):
        return prop.class_info.name
    if isinstance(prop, FileProperty):
        return "_values.file"
    if isinstance(prop, ListProperty):
        of_items = reader(prop.inner_property, document, strict=strict)
        return f"_values.list_of({of_items})" if of_items else ""
    if isinstance(prop, UnionProperty):
        readers = alternatives(prop.inner_properties, document)
        return f"_values.first_of({', '.join(readers)})" if readers else ""
    return ""


def alternatives(properties: list[PropertyProtocol], document: Document) -> list[str]:
    """Functions to try one after the other: each raises for a value that it cannot read."""
    objects, others = [], []
    for prop in properties:
        if has_model(prop):
            objects.append(reader(prop, document, strict=True))
        elif isinstance(prop, EnumProperty):  # it takes every value
            others.append(f"_values.member_of({prop.class_info.name})")
        else:
            others.append(PARSERS.get(type(prop)) or reader(prop, document))
    if len(objects) > 1:
        objects = [tagged(properties, document, f"_objects.most_like({', '.join(objects)})")]
    return [read for read in dict.fromkeys([*objects, *others]) if read]


def has_model(prop: PropertyProtocol) -> bool:
    """Whether a value is a model, or a list of some."""
    return isinstance(prop, ModelProperty) or (
        isinstance(prop, ListProperty) and has_model(prop.inner_property)
    )


def tagged(properties: list[PropertyProtocol], document: Document, read: str) -> str:
    """A function that asks the discriminator first, if there is one."""
    models = [prop for prop in properties if isinstance(prop, ModelProperty)]
    if not (tags := document.tags(models)):
        return read
    name, classes = tags
    for model in models:
        for value in fixed_values(document.model(model)).get(name, ()):
            classes = {value: str(model.class_info.name)} | classes
    pairs = sorted(classes.items(), key=str)
    readers = ", ".join(f"{value!r}: {of}.from_dict" for value, of in pairs)
    return f"_objects.tagged({name!r}, {{{readers}}}, {read})"


def fixed_values(model: ModelProperty) -> dict[str, tuple[Any, ...]]:
    """The fields of a model that tell it apart, each with the values that it can have."""
    return {
        each.name.get_untrusted_value(): values
        for each in properties_of(model)
        if (values := values_of(each)) and (each.required or len(values) == 1)
    }


def values_of(prop: PropertyProtocol) -> tuple[Any, ...]:
    """The values that a property can have; none if it can have any."""
    if isinstance(prop, ConstProperty):
        return (prop.value.raw_value,)
    if isinstance(prop, LiteralEnumProperty):
        return tuple(sorted(prop.values))
    return tuple(sorted(prop.values.values())) if isinstance(prop, EnumProperty) else ()


def in_json(prop: PropertyProtocol, source: str) -> str:
    """The value of an expression as it is in JSON."""
    if isinstance(prop, ModelProperty):
        return f"{source}.to_dict()"
    return source if is_plain(prop) else f"_values.to_json({source})"


def is_plain(prop: PropertyProtocol) -> bool:
    """Whether all values of a property are the same in Python and in JSON."""
    if isinstance(prop, ListProperty):
        return is_plain(prop.inner_property)
    if isinstance(prop, UnionProperty):
        return all(map(is_plain, prop.inner_properties))
    if isinstance(prop, LiteralEnumProperty):
        return prop.value_type is str
    if isinstance(prop, ConstProperty):
        return not isinstance(prop.value.raw_value, int | float)
    return isinstance(prop, PLAIN)
