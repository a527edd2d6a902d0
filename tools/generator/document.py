"""The spec as it was written, where the generator's own data does not hold all of it.

openapi-python-client drops every constraint, and does not tell which models are sent and which are
only received.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NoReturn

from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty, Property
from openapi_python_client.parser.responses import Response
from openapi_python_client.strings import PythonIdentifier

from ..pointers import lookup
from .modern import METHODS, UNIONS, Node
from .rewrites import AT

PLACES_IN_JOBS = ("id", "status", "progress", "result", "allowed", "error")
# A field, and the class of an object for each of its values.
Tags = tuple[str, dict[str, str]]
STATUSES_OF_JOBS = ("succeeded", "failed", "expired")
MORE_OF_JOBS = {"cost": list, "cost_unit": float, "suffix": str}


class CannotEnforceError(Exception):
    """A constraint that no validator enforces."""


def cannot(where: str, keyword: str) -> NoReturn:
    """End the generation: a constraint that is not enforced must not look as if it were."""
    msg = f"{where}: the templates cannot enforce {keyword!r}; express it otherwise"
    raise CannotEnforceError(msg)


def properties_of(model: ModelProperty) -> list[Property]:
    """The properties of a model, those that are required first."""
    return [*(model.required_properties or []), *(model.optional_properties or [])]


def endpoints_of(data: GeneratorData) -> Iterator[tuple[PythonIdentifier, Endpoint]]:
    """The operations, each with the tag that it is found under."""
    for tag, collection in data.endpoint_collections_by_tag.items():
        for endpoint in collection.endpoints:
            yield tag, endpoint


class Document:
    """The document that a package is made from."""

    def __init__(self, document: Node, data: GeneratorData) -> None:
        self._document = document
        self._models = {str(model.class_info.name): model for model in data.models}
        self._classes = {id(self.node(model)): name for name, model in self._models.items()}
        self._operations = {
            (key, method): (item, item[method])
            for key_of_path in (shape, named)
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
            for key in [key_of_path(path)]
        }
        self._tagged = list(endpoints_of(data))
        endpoints = [endpoint for _, endpoint in self._tagged]
        received = self.reached(response.prop for each in endpoints for response in each.responses)
        sent = self.reached(prop for each in endpoints for prop in each.list_all_parameters())
        self._received = {str(model.class_info.name) for model in received}
        self._sent = {str(model.class_info.name) for model in sent}

    @property
    def tagged(self) -> list[tuple[PythonIdentifier, Endpoint]]:
        """The operations, each with the tag that it is found under."""
        return self._tagged

    @property
    def count(self) -> int:
        """How many operations the document has."""
        return sum(len(item.keys() & {*METHODS}) for item in self._document["paths"].values())

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the environment that have what a client is not given: `x-env`."""
        found = self._document.get("x-env", {})
        for name, variable in found.items() if isinstance(found, dict) else [("", "")]:
            is_known = name in ("base_url", "token") and isinstance(variable, str)
            if not is_known or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
                cannot("x-env", f"{name}: {variable}")
        return dict(found)

    def reached(self, properties: Iterable[Any]) -> Iterator[ModelProperty]:
        """The models in properties, at any depth."""
        seen: set[str] = set()
        waiting = list(properties)
        while waiting:
            found = waiting.pop()
            waiting += [getattr(found, "inner_property", None)]
            waiting += getattr(found, "inner_properties", [])
            if isinstance(found, ModelProperty) and str(found.class_info.name) not in seen:
                seen.add(str(found.class_info.name))
                model = self.model(found)
                waiting += [*properties_of(model), model.additional_properties]
                yield model
            waiting = [prop for prop in waiting if prop is not None]

    def check_whole(self, properties: Iterable[Any]) -> None:
        """Check that the generator has made all classes that are in properties.

        Raises:
            CannotEnforceError: It has left one out.
        """
        for model in self.reached(properties):
            if str(model.class_info.name) not in self._models:
                raise CannotEnforceError(f"it needs {model.class_info.name}, which is left out")

    def is_sent(self, model: ModelProperty) -> bool:
        """Whether a request may hold the model: it is held to its constraints."""
        return str(model.class_info.name) in self._sent

    def is_received(self, model: ModelProperty) -> bool:
        """Whether a response may hold the model: it is read as it comes."""
        return str(model.class_info.name) in self._received

    def class_of(self, node: Node) -> str | None:
        """The class that is made of a schema, if it is held to its constraints."""
        name = self._classes.get(id(node))
        is_read_only = name in self._received and name not in self._sent
        return None if is_read_only else name

    def node(self, model: ModelProperty) -> Node:
        """The schema that a model is made of."""
        found: Node = self.at((model.data.model_extra or {})[AT])
        return found

    def at(self, reference: str) -> Any:
        """What a reference leads to."""
        try:
            return lookup(self._document, reference)
        except LookupError as error:
            raise CannotEnforceError(str(error)) from None

    def model(self, found: ModelProperty) -> ModelProperty:
        """The finished model: where it is an alternative, the generator has only begun it."""
        return self._models.get(str(found.class_info.name), found)

    def job(self, responses: Iterable[Response]) -> Node | None:
        """The `x-job` of the first response that has one: how to tell whether a job has ended."""
        models = (response.prop for response in responses)
        parts = (self.parts(model) for model in models if isinstance(model, ModelProperty))
        found = (part["x-job"] for each in parts for part in each if "x-job" in part)
        return next(map(rules_of_job, found), None)

    def follower(self, endpoint: Endpoint) -> tuple[PythonIdentifier, Endpoint] | None:
        """The operation, and its tag, that follows the job: a response links to it."""
        return self._followers.get(id(endpoint))

    def creators(self, endpoint: Endpoint) -> list[Endpoint]:
        """The operations that create the jobs which an operation follows."""
        found = ((each, self.follower(each)) for _, each in self._tagged)
        return [each for each, follower in found if follower and follower[1] is endpoint]

    @cached_property
    def _followers(self) -> dict[int, tuple[PythonIdentifier, Endpoint]]:
        followers = {
            self._operation(other).get("operationId"): (tag, other)
            for tag, other in reversed(self._tagged)
            if other.method == "get" and self.job(other.responses)
        }
        linked = {id(each): self._linked(each) for _, each in self._tagged}
        return {
            creator: followers[name]
            for creator, names in linked.items()
            for name in names
            if name in followers
        }

    def _linked(self, endpoint: Endpoint) -> list[str]:
        """The operations that the responses of an operation link to, the last one first."""
        responses = map(self._resolved, self._operation(endpoint).get("responses", {}).values())
        links = [
            self._resolved(each) for node in responses for each in node.get("links", {}).values()
        ]
        return [link["operationId"] for link in links if "operationId" in link]

    def schemas(self, node: Node) -> list[Node]:
        """The schemas that a node consists of: what it refers to, and what stands beside that."""
        if "$ref" not in node:
            return [node]
        beside = {key: value for key, value in node.items() if key != "$ref"}
        referred = self.schemas(self.at(node["$ref"]))
        return [*referred, beside] if beside else referred

    def parts(self, model: ModelProperty) -> list[Node]:
        """The schemas that a model is made of: its own, and those in its allOf."""

        def parts_of(node: Node) -> list[Node]:
            found = self.schemas(node)
            inner = (sub for each in found for sub in each.get("allOf", []))
            return found + [part for sub in inner for part in parts_of(sub)]

        return parts_of(self.node(model))

    @cached_property
    def _discriminators(self) -> dict[frozenset[str], Tags | None]:
        """By the classes of a union, what tells them apart; nothing if unions disagree."""
        found: dict[frozenset[str], Tags | None] = {}
        for classes, tags in self._unions(self._document):
            found[classes] = tags if found.get(classes, tags) == tags else None
        return found

    def _unions(self, node: Any) -> Iterator[tuple[frozenset[str], Tags | None]]:
        for each in node.values() if isinstance(node, dict) else node:
            if isinstance(each, dict | list):
                yield from self._unions(each)
        branches = [
            each
            for union in UNIONS
            if isinstance(node, dict) and isinstance(node.get(union), list)
            for each in node[union]
            if isinstance(each, dict)
        ]
        classes = {str(each.get("$ref", id(each))): self._class_in(each) for each in branches}
        if known := frozenset(filter(None, classes.values())):
            yield known, self._tags(node.get("discriminator"), classes)

    def _class_in(self, node: Node) -> str | None:
        try:
            return self._classes.get(id(self._resolved(node)))
        except CannotEnforceError:  # the generator says so, with the operation
            return None

    def _tags(self, said: Any, classes: dict[str, str | None]) -> Tags | None:
        """A discriminator: a field, and the class for each of its values."""
        if not isinstance(said, dict) or "propertyName" not in said:
            return None
        names = {at.rpartition("/")[2]: at for at in classes}
        mapping = {
            value: names.get(target, target)
            for value, target in (said.get("mapping") or {}).items()
        }
        mapping |= {name: at for name, at in names.items() if at not in mapping.values()}
        known = {value: classes.get(at) for value, at in mapping.items()}
        return str(said["propertyName"]), {value: name for value, name in known.items() if name}

    def tags(self, models: Iterable[ModelProperty]) -> Tags | None:
        """The discriminator of a union: a field, and the class for each of its values."""
        return self._discriminators.get(frozenset(str(each.class_info.name) for each in models))

    def parameters(self, endpoint: Endpoint) -> dict[tuple[str, str], Node]:
        """An operation's parameters, with a schema each, by place and name."""
        item, operation = self._place(endpoint)
        found = {}
        for node in map(self._resolved, [*item["parameters"], *operation["parameters"]]):
            found[node["in"], node["name"]] = node
        return found

    def body(self, endpoint: Endpoint, content_type: str) -> Node:
        """The schema of an operation's body of one media type."""
        body = self._resolved(self._operation(endpoint)["requestBody"])
        schema: Node = body["content"][content_type]["schema"]
        return schema

    def example(self, endpoint: Endpoint, content_type: str) -> Node:
        """The first example of a body of one media type; an empty one if there is none."""
        body = self._resolved(self._operation(endpoint)["requestBody"])
        content = body["content"][content_type]
        for found in content.get("examples", {}).values():
            content = {"example": self._resolved(found).get("value")}
            break
        example = content.get("example")
        return example if isinstance(example, dict) else {}

    def _operation(self, endpoint: Endpoint) -> Node:
        return self._place(endpoint)[1]

    def _place(self, endpoint: Endpoint) -> tuple[Node, Node]:
        """The path item and the operation that an endpoint was made from."""
        path = endpoint.path.get_untrusted_value()
        found = self._operations.get((path, endpoint.method))
        return found or self._operations[shape(path), endpoint.method]

    def _resolved(self, node: Node) -> Node:
        while "$ref" in node:
            node = self.at(node["$ref"])
        return node


def rules_of_job(node: Any) -> Node:
    """An `x-job`, with its statuses in lower case."""
    if not is_job(node):
        msg = f"x-job needs {', '.join(PLACES_IN_JOBS)}: lists of paths with dots; and "
        msg += f"{', '.join(STATUSES_OF_JOBS)}: lists of statuses; it can have cost: a list of "
        msg += "paths, cost_unit: a number, suffix: a text; and nothing else"
        raise CannotEnforceError(msg)
    lower = {name: [status.lower() for status in node[name]] for name in STATUSES_OF_JOBS}
    return {name: lower.get(name, value) for name, value in node.items()}


def is_job(node: Any) -> bool:
    """Whether a node has what an `x-job` needs, and nothing that it cannot have."""
    lists = (*PLACES_IN_JOBS, *STATUSES_OF_JOBS)
    if not isinstance(node, dict) or not node.keys() >= {*lists}:
        return False
    more = {name: value for name, value in node.items() if name not in lists}
    is_known = all(type(value) is MORE_OF_JOBS.get(name) for name, value in more.items())
    return is_known and all(is_texts(node[name]) for name in {*lists, *node.keys() & {"cost"}})


def is_texts(value: Any) -> bool:
    """Whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def named(path: str) -> str:
    """A path with the names of its parameters in Python."""
    return re.sub(r"\{([^}]*)\}", lambda name: f"{{{PythonIdentifier(name[1], 'field_')}}}", path)


def shape(path: str) -> str:
    """A path without the names of its parameters, which the generator changes."""
    return re.sub(r"\{[^}]*\}", "{}", path)
