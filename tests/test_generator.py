"""What tools/generator/ computes of a spec for the templates to print."""

import copy
from pathlib import Path
from typing import Any

import pytest
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from ruamel.yaml import YAML

from making import Spec, document
from tools.generator import driver, models, operations
from tools.generator.document import CannotEnforceError, Document, endpoints_of

SCHEMAS = """
    Small: {type: integer, minimum: 1, maximum: 4}
    Cat: {type: object, required: [kind], properties: {kind: {const: cat}}}
    Dog: {type: object, required: [kind, name], properties: {kind: {enum: [dog]}, name: {}}}
    Odd: {type: string, contentSchema: {}}
    Closed: {type: object, additionalProperties: false}
"""
SMALL, CAT, DOG, ODD, CLOSED = (
    f"$ref: '#/components/schemas/{name}'" for name in ("Small", "Cat", "Dog", "Odd", "Closed")
)


def load(text: str) -> Any:
    return YAML(typ="safe").load(text)


def parsed(spec: Spec, *, literal_enums: bool = True) -> tuple[Document, GeneratorData]:
    settings = ConfigFile(literal_enums=literal_enums, post_hooks=[])
    path = Path("spec.json")
    config = Config.from_sources(
        settings, MetaType.NONE, path, "utf-8", overwrite=False, output_path=None
    )
    raw = copy.deepcopy(spec)
    data = driver.parse(path, spec, config)
    return Document(raw, data), data


def model_with(schema: str, *, literal_enums: bool = True, **more: Any) -> models.Model:
    """A model whose field `x` has a schema."""
    model = {"type": "object", "properties": {"x": load(schema)}, **more}
    spec = document(M=model, **load(SCHEMAS))
    described, data = parsed(spec, literal_enums=literal_enums)
    (prop,) = (each for each in data.models if each.class_info.name == "M")
    return models.describe(prop, described)


CHECKS = {
    "integer": ("{type: integer, minimum: 1, maximum: 15}", "_v.integer, _v.ge(1), _v.le(15)"),
    "bounds of 3.0": (
        "{type: number, minimum: 0.0, exclusiveMinimum: true}",
        "_v.number, _v.gt(0)",
    ),
    "string": (
        "{type: string, minLength: 2, pattern: '^a'}",
        "_v.string, _v.min_len(2), _v.pattern('^a')",
    ),
    "enum": ("{type: string, enum: [480p, 720p]}", "_v.string, _v.in_('480p', '720p')"),
    "const": ("{const: a}", "_v.const('a')"),
    "array": (
        "{type: array, maxItems: 2, uniqueItems: true, items: {type: string, maxLength: 3}}",
        "_v.array(_v.string), _v.max_len(2), _v.unique, _v.each(_v.max_len(3))",
    ),
    "model": (f"{{{CAT}}}", '_v.model("Cat")'),
    "behind a reference": (f"{{{SMALL}}}", "_v.integer, _v.ge(1), _v.le(4)"),
    "beside a reference": (
        f"{{{SMALL}, minimum: 2}}",
        "_v.integer, _v.ge(1), _v.le(4), _v.when(_v.number, _v.ge(2))",
    ),
    "said twice": ("{type: integer, allOf: [{minimum: 1}], minimum: 1}", "_v.integer, _v.ge(1)"),
    "of a date": (
        "{type: string, format: date, pattern: '^2'}",
        "_v.date, _v.as_text(_v.pattern('^2'))",
    ),
    "of another type": ("{type: integer, minLength: 2}", "_v.integer"),
    "of no type": (
        "{minimum: 4, minLength: 2}",
        "_v.when(_v.number, _v.ge(4)), _v.when(_v.string, _v.min_len(2))",
    ),
    "types alone": ("{type: [string, 'null']}", "_v.any_of(_v.string, _v.null)"),
    "alternatives": (
        "{oneOf: [{type: string, maxLength: 1}, {type: integer}]}",
        "_v.any_of(_v.string, _v.integer), "
        "_v.one_of(_v.all_of(_v.string, _v.max_len(1)), _v.integer)",
    ),
    "anything": ("{}", "_v.given"),
}


@pytest.mark.parametrize(("schema", "checks"), CHECKS.values(), ids=CHECKS)
def test_a_reviewer_sees_each_constraint_as_a_validator(schema: str, checks: str) -> None:
    (field,) = model_with(schema, required=["x"]).fields
    assert field.checks == checks
    (field,) = model_with(schema).fields
    assert field.checks == (f"_v.if_set({checks})" if schema != "{}" else "")
    assert field.default == "UNSET"


def test_a_reviewer_sees_the_rules_about_a_whole_object() -> None:
    more: Spec = {"required": ["b"], "not": {"required": ["x", "y"]}}
    rules = model_with("{}", minProperties=1, maxProperties=3, **more).rules
    assert rules.always == ["_v.not_together('x', 'y')", "_v.max_properties(3)"]
    assert rules.when_sent == ["_v.needs('b')", "_v.min_properties(1)"]


CANNOT = {
    "unknown keyword": ("{type: array, items: {}, contains: {const: 1}}", {}, "M.x", "contains"),
    "keyword of items": ("{type: array, items: {type: string, if: {}}}", {}, "M.x[]", "if"),
    "not of a scalar": ("{type: string, not: {const: a}}", {}, "M.x", "not"),
    "not of another kind": ("{}", {"not": {"properties": {}}}, "M", "not"),
    "of an object": ("{}", {"patternProperties": {}}, "M", "patternProperties"),
    "behind a reference": (f"{{{ODD}}}", {}, "M.x", "contentSchema"),
    "beside a reference": (f"{{{CAT}, minProperties: 1}}", {}, "M.x", "minProperties"),
    "regular expression": ("{type: string, pattern: '\\p{L}'}", {}, "M.x", "pattern"),
    "length of a file": ("{type: string, format: binary, maxLength: 1}", {}, "M.x", "maxLength"),
    "closed part of a whole": (
        "{}",
        {"allOf": [load(f"{{{CLOSED}}}"), {"type": "object"}]},
        *("M", "additionalProperties"),
    ),
    "whole of no objects": ("{}", {"type": None, "allOf": [{"type": "integer"}]}, "M", "type"),
}


@pytest.mark.parametrize(("schema", "more", "place", "keyword"), CANNOT.values(), ids=CANNOT)
def test_what_cannot_be_enforced_ends_the_generation(
    schema: str, more: Spec, place: str, keyword: str
) -> None:
    with pytest.raises(CannotEnforceError) as refusal:
        model_with(schema, **more)
    assert str(refusal.value).startswith(f"{place}: the templates cannot enforce '{keyword}")


VALUES = {
    "text": ("{type: string}", "", "self.x"),
    "date": (
        "{type: string, format: date}",
        "_values.first_of(datetime.date.fromisoformat)",
        "_values.to_json(self.x)",
    ),
    "model": (f"{{{CAT}}}", "Cat.from_dict", "self.x.to_dict()"),
    "enum": ("{type: string, enum: [a]}", "MX", "_values.to_json(self.x)"),
    "list": ("{type: array, items: {type: integer}}", "", "self.x"),
    "list of models": (
        f"{{type: array, items: {{{CAT}}}}}",
        "_values.list_of(Cat.from_dict)",
        "_values.to_json(self.x)",
    ),
    "plain types": ("{type: [string, integer]}", "", "self.x"),
    "one model or a text": (
        f"{{anyOf: [{{const: none}}, {{{CAT}}}]}}",
        "_values.first_of(Cat.from_dict)",
        "_values.to_json(self.x)",
    ),
    "two models": (
        f"{{anyOf: [{{{CAT}}}, {{{DOG}}}]}}",
        "_values.first_of(_values.if_like({'kind': ('cat',)}, Cat.from_dict), "
        "_values.if_like({'kind': ('dog',), 'name': ()}, Dog.from_dict), "
        "Cat.from_dict, Dog.from_dict)",
        "_values.to_json(self.x)",
    ),
    "enum or a number": (
        "{anyOf: [{type: string, enum: [a]}, {type: number}]}",
        "_values.first_of(_values.if_instance(str, MXType0))",
        "_values.to_json(self.x)",
    ),
}


@pytest.mark.parametrize(("schema", "read", "in_json"), VALUES.values(), ids=VALUES)
def test_a_value_is_read_and_written_by_its_type(schema: str, read: str, in_json: str) -> None:
    (field,) = model_with(schema, literal_enums=False).fields
    assert (field.read, field.in_json) == (read, in_json)


def test_a_field_is_documented_by_what_stands_beside_its_reference() -> None:
    (field,) = model_with(f"{{{CAT}, description: Who purrs.}}").fields
    assert field.docstring == "x (Cat | Unset): Who purrs."


def content(schema: str) -> Spec:
    return {"content": {"application/json": {"schema": load(f"{{{schema}}}")}}}


RESPONSES: dict[str, tuple[Spec, dict[str, str], str, str, str]] = {
    "one for all": (
        {"200": content(CAT), "202": content(CAT)},
        {"response.is_success": "Cat.from_dict(response.json())"},
        *("", "Cat", "Cat"),
    ),
    "several": (
        {"200": content(CAT), "204": {}, "4XX": content(DOG)},
        {
            "response.status_code == 200": "Cat.from_dict(response.json())",
            "response.status_code == 204": "None",
            "400 <= response.status_code <= 499": "Dog.from_dict(response.json())",
            "response.is_success": "Cat.from_dict(response.json())",
        },
        *("", "Cat | Dog | None", "Cat | None"),
    ),
    "default for errors": (
        {"200": content("type: string"), "default": content(DOG)},
        {"response.is_success": "_cast(str, response.json())"},
        *("Dog.from_dict(response.json())", "Dog | str", "str"),
    ),
    "default alone": (
        {"default": content(CAT)},
        {},
        *("Cat.from_dict(response.json())", "Cat", "Cat"),
    ),
    "none": ({}, {}, "", "None", "None"),
}


@pytest.mark.parametrize(
    ("responses", "cases", "default", "parsed_type", "result_type"),
    RESPONSES.values(),
    ids=RESPONSES,
)
def test_a_response_is_read_by_its_status(
    responses: Spec, cases: Spec, default: str, parsed_type: str, result_type: str
) -> None:
    described = {status: {"description": "d", **each} for status, each in responses.items()}
    spec = document({"/": {"get": {"responses": described}}}, **load(SCHEMAS))
    whole, data = parsed(spec)
    ((_, endpoint),) = endpoints_of(data)
    operation = operations.describe(endpoint, whole)
    assert {case.condition: case.value for case in operation.cases} == cases
    assert operation.default == default
    assert (operation.parsed_type, operation.result_type) == (parsed_type, result_type)
