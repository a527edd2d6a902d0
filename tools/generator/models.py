"""What model.py.jinja prints: a model's fields, its constraints, and how it is read."""

from attrs import evolve, frozen
from openapi_python_client import schema as oai
from openapi_python_client.parser.properties import AnyProperty, ModelProperty, Property
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import PythonIdentifier

from ..openapi31 import Node
from .constraints import Rules
from .document import Document, properties_of, refuse, says
from .names import imports_of_models
from .values import reader


@frozen
class Field:
    """A field of a model; code is "" if there is none."""

    name: PythonIdentifier
    json_name: str
    type: str
    default: str
    validators: str
    read: str
    docstring: str
    is_nullable: bool


@frozen
class Additional:
    """The fields that the spec does not have, all of one type."""

    type: str = "Any"
    validators: str = ""
    read: str = ""


@frozen
class Model:
    """A model as its template prints it."""

    prop: ModelProperty
    fields: list[Field]
    additional: Additional
    is_validated: bool
    is_received: bool
    file_field: str

    @property
    def renamed(self) -> dict[str, str]:
        """The names in JSON of the fields that have another name in Python."""
        renamed = [field for field in self.fields if field.name != field.json_name]
        return {str(field.name): field.json_name for field in renamed}

    @property
    def base(self) -> str:
        """The classes whose methods the model has."""
        if self.is_validated:
            return f"{'_models.FromFile, ' if self.file_field else ''}_models.SentObject"
        return "_models.OpenObject"

    @property
    def nullable(self) -> tuple[str, ...]:
        """The names in JSON of the fields that can be null, if the model is received."""
        fields = self.fields if self.is_received else ()
        return tuple(field.json_name for field in fields if field.is_nullable)

    @property
    def imports(self) -> list[str]:
        """What the module imports of the package, at once."""
        lines = [self.prop.relative_imports, self.prop.lazy_imports]
        return imports_of_models(set().union(*filter(None, lines)))


def describe(prop: ModelProperty, document: Document) -> Model:
    """A model as its template prints it.

    Raises:
        RefusedError: A request can hold it, and one of its constraints is not enforced.
    """
    node = document.node(prop)
    if document.contains_itself(prop):
        refuse(node, "", "an object that can contain itself is not generated")
    rules = Rules(document) if document.is_sent(prop) else None
    if rules:
        rules.vet_object(node)
    for name, field in node.get("properties", {}).items() if document.is_received(prop) else ():
        if name in node.get("required", []) and says(field, "writeOnly", document.resolved):
            refuse(node, "required", f"{name!r} is required, and does not come")
    return Model(
        prop,
        [field_of(prop, field, node, document, rules) for field in properties_of(prop)],
        additional_of(prop, node, document, rules),
        rules is not None,
        document.is_received(prop),
        file_field_of(prop, node, document) if rules else "",
    )


def file_field_of(model: ModelProperty, node: Node, document: Document) -> str:
    """The field that the spec marks as one that can hold a file; "" if there is none."""
    fields, target = node.get("properties", {}), document.resolved
    marked = [
        prop
        for prop in properties_of(model)
        if says(fields[prop.name.get_untrusted_value()], "x-file", target)
    ]
    others = [prop for prop in model.required_properties or [] if prop not in marked]
    if marked and (others or [*map(type, marked)] != [StringProperty]):
        refuse(node, "", "x-file marks one text, beside which no other field is required")
    return str(marked[0].python_name) if marked else ""


def field_of(
    model: ModelProperty, prop: Property, node: Node, document: Document, rules: Rules | None
) -> Field:
    """A field of a model."""
    name = prop.name.get_untrusted_value()
    schema = node.get("properties", {}).get(name, {})
    # Upstream has the description of what is referred to, not the one that is beside it.
    described = documented(prop, schema.get("description", ""))
    read = str(prop.class_info.name) if isinstance(prop, ModelProperty) else reader(prop, document)
    if read and isinstance(prop, ListProperty) and document.is_received(model):
        read = f"_models.first_of({read})"  # what is no such list is kept as it is
    default = prop.default.python_code.as_unembedded_code() if prop.default else ""
    return Field(
        name=prop.python_name,
        json_name=name,
        type=prop.get_type_string().as_unembedded_code(),
        default=default or ("" if prop.required else "UNSET"),
        validators=validators_of(model, prop, node, rules) if rules else "",
        read=read,
        docstring=described.to_docstring(),
        is_nullable=not prop.required and takes_null(prop),
    )


def validators_of(model: ModelProperty, prop: Property, node: Node, rules: Rules) -> str:
    """The validators of a field, with that of fields that it excludes."""
    name = prop.name.get_untrusted_value()
    validators = [rules.of_field(node["properties"][name], is_required=prop.required)]
    excluded = rules.excluded(node)
    if name in excluded:
        fields = {field.name.get_untrusted_value(): field for field in properties_of(model)}
        names = ", ".join(f'"{fields[name].python_name}"' for name in excluded)
        validators.append(f"_v.not_together({names})")
    return ", ".join(filter(None, validators))


def additional_of(
    model: ModelProperty, node: Node, document: Document, rules: Rules | None
) -> Additional:
    """The fields of a model that the spec does not have."""
    prop = model.additional_properties
    if prop is None:
        return Additional(validators="_models.no_extra")
    schema = node.get("additionalProperties")
    values = rules.of(schema) if rules and isinstance(schema, dict) else []
    return Additional(
        type=prop.get_type_string().as_unembedded_code(),
        validators=f"_v.mapping({', '.join(values)}), _models.extra",
        read=reader(prop, document),
    )


def takes_null(prop: Property) -> bool:
    """Whether null is a value of a property; else it means that the property is left out."""
    alternatives = prop.inner_properties if isinstance(prop, UnionProperty) else [prop]
    return any(isinstance(inner, NoneProperty | AnyProperty) for inner in alternatives)


def documented(prop: Property, description: str) -> Property:
    """A property with a description that the generator dropped, if there is one."""
    return evolve(prop, description=oai.UntrustedString(description)) if description else prop
