"""What model.py.jinja prints: a model's fields, its constraints, how it is read and written."""

from attrs import evolve, frozen
from openapi_python_client import schema as oai
from openapi_python_client.parser.properties import AnyProperty, ModelProperty, Property
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import PythonIdentifier

from .constraints import Constraints, ObjectRules
from .document import CannotEnforceError, Document, properties_of
from .modern import Node
from .names import imports_of_models
from .plain import quick_look
from .values import in_json, reader


@frozen
class Field:
    """A field of a model. What is code is "" if there is none."""

    name: PythonIdentifier
    json_name: oai.UntrustedString
    type: str
    default: str
    checks: str
    read: str
    in_json: str
    docstring: str
    description: oai.UntrustedString | None
    is_required: bool
    is_absent_if_null: bool
    is_object: bool


@frozen
class Additional:
    """The fields that the spec does not have, all of one type."""

    type: str = "Any"
    checks: str = ""
    read: str = ""
    in_json: str = "value"


@frozen
class Model:
    """A model as its template prints it."""

    prop: ModelProperty
    fields: list[Field]
    additional: Additional
    rules: ObjectRules
    is_checked: bool
    is_received: bool
    is_open: bool

    @property
    def declared(self) -> list[Field]:
        """The fields as a class needs them: those without a default first."""
        return sorted(self.fields, key=lambda field: bool(field.default))

    @property
    def required(self) -> list[Field]:
        """The fields that JSON must have."""
        return [field for field in self.fields if field.is_required]

    @property
    def absent_if_null(self) -> list[Field]:
        """The fields for which a response may have null, though the spec does not say so."""
        return [field for field in self.fields if self.is_received and field.is_absent_if_null]

    @property
    def objects(self) -> list[Field]:
        """The fields for which a response may have something else than an object."""
        return [field for field in self.fields if self.is_received and field.is_object]

    @property
    def renamed(self) -> dict[str, str]:
        """The names in JSON of the fields that have another name in Python."""
        names = {str(each.name): each.json_name.get_untrusted_value() for each in self.fields}
        return {name: json_name for name, json_name in names.items() if name != json_name}

    @property
    def item_type(self) -> str:
        """The type of all fields, of those that the spec has and of those that it does not."""
        return "Any" if self.fields else self.additional.type

    @property
    def quick_look(self) -> list[str]:
        """The conditions under which all rules hold; none if that takes the validators."""
        if not self.is_checked or self.rules.when_sent or self.additional.checks or self.renamed:
            return []
        checks = {str(field.name): field.checks for field in self.fields}
        return quick_look(checks, self.rules.always, is_open=self.is_open)

    @property
    def bases(self) -> str:
        """The classes whose methods the model has."""
        bases = ["_objects.SentObject"] if self.is_checked else []
        is_later = self.lazy_imports or str(self.prop.class_info.name) in self.item_type
        type_ = f'"{self.item_type}"' if is_later else self.item_type
        bases += [f"_objects.OpenObject[{type_}]"] if self.is_open else []
        return ", ".join(bases)

    @property
    def imports(self) -> list[str]:
        """What the module imports of the package, at once."""
        return imports_of_models(self.prop.relative_imports)

    @property
    def lazy_imports(self) -> list[str]:
        """The models that the fields refer to, which may refer back."""
        return sorted(self.prop.lazy_imports or ())


def describe(prop: ModelProperty, document: Document) -> Model:
    """A model as its template prints it.

    Raises:
        CannotEnforceError: A request can hold it, and one of its constraints is not enforced.
    """
    is_sent = document.is_sent(prop)
    if is_sent or not document.is_received(prop):
        try:
            return _described(prop, document, Constraints(document))
        except CannotEnforceError:
            if is_sent:
                raise
    return _described(prop, document, None)


def _described(prop: ModelProperty, document: Document, constraints: Constraints | None) -> Model:
    is_received = document.is_received(prop)
    parts = document.parts(prop)
    additional = prop.additional_properties
    is_open = additional is not None or is_received
    rules = ObjectRules([], [])
    if constraints:
        names = [each.name.get_untrusted_value() for each in properties_of(prop)]
        closed = is_open and additional is None
        rules = constraints.rules_of_object(prop, names, prop.class_info.name, closed=closed)
    return Model(
        prop,
        [field_of(prop, each, parts, document, constraints) for each in properties_of(prop)],
        additional_of(prop, parts, document, constraints),
        rules,
        constraints is not None,
        is_received,
        is_open,
    )


def field_of(
    model: ModelProperty,
    prop: Property,
    parts: list[Node],
    document: Document,
    constraints: Constraints | None,
) -> Field:
    """A field of a model, which all parts that have it describe."""
    name = prop.name.get_untrusted_value()
    nodes = [part["properties"][name] for part in parts if name in part.get("properties", {})]
    where = f"{model.class_info.name}.{name}"
    described = documented(prop, next((said for node in nodes if (said := beside_ref(node))), ""))
    read = reader(prop, document)
    if read and isinstance(prop, ListProperty) and document.is_received(model):
        read = f"_values.first_of({read})"  # what is no such list is kept as it is
    default = prop.default.python_code.as_unembedded_code() if prop.default else ""
    return Field(
        name=prop.python_name,
        json_name=prop.name,
        type=prop.get_type_string().as_unembedded_code(),
        default=default or ("" if prop.required else "UNSET"),
        checks=constraints.rules(prop, nodes, where) if constraints else "",
        read=read,
        in_json=in_json(prop, f"self.{prop.python_name}"),
        docstring=described.to_docstring(),
        description=described.description,
        is_required=prop.required,
        is_absent_if_null=not prop.required and not takes_null(prop),
        is_object=not prop.required and isinstance(prop, ModelProperty),
    )


def additional_of(
    model: ModelProperty,
    parts: list[Node],
    document: Document,
    constraints: Constraints | None,
) -> Additional:
    """The fields of a model that the spec does not have."""
    prop = model.additional_properties
    if prop is None:
        return Additional()
    schema = parts[0].get("additionalProperties")
    is_alone = len(parts) == 1 and "patternProperties" not in parts[0]
    nodes = [schema] if isinstance(schema, dict) and is_alone else []
    where = f"{model.class_info.name}.*"
    return Additional(
        type=prop.get_type_string().as_unembedded_code(),
        checks=constraints.rules(prop, nodes, where) if constraints and nodes else "",
        read=reader(prop, document),
        in_json=in_json(prop, "value"),
    )


def takes_null(prop: Property) -> bool:
    """Whether null is a value of a property, and does not mean that there is none."""
    kinds = prop.inner_properties if isinstance(prop, UnionProperty) else [prop]
    return any(isinstance(kind, NoneProperty | AnyProperty) for kind in kinds)


def beside_ref(node: Node) -> str:
    """What a schema says beside a `$ref`: the generator takes the target's description instead."""
    return node.get("description", "") if "$ref" in node else ""


def documented(prop: Property, description: str) -> Property:
    """A property with a description that the generator dropped, if there is one."""
    return evolve(prop, description=oai.UntrustedString(description)) if description else prop
