"""What the templates make of any spec: inline ones, generated, imported and tried."""

import datetime
import io
import json
import os
import subprocess
import sys
import textwrap
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import httpx
import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from making import Spec, document, made_from
from tools.generator import driver

Make = Callable[[Spec], ModuleType]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """Generates and imports a package from the parts of a spec."""
    return lambda parts: made_from(document(**parts), tmp_path)


def yaml(text: str) -> Spec:
    loaded: Spec = YAML(typ="safe").load(textwrap.dedent(text))
    return loaded


SPECS = Path(__file__).parent / "specs"
SCHEMAS: Spec = YAML(typ="safe").load(SPECS / "keywords.yaml")
SHARED = {
    "Small": {"type": "integer", "minimum": 1, "maximum": 4},
    "Reference": {"$ref": "#/components/schemas/Small"},
    "Other": {"type": "object", "properties": {"a": {"type": "integer", "maximum": 4}}},
}
VALUES: list[Any] = [
    *(None, True, False, 0, 1, 1.0, 2, 2.5, 4, 4.0, 5, -7, 0.3, 0.35, 10**20),
    *("", "a", "4", "ab", "abb", "$", "]$", "$a", "日本", "日", "🌅"),
    *([], [1], [1, 1], [1, 1.0], [1, True], [4, 5], ["a"], ["", ""], [[["a"]]], [[[""]]]),
    *([[], []], [[], [], []], [{"a": 1}, {"a": 1.0}], [{"a": 1}, {"a": 2}], [None], [[1]]),
    *({}, {"a": 1}, {"a": 5}, {"a": "x"}, {"b": "x"}, {"b": ""}, {"a": 1, "b": "x"}),
    *(
        {"a": 1, "zz": 2},
        {"a": 1, "b": 2, "c": 3},
        {"x": []},
        {"x": ["a"]},
        {"x": ["ab"]},
        {"x": 2},
    ),
]


def sending(schema: Spec) -> Spec:
    """An operation that sends a schema."""
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}, "responses": {}}


def every_keyword() -> Spec:
    """A model `M<n>` for the n-th schema, as its field `x`, and operations that send it."""
    models: Spec = {}
    paths: Spec = {}
    for number, schema in enumerate(SCHEMAS.values()):
        models[f"M{number}"] = {"type": "object", "required": ["x"], "properties": {"x": schema}}
        reference = {"$ref": f"#/components/schemas/M{number}"}
        paths[f"/{number}"] = {
            "post": {"operationId": f"send{number}", **sending(reference)},
            "put": {"operationId": f"bare{number}", **sending(schema)},
        }
        if schema.get("type") in ("string", "integer", "number", "boolean") or "$ref" in schema:
            parameter = {"name": "x", "in": "query", "required": True, "schema": schema}
            asking = {"operationId": f"ask{number}", "parameters": [parameter], "responses": {}}
            paths[f"/{number}"]["get"] = asking
    return document(paths, **(models | SHARED))


@pytest.fixture(scope="module")
def keywords(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return made_from(every_keyword(), tmp_path_factory.mktemp("literals"))


@pytest.fixture(scope="module")
def keywords_with_enum_classes(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return made_from(every_keyword(), tmp_path_factory.mktemp("enums"), literal_enums=False)


def accepts(call: Callable[..., object], *args: Any, **kwargs: Any) -> bool:
    try:
        call(*args, **kwargs)
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize("package", ["keywords", "keywords_with_enum_classes"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_request_is_accepted_where_json_schema_accepts_it(
    name: str, package: str, request: pytest.FixtureRequest
) -> None:
    number = list(SCHEMAS).index(name)
    module = request.getfixturevalue(package)
    model = getattr(module, f"M{number}")
    kwargs = getattr(module, f"send{number}")._get_kwargs
    validator = Draft202012Validator(SCHEMAS[name] | {"components": {"schemas": SHARED}})
    verdicts = {}
    for value in VALUES:
        if value is True and name == "enum of integers" and "with_enum" in package:
            continue  # from_dict makes it the member 1, as Python's IntEnum does
        valid = validator.is_valid(value)
        verdicts[repr(value)] = valid

        def send(value: Any = value) -> None:
            body = model.from_dict({"x": value})
            assert json.loads(json.dumps(kwargs(body=body)["json"])) == {"x": value}

        assert accepts(send) == valid, value
    assert True in verdicts.values()
    assert name == "anything" or False in verdicts.values()


@pytest.mark.parametrize("name", SCHEMAS)
def test_assignment_and_changes_in_place_are_held_to_it_too(
    name: str, keywords: ModuleType
) -> None:
    number = list(SCHEMAS).index(name)
    model = getattr(keywords, f"M{number}")
    kwargs = getattr(keywords, f"send{number}")._get_kwargs
    validator = Draft202012Validator(SCHEMAS[name] | {"components": {"schemas": SHARED}})
    valid = next(value for value in VALUES if validator.is_valid(value))
    for value in VALUES:
        if not validator.is_valid(value) and not isinstance(value, dict):
            body = model.from_dict({"x": valid})
            with pytest.raises((TypeError, ValueError), match="'x'"):
                body.x = value
            object.__setattr__(body, "x", value)
            with pytest.raises((TypeError, ValueError), match="'x'"):
                kwargs(body=body)


def test_parameters_and_bodies_that_are_no_models_are_held_to_it(keywords: ModuleType) -> None:
    plain = [value for value in VALUES if "{" not in repr(value)]
    for number, schema in enumerate(SCHEMAS.values()):
        validator = Draft202012Validator(schema | {"components": {"schemas": SHARED}})
        send = getattr(keywords, f"bare{number}")._get_kwargs
        for value in plain:
            assert accepts(send, body=value) == validator.is_valid(value), (schema, value)
        if ask := getattr(keywords, f"ask{number}", None):
            for value in plain:
                assert accepts(ask._get_kwargs, x=value) == validator.is_valid(value), (
                    schema,
                    value,
                )


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """A model `One` with a field for each rule, and an operation that sends it."""
    n = {"name": "n", "in": "query", "schema": {"type": "string"}}
    send = sending({"$ref": "#/components/schemas/One"}) | {
        "operationId": "send",
        "parameters": [n],
    }
    schemas = {"One": ONE, "Inner": INNER}
    return made_from(document({"/": {"post": send}}, **schemas), tmp_path_factory.mktemp("one"))


INNER = yaml("{type: object, required: [url], properties: {url: {type: string}}}")
ONE = yaml("""
    type: object
    not: {required: [inner, inners]}
    properties:
      duration: {type: integer, minimum: 1, maximum: 15}
      size: {type: string, enum: [480p, 720p]}
      tenths: {type: number, multipleOf: 0.1}
      code: {type: string, pattern: '^a+$', minLength: 2}
      digits: {type: string, pattern: '^\\d$'}
      tags: {type: array, uniqueItems: true, maxItems: 2, items: {type: string}}
      inner: {$ref: '#/components/schemas/Inner'}
      inners: {type: array, items: {$ref: '#/components/schemas/Inner'}}
""")

REFUSALS: dict[str, tuple[Spec, type[Exception], str]] = {
    "maximum": ({"duration": 99}, ValueError, "'duration' must be <= 15: 99"),
    "minimum": ({"duration": 0}, ValueError, "'duration' must be >= 1: 0"),
    "type": ({"duration": "4"}, TypeError, "'duration' must be int, not str: '4'"),
    "bool": ({"duration": True}, TypeError, "'duration' must be int, not bool: True"),
    "enum": ({"size": "999p"}, ValueError, "'size' must be one of '480p', '720p': '999p'"),
    "pattern": ({"code": "ba"}, ValueError, "'code' must match '^a+$': 'ba'"),
    "line break at the end": ({"code": "aa\n"}, ValueError, "'code' must match '^a+$': 'aa\\n'"),
    "digit beyond ASCII": (
        {"digits": "\uff11"},
        ValueError,
        "'digits' must match '^\\\\d$': '\uff11'",
    ),
    "length": ({"code": "a"}, ValueError, "Length of 'code' must be >= 2: 1"),
    "tenths": ({"tenths": 0.35}, ValueError, "'tenths' must be a multiple of 0.1: 0.35"),
    "no number": ({"tenths": float("nan")}, ValueError, "'tenths' must be finite: nan"),
    "unique": (
        {"tags": ["a", "a"]},
        ValueError,
        "'tags' must not have two equal items: ['a', 'a']",
    ),
    "item": ({"tags": [1]}, TypeError, "'tags' must be str, not int: 1"),
    "dict for a model": (
        {"inner": {"url": "u"}},
        TypeError,
        "'inner' must be Inner, not dict: {'url': 'u'} (Inner.from_dict makes one)",
    ),
    "dicts for models": (
        {"inners": [{"url": "u"}]},
        TypeError,
        "'inners' must be Inner, not dict: {'url': 'u'} (Inner.from_dict makes one)",
    ),
    "huge value": ({"size": "y" * 10**6}, ValueError, "'size' must be one of '480p', '720p': 'yyy"),
}


@pytest.mark.parametrize(("fields", "kind", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_names_the_field_the_rule_and_the_value(
    fields: Spec, kind: type[Exception], message: str, one: ModuleType
) -> None:
    ((name, value),) = fields.items()
    body = one.One()
    for refuse in (lambda: one.One(**fields), lambda: setattr(body, name, value)):
        with pytest.raises(kind) as refusal:
            refuse()
        assert str(refusal.value)[: len(message)] == message
        assert len(str(refusal.value)) < 300
    assert body == one.One()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"inner": "u"}, "in 'inner': a JSON object is needed, not str: 'u'"),
        ({"inner": {}}, "in 'inner': 'url' is required, and missing in: {}"),
        ({"inners": "u"}, "in 'inners': a JSON array is needed, not str: 'u'"),
        ({"inners": [{"url": 1}]}, "in 'inners': 'url' must be str, not int: 1"),
        ([], "a JSON object is needed, not list: []"),
    ],
)
def test_a_refusal_by_from_dict_says_where(source: Any, message: str, one: ModuleType) -> None:
    with pytest.raises((TypeError, ValueError)) as refusal:
        one.One.from_dict(source)
    assert str(refusal.value) == message


def test_values_at_the_bounds_pass(one: ModuleType) -> None:
    one.One(duration=1, size="480p", tenths=0.3, code="aa", digits="1", tags=["a", "b"])
    one.One(duration=15.0, tenths=-7)
    one.One(tenths=10**400)
    one.One(tenths=1e40)


def test_nothing_that_was_changed_in_place_is_sent(one: ModuleType) -> None:
    changes: list[Callable[[Any], object]] = [
        lambda body: body.tags.append("a"),
        lambda body: body.tags.append(1),
        lambda body: body.additional_properties.update(inner={}),
        lambda body: object.__setattr__(body.inners[0], "url", None),
        lambda body: body.inners.append({"url": "u"}),
    ]
    for change in changes:
        body = one.One(tags=["a"], inners=[one.Inner(url="u")])
        assert one.send._get_kwargs(body=body)
        change(body)
        with pytest.raises((TypeError, ValueError)):
            one.send._get_kwargs(body=body)


def test_what_excludes_each_other_is_refused_whenever_it_comes_together(one: ModuleType) -> None:
    inner = one.Inner(url="u")
    told = r"^'inner' and 'inners' cannot be used together: Inner"
    with pytest.raises(ValueError, match=told):
        one.One(inner=inner, inners=[])
    body = one.One(inner=inner)
    with pytest.raises(ValueError, match=told):
        body.inners = []
    body.inner = one.types.UNSET
    body.inners = []
    assert body.to_dict() == {"inners": []}


def test_checks_can_be_switched_off_until_the_spec_is_fixed(one: ModuleType) -> None:
    with attrs.validators.disabled():
        body = one.One(duration=99, size="1080p", inners=[], inner=one.Inner(url="u"))
        kwargs = one.send._get_kwargs(body=body, n=5)
    assert kwargs["json"]["duration"] == 99
    assert kwargs["json"]["size"] == "1080p"
    assert kwargs["params"] == {"n": 5}
    with pytest.raises(TypeError, match="'n' must be str, not int: 5"):
        one.send._get_kwargs(body=one.One(), n=5)


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (
            "{/: {get: {operationId: ask, responses: {}, parameters: "
            "[{name: x, in: query, content: {application/json: {schema: {}}}}]}}}",
            "ask.x: the templates cannot enforce 'content'",
        ),
        (
            "{/: {get: {operationId: ask, responses: {}, parameters: "
            "[{name: x, in: query, schema: {type: string, not: {const: a}}}]}}}",
            "ask.x: the templates cannot enforce 'not'",
        ),
        ("{/a: {$ref: '#/components/x'}}", "/a: the templates cannot enforce '$ref'"),
    ],
)
def test_what_the_generator_would_leave_out_ends_the_generation(
    paths: str, told: str, made: Make
) -> None:
    with pytest.raises(driver.BadInputError) as refusal:
        made({"paths": yaml(paths)})
    assert told in str(refusal.value)


def every_feature() -> Spec:
    loaded: Spec = YAML(typ="safe").load(SPECS / "features.yaml")
    return loaded


@pytest.fixture(scope="module", params=[True, False], ids=["literals", "enum classes"])
def features(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> ModuleType:
    folder = tmp_path_factory.mktemp("features")
    return made_from(every_feature(), folder, literal_enums=request.param)


ID = "12345678-1234-5678-1234-567812345678"
WHOLE = {
    "id": ID,
    "kind": "everything",
    "day": "2026-01-31",
    "at": "2026-01-31T10:00:00+00:00",
    "color": "red",
    "level": 2,
    "maybe": None,
    "count": 4,
    "pet": {"type": "dog", "name": "Rex"},
    "maybe-pet": {"type": "cat"},
    "grid": [[{"type": "cat"}], []],
    "when": 5,
    "self": {"id": ID, "kind": "everything", "count": 3},
    "class": "c",
    "cast": ["Ann"],
    "d": "d",
    "files": "f",
    "to_dict": "t",
    "cls": "c",
    "extra": [1],
    "more": {"x": None},
}


def responding(status: int, content: Any, **headers: str) -> httpx.MockTransport:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return httpx.MockTransport(lambda _: httpx.Response(status, content=body, headers=headers))


def client_of(package: ModuleType, transport: httpx.MockTransport) -> Any:
    return package.Client(base_url="https://api.example", httpx_args={"transport": transport})


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_path_stays_the_path_of_its_operation(name: str, made: Make) -> None:
    parameter = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    parameter["description"] = "Which one."
    operation = {"operationId": "ask", "parameters": [parameter], "responses": {}}
    ask = made({"paths": {"/things/{name}": {"get": operation}}}).ask
    with pytest.raises(ValueError, match=f"'name' must not be empty or dots: '{name}'"):
        ask._get_kwargs(name)
    assert ask._get_kwargs("a/../b")["url"] == "/things/a%2F..%2Fb"
    assert "name (str): Which one." in ask.sync.__doc__


def test_every_kind_of_field_goes_out_and_comes_back(features: ModuleType) -> None:
    body = features.Everything.from_dict(WHOLE)
    assert body.to_dict() == WHOLE
    assert (type(body.pet).__name__, type(body.maybe_pet).__name__) == ("Dog", "Cat")
    assert (body.id, body.day) == (uuid.UUID(ID), datetime.date(2026, 1, 31))
    assert features.Everything(id=uuid.UUID(ID), kind="everything").to_dict()["count"] == 3
    seen = []

    def echo(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=request.content)

    response = features.ask.sync(
        9,
        datetime.date(2026, 1, 31),
        client=client_of(features, httpx.MockTransport(echo)),
        body=body,
        tags=["a", "b c"],
        since=datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC),
        or_null=None,
        x_flag=True,
        x_level=1,
        session="s1",
        level=3,
        headers="h",
        params="p",
        response="r",
    )
    (request,) = seen
    assert response.to_dict() == WHOLE
    assert request.url.raw_path.decode() == (
        "/items/9/2026-01-31?q=xx&tags=a&tags=b+c&since=2026-01-31T00%3A00%3A00%2B00%3A00"
        "&headers=h&params=p&response=r"
    )
    sent = [request.headers[name] for name in ("x-flag", "x-level", "cookie", "content-type")]
    assert sent == ["true", "1", "level=3; session=s1", "application/json"]


BAD_ARGUMENTS = {
    "path": {"id": 10},
    "path of another type": {"day": "2026-01-31"},
    "query": {"q": "x"},
    "list": {"tags": ["a", "b", "c"]},
    "item": {"tags": [1]},
    "header": {"x_level": 0},
    "missing header": {"x_level": None},
    "cookie": {"session": "x"},
    "body": {"body": {}},
}


@pytest.mark.parametrize("change", BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_every_kind_of_parameter_is_checked_before_anything_is_sent(
    change: Spec, features: ModuleType
) -> None:
    (name,) = change
    good = {"id": 1, "day": datetime.date(2026, 1, 31), "x_level": 1}
    arguments = good | {"body": features.Everything.from_dict(WHOLE)} | change
    client = features.Client(base_url="http://127.0.0.1:9", max_retries=0)
    with pytest.raises((TypeError, ValueError), match=f"'{name}'"):
        features.ask.sync(client=client, **arguments)


RESPONSES = {
    "no object where one should be": WHOLE | {"self": "me", "extra": 1},
    "list where an object should be": WHOLE | {"self": [{"id": ID}]},
    "unknown values": WHOLE | {"kind": "nothing", "color": "green", "level": 7},
    "value of another type": WHOLE | {"count": "100%", "class": 5},
    "unknown alternative": WHOLE | {"pet": {"type": "bird"}, "maybe-pet": {"type": "bird"}},
    "alternative of another type": WHOLE | {"when": ["never"], "pet": "Rex"},
    "text that is not a date in a union": WHOLE | {"when": "soon"},
    "text that is not a date": WHOLE | {"day": "soon", "at": "", "id": "vid_1"},
    "number that is not a date": WHOLE | {"day": 17, "at": 1700000000, "id": 1},
    "enumeration of another type": WHOLE | {"level": "three", "color": 3},
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_responses_are_described_and_not_policed(response: Spec, features: ModuleType) -> None:
    client = client_of(features, responding(200, response))
    day = datetime.date(2026, 1, 31)
    body = features.Everything.from_dict(WHOLE)
    parsed = features.ask.sync(1, day, client=client, body=body, x_level=1)
    assert parsed.to_dict() == response
    assert repr(parsed)
    with pytest.raises((TypeError, ValueError)):  # and what came is not sent back unchecked
        features.ask.sync(1, day, client=client, body=parsed, x_level=1)


def test_null_in_a_response_is_a_field_left_out_where_it_is_not_a_value(
    features: ModuleType,
) -> None:
    optional = dict.fromkeys(["day", "at", "color", "count", "pet", "grid", "self"])
    minimal = {"id": ID, "kind": "everything"}
    response = features.Everything.from_dict(minimal | optional | {"maybe": None, "extra": None})
    assert response.to_dict() == minimal | {"maybe": None, "extra": None}
    assert response.day is features.types.UNSET


def test_paths_are_written_as_the_specification_has_it(features: ModuleType) -> None:
    at = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
    kwargs = features.flags._get_kwargs(flag=True, at=at, ids=[1, 2])
    assert kwargs["url"] == "/flags/true/2026-01-31T00%3A00%3A00%2B00%3A00/1,2"
    with pytest.raises(ValueError, match="Length of 'name'"):
        features.unflag._get_kwargs("abc", "t", "n")


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", " a", "a ", "é", "a\0"])
def test_a_header_or_cookie_holds_nothing_but_itself(text: str, made: Make) -> None:
    parameters = [
        {"name": name, "in": place, "schema": {"type": "string"}}
        for name, place in (("x", "header"), ("y", "cookie"))
    ]
    operation = {"operationId": "ask", "parameters": parameters, "responses": {}}
    ask = made({"paths": {"/": {"get": operation}}}).ask
    for name in ("x", "y"):
        with pytest.raises(ValueError, match=f"'{name}' must be printable ASCII"):
            ask._get_kwargs(**{name: text})


def test_a_field_is_not_smuggled_in_among_the_unknown_ones(one: ModuleType) -> None:
    extras: list[Spec] = [{"duration": 99}, {"inner": {}}]
    for extra in extras:
        body = one.One(duration=4)
        body.additional_properties.update(extra)
        with pytest.raises(ValueError, match="must be set as a field, not among those"):
            one.send._get_kwargs(body=body)
    with pytest.raises(TypeError, match="'additional_properties' must be dict"):
        body.additional_properties = None


def test_fields_are_there_by_their_names_in_json(features: ModuleType, one: ModuleType) -> None:
    response = features.Everything.from_dict(WHOLE)
    assert (response["class"], response["more"], response["maybe-pet"]) == (
        "c",
        {"x": None},
        response.maybe_pet,
    )
    assert ("maybe-pet" in response, "more" in response, "day" in response) == (True, True, True)
    del response["class"], response["more"]
    assert ("class" in response, "more" in response) == (False, False)
    for name in ("class", "more", "none"):
        with pytest.raises(KeyError, match=name):
            response[name]
    body = one.One()
    body["duration"], body["new"] = 4, 5
    assert body.to_dict() == {"duration": 4, "new": 5}
    with pytest.raises(ValueError, match="'duration' must be <= 15: 99"):
        body["duration"] = 99


@pytest.mark.parametrize("is_open", [True, False])
def test_a_rule_about_names_means_those_of_the_json(is_open: bool, made: Make) -> None:
    model = yaml("""
        {type: object, properties: {a-b: {}, c: {}}, not: {required: [a-b, c]}, maxProperties: 2}
    """)
    package = made({"M": model | {"additionalProperties": is_open}})
    with pytest.raises(ValueError, match="'a-b' and 'c' cannot be used together"):
        package.M(a_b=1, c=2)


def test_a_model_that_contains_itself_is_refused(features: ModuleType) -> None:
    body = features.Everything.from_dict({"id": ID, "kind": "everything"})
    body.self_ = body
    with pytest.raises(ValueError, match="'body' must not contain itself"):
        features.ask._get_kwargs(1, datetime.date(2026, 1, 31), body=body, x_level=1)


def test_forms_files_and_bodies_of_several_kinds(features: ModuleType) -> None:
    seen: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(200, content=b"[]" if "either" in request.url.path else b"text")

    client = client_of(features, httpx.MockTransport(record))
    file = features.types.File(io.BytesIO(b"\r\n--+++\r\n"), "f.bin", "image/png")
    form = features.Form(a="x y", n=4)
    assert features.form.sync(client=client, body=form) == "text"
    uploaded = features.upload.sync(client=client, body=features.Upload(file=file, form=form))
    assert uploaded.payload.read() == b"text"
    raw = features.types.File(io.BytesIO(b"raw"))
    assert features.bytes_.sync(client=client, body=raw) is None
    assert features.either.sync(client=client, body=form) == []
    assert features.either.sync(client=client, body=features.Other(b="1")) == []
    assert features.either.sync(client=client) == []
    kinds = [request.headers.get("content-type", "").split(";")[0] for request in seen]
    assert kinds == [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/octet-stream",
        "application/json",
        "application/x-www-form-urlencoded",
        "",
    ]
    contents = [request.content for request in seen]
    assert (contents[0], contents[2]) == (b"a=x+y&n=4", b"raw")
    assert b'name="file"; filename="f.bin"\r\nContent-Type: image/png' in contents[1]
    boundary = seen[1].headers["content-type"].partition("boundary=")[2]
    assert boundary != "+++"  # which the file has in it
    assert contents[1].startswith(f"--{boundary}\r\n".encode())
    with pytest.raises(ValueError, match="'note'"):
        features.Upload(file=file, note="long")
    with pytest.raises(TypeError, match="'body' must be Form"):
        features.either.sync(client=client, body={"a": "x"})
    with pytest.raises(ValueError, match="'c' is not a field"):
        features.Other.from_dict({"b": "1", "c": 2})


def test_unknown_fields_of_a_closed_response_are_kept_and_not_sent_back(
    features: ModuleType,
) -> None:
    client = client_of(features, responding(200, {"a": "x", "new": 1}))
    response = features.sealed.sync(client=client, body=features.Sealed(a="x"))
    assert response["new"] == 1
    with pytest.raises(ValueError, match="'new' is not a field of the spec: 1"):
        features.sealed.sync(client=client, body=response)


@pytest.mark.parametrize(
    ("status", "content", "parsed"),
    [
        (200, WHOLE, "Everything"),
        (201, WHOLE, "Everything"),
        (202, b"", "NoneType"),
        (404, {"reason": "gone"}, "Refusal"),
        (404, b"<html>", "NoneType"),
        (500, {"reason": "x"}, "NoneType"),
    ],
)
def test_declared_responses_are_parsed_by_status(
    status: int, content: Any, parsed: str, features: ModuleType
) -> None:
    client = client_of(features, responding(status, content))
    day, body = datetime.date(2026, 1, 31), features.Everything.from_dict(WHOLE)
    response = features.ask.sync_detailed(1, day, client=client, body=body, x_level=1)
    assert (response.status_code, type(response.parsed).__name__) == (status, parsed)
    if status >= 400:
        of_status = features.errors.APIStatusError, features.errors.OutcomeUnknownError
        with pytest.raises(of_status[status >= 500]):
            features.ask.sync(1, day, client=client, body=body, x_level=1)


HOSTILE = 'x"""\n\'\'\'\\ {{ 7 * 7 }} {% raw %} ${x} \x00 \u2028 #"""\nimport os; os.abort()\n"""'


def test_hostile_text_anywhere_in_a_spec_stays_text(made: Make) -> None:
    name = "a\"b'c{d}\\"
    text = {"description": HOSTILE, "title": HOSTILE, "example": HOSTILE}
    fields = {
        name: {"type": "string", **text},
        "e": {"type": "string", "enum": [HOSTILE, name], **text},
        "c": {"const": HOSTILE},
        "d": {"type": "string", "default": HOSTILE},
        "p": {"type": "string", "pattern": "^[\"'\\\\{]$"},
    }
    model = {"type": "object", "properties": fields, "required": [HOSTILE], **text}
    model["not"] = {"required": [name, HOSTILE, "e"]}
    operation = {
        **{"operationId": "ask", "summary": HOSTILE, "description": HOSTILE, "tags": [HOSTILE]},
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string", **text}}],
        **sending({"$ref": "#/components/schemas/M"}),
    }
    package = made({"paths": {f"/{HOSTILE}".replace("{", "("): {"post": operation}}, "M": model})
    models = (getattr(package.models, each) for each in package.models.__all__)
    (model_,) = (model for model in models if hasattr(model, "from_dict"))
    body = model_.from_dict({name: "x", "c": HOSTILE, "p": '"', HOSTILE: 1})
    assert body.to_dict()["c"] == HOSTILE
    assert isinstance(attrs.fields(model_).d.default, str)
    with pytest.raises(ValueError, match="cannot be used together"):
        model_.from_dict({name: "x", "e": name, HOSTILE: 1})


RUFF = ["--isolated", "--no-cache", "--line-length", "100"]


def test_type_checkers_and_linters_find_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    config = driver.load_config(driver.CONFIG).model_dump()
    packages = [made_from(spec(), tmp_path, **config) for spec in (every_feature, every_keyword)]
    folders = [str(Path(str(package.__file__)).parent) for package in packages]
    settings = json.dumps({"typeCheckingMode": "standard", "include": folders})
    (tmp_path / "pyrightconfig.json").write_text(settings)
    commands: tuple[list[Any], ...] = (
        ["mypy", "--strict", "--cache-dir", driver.ROOT / ".mypy_cache" / "tests", *folders],
        ["basedpyright", "-p", tmp_path, "--pythonpath", sys.executable],
        ["ruff", "check", *RUFF, "--select", "F,I,UP,B", *folders],
    )
    for command in commands:
        run = subprocess.run(
            [tools / command[0], *command[1:]],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert run.returncode == 0, run.stdout
