"""What the templates make of any spec: inline ones, generated, imported and tried."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator

from faults import responding, serving
from making import Spec, load, made_from
from tools import ROOT

SPECS = Path(__file__).parent / "specs"
COMPONENTS = load(SPECS / "features.yaml")["components"]
SCHEMAS: Spec = load(SPECS / "keywords.yaml")
TABLES: Spec = load(Path(__file__).with_name("templates.yaml"))
FIELDS = {name: f"x{number}" for number, name in enumerate(SCHEMAS)}
KINDS = ("string", "integer", "number", "boolean")
SCALARS = [
    name
    for name, schema in SCHEMAS.items()
    if schema.get("type") in KINDS or ("$ref" in schema and "object" not in name)
]
VALUES = [value for row in TABLES["values"] for value in row]


def every_feature_and_keyword() -> Spec:
    """Also a model with a field for each schema, and operations that send it and each schema."""
    spec: Spec = load(SPECS / "features.yaml")
    fields = {FIELDS[name]: schema for name, schema in SCHEMAS.items()}
    spec["components"]["schemas"]["Fields"] = {"type": "object", "properties": fields}
    for name, schema in ({"fields": {"$ref": "#/components/schemas/Fields"}} | fields).items():
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        sending = {"operationId": f"send_{name}", "requestBody": body, "responses": {}}
        spec["paths"][f"/{name}"] = {"post": sending}
    query = [{"name": FIELDS[name], "in": "query", "schema": SCHEMAS[name]} for name in SCALARS]
    spec["paths"]["/"] = {"get": {"operationId": "query", "parameters": query, "responses": {}}}
    return spec


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("features")
    return made_from(every_feature_and_keyword(), folder, post_hooks=None)  # the package's own


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return made_from(load(SPECS / "one.yaml"), tmp_path_factory.mktemp("one"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_request_is_accepted_if_json_schema_accepts_it(name: str, features: ModuleType) -> None:
    field, read = FIELDS[name], features.Fields.from_dict
    send_alone = getattr(features, f"send_{field}").OPERATION.request
    validator = Draft202012Validator(SCHEMAS[name] | {"components": COMPONENTS})
    verdicts = [(value, validator.is_valid(value)) for value in VALUES]
    good = next(value for value, is_valid in verdicts if is_valid)
    takes_all = name in ("anything", "anyOf and anything")
    assert {is_valid for _, is_valid in verdicts} == {True, takes_all}

    def send(body: Any) -> Any:
        return features.send_fields.OPERATION.request(body=body).arguments["json"]

    def build(value: Any) -> None:
        sent = send(read({field: value}))
        assert json.loads(json.dumps(sent)) == {field: value}

    def change_in_place(value: Any) -> None:
        body = read({field: good})
        force(body, field, value)
        send(body)

    of_plain_values: list[Callable[[Any], object]] = [
        lambda value: features.Fields(**{field: value}),
        lambda value: setattr(read({field: good}), field, value),
        change_in_place,
        lambda value: send_alone(body=value),
    ]
    if name in SCALARS:
        of_plain_values.append(lambda value: features.query.OPERATION.request(**{field: value}))
    for value, is_valid in verdicts:
        is_plain = "{" not in repr(value)
        for make in [build, *(of_plain_values if is_plain else [])]:
            assert accepts(make, value) == is_valid, (make, value)
        assert send(features.Fields.unchecked(**{field: value})) == {field: value}


def accepts(make: Callable[[Any], object], value: Any) -> bool:
    try:
        make(value)
    except (TypeError, ValueError):
        return False
    return True


REFUSALS: Spec = TABLES["refusals"]
REFUSALS["'size' must be one of '480p', '720p': 'yyy"] = {"size": "y" * 10**6}


@pytest.mark.parametrize("message", REFUSALS)
def test_a_refusal_names_the_field_the_rule_and_the_value(message: str, one: ModuleType) -> None:
    body, source = one.One(), REFUSALS[message]

    def assign() -> None:
        for name, value in source.items():
            setattr(body, name, value)

    ways: list[Callable[[], object]] = [lambda: one.One.from_dict(source)]
    if message[0] == "'":
        ways = [lambda: one.One(**source), assign]
    for refuse in ways:
        with pytest.raises(TypeError if ", not " in message else ValueError) as refusal:
            refuse()
        assert str(refusal.value)[: len(message)] == message
        assert len(str(refusal.value)) < 300
    assert not any(name in body for name in [*source][-1:])


force = object.__setattr__  # which checks nothing
CHANGES: dict[str, Callable[[Any], object]] = {
    "'url' must be str, not Unset": lambda body: force(body.inners[0], "url", body.inner),
    "'body' must not contain itself": lambda body: body.additional_properties.update(x=body),
    "'additional_properties' must be": lambda body: force(body, "additional_properties", None),
}


@pytest.mark.parametrize("message", CHANGES)
def test_nothing_that_was_changed_in_place_is_sent(message: str, one: ModuleType) -> None:
    body = one.One(speed=1, inners=[one.Inner(url="u")])
    assert one.send.OPERATION.request(body=body)
    CHANGES[message](body)
    with pytest.raises((TypeError, ValueError), match=message):
        one.send.OPERATION.request(body=body)


DAY, MIDNIGHT = "2026-01-31", "2026-01-31T00:00:00+00:00"
MINIMAL = {"id": "an id", "kind": "everything"}
WHOLE = COMPONENTS["schemas"]["Everything"]["example"]


def arguments(package: ModuleType, **changes: Any) -> Spec:
    """What the operation `ask` is given: every kind of argument."""
    body = package.Everything.from_dict(WHOLE)
    return {"id": 1, "day": DAY, "body": body, "x_level": 1} | changes


def test_every_kind_of_field_goes_out_and_comes_back(features: ModuleType) -> None:
    body = features.Everything.from_dict(WHOLE)
    assert body.to_dict() == WHOLE
    assert (type(body.pet).__name__, type(body.maybe_pet).__name__) == ("Dog", "Cat")
    assert features.Everything(id="an id", kind="everything").to_dict()["count"] == 3
    given: Spec = {"tags": ["a", "b c"], "since": MIDNIGHT, "or_null": None, "x_flag": True}
    given |= {"headers": "h", "params": "p", "response": "r"}
    given |= arguments(features, id=9)
    with serving(responding(200, WHOLE)) as server, features.Client(server.base_url) as client:
        assert features.ask.sync(client=client, **given).to_dict() == WHOLE
    head, _, sent = server.arrived[0].decode().partition("\r\n\r\n")
    assert json.loads(sent) == WHOLE
    assert head.startswith(
        "POST /items/9/2026-01-31?q=xx&tags=a&tags=b+c&since=2026-01-31T00%3A00%3A00%2B00%3A00"
        "&headers=h&params=p&response=r HTTP/1.1\r\n"
    )
    assert {"X-Flag: true", "X-Level: 1", "Content-Type: application/json"} <= {*head.splitlines()}


@pytest.mark.parametrize("change", TABLES["arguments"], ids=repr)
def test_parameters_are_validated_and_no_message_shows_a_header(
    change: Spec, features: ModuleType
) -> None:
    (name,) = change
    told = "^'x_name' must be printable ASCII[^:]*$" if name == "x_name" else f"'{name}'"
    with pytest.raises((TypeError, ValueError), match=told):
        features.ask.OPERATION.request(**arguments(features, **change))


@pytest.mark.parametrize(("field", "value"), TABLES["unexpected"])
def test_responses_are_described_and_not_policed(
    field: str, value: Any, features: ModuleType
) -> None:
    source = WHOLE | {field: value}
    parsed = features.ask.OPERATION.read_json(source)
    assert parsed.to_dict() == source
    assert repr(parsed)
    with pytest.raises((TypeError, ValueError)):  # and what came is not sent back unchecked
        features.ask.OPERATION.request(**arguments(features, body=parsed))


@pytest.mark.parametrize(("field", "source", "read"), TABLES["read"])
def test_a_response_is_read_as_the_model_that_it_is(
    field: str, source: Any, read: str, features: ModuleType
) -> None:
    farm = features.Farm.from_dict({field: source})
    assert farm.to_dict() == {field: source}
    value = farm["map"]["0"] if field == "map" else farm[field]
    assert type(value[0] if isinstance(value, list) else value).__name__ == read


def test_null_in_a_response_is_a_field_left_out(features: ModuleType) -> None:
    null = dict.fromkeys(["day", "at", "color", "count", "pet", "grid", "self", "maybe", "extra"])
    response = features.Everything.from_dict(MINIMAL | null)
    assert response.to_dict() == MINIMAL | {"maybe": None, "extra": None}
    assert response.day is features.types.UNSET
    assert (repr(response.day), bool(response.day)) == ("UNSET", False)


def test_paths_are_written_as_the_specification_has_it(features: ModuleType) -> None:
    url = features.flags.OPERATION.request(flag=True, at=MIDNIGHT, ids=[1, 2]).arguments["url"]
    assert url == "/flags/true/2026-01-31T00%3A00%3A00%2B00%3A00/1,2"
    unflag = features.unflag.OPERATION.request
    sent = unflag(name="a", time="b/../c", numbers="d").arguments
    assert sent["url"] == "/flags/a/b%2F..%2Fc/d"
    for name in ("", ".", ".."):
        with pytest.raises(ValueError, match=f"'name' must not be empty or dots: '{name}'"):
            unflag(name=name, time="t", numbers="n")


def test_fields_are_there_by_their_names_in_json(features: ModuleType) -> None:
    response = features.Everything.from_dict(WHOLE)
    assert (response["class"], response["more"]) == ("c", {"x": None})
    assert response["maybe-pet"] is response.maybe_pet
    assert [name in response for name in ("maybe-pet", "class", "none")] == [True, True, False]
    with pytest.raises(KeyError, match="none"):
        response["none"]


def test_forms_files_lists_and_texts(features: ModuleType) -> None:
    file = features.types.File(io.BytesIO(b"\r\n\0"), "f.bin", "image/png")
    form = features.Form(a="x y", n=4)
    with serving(responding(200, [])) as server, features.Client(server.base_url) as client:
        body = features.Upload(file=file, form=[form], note="hi")
        assert features.upload.sync(client=client, body=body).payload.read() == b"[]"
        assert features.text.sync(client=client) == "[]"
        for named in ({"body": [form]}, {}):
            assert features.listed.sync(client=client, **named) == []
    sent, *others = (request.partition(b"\r\n\r\n")[2] for request in server.arrived)
    assert others == [b"", b'[{"a":"x y","n":4}]', b""]
    boundary = sent[2:].partition(b"\r\n")[0]
    assert b"multipart/form-data; boundary=%s\r\n" % boundary in server.arrived[0]
    assert b'name="file"; filename="f.bin"\r\nContent-Type: image/png' in sent
    assert b'name="note"\r\nContent-Type: text/plain\r\n\r\nhi\r\n' in sent
    assert b'name="form"\r\nContent-Type: application/json\r\n\r\n{"a": "x y", "n": 4}' in sent
    with pytest.raises(TypeError, match="'body' must be Form"):
        features.listed.sync(client=client, body=[{"a": "x"}])


@pytest.mark.parametrize(("operation", "status", "content", "parsed"), TABLES["parsed"])
def test_declared_responses_are_parsed_by_status(
    operation: str, status: int, content: Any, parsed: str, features: ModuleType
) -> None:
    given = arguments(features) if operation == "ask" else {"body": features.Sealed()}
    called = getattr(features, operation)
    body = content.encode() if isinstance(content, str) else content
    with serving(responding(status, body)) as server, features.Client(server.base_url) as client:
        response = called.sync_detailed(client=client, **given)
        assert (response.status_code, type(response.parsed).__name__) == (status, parsed)
        if status < 300:
            assert called.sync(client=client, **given) == response.parsed


def test_hostile_text_anywhere_in_a_spec_stays_text(tmp_path: Path) -> None:
    spec = load(SPECS / "hostile_text.yaml")
    package = made_from(spec, tmp_path)
    models = (getattr(package.models, name) for name in package.models.__all__)
    (model,) = (model for model in models if hasattr(model, "from_dict"))
    text, name = spec["info"]["title"], "a\"b'c{d}\\"
    body = model.from_dict({name: "x", "c": text, "p": '"', text: "1"})
    assert body.to_dict()["c"] == text
    assert package.ask.OPERATION.request(body=body).arguments["json"] == body.to_dict()
    assert isinstance(attrs.fields(model).d.default, str)
    with pytest.raises(ValueError, match="cannot be used together"):
        model.from_dict({name: "x", "e": name, text: "1"})


def test_a_type_checker_and_a_linter_find_nothing(features: ModuleType, tmp_path: Path) -> None:
    folder, cache = features.__path__[0], str(ROOT / ".mypy_cache" / "tests")
    ruff = ["--isolated", "--no-cache", "--line-length", "100", "--select", "F,I,UP,B"]
    for words in (["mypy", "--strict", "--cache-dir", cache], ["ruff", "check", *ruff]):
        command = [sys.executable, "-m", *words, folder]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout


def test_what_apifox_exports_is_generated(tmp_path: Path) -> None:
    made = made_from(load(SPECS / "apifox.yaml"), tmp_path)
    sent: dict[str, Any] = {"model": "m", "提示词": None, "style": None}
    sent |= {"image": {"url": "u"}, "images": [None, {}]}
    body = made.视.from_dict(sent)
    kwargs = made.create.OPERATION.request(action="a", body=body).arguments
    assert (kwargs["json"], kwargs["params"]) == (sent, {"Action": "a"})
    assert kwargs["headers"] == {"Content-Type": "application/json"}
    assert made.视(model="m", 订单2="1").to_dict() == {"model": "m", "订单２": "1", "size": "720p"}
    assert made.create.OPERATION.reads["2XX"] == ("json", made.频.from_dict)
    assert made.频.from_dict({"id": "1"}).id == "1"
    for change in ({"style": "x"}, {"image": {"url": 1}}, {"images": ["u"]}, {"提示词": 1}):
        with pytest.raises((TypeError, ValueError)):
            made.视.from_dict(sent | change)
