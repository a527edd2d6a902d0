"""OpenAPI 3.0 read as 3.1, and what Apifox writes besides."""

from pathlib import Path
from typing import Any

import pytest

from making import document, load, made_from
from tools.openapi31 import in_31

# A schema of 3.0, and the same in 3.1.
SCHEMAS = {
    "{type: string, nullable: true}": "{type: [string, 'null']}",
    "{type: string, nullable: false}": "{type: string}",
    "{type: 'null', nullable: true}": "{type: ['null']}",
    "{nullable: true, description: d}": "{description: d}",
    "{$ref: '#/a', nullable: true}": "{$ref: '#/a'}",
    "{allOf: [{$ref: '#/a'}], nullable: true, description: d}": (
        "{anyOf: [{allOf: [{$ref: '#/a'}]}, {type: 'null'}], description: d}"
    ),
    "{oneOf: [{type: string}], discriminator: {propertyName: p}, nullable: true}": (
        "{anyOf: [{oneOf: [{type: string}], discriminator: {propertyName: p}}, {type: 'null'}]}"
    ),
    "{minimum: 1, exclusiveMinimum: true}": "{exclusiveMinimum: 1}",
    "{maximum: 1, exclusiveMaximum: false}": "{maximum: 1}",
    "{items: {properties: {nullable: {nullable: true, type: string}}}}": (
        "{items: {properties: {nullable: {type: [string, 'null']}}}}"
    ),
    "{properties: {example: {type: string, nullable: true}}}": (
        "{properties: {example: {type: [string, 'null']}}}"
    ),
    "{example: {type: a, nullable: true}, x-a: {type: a, nullable: true}, enum: [{type: a}]}": (
        "{example: {type: a, nullable: true}, x-a: {type: a, nullable: true}, enum: [{type: a}]}"
    ),
    "{$ref: '#/components/schemas/%E8%A7%86%C2%AB'}": "{$ref: '#/components/schemas/视«'}",
}


@pytest.mark.parametrize(("old", "new"), SCHEMAS.items())
def test_a_schema_of_3_0_is_the_same_in_3_1(old: str, new: str) -> None:
    spec = document(M=load(old))
    found = in_31(spec | {"openapi": "3.0.1"})
    assert found == document(M=load(new)) | {"openapi": "3.1.0"}
    assert spec == document(M=load(old))
    assert "nullable" not in old or in_31(spec) == spec


EXPORT: Any = load("""
openapi: 3.0.1
info: {title: Relay, version: '1'}
paths:
  /v1/videos:
    post:
      operationId: create
      tags: [视频生成/Sora]
      parameters:
        - {name: Content-Type, in: header, required: true, schema: {type: string}}
        - {name: Authorization, in: header, schema: {type: string, default: sk-}}
        - {name: Action, in: query, required: true, schema: {type: string, enum: [a, b]}}
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/%E8%A7%86'}}}}
      responses:
        '200': {description: '', content: {application/json: {schema: {type: object}}}}
        'x-200:again': {description: '', content: {application/json: {schema: {type: object}}}}
components:
  schemas:
    视:
      type: object
      required: [model]
      properties:
        model: {type: string}
        提示词: {type: string, nullable: true}
        style: {type: 'null'}
        image: {nullable: true, allOf: [{$ref: '#/components/schemas/Image'}]}
        images: {type: array, items: {$ref: '#/components/schemas/Image'}}
    Image: {type: object, nullable: true, properties: {url: {type: string}}}
""")


def test_what_apifox_exports_is_generated(tmp_path: Path) -> None:
    made = made_from(EXPORT, tmp_path)
    sent: dict[str, Any] = {"model": "m", "提示词": None, "style": None}
    sent |= {"image": {"url": "u"}, "images": [None, {}]}
    body = made.视.from_dict(sent)
    kwargs = made.create._get_kwargs(action="a", body=body)
    assert (kwargs["json"], kwargs["params"]) == (sent, {"Action": "a"})
    assert kwargs["headers"] == {"Content-Type": "application/json"}
    for change in ({"style": "x"}, {"image": {"url": 1}}, {"images": ["u"]}, {"提示词": 1}):
        with pytest.raises((TypeError, ValueError)):
            made.视.from_dict(sent | change)
