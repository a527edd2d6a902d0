"""Documents of others: unions, what is rewritten, what is left out, and random schemas."""

import json
import re
from importlib import import_module
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from making import Spec, document, load, made_from, run
from random_schemas import SHARED, schema, value
from tools.generator.__main__ import main
from tools.generator.driver import files


def post(name: str, *, is_received: bool = True) -> Spec:
    """An operation that sends a model, and may get one in return."""
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    responses = {"200": {"description": "", "content": content}} if is_received else {}
    body = {"required": True, "content": content}
    return {"post": {"operationId": f"send_{name}", "requestBody": body, "responses": responses}}


PETS = {
    "Cat": "{type: object, properties: {type: {const: cat}, meow: {type: boolean}}}",
    "Cow": "{type: object, required: [type], properties: {type: {enum: [cow, calf]}, moo: {}}}",
    "Dog": "{type: object, properties: {type: {type: string}, bark: {type: boolean}}}",
    "One": "{type: object, properties: {n: {enum: [1]}}}",
    "Two": "{type: object, properties: {n: {enum: [2]}, p: {maximum: 4}}}",
    "Six": "{type: object, properties: {p: {maximum: 6}}, maxProperties: 1}",
    "Hen": "{type: object, required: [eggs], properties: {eggs: {type: integer}}}",
}
CAT, COW, DOG, ONE, TWO, SIX, HEN = (f"{{$ref: '#/components/schemas/{name}'}}" for name in PETS)
UNIONS = {
    "constants": f"{{oneOf: [{CAT}, {COW}]}}",
    "fields": f"{{anyOf: [{DOG}, {HEN}, {CAT}]}}",
    "tagged": f"{{oneOf: [{CAT}, {COW}, {DOG}], discriminator: {{propertyName: type, mapping: "
    "{wau: Dog, ox: '#/components/schemas/Cow'}}}",
    "arrays": f"{{oneOf: [{{type: array, items: {CAT}}}, {{type: array, items: {COW}}}]}}",
    "nested": f"{{anyOf: [{{type: array, items: {CAT}}}, {{type: array, items: "
    f"{{type: array, items: {HEN}}}}}, {{type: integer}}]}}",
    "other": f"{{anyOf: [{CAT}, {COW}], discriminator: {{propertyName: kind}}}}",
    "numbers": f"{{oneOf: [{ONE}, {TWO}], discriminator: {{propertyName: n, mapping: {{'1': "
    "One}}}",
    "valid": f"{{anyOf: [{TWO}, {SIX}]}}",
    "only": "{allOf: [{$ref: '#/components/schemas/Any'}, {description: d}]}",
    "either": "{anyOf: [{type: string, format: uuid}, {type: string, format: date}, {type: string}]}",  # noqa: E501
    "hens": f"{{type: array, items: {HEN}}}",
    "file": "{type: string, format: binary}",
    "herd": f"{{type: object, additionalProperties: {{oneOf: [{CAT}, {COW}]}}}}",
}
# A field, its value in a response, and the classes that it is read as.
READ: list[tuple[str, Any, str]] = [
    ("constants", {"type": "cow"}, "Cow"),
    ("constants", {"type": "cat"}, "Cat"),
    ("constants", {"meow": True}, "Cat"),
    ("constants", {"type": "pig", "moo": 1}, "dict"),
    ("fields", {"bark": True}, "Dog"),
    ("fields", {"eggs": 3}, "Hen"),
    ("fields", {"meow": True}, "Cat"),
    ("fields", {"type": "dog", "meow": 1, "bark": True}, "Dog"),
    ("tagged", {"type": "wau", "meow": True}, "Dog"),
    ("tagged", {"type": "cat"}, "Cat"),
    ("tagged", {"type": "Cat"}, "Cat"),
    ("tagged", {"type": "ox"}, "Cow"),
    ("tagged", {"type": "pig"}, "dict"),
    ("tagged", {"bark": True}, "Dog"),
    ("arrays", [{"type": "cow"}, {"type": "calf"}], "list Cow Cow"),
    ("arrays", [{"type": "cat"}], "list Cat"),
    ("arrays", [{"type": "cat"}, {"type": "cow"}], "list dict dict"),
    ("nested", [[{"eggs": 1}], []], "list list Hen list"),
    ("nested", [{"type": "cat"}], "list Cat"),
    ("nested", 5, "int"),
    ("other", {"kind": "Cow", "type": "calf"}, "Cow"),
    ("numbers", {"n": 2}, "Two"),
    ("valid", {"p": 5}, "Six"),
    ("valid", {"p": 7}, "Two"),
    ("only", {"type": "cow"}, "Cow"),
    ("either", "12345678-1234-5678-1234-567812345678", "UUID"),
    ("either", "12345678123456781234567812345678", "str"),
    ("either", "2026-W01-1", "str"),
    ("either", "2026-01-31", "date"),
    ("hens", {}, "dict"),
    ("hens", [None, {"eggs": 1}], "list NoneType dict"),
    ("file", "abc", "str"),
    ("herd", {"x": {"type": "cow"}}, "RHerd Cow"),
]


@pytest.fixture(scope="module")
def unions(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    schemas = {name: load(text) for name, text in PETS.items()}
    schemas["Any"] = load(UNIONS["constants"])
    schemas["R"] = {"properties": {name: load(text) for name, text in UNIONS.items()}}
    return made_from(document({"/": post("R")}, **schemas), tmp_path_factory.mktemp("unions"))


def classes(found: Any) -> str:
    inner = (
        found if isinstance(found, list) else getattr(found, "additional_properties", {}).values()
    )
    inner = [] if type(found).__name__ in PETS else inner
    return " ".join([type(found).__name__, *map(classes, inner)])


@pytest.mark.parametrize(("name", "source", "read"), READ, ids=lambda each: str(each)[:30])
def test_a_response_is_read_as_the_model_that_it_is(
    name: str, source: Any, read: str, unions: ModuleType
) -> None:
    response = unions.R.from_dict({name: source})
    assert classes(getattr(response, name)) == read
    assert response.to_dict() == {name: source}


REWRITTEN = """
  /events: {get: {operationId: stream, responses: {'200': {description: '', content: {
    text/event-stream: {schema: {$ref: '#/components/schemas/Hen'}}}}}}}
  /a: {get: {operationId: twice, responses: {}}}
  /b: {get: {operationId: twice, responses: {}}}
  /c: {get: {operationId: names, responses: {}, parameters: [
    {name: a-b, in: query, schema: {type: string, maxLength: 1}},
    {name: a.b, in: query, schema: {type: integer}},
    {name: filter, in: query, content: {application/json: {schema: {
      $ref: '#/components/schemas/Hen'}}}},
    {name: X-Version, in: header, required: true, schema: {const: '2'}}]}}
  /d: {$ref: '#/components/pathItems/shared'}
  /e: {post: {operationId: parts, responses: {}, requestBody: {required: true, content: {
    multipart/form-data: {schema: {oneOf: [
      {$ref: '#/components/schemas/Hen'}, {$ref: '#/components/schemas/Tree'}]}}}}}}
  /g: {get: {responses: {}}}
  /g/: {get: {responses: {}}}
  /h/{a}: {get: {operationId: h_a, responses: {}, parameters: [
    {name: a, in: path, required: true, schema: {type: integer}}]}}
  /h/{b}: {get: {operationId: h_c, responses: {}, tags: null,
    parameters: [{name: b, in: path, required: true, schema: {type: string, maxLength: 1}}]}}
  /i: {post: {operationId: both, parameters: null, requestBody: {content: {
    application/json: {schema: {$ref: '#/components/schemas/Hen'}},
    multipart/form-data: {schema: {$ref: '#/components/schemas/Hen'}},
    application/octet-stream: {schema: {}}}}, responses: {
    '200': {description: '', content: {application/json: {schema: {
      $ref: '#/components/schemas/File'}}}}}}}
  /j: {put: {operationId: form, responses: {}, requestBody: {required: true, content: {
    multipart/form-data: {schema: {$ref: '#/components/schemas/Form'}}}}}}
  /k: {get: {operationId: deep, responses: {'200': {description: '', content: {
    application/json: {schema: {$ref: '#/components/schemas/Deep'}}}}}}}
  /f: {get: {operationId: odd, responses: {}, parameters: [
    {$ref: '#/components/parameters/example'}, {$ref: '#/components/parameters/schema'}]}}
"""


SHARED_BY_ALL = {
    "Hen": PETS["Hen"],
    "File": "{type: object, nullable: true, properties: {x: {$ref: '#/components/schemas/File'}}}",
    "Form": """{properties: {
        a: {type: boolean}, b: {}, c: {type: string, format: binary}, d: {type: object},
        e: {nullable: true, allOf: [{$ref: '#/components/schemas/File'}]},
        f: {title: Same, enum: [x]}, g: {title: Same, enum: [y]},
        h: {title: Same, properties: {x: {type: integer}}},
        i: {$ref: '#/components/schemas/Circle'}}}""",
    "Deep": "{anyOf: [{type: string}, {type: array, items: {$ref: '#/components/schemas/Deep'}}]}",
    "Circle": """{oneOf: [{type: string}, {type: object, additionalProperties: {
        $ref: '#/components/schemas/Circle'}}]}""",
}


def test_what_the_generator_would_lose_or_refuse_is_rewritten(tmp_path: Path) -> None:
    tree = {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Tree"}}
    schemas = {name: load(text) for name, text in SHARED_BY_ALL.items()}
    spec = document(load(REWRITTEN), Tree=tree, **schemas)
    spec["components"] |= load("""
        pathItems: {shared: {get: {operationId: shared, responses: {}}}}
        parameters:
          example: {name: a, in: query, schema: {type: [integer, 'null'], minimum: 1}}
          schema: {name: b, in: query, schema: {type: boolean}}
    """)
    made = made_from(spec, tmp_path)
    assert made.stream.sync.__annotations__["return"] is str
    assert made.deep.sync.__annotations__["return"] == str | list[Any]
    assert made.twice._get_kwargs()["url"] == "/a"
    assert made.get_b._get_kwargs()["url"] == "/b"
    assert made.shared._get_kwargs()["url"] == "/d"
    assert made.odd._get_kwargs(a=1, b=True)["params"] == {"a": 1, "b": True}
    assert (made.get_g._get_kwargs()["url"], made.get_g_2._get_kwargs()["url"]) == ("/g", "/g/")
    assert (made.h_a._get_kwargs(1)["url"], made.h_c._get_kwargs("x")["url"]) == ("/h/1", "/h/x")
    with pytest.raises(ValueError, match="Length of 'b'"):
        made.h_c._get_kwargs("xx")
    sent = made.both._get_kwargs(body=made.Hen(eggs=1))
    assert (sent["json"], sent["headers"]) == ({"eggs": 1}, {"Content-Type": "application/json"})
    assert made.both._get_kwargs(body=b"x")["content"] == b"x"
    assert made.FileModel.from_dict({"x": {"x": None}}).to_dict() == {"x": {"x": None}}
    form = made.Form.from_dict({"a": True, "b": None, "d": {"k": 1}, "e": None, "f": "x", "g": "y"})
    assert [part for _, part in made.form._get_kwargs(body=form)["files"]] == [
        (None, b"true", "text/plain"),
        (None, b'{"k": 1}', "application/json"),
        (None, b"x", "text/plain"),
        (None, b"y", "text/plain"),
    ]
    sent = made.parts._get_kwargs(body=made.Tree.from_dict({"x": {"y": {}}}))
    assert sent["files"] == [("x", (None, b'{"y": {}}', "application/json"))]
    given = {"a_b": "x", "a_b_2": 2, "filter_": made.Hen(eggs=1), "x_version": "2"}
    kwargs = made.names._get_kwargs(**given)
    assert kwargs["params"] == {"a-b": "x", "a.b": 2, "filter": '{"eggs": 1}'}
    assert kwargs["headers"] == {"X-Version": "2"}
    wrong: Spec
    for wrong in ({"a_b": "xx"}, {"a_b_2": "2"}, {"filter_": {}}, {"x_version": "3"}):
        with pytest.raises((TypeError, ValueError)):
            made.names._get_kwargs(**given | wrong)


PARTIAL = """
  /a: {get: {operationId: good, responses: {'200': {description: '', content: {
    image/png: {}, application/json: {schema: {$ref: '#/components/schemas/Good'}}}}}}}
  /b: {post: {operationId: bad, responses: {}, requestBody: {content: {
    application/json: {schema: {$ref: '#/components/schemas/Bad'}}}}}}
  /c: {post: {operationId: lost, responses: {}, requestBody: {content: {
    application/json: {schema: {$ref: '#/components/schemas/Lost'}}}}}}
  /d: {post: {operationId: xml, responses: {}, requestBody: {content: {
    application/xml: {schema: {type: object}}, application/json: {schema: {type: object}}}}}}
  /e: {get: {operationId: torn, responses: {'200': {description: '', content: {
    application/json: {schema: {$ref: '#/components/schemas/Torn'}}}}}}}
"""
MODELS = {
    "Good": "{type: object, properties: {x: {type: string, contentSchema: {}}}}",
    "Bad": "{type: object, properties: {x: {type: string, pattern: '(?<!a+)b'}}}",
    "Lost": "{type: object, properties: {x: {$ref: '#/components/schemas/Nowhere'}}}",
    "Unused": "{type: object, unevaluatedProperties: false}",
    "Torn": """{oneOf: [{type: string}, {type: object, properties: {
        x: {$ref: '#/components/schemas/Nowhere'}}}]}""",
    "Keeps": "{type: object, properties: {torn: {$ref: '#/components/schemas/Torn'}}}",
}


def test_a_part_that_cannot_be_generated_is_left_out_if_that_is_asked_for(tmp_path: Path) -> None:
    spec, package = tmp_path / "spec.json", tmp_path / "left_package"
    schemas = {name: load(text) for name, text in MODELS.items()}
    spec.write_text(json.dumps(document(load(PARTIAL), **schemas)))
    words = ["--spec", spec, "--output", package]
    code, out, _ = run(main, *words)
    assert (str(code).startswith("generate: "), out, package.exists()) == (True, "", False)
    code, out, err = run(main, *words, "--partial")
    *left, last = out.splitlines()
    assert (code, err) == (0, "")
    assert last == f"wrote {len(files(package))} files to {package}, with 2 of 5 operations"
    wanted = [
        "left out: .*Lost",
        "left out: POST /c.*",
        "left out: POST /d.*xml",
        "left out: POST /b: Bad.x",
        "left out: GET /e: it needs TornType1, which is left out",
    ]
    assert [line for line in wanted if not any(map(re.compile(line).match, left))] == []
    assert {"models/unused.py", "models/keeps.py"} & {*files(package)} == {"models/unused.py"}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        for name in files(package):
            if name.endswith(".py") and "__main__" not in name and "_cli" not in name:
                import_module(
                    f"left_package.{name[:-3].replace('/', '.')}".removesuffix(".__init__")
                )
    assert run(main, *words, "--partial", "--check") == (0, "", "")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_schemas_accept_what_json_schema_accepts(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    schemas = {f"X{number}": schema(random, 3) for number in range(60)}
    models = {name: {"type": "object", "properties": {"x": x}} for name, x in schemas.items()}
    paths = {f"/{name}": post(name, is_received=seed % 2 == 0) for name in schemas}
    made = made_from(document(paths, **SHARED, **models), tmp_path)
    for name, each in schemas.items():
        validator = Draft202012Validator(each | {"components": {"schemas": SHARED}})
        model, send = getattr(made, name), getattr(made, f"send_{name.lower()}")._get_kwargs
        for source in (value(random, 2) for _ in range(50)):
            assert accepts(model, send, source) == validator.is_valid(source), (each, source)


def accepts(model: Any, send: Any, source: Any) -> bool:
    try:
        sent = send(body=model.from_dict({"x": source}))["json"]
    except (TypeError, ValueError):
        return False
    return bool(json.loads(json.dumps(sent)) == {"x": source})
