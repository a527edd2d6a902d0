"""The spec as it was written, where the generator's own data does not hold all of it.

openapi-python-client drops every constraint of parameters, of bodies that are not objects and of
scalars behind a `$ref`, and does not tell which models are sent and which are only received.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from openapi_python_client import schema as oai
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty, Property
from openapi_python_client.parser.responses import Response
from openapi_python_client.strings import PythonIdentifier

Node = dict[str, Any]

PLACES_IN_JOBS = ("id", "status", "progress", "result", "allowed", "error")
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
        for path, item in document["paths"].items():
            if "$ref" in item:  # the generator would leave out all that is behind it
                cannot(path, "$ref")
        self._models = {str(model.class_info.name): model for model in data.models}
        self._tagged = list(endpoints_of(data))
        endpoints = [endpoint for _, endpoint in self._tagged]
        self._received = set(
            self._reached(response.prop for each in endpoints for response in each.responses)
        )
        self._sent = set(
            self._reached(prop for each in endpoints for prop in each.list_all_parameters())
        )

    @property
    def tagged(self) -> list[tuple[PythonIdentifier, Endpoint]]:
        """The operations, each with the tag that it is found under."""
        return self._tagged

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the environment that have what a client is not given: `x-env`."""
        found = self._document.get("x-env", {})
        for name, variable in found.items() if isinstance(found, dict) else [("", "")]:
            is_known = name in ("base_url", "token") and isinstance(variable, str)
            if not is_known or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
                cannot("x-env", f"{name}: {variable}")
        return dict(found)

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
                waiting += [*properties_of(model), model.additional_properties]
                yield name
            waiting = [prop for prop in waiting if prop is not None]

    def is_checked(self, model: ModelProperty) -> bool:
        """Whether a model is held to its constraints: what is only received is not."""
        return str(model.class_info.name) in self._sent or not self.is_received(model)

    def is_received(self, model: ModelProperty) -> bool:
        """Whether a response may hold the model."""
        return str(model.class_info.name) in self._received

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
        responses = map(self._resolved, self._operation(endpoint)[1]["responses"].values())
        links = [
            self._resolved(each) for node in responses for each in node.get("links", {}).values()
        ]
        linked = {link.get("operationId") for link in links} - {None}
        for tag, other in self._tagged:
            is_linked = self._operation(other)[1].get("operationId") in linked
            if is_linked and other.method == "get" and self.job(other.responses):
                return tag, other
        return None

    def creators(self, endpoint: Endpoint) -> list[Endpoint]:
        """The operations that create the jobs which an operation follows."""
        found = ((each, self.follower(each)) for _, each in self._tagged)
        return [each for each, follower in found if follower and follower[1] is endpoint]

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
        for node in map(
            self._resolved, [*item.get("parameters", []), *operation.get("parameters", [])]
        ):
            if "schema" not in node:
                cannot(f"{endpoint.name}.{node['name']}", "content")
            found[node["in"], node["name"]] = node
        return found

    def body(self, endpoint: Endpoint, content_type: str) -> Node:
        """The schema of an operation's body of one media type."""
        body = self._resolved(self._operation(endpoint)[1]["requestBody"])
        schema: Node = body["content"][content_type]["schema"]
        return schema

    def example(self, endpoint: Endpoint, content_type: str) -> Node:
        """The first example of a body of one media type; an empty one if there is none."""
        body = self._resolved(self._operation(endpoint)[1]["requestBody"])
        content = body["content"][content_type]
        for found in content.get("examples", {}).values():
            content = {"example": self._resolved(found).get("value")}
            break
        example = content.get("example")
        return example if isinstance(example, dict) else {}

    def _operation(self, endpoint: Endpoint) -> tuple[Node, Node]:
        """The path item and the operation that an endpoint was made from."""
        path = shape(endpoint.path.get_untrusted_value())
        for name, item in self._document["paths"].items():
            if shape(name) == path and endpoint.method in item:
                return item, item[endpoint.method]
        raise LookupError(path)

    def _resolved(self, node: Node) -> Node:
        while "$ref" in node:
            node = self._lookup(node["$ref"])
        return node

    def _lookup(self, reference: str) -> Node:
        node: Any = self._document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part.replace("~1", "/").replace("~0", "~")]
        found: Node = node
        return found


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
