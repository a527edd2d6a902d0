"""The spec itself, for what the data of openapi-python-client lacks.

That has no constraints, and does not say which models are sent and which are only received.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Any, NoReturn

from attrs import frozen
from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty, Property
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.strings import PythonIdentifier

from ..openapi31 import METHODS, Node, in_31, nodes, settle
from ..pointers import behind, items, join

UNIONS = ("anyOf", "oneOf")
AT = "x-at"  # where in the document something is
# A field, and the class of an object for each of its values.
Tags = tuple[str, dict[Any, str]]

# What `x-job` must have, and what it may have.
IN_JOBS: dict[str, type] = dict.fromkeys(("id", "status", "progress", "result"), list)
IN_JOBS |= dict.fromkeys(("allowed", "error", "succeeded", "failed", "expired"), list)
MORE_IN_JOBS: dict[str, type] = {"cost_unit": float, "suffix": str}
MORE_IN_JOBS |= dict.fromkeys(("cost", "ambiguous", "reasons", "wrappers", "moderation"), list)


class RefusedError(Exception):
    """A part of the document cannot be generated correctly; `pointer` says which."""

    def __init__(self, msg: str, pointer: str = "") -> None:
        super().__init__(msg)
        self.pointer = pointer


def refuse(node: Node, keyword: str, msg: str = "") -> NoReturn:
    """End the generation: what is not enforced must not look as if it were."""
    msg = msg or f"what is sent cannot be held to {keyword!r}"
    pointer = join(node[AT], keyword) if keyword else node[AT]
    raise RefusedError(f"{msg}; express it in another way", pointer)


def prepared(document: Node) -> Node:
    """A document in the terms of 3.1, where each part has its pointer in it."""
    result = in_31(document)
    target = partial(behind, document=result)
    for pointer, node in [*nodes(result)]:
        node[AT] = pointer
        if isinstance(node.get("format"), str) and node["format"] != "binary":
            del node["format"]  # a format demands nothing, and upstream would make types of some
        if "$ref" in node and "default" in node:  # which upstream drops there
            node["allOf"] = [{"$ref": node.pop("$ref"), AT: join(pointer, "$ref")}]
        settle(node, pointer, result)
        for name, field in node.get("properties", {}).items():
            if name in node.get("required", []) and says(field, "readOnly", target):
                node["required"].remove(name)  # it may not be sent
    return result


def says(schema: Node, keyword: str, target: Callable[[Node], Node]) -> bool:
    """Whether a schema, or what it refers to, has a keyword that is true."""
    parts = [schema, *schema.get("allOf", [])]
    return any(part.get(keyword) for inner in parts for part in (inner, target(inner)))


def in_python(name: str) -> str:
    """A name as Python reads it: some characters are the same to it."""
    return unicodedata.normalize("NFKC", name)


def properties_of(model: ModelProperty) -> list[Property]:
    """The properties of a model, those that are required first."""
    return [*(model.required_properties or []), *(model.optional_properties or [])]


def values_of(node: Node) -> list[Any]:
    """The values that a schema names; none if it can have any."""
    return [*node.get("enum", [node["const"]] if "const" in node else [])]


@frozen
class EndpointModule:
    """An operation, and the package and the module that it becomes."""

    endpoint: Endpoint
    package: PythonIdentifier
    module: str


class Document:
    """The document that a package is made from."""

    def __init__(self, document: Node, data: GeneratorData, config: Config) -> None:
        self._document = document
        self._nodes_at = {node[AT]: node for _, node in nodes(document)}
        self._models = {str(model.class_info.name): model for model in data.models}
        self._classes = {self.node(model)[AT]: name for name, model in self._models.items()}
        self._nodes: dict[tuple[str, str], tuple[Node, Node]] = {}
        for path, item in document["paths"].items():
            for method in item.keys() & METHODS:
                if (shape(path), method) in self._nodes:
                    refuse(item, method, f"another path is {shape(path)} too")
                self._nodes[shape(path), method] = (item, item[method])
            if "$ref" in item:
                refuse(item, "$ref", "a path that refers to another one is not generated")
        self.operations = []
        for tag, collection in data.endpoint_collections_by_tag.items():
            package = PythonIdentifier(in_python(tag), config.field_prefix)
            for endpoint in collection.endpoints:
                module = str(PythonIdentifier(in_python(endpoint.name), config.field_prefix))
                self.operations.append(EndpointModule(endpoint, package, module))
        ends = [operation.endpoint for operation in self.operations]
        self._received = self._reached(response.prop for end in ends for response in end.responses)
        self._sent = self._reached(prop for end in ends for prop in end.list_all_parameters())

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables for arguments of a client: `x-env`."""
        variables = self._document.get("x-env", {})
        for name, variable in items(variables):
            is_variable = re.fullmatch(r"[A-Z_][A-Z0-9_]*", str(variable))
            if name not in ("base_url", "token") or not is_variable:
                refuse(self._document, "x-env", f"{name}: {variable} is no variable of a client")
        return dict(variables)

    def _reached(self, properties: Iterable[Any]) -> set[str]:
        """The names of the models in properties, at any depth."""
        names: set[str] = set()
        waiting = [*properties]
        while waiting:
            prop = waiting.pop()
            waiting += getattr(prop, "inner_properties", [])
            waiting += [prop.inner_property] if isinstance(prop, ListProperty) else []
            name = str(prop.class_info.name) if isinstance(prop, ModelProperty) else ""
            if name and name not in names:
                names.add(name)
                model = self.model(prop)
                waiting += [*properties_of(model), model.additional_properties]
        return names

    def contains_itself(self, model: ModelProperty) -> bool:
        """Whether an object of the model can have another one in it."""
        inside = self._reached([*properties_of(model), model.additional_properties])
        return str(model.class_info.name) in inside

    def is_sent(self, model: ModelProperty) -> bool:
        """Whether a request may hold the model: it is held to its constraints."""
        return str(model.class_info.name) in self._sent

    def is_received(self, model: ModelProperty) -> bool:
        """Whether a response may hold the model: it is read as it comes."""
        return str(model.class_info.name) in self._received or not self.is_sent(model)

    def class_of(self, node: Node) -> str | None:
        """The class that is made of a schema."""
        return self._classes.get(node[AT])

    def node(self, model: ModelProperty) -> Node:
        """The schema that a model is made of."""
        return self._nodes_at[(model.data.model_extra or {})[AT]]

    def resolved(self, node: Node) -> Node:
        """A node, or what it refers to."""
        return behind(node, self._document)

    def model(self, prop: ModelProperty) -> ModelProperty:
        """The finished model: upstream leaves that of an alternative unfinished."""
        return self._models.get(str(prop.class_info.name), prop)

    def job(self, endpoint: Endpoint) -> Node | None:
        """The `x-job` of the first response of a GET that has one: how a job is followed."""
        props = [x.prop for x in endpoint.responses if endpoint.method == "get"]
        models = [prop for prop in props if isinstance(prop, ModelProperty)]
        return next((rules_of_job(x) for x in map(self.node, models) if "x-job" in x), None)

    def follower(self, endpoint: Endpoint) -> EndpointModule | None:
        """The operation that follows the job: a response links to it."""
        return self._followers.get(id(endpoint))

    def creators(self, endpoint: Endpoint) -> list[EndpointModule]:
        """The operations that create the jobs which an operation follows."""
        pairs = ((x, self.follower(x.endpoint)) for x in self.operations)
        return [creator for creator, job in pairs if job and job.endpoint is endpoint]

    @cached_property
    def _followers(self) -> dict[int, EndpointModule]:
        followers = {
            self.operation(operation.endpoint).get("operationId"): operation
            for operation in self.operations
            if self.job(operation.endpoint)
        }
        return {
            id(operation.endpoint): followers[name]
            for operation in self.operations
            for name in self._linked(operation.endpoint)
            if name in followers
        }

    def _linked(self, endpoint: Endpoint) -> list[str]:
        """The operations that the responses of an operation link to."""
        responses = map(self.resolved, self.operation(endpoint).get("responses", {}).values())
        links = [link for node in responses for link in node.get("links", {}).values()]
        return [str(self.resolved(link).get("operationId")) for link in links]

    def tags(self, classes: Iterable[str]) -> Tags | None:
        """The field that tells the objects of a union apart; nothing if there is none."""
        models = {name: self.node(self._models[name]) for name in classes}
        if len(models) < 2:
            return None
        name, mapping = self._discriminators.get(frozenset(models), ("", {}))
        required = [{*node.get("required", [])} for node in models.values()]
        for field in [name] if name else sorted(set.intersection(*required)):
            pairs = [
                (value, name)
                for name, node in models.items()
                for value in values_of(self.resolved(node.get("properties", {}).get(field, {})))
            ]
            tags = mapping | dict(pairs)
            if {*tags.values()} == {*models} and len(dict(pairs)) == len(pairs):
                return field, tags
        return None

    @cached_property
    def _discriminators(self) -> dict[frozenset[str], Tags]:
        """The discriminators of unions, by their classes; names of schemas are values of it too."""
        discriminators: dict[frozenset[str], Tags] = {}
        for _, node in nodes(self._document):
            value = node.get("discriminator")
            branches = [branch for union in UNIONS for branch in node.get(union, [])]
            names = {str(x.get("$ref")): self.class_of(self.resolved(x)) for x in branches}
            classes = {reference: name for reference, name in names.items() if name}
            if isinstance(value, dict) and len(classes) == len(branches):
                tags = {of.rpartition("/")[2]: name for of, name in classes.items()}
                classes |= tags
                mapping = value.get("mapping", {}).items()
                tags |= {tag: classes[of] for tag, of in mapping if of in classes}
                discriminators[frozenset(tags.values())] = (value["propertyName"], tags)
        return discriminators

    def parameters(self, endpoint: Endpoint) -> dict[tuple[str, str], Node]:
        """An operation's parameters by location and name."""
        by_name = {}
        for holder in self._nodes[shape(endpoint.path.get_untrusted_value()), endpoint.method]:
            for node in map(self.resolved, holder.get("parameters", [])):
                if "schema" not in node:
                    refuse(node, "content", "a parameter without a schema is not generated")
                by_name[node["in"], node["name"]] = node
        return by_name

    def content(self, endpoint: Endpoint) -> Node:
        """The media types of the body of an operation."""
        body = self.resolved(self.operation(endpoint)["requestBody"])
        content: Node = body["content"]
        if len(content) > 1:
            refuse(body, "content", "a body of several media types is not generated")
        return content

    def example(self, endpoint: Endpoint) -> Node:
        """The first example of a body; an empty one if there is none."""
        (content,) = self.content(endpoint).values()
        examples = map(self.resolved, content.get("examples", {}).values())
        example = next((row.get("value") for row in examples), content.get("example"))
        return example if isinstance(example, dict) else {}

    def operation(self, endpoint: Endpoint) -> Node:
        """The operation in the document."""
        return self._nodes[shape(endpoint.path.get_untrusted_value()), endpoint.method][1]


def rules_of_job(schema: Node) -> Node:
    """The `x-job` of a schema, with its statuses in lower case."""
    job: Node = schema["x-job"] if isinstance(schema["x-job"], dict) else {}
    types = IN_JOBS | MORE_IN_JOBS
    texts = [text for value in job.values() if isinstance(value, list) for text in value]
    is_known = IN_JOBS.keys() <= job.keys() <= types.keys() and {*map(type, texts)} <= {str}
    if not is_known or any(type(value) is not types[name] for name, value in job.items()):
        msg = f"x-job needs {', '.join(IN_JOBS)}, each a list of texts"
        refuse(schema, "x-job", f"{msg}, and can have {', '.join(MORE_IN_JOBS)}")
    words = {"succeeded", "failed", "expired", "ambiguous", "moderation"} & job.keys()
    return job | {name: [word.lower() for word in job[name]] for name in words}


def shape(path: str) -> str:
    """A path without the names of its parameters, which the generator changes."""
    return re.sub(r"\{[^}]*\}", "{}", path)
