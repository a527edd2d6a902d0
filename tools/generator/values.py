"""How values are read from JSON and written to it, as code: calls of runtime/_values.py."""

from collections.abc import Iterable
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

from .document import Document

# What makes a value of its text, and raises for any other text.
PARSERS: dict[type, str] = {
    DateProperty: "datetime.date.fromisoformat",
    DateTimeProperty: "datetime.datetime.fromisoformat",
    UuidProperty: "UUID",
}
# Their values are the same in Python and in JSON. An integer may be 4.0 in Python.
PLAIN = (AnyProperty, BooleanProperty, FloatProperty, NoneProperty, StringProperty)


def reader(prop: PropertyProtocol, document: Document) -> str:
    """The function that makes a value of JSON; "" if the value is taken as it is."""
    if type(prop) in PARSERS:  # a response may have another text in its place, which is kept
        return f"_values.first_of({PARSERS[type(prop)]})"
    if isinstance(prop, ModelProperty):
        return f"{prop.class_info.name}.from_dict"
    if isinstance(prop, EnumProperty):
        return prop.class_info.name
    if isinstance(prop, FileProperty):
        return "_values.file"
    if isinstance(prop, ListProperty):
        of_items = reader(prop.inner_property, document)
        return f"_values.list_of({of_items})" if of_items else ""
    if isinstance(prop, UnionProperty):
        readers = alternatives(prop.inner_properties, document)
        return f"_values.first_of({', '.join(readers)})" if readers else ""
    return ""


def alternatives(properties: Iterable[PropertyProtocol], document: Document) -> list[str]:
    """Functions to try one after the other: each raises for a value that it cannot read.

    Several models are told apart by the names and the fixed values in them, if that is possible.
    """
    models = [prop for prop in properties if isinstance(prop, ModelProperty)]
    readers = []
    for prop in properties:
        read = PARSERS.get(type(prop)) or reader(prop, document)
        if isinstance(prop, ModelProperty) and len(models) > 1:
            read = if_like(prop, document)
        elif isinstance(prop, EnumProperty):  # it takes every value
            read = f"_values.if_instance({prop.value_type.__name__}, {read})"
        readers.append(read)
    readers += [reader(model, document) for model in models]
    return [read for read in dict.fromkeys(readers) if read]


def if_like(model: ModelProperty, document: Document) -> str:
    """The function that reads an object which has all that the model requires."""
    required = document.model(model).required_properties or []
    fields = [f"{each.name.get_untrusted_value()!r}: {fixed_values(each)}" for each in required]
    read = reader(model, document)
    return f"_values.if_like({{{', '.join(fields)}}}, {read})" if fields else read


def fixed_values(prop: PropertyProtocol) -> str:
    """A tuple of the values that a property may have; an empty one for any."""
    values: list[Any] = []
    if isinstance(prop, ConstProperty):
        return f"({prop.value.python_code.as_unembedded_code()},)"
    if isinstance(prop, LiteralEnumProperty):
        values = sorted(prop.values)
    elif isinstance(prop, EnumProperty):
        values = sorted(prop.values.values())
    return repr(tuple(values))


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
