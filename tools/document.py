"""The spec as the templates need it, where the generator's own data does not hold it.

The generator drops every constraint of parameters, of bodies that are no objects and of scalars
behind a `$ref`, and does not tell which models are sent and which are only received.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from openapi_python_client import schema as oai
from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, ModelProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.responses import Response

Node = dict[str, Any]


class CannotEnforceError(Exception):
    """A constraint that the templates have no code for."""


# Names of the generated code itself, which a field or a parameter would hide.
NAMES_IN_MODELS = {"additional_keys", "additional_properties", "cls", "from_dict", "to_dict"}
NAMES_IN_OPERATIONS = {"body", "cookies", "headers", "params", "response"}
NAMES_IN_OPERATIONS |= {"interval", "on_progress", "timeout"}


PLACES_IN_JOBS = ("status", "progress", "result", "allowed", "error")
STATUSES_OF_JOBS = ("succeeded", "failed", "expired")


def keep_names_apart(data: GeneratorData, config: Config) -> None:
    """Rename, in Python alone, what has a name that the generated code has a use for."""
    for model in data.models:
        for prop in [*(model.required_properties or []), *(model.optional_properties or [])]:
            if prop.python_name in NAMES_IN_MODELS:
                prop.set_python_name(oai.UntrustedString(f"field_{prop.python_name}"), config)
    for collection in data.endpoint_collections_by_tag.values():
        for endpoint in collection.endpoints:
            for place, prop in endpoint.iter_all_parameters():
                if prop.python_name in NAMES_IN_OPERATIONS and place != "path":
                    renamed = oai.UntrustedString(f"{prop.python_name}_{place}")
                    prop.set_python_name(renamed, config)


class Document:
    """What the templates know as `spec`."""

    # What a schema of an object can say; keywords about other types demand nothing of an object.
    OBJECT_KEYWORDS = frozenset(
        {"$comment", "additionalProperties", "allOf", "default", "deprecated", "description"}
        | {"discriminator", "example", "examples", "exclusiveMaximum", "exclusiveMinimum"}
        | {"externalDocs", "format", "items", "maxItems", "maxLength", "maxProperties", "maximum"}
        | {"minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "nullable"}
        | {"pattern", "properties", "readOnly", "required", "title", "type", "uniqueItems"}
        | {"writeOnly", "xml"}
    )

    def __init__(self, document: Node, data: GeneratorData) -> None:
        self._document = document
        for path, item in document["paths"].items():
            if "$ref" in item:  # the generator would leave out all that is behind it
                self.cannot(path, "$ref")
        self._models = {str(model.class_info.name): model for model in data.models}
        endpoints = [
            endpoint
            for collection in data.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
        ]
        self.received = set(
            self._reached(answer.prop for endpoint in endpoints for answer in endpoint.responses)
        )
        self.sent = set(
            self._reached(prop for endpoint in endpoints for prop in endpoint.list_all_parameters())
        )

    def _reached(self, properties: Iterable[Any]) -> Iterator[str]:
        """The names of the models in properties, at any depth."""
        seen: set[str] = set()
        waiting = list(properties)
        while waiting:
            found = waiting.pop()
            waiting += [getattr(found, "inner_property", None)]
            waiting += getattr(found, "inner_properties", [])
            if isinstance(found, ModelProperty) and str(found.class_info.name) not in seen:
                seen.add(name := str(found.class_info.name))
                model = self.model(found)
                waiting += [*(model.required_properties or []), *(model.optional_properties or [])]
                waiting += [model.additional_properties]
                yield name
            waiting = [prop for prop in waiting if prop is not None]

    def is_checked(self, model: ModelProperty) -> bool:
        """Whether a model is held to its constraints: answers alone are not."""
        name = str(model.class_info.name)
        return name in self.sent or name not in self.received

    def is_received(self, model: ModelProperty) -> bool:
        return str(model.class_info.name) in self.received

    def model(self, found: ModelProperty) -> ModelProperty:
        """The finished model: where it is an alternative, the generator has only begun it."""
        return self._models.get(str(found.class_info.name), found)

    def job(self, responses: Iterable[Response]) -> Node | None:
        """The `x-job` of the first answer that has one: how to tell whether a job has ended."""
        models = (response.prop for response in responses)
        parts = (self.parts(model) for model in models if isinstance(model, ModelProperty))
        found = (part["x-job"] for each in parts for part in each if "x-job" in part)
        return next(map(rules_of_job, found), None)

    @staticmethod
    def takes_null(prop: Any) -> bool:
        """Whether null is a value of a property, and not the want of one."""
        alternatives = getattr(prop, "inner_properties", [prop])
        return any(isinstance(each, NoneProperty | AnyProperty) for each in alternatives)

    def schemas(self, node: Node) -> list[Node]:
        """The schemas that a node consists of: what it refers to, and what stands beside that."""
        if "$ref" not in node:
            return [normalized(node)]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        referred = self.schemas(self._lookup(node["$ref"]))
        return [*referred, normalized(beside)] if beside else referred

    def parts(self, model: ModelProperty) -> list[Node]:
        """The schemas that a model is made of: its own, and those in its allOf."""

        def parts_of(node: Node) -> list[Node]:
            found = self.schemas(node)
            inner = (sub for each in found for sub in each.get("allOf", []))
            return found + [part for sub in inner for part in parts_of(sub)]

        return parts_of(dump(model.data))

    def parameters(self, endpoint: Endpoint) -> dict[tuple[str, str], Node]:
        """An operation's parameters, with a schema each, by place and name."""
        item, operation = self._operation(endpoint)
        found = {}
        for node in [*item.get("parameters", []), *operation.get("parameters", [])]:
            while "$ref" in node:
                node = self._lookup(node["$ref"])
            if "schema" not in node:
                self.cannot(f"{endpoint.name}.{node['name']}", "content")
            found[node["in"], node["name"]] = node
        return found

    def body(self, endpoint: Endpoint, content_type: str) -> Node:
        """The schema of an operation's body of one media type."""
        body = self._operation(endpoint)[1]["requestBody"]
        while "$ref" in body:
            body = self._lookup(body["$ref"])
        schema: Node = body["content"][content_type]["schema"]
        return schema

    def _operation(self, endpoint: Endpoint) -> tuple[Node, Node]:
        """The path item and the operation that an endpoint was made from."""
        path = shape(endpoint.path.get_untrusted_value())
        for name, item in self._document["paths"].items():
            if shape(name) == path and endpoint.method in item:
                return item, item[endpoint.method]
        raise LookupError(path)

    def _lookup(self, reference: str) -> Node:
        node: Any = self._document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        found: Node = node
        return found

    @staticmethod
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

    @staticmethod
    def compiles(pattern: str) -> bool:
        try:
            re.compile(pattern)
        except re.error:
            return False
        return True

    @staticmethod
    def cannot(where: str, keyword: str) -> NoReturn:
        msg = f"{where}: the templates cannot enforce {keyword!r}; express it otherwise"
        raise CannotEnforceError(msg)


def rules_of_job(node: Any) -> Node:
    """An `x-job`, with its statuses in lower case."""
    kinds = dict.fromkeys(PLACES_IN_JOBS, str) | dict.fromkeys(STATUSES_OF_JOBS, list)
    if not isinstance(node, dict) or {name: type(node[name]) for name in node} != kinds:
        msg = f"x-job needs {', '.join(PLACES_IN_JOBS)}: paths with dots; and "
        msg += f"{', '.join(STATUSES_OF_JOBS)}: lists of statuses; and nothing else"
        raise CannotEnforceError(msg)
    lower = {name: [str(status).lower() for status in node[name]] for name in STATUSES_OF_JOBS}
    return {name: lower.get(name, value) for name, value in node.items()}


def shape(path: str) -> str:
    """A path without the names of its parameters, which the generator changes."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def dump(schema: oai.Schema | oai.Reference) -> Node:
    return schema.model_dump(mode="json", by_alias=True, exclude_unset=True)


def normalized(node: Node) -> Node:
    """A schema in the terms of 3.1: 3.0's `nullable` and its boolean bounds are rewritten."""
    schema = dump(oai.Schema.model_validate(node))
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in schema.items()
        if value is not None or key in ("const", "default", "example")
    }
