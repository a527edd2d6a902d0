"""What commands.py.jinja prints: the operations about jobs, and the commands for them."""

import itertools
import re
from collections import Counter
from typing import Any

from attrs import frozen
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.string import StringProperty

from .document import Document, EndpointModule, properties_of, refuse
from .operations import takes_an_id

# Names of commands that every package has.
TAKEN = ("batch", "wait")


@frozen
class Create:
    """The commands that create a job, and many of them."""

    name: str
    batch: str
    operation: EndpointModule
    model: str
    names: dict[str, str]
    defaults: dict[str, Any]


@frozen
class Commands:
    """The commands about one kind of job."""

    operation: EndpointModule
    get: str
    wait: str
    creates: list[Create]


def jobs_of(document: Document) -> list[Commands]:
    """The commands of a package; none if no job of its spec can be followed by its id alone."""
    followers = [
        x for x in document.operations if document.job(x.endpoint) and takes_an_id(x.endpoint)
    ]
    creators = [
        [creator for creator in document.creators(follower.endpoint) if body_of(creator.endpoint)]
        for follower in followers
    ]
    names = _names([operation.module for operation in itertools.chain(followers, *creators)])
    is_only = sum(map(len, creators)) == 1
    jobs = []
    for follower, group in zip(followers, creators, strict=True):
        get = names[follower.module]
        wait = "wait" if len(followers) == 1 else f"wait-{get}"
        creates = [_create(x, names[x.module], document, is_only=is_only) for x in group]
        jobs.append(Commands(follower, get, wait, creates))
    return jobs


def body_of(endpoint: Endpoint) -> ModelProperty | None:
    """The JSON object that an operation takes; None if it takes anything else."""
    bodies = [body.prop for body in endpoint.bodies if body.body_type is BodyType.JSON]
    body = bodies[0] if bodies and not [*endpoint.iter_all_parameters()] else None
    return body if isinstance(body, ModelProperty) else None


def _names(modules: list[str]) -> dict[str, str]:
    """The names of the commands: the verb of an operation where that is clear, or all of it."""
    verbs = {module: module.partition("_")[0] for module in modules}
    counts = Counter([*TAKEN, *(verbs[module] for module in modules)])
    return {
        module: verb if counts[verb] == 1 else module.replace("_", "-")
        for module, verb in verbs.items()
    }


def _create(operation: EndpointModule, name: str, document: Document, *, is_only: bool) -> Create:
    body = body_of(operation.endpoint)
    assert body  # noqa: S101 - `jobs_of` makes sure
    model = document.model(body)
    return Create(
        name,
        "batch" if is_only else f"batch-{name}",
        operation,
        str(model.class_info.name),
        _names_of_options(model, document),
        _defaults(model, document.example(operation.endpoint)),
    )


def _names_of_options(model: ModelProperty, document: Document) -> dict[str, str]:
    """The names that the spec gives to options: `x-option`."""
    fields = document.node(model).get("properties", {})
    names = {name: str(node["x-option"]) for name, node in fields.items() if "x-option" in node}
    for name, option in names.items():
        if option.replace("-", "_") in fields or not re.fullmatch(r"[a-z][a-z0-9-]*", option):
            refuse(fields[name], "x-option", f"{option!r} cannot be the name of an option")
    return names


def _defaults(model: ModelProperty, example: dict[str, Any]) -> dict[str, Any]:
    """The values of required fields in the example, except texts and objects."""
    defaults = {}
    for prop in properties_of(model):
        name = prop.name.get_untrusted_value()
        is_needed = prop.required and prop.default is None and not isinstance(prop, StringProperty)
        if is_needed and isinstance(example.get(name), str | int | float):
            defaults[name] = example[name]
    return defaults
