"""What endpoint_module.py.jinja prints: an operation's arguments, its request, its responses."""

from attrs import frozen
from openapi_python_client.parser.bodies import Body, BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import AnyProperty, ModelProperty, Property
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.responses import Response
from openapi_python_client.schema import UntrustedString

from ..openapi31 import Node, usual
from .constraints import Rules, refuse_unknown
from .document import Document, refuse
from .models import documented
from .names import imports_of_models
from .values import reader

# Methods that only read, so that a request can be sent again at no cost.
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# Where the runtime puts a body.
BODIES = {BodyType.JSON: "json", BodyType.FILES: "form"}
# The sources of values in a response, by their names in upstream.
SOURCES = {"response.json()": "json", "response.text": "text", "response.content": "content"}


@frozen
class Argument:
    """An argument of an operation: a parameter or the body."""

    name: str
    alias: UntrustedString
    location: str
    declaration: str
    validators: str
    docstring: str


@frozen
class Follower:
    """The operation that follows the jobs that this one creates."""

    endpoint: Endpoint
    package: str
    module: str
    result_type: str
    can_wait: bool


@frozen
class OperationPage:
    """An operation as its template prints it."""

    endpoint: Endpoint
    arguments: list[Argument]
    reads: dict[str, tuple[str, str]]
    parsed_type: str
    result_type: str
    job: Node | None
    creators: list[Endpoint]
    follower: Follower | None

    @property
    def method(self) -> str:
        """The HTTP method, as it is sent."""
        return self.endpoint.method.upper()

    @property
    def is_repeatable(self) -> bool:
        """Whether the request only reads."""
        return self.method in REPEATABLE

    @property
    def imports(self) -> list[str]:
        """What the module imports of the package, at once."""
        others = [*self.creators, self.follower.endpoint] if self.follower else self.creators
        lines = [endpoint.relative_imports for endpoint in (self.endpoint, *others)]
        return imports_of_models(set().union(*lines))

    @property
    def job_types(self) -> str:
        """The types of what a wait takes: the id of a job, or the response that created it."""
        return " | ".join(["str", *(union_type(successes_of(x)) for x in self.creators)])

    @property
    def summary(self) -> str:
        """What the operation does, in a few words."""
        summary = self.endpoint.summary
        return summary.get_untrusted_value() if summary else self.endpoint.name

    @property
    def names(self) -> list[str]:
        """The public names of its module."""
        both = ["sync", "sync_detailed", "asyncio", "asyncio_detailed"]
        jobs = ["wait", "asyncio_wait", "cost", "progress", "result"] if self.job else []
        creates = ["job_id"] if self.follower else []
        if self.follower and self.follower.can_wait:
            creates += ["sync_and_wait", "asyncio_and_wait"]
        return sorted([*both, *jobs, *creates])

    def at(self, location: str) -> list[Argument]:
        """The arguments in one location, such as the path."""
        return [argument for argument in self.arguments if argument.location == location]


def describe(endpoint: Endpoint, document: Document) -> OperationPage:
    """An operation as its template prints it."""
    successes = successes_of(endpoint)
    return OperationPage(
        endpoint,
        arguments_of(endpoint, document),
        reads_of(endpoint, successes, document),
        union_type(list(endpoint.responses)),
        union_type(successes),
        document.job(endpoint),
        [x.endpoint for x in document.creators(endpoint)] if takes_an_id(endpoint) else [],
        follower_of(endpoint, document),
    )


def successes_of(endpoint: Endpoint) -> list[Response]:
    """The responses of a status of 2xx, or what stands for them."""
    successes = [response for response in endpoint.responses.patterns if is_success(response)]
    default = endpoint.responses.default
    return successes or ([default] if default else [])


def follower_of(endpoint: Endpoint, document: Document) -> Follower | None:
    """What is needed to wait for the job that an operation creates."""
    if (follower := document.follower(endpoint)) is None:
        return None
    get = follower.endpoint
    result_type = union_type(successes_of(get))
    return Follower(get, follower.package, follower.module, result_type, takes_an_id(get))


def takes_an_id(endpoint: Endpoint) -> bool:
    """Whether all that an operation needs is a text in its path."""
    required = [prop for _, prop in endpoint.iter_all_parameters() if prop.required]
    is_text = [isinstance(prop, StringProperty) for prop in endpoint.path_parameters]
    return is_text == [True] and len(required) == 1


def arguments_of(endpoint: Endpoint, document: Document) -> list[Argument]:
    """The arguments in their order: those in the path, the body, all others."""
    nodes = document.parameters(endpoint)
    rules = Rules(document)
    parameters = [
        parameter_of(
            prop, location.value, nodes[location.value, prop.name.get_untrusted_value()], rules
        )
        for location, prop in endpoint.iter_all_parameters()
    ]
    bodies = [body_of(body, endpoint, document, rules) for body in endpoint.bodies]
    return sorted([*bodies, *parameters], key=lambda argument: argument.location != "path")


def parameter_of(prop: Property, location: str, node: Node, rules: Rules) -> Argument:
    """A parameter of an operation."""
    if location == "cookie" or has_objects(prop):
        refuse(
            node, "in" if location == "cookie" else "schema", "such a parameter is not generated"
        )
    refuse_other_style(node, is_list=isinstance(prop, ListProperty))
    described = prop if prop.description else documented(prop, node.get("description", ""))
    validators = [rules.of_field(node["schema"], is_required=prop.required)]
    validators += ["_v.segment"] if location == "path" else []
    return Argument(
        name=prop.python_name,
        alias=prop.name,
        location=location,
        declaration=prop.to_string().as_unembedded_code(),
        validators=", ".join(filter(None, validators)),
        docstring=described.to_docstring(),
    )


def refuse_other_style(node: Node, *, is_list: bool) -> None:
    """Refuse a parameter that is not written in the default way."""
    for keyword, value in usual({"in": node["in"]}).items():
        is_vetted = keyword != "explode" or (is_list and node["in"] == "query")
        if is_vetted and node.get(keyword, value) != value:
            refuse(node, keyword, f"no parameter is written with {keyword}: {node[keyword]}")


def has_objects(prop: PropertyProtocol) -> bool:
    """Whether a value can be an object, or hold one, or is not described at all."""
    if isinstance(prop, UnionProperty):
        return any(map(has_objects, prop.inner_properties))
    inner = prop.inner_property if isinstance(prop, ListProperty) else prop
    return isinstance(inner, AnyProperty | FileProperty | ListProperty | ModelProperty)


def body_of(body: Body, endpoint: Endpoint, document: Document, rules: Rules) -> Argument:
    """The argument for the body."""
    (content,) = document.content(endpoint).values()
    if body.body_type not in BODIES:
        refuse(content, "", f"{body.content_type.get_untrusted_value()} is not generated")
    for encoding in content.get("encoding", {}).values():
        refuse_unknown(encoding, {"contentType"})
    prop = body.prop
    type_ = prop.get_type_string(no_optional=True).as_unembedded_code()
    return Argument(
        name="body",
        alias=body.content_type,
        location=BODIES[body.body_type],
        declaration=f"body: {type_}" if prop.required else f"body: {type_} | Unset = UNSET",
        validators=rules.of_field(content["schema"], is_required=prop.required),
        docstring=prop.to_docstring(),
    )


def is_success(response: Response) -> bool:
    """Whether a response is described for a status of 2xx."""
    statuses = response.status_code.range
    return statuses is not None and statuses[0] // 100 == 2


def reads_of(
    endpoint: Endpoint, successes: list[Response], document: Document
) -> dict[str, tuple[str, str]]:
    """How a response is read, by its status, and by default; a 2xx is read in any case."""
    values = {id(response): read_of(response, document) for response in endpoint.responses}
    is_one = len({values[id(success)] for success in successes}) == 1
    reads = {
        status_of(response): values[id(response)]
        for response in endpoint.responses.patterns
        if not (is_one and is_success(response))
    }
    default = endpoint.responses.default
    if successes and successes[0] is not default:
        reads.setdefault("2XX", values[id(successes[0])])
    return reads | ({"default": values[id(default)]} if default else {})


def status_of(response: Response) -> str:
    """The status of a response, as the spec has it."""
    first, last = response.status_code.range or (100, 999)
    return str(first) if first == last else f"{first // 100}XX"


def read_of(response: Response, document: Document) -> tuple[str, str]:
    """The source of the value in a response, and the code that reads it."""
    source = SOURCES.get(response.source["attribute"], "")
    is_plain = type_of_response(response) == response.source["return_type"]
    return source, "" if is_plain else reader(response.prop, document)


def type_of_response(response: Response) -> str:
    """The type of the value of a response: of JSON, a text or a file."""
    source, prop = response.source, response.prop
    is_file = source["attribute"] == "response.content" and isinstance(prop, FileProperty)
    if is_file or source["return_type"] == "Any":
        return prop.get_type_string().as_unembedded_code()
    return source["return_type"]


def union_type(responses: list[Response]) -> str:
    """The union of the types of responses."""
    types = set(map(type_of_response, responses))
    return " | ".join(sorted(types, key=lambda type_: (type_.lower(), type_))) or "None"
