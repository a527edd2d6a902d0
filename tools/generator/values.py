"""How values are read from JSON, as code: calls of the runtime's `models`."""

from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty

from .document import Document


def reader(prop: PropertyProtocol, document: Document) -> str:
    """The function that reads a value from JSON; "" if the value is kept as it is."""
    if isinstance(prop, ModelProperty):
        return f"{prop.class_info.name}.from_dict"
    if isinstance(prop, FileProperty):
        return "_models.file"
    if isinstance(prop, ListProperty):
        of_items = reader(prop.inner_property, document)
        return f"_models.list_of({of_items})" if of_items else ""
    if isinstance(prop, UnionProperty):
        readers = alternatives(prop.inner_properties, document)
        return f"_models.first_of({', '.join(readers)})" if readers else ""
    return ""


def alternatives(properties: list[PropertyProtocol], document: Document) -> list[str]:
    """Functions to try one after the other: each raises for a value that it cannot read."""
    models = [prop for prop in properties if isinstance(prop, ModelProperty)]
    tags = document.tags(str(model.class_info.name) for model in models)
    others = [prop for prop in properties if not (tags and prop in models)]
    readers = [reader(prop, document) for prop in others]
    if tags:
        field, classes = tags
        pairs = sorted(classes.items(), key=str)
        by_value = ", ".join(f"{value!r}: {name}.from_dict" for value, name in pairs)
        readers.insert(0, f"_models.tagged({field!r}, {{{by_value}}})")
    return [*filter(None, dict.fromkeys(readers))]
