"""What jobs.py.jinja prints: the operations about jobs, and the commands that they become."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from attrs import frozen
from openapi_python_client.config import Config
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.strings import PythonIdentifier

from .document import Document, properties_of, refuse
from .operations import takes_an_id

# Names of commands that every package has.
TAKEN = ("batch", "config", "wait")


@frozen
class Operation:
    """An operation, and where it is."""

    endpoint: Endpoint
    package: str
    module: str


@frozen
class Create:
    """The commands that create a job, and many of them."""

    name: str
    batch: str
    operation: Operation
    body: str
    names: dict[str, str]
    defaults: dict[str, Any]


@frozen
class Job:
    """The commands about one kind of job."""

    operation: Operation
    get: str
    wait: str
    creates: list[Create]


def jobs_of(document: Document, config: Config) -> list[Job]:
    """The commands of a package; none if its spec has no jobs that an id is enough to follow."""
    operations = [
        Operation(endpoint, str(tag), str(PythonIdentifier(endpoint.name, config.field_prefix)))
        for tag, endpoint in document.tagged
    ]
    followers = [each for each in operations if _is_follower(each.endpoint, document)]
    creators = {
        follower.module: [each for each in operations if _creates(each, follower, document)]
        for follower in followers
    }
    names = _names(followers, *creators.values())
    is_only = sum(map(len, creators.values())) == 1
    return [
        Job(
            follower,
            names[follower.module],
            "wait" if len(followers) == 1 else f"wait-{names[follower.module]}",
            [_create(each, names, document, is_only=is_only) for each in creators[follower.module]],
        )
        for follower in followers
    ]


def _is_follower(endpoint: Endpoint, document: Document) -> bool:
    is_job = endpoint.method == "get" and document.job(endpoint.responses) is not None
    return is_job and takes_an_id(endpoint)


def _creates(operation: Operation, follower: Operation, document: Document) -> bool:
    """Whether an operation creates such a job, of one object of JSON and nothing else."""
    bodies = operation.endpoint.bodies
    others = [place for place, _ in operation.endpoint.iter_all_parameters()]
    is_one = len(bodies) == 1 and bodies[0].body_type is BodyType.JSON
    is_object = is_one and isinstance(bodies[0].prop, ModelProperty)
    linked = document.follower(operation.endpoint)
    return is_object and not others and linked is not None and linked[1] is follower.endpoint


def _names(*groups: Iterable[Operation]) -> dict[str, str]:
    """The names of the commands: the verb of an operation where that is clear, or all of it."""
    modules = [each.module for group in groups for each in group]
    counts = Counter([*TAKEN, *(module.partition("_")[0] for module in modules)])
    verbs = {module: module.partition("_")[0] for module in modules}
    return {
        module: verb if counts[verb] == 1 else module.replace("_", "-")
        for module, verb in verbs.items()
    }


def _create(
    operation: Operation, names: dict[str, str], document: Document, *, is_only: bool
) -> Create:
    (body,) = operation.endpoint.bodies
    assert isinstance(body.prop, ModelProperty)  # noqa: S101 - `_creates` has looked
    model = document.model(body.prop)
    example = document.example(operation.endpoint)
    name = names[operation.module]
    return Create(
        name,
        "batch" if is_only else f"batch-{name}",
        operation,
        str(model.class_info.name),
        _names_of_options(model, document),
        _defaults(model, example),
    )


def _names_of_options(model: ModelProperty, document: Document) -> dict[str, str]:
    """The names that the spec gives to options: `x-option`."""
    found = {}
    fields = document.node(model).get("properties", {})
    for name, node in fields.items():
        if "x-option" in node:
            found[name] = option = str(node["x-option"])
            if option.replace("-", "_") in fields or not re.fullmatch(r"[a-z][a-z0-9-]*", option):
                refuse(node, "x-option", f"{option!r} cannot be the name of an option")
    return found


def _defaults(model: ModelProperty, example: dict[str, Any]) -> dict[str, Any]:
    """What the example has for required fields; texts and objects are for the caller to say."""
    found = {}
    for prop in properties_of(model):
        name = prop.name.get_untrusted_value()
        is_needed = prop.required and prop.default is None and not isinstance(prop, StringProperty)
        if is_needed and isinstance(example.get(name), str | int | float):
            found[name] = example[name]
    return found
