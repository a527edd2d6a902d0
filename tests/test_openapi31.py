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
    "{nullable: true, description: d}": "{description: d}",
    "{$ref: '#/a', nullable: true}": "{$ref: '#/a'}",
    "{allOf: [{$ref: '#/a'}], nullable: true, description: d}": (
        "{anyOf: [{allOf: [{$ref: '#/a'}]}, {type: 'null'}], description: d}"
    ),
    "{oneOf: [{type: string}], discriminator: {propertyName: p}, nullable: true}": (
        "{anyOf: [{oneOf: [{type: string}], discriminator: {propertyName: p}}, {type: 'null'}]}"
    ),
    "{minimum: 1, exclusiveMinimum: true}": "{exclusiveMinimum: 1}",
    "{items: {properties: {example: {type: string, nullable: true}}}}": (
        "{items: {properties: {example: {type: [string, 'null']}}}}"
    ),
    "{example: {type: a, nullable: true}, x-a: {type: a, nullable: true}, enum: [{type: a}]}": (
        "{example: {type: a, nullable: true}, x-a: {type: a, nullable: true}, enum: [{type: a}]}"
    ),
    "{$ref: '#/components/schemas/%E8%A7%86%C2%AB'}": "{$ref: '#/components/schemas/视«'}",
    "{discriminator: {propertyName: p, mapping: {a: '#/components/schemas/100%25'}}}": (
        "{discriminator: {propertyName: p, mapping: {a: '#/components/schemas/100%'}}}"
    ),
}


@pytest.mark.parametrize(("old", "new"), SCHEMAS.items())
def test_a_schema_of_3_0_is_the_same_in_3_1(old: str, new: str) -> None:
    spec = document(M=load(old))
    found = in_31(spec | {"openapi": "3.0.1"})
    assert found == document(M=load(new)) | {"openapi": "3.1.0"}
    assert spec == document(M=load(old))
    assert "nullable" not in old or in_31(spec) == spec


def test_what_apifox_exports_is_generated(tmp_path: Path) -> None:
    made = made_from(load(Path(__file__).parent / "specs" / "apifox.yaml"), tmp_path)
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
