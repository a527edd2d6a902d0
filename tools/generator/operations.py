"""What endpoint_module.py.jinja prints: an operation's arguments, its request, its responses."""

from attrs import frozen
from openapi_python_client.config import Config
from openapi_python_client.parser.bodies import Body, BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty, Property
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.string import StringProperty
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.responses import Response
from openapi_python_client.schema import UntrustedString
from openapi_python_client.strings import PythonIdentifier

from .constraints import Constraints
from .document import Document
from .models import documented
from .modern import Node
from .names import imports_of_models
from .schemas import together
from .values import in_json, reader

# Methods that only read, so that a request can be sent again at no cost.
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

# How a body is handed to httpx: the keyword, and the value where it is not the body's JSON. A file
# is read at once, since asyncio cannot read it, and sending it again needs all of it.
BODIES = {
    BodyType.JSON: ("json", ""),
    BodyType.DATA: ("data", "body.to_dict()"),
    BodyType.FILES: ("files", "body.to_multipart()"),
    BodyType.CONTENT: ("content", "_values.content(body)"),
}
# What no text is read as, such as a stream of events whose schema is one of an event.
NOT_OF_TEXT = (
    BooleanProperty,
    FloatProperty,
    IntProperty,
    ListProperty,
    ModelProperty,
    UnionProperty,
)

# The condition of a media type that has no type of its own.
TAKES_ALL = "not isinstance(body, Unset)"


@frozen
class Argument:
    """An argument of an operation: a parameter or the body."""

    name: str
    json_name: UntrustedString | None
    place: str
    declaration: str
    checks: str
    docstrings: list[str]
    is_list: bool = False
    is_json: bool = False

    @property
    def value(self) -> str:
        """The code of its value, as it is sent."""
        return f"_values.json_text({self.name})" if self.is_json else self.name


@frozen
class Content:
    """How a body of one media type is sent; `condition` is "" if it always is."""

    condition: str
    keyword: str
    value: str
    media_type: UntrustedString | None

    def is_open(self) -> bool:
        """Whether it takes whatever no other takes."""
        return self.condition == TAKES_ALL


@frozen
class Case:
    """For which statuses a response is described, and the code that reads it."""

    condition: str
    value: str


@frozen
class Follower:
    """The operation that follows the job which this one creates."""

    endpoint: Endpoint
    package: str
    module: str
    result_type: str
    can_wait: bool


@frozen
class Operation:
    """An operation as its template prints it."""

    endpoint: Endpoint
    arguments: list[Argument]
    contents: list[Content]
    cases: list[Case]
    default: str
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
        lines = [each.relative_imports for each in (self.endpoint, *others)]
        return imports_of_models(set().union(*lines))

    @property
    def job_types(self) -> str:
        """The types of what a wait takes: the id of a job, or the response that created it."""
        return " | ".join(["str", *(union_type(successes_of(each)) for each in self.creators)])

    def at(self, place: str) -> list[Argument]:
        """The parameters in one place: path, query, header or cookie."""
        return [argument for argument in self.arguments if argument.place == place]

    @property
    def keywords(self) -> list[Argument]:
        """The arguments that are given by name."""
        return [argument for argument in self.arguments if argument.place != "path"]


def describe(endpoint: Endpoint, document: Document, config: Config) -> Operation:
    """An operation as its template prints it."""
    successes = successes_of(endpoint)
    cases, default = cases_of(endpoint, successes, document)
    return Operation(
        endpoint,
        arguments_of(endpoint, document),
        sorted((content_of(body, endpoint) for body in endpoint.bodies), key=Content.is_open),
        cases,
        default,
        union_type(list(endpoint.responses)),
        union_type(successes),
        document.job(successes) if endpoint.method == "get" else None,
        creators_of(endpoint, document),
        follower_of(endpoint, document, config),
    )


def successes_of(endpoint: Endpoint) -> list[Response]:
    """The responses of a status of 2xx, or what stands for them."""
    successes = [each for each in endpoint.responses.patterns if is_success(each)]
    default = endpoint.responses.default
    return successes or ([default] if default else [])


def follower_of(endpoint: Endpoint, document: Document, config: Config) -> Follower | None:
    """What is needed to wait for the job that an operation creates."""
    found = document.follower(endpoint)
    if found is None:
        return None
    tag, other = found
    module = PythonIdentifier(other.name, config.field_prefix)
    result_type = union_type(successes_of(other))
    return Follower(other, tag, module, result_type, can_wait=takes_an_id(other))


def creators_of(endpoint: Endpoint, document: Document) -> list[Endpoint]:
    """The operations whose responses a wait takes in place of the id of a job."""
    return document.creators(endpoint) if takes_an_id(endpoint) else []


def takes_an_id(endpoint: Endpoint) -> bool:
    """Whether all that an operation needs is a text in its path."""
    required = [prop for _, prop in endpoint.iter_all_parameters() if prop.required]
    is_text = [isinstance(prop, StringProperty) for prop in endpoint.path_parameters]
    return is_text == [True] and len(required) == 1


def arguments_of(endpoint: Endpoint, document: Document) -> list[Argument]:
    """The arguments in their order: those in the path, the body, all others."""
    nodes = document.parameters(endpoint)
    constraints = Constraints(document)
    parameters = []
    for place, prop in endpoint.iter_all_parameters():
        name = prop.name.get_untrusted_value()
        node, where = nodes[place.value, name], f"{endpoint.name}.{name}"
        parameters.append(parameter_of(prop, place.value, node, where, constraints))
    in_path = [parameter for parameter in parameters if parameter.place == "path"]
    bodies = [body_of(endpoint, document, constraints)] if endpoint.bodies else []
    return [*in_path, *bodies, *(each for each in parameters if each.place != "path")]


def parameter_of(
    prop: Property, place: str, node: Node, where: str, constraints: Constraints
) -> Argument:
    """A parameter of an operation."""
    described = prop if prop.description else documented(prop, node.get("description", ""))
    checks = [constraints.rules(prop, [node["schema"]], where)]
    if place != "query":
        checks.append("_v.segment" if place == "path" else "_v.header")
    return Argument(
        name=prop.python_name,
        json_name=UntrustedString(node["x-name"]) if "x-name" in node else prop.name,
        place=place,
        declaration=prop.to_string().as_unembedded_code(),
        checks=", ".join(filter(None, checks)),
        docstrings=[described.to_docstring()],
        is_list=isinstance(prop, ListProperty),
        is_json=any("json" in media_type for media_type in node.get("content", {})),
    )


def body_of(endpoint: Endpoint, document: Document, constraints: Constraints) -> Argument:
    """The argument for the body, which may have several media types."""
    where = f"{endpoint.name}.body"
    props = [body.prop for body in endpoint.bodies]
    nodes = [document.body(endpoint, media_type_of(body)) for body in endpoint.bodies]
    if len(props) == 1:
        checks = constraints.rules(props[0], nodes, where)
    else:
        alternatives = [
            together(constraints.of_property(prop, [node], where))
            for prop, node in zip(props, nodes, strict=True)
        ]
        alternatives = [] if "" in alternatives else [*dict.fromkeys(alternatives)]
        checks = f"_v.any_of({', '.join(alternatives)})" if alternatives else ""
        checks = checks if props[0].required or not checks else f"_v.if_set({checks})"
    types = " | ".join(
        prop.get_type_string(no_optional=True).as_unembedded_code() for prop in props
    )
    return Argument(
        name="body",
        json_name=None,
        place="body",
        declaration=f"body: {types}" if props[0].required else f"body: {types} | Unset = UNSET",
        checks=checks,
        docstrings=[prop.to_docstring() for prop in props],
    )


def content_of(body: Body, endpoint: Endpoint) -> Content:
    """How a body of one media type is sent."""
    condition = "" if body.prop.required else TAKES_ALL
    if len(endpoint.bodies) > 1:
        type_ = body.prop.get_instance_type_string().as_unembedded_code()
        is_class = type_ not in ("", "Any") and not type_.startswith("Literal")
        condition = f"isinstance(body, {type_})" if is_class else TAKES_ALL
    keyword, value = BODIES[body.body_type]
    if keyword == "files" and not isinstance(body.prop, ModelProperty):  # it is one of several
        value = "_objects.to_multipart(body)"
    media_type = None if keyword == "files" else body.content_type  # httpx adds the boundary
    return Content(condition, keyword, value or in_json(body.prop, "body"), media_type)


def media_type_of(body: Body) -> str:
    """A body's media type as the document has it."""
    return body.content_type.get_untrusted_value()


def is_success(response: Response) -> bool:
    """Whether a response is described for a status of 2xx."""
    statuses = response.status_code.range
    return statuses is not None and statuses[0] // 100 == 2


def cases_of(
    endpoint: Endpoint, successes: list[Response], document: Document
) -> tuple[list[Case], str]:
    """How a response is read, by its status, and by default; a 2xx is read in any case."""
    values = {id(each): value_of(each, document) for each in endpoint.responses}
    of_successes = {values[id(each)] for each in successes}
    cases = [
        Case(condition_of(each), values[id(each)])
        for each in endpoint.responses.patterns
        if not is_success(each) or len(of_successes) > 1
    ]
    default = endpoint.responses.default
    if successes and successes[0] is not default:
        cases.append(Case("response.is_success", values[id(successes[0])]))
    return cases, values[id(default)] if default else ""


def condition_of(response: Response) -> str:
    """The code that tells whether a response has a status that is described."""
    first, last = response.status_code.range or (100, 999)
    if first == last:
        return f"response.status_code == {first}"
    return f"{first} <= response.status_code <= {last}"


def value_of(response: Response, document: Document) -> str:
    """The code that reads the body of a response."""
    source = response.source["attribute"]
    type_ = type_of_response(response)
    if type_ == response.source["return_type"] != "Any":
        return source
    if document.job([response]):
        source = "_polling.body(response)"
    if read := reader(response.prop, document):
        value = f"{read}({source})"
        return f"_cast({type_}, {value})" if read.startswith("_values.first_of(") else value
    is_exact = type_ in ("Any", response.source["return_type"])
    return source if is_exact else f"_cast({type_}, {source})"


def type_of_response(response: Response) -> str:
    """The type of what a response holds: no model is read of what is not JSON."""
    given = response.source["return_type"]
    is_file = isinstance(response.prop, FileProperty)
    is_raw = isinstance(response.prop, NOT_OF_TEXT) or (given == "str" and is_file)
    if given == "None" or (given != "Any" and is_raw):
        return given
    return response.prop.get_type_string().as_unembedded_code()


def union_type(responses: list[Response]) -> str:
    """The types of all that responses may hold."""
    types = set(map(type_of_response, responses))
    return " | ".join(sorted(types, key=lambda type_: (type_.lower(), type_))) or "None"
