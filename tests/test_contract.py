"""openapi.yaml says what the export says, no less and no more, and its examples keep to it."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from ruamel.yaml import YAML

from bodies import BAD, GOOD, Body

ROOT = Path(__file__).parent.parent
SPEC: dict[str, Any] = YAML(typ="safe").load(ROOT / "openapi.yaml")
FACTS: dict[str, Any] = YAML(typ="safe").load(ROOT / "tests" / "export_facts.yaml")
POST = SPEC["paths"][FACTS["path"]]["post"]

# Who says what the export does not.
SOURCES = ("xai", "gateway")

# What a document says about itself without demanding anything of a request or a response.
ANNOTATIONS = {"description", "summary", "examples", "info", "x-codeSamples"}


def from_the_export(node: Any) -> Any:
    """The spec without the parts that name another source."""
    if isinstance(node, list):
        return [from_the_export(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: from_the_export(value)
        for key, value in node.items()
        if not (isinstance(value, dict) and value.get("x-source") in SOURCES)
    }
    return {key: value for key, value in kept.items() if value != {} or node[key] == {}}


def demands(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec with its references put in place, and without all that demands nothing."""
    spec = from_the_export(spec)
    used = set()

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/components/schemas/")
            used.add(name)
            referred = spec["components"]["schemas"].get(name, {"missing": name})
            node = referred | {key: node[key] for key in node if key != "$ref"}
        kept = {key: plain(value) for key, value in node.items() if key not in ANNOTATIONS}
        if "properties" in node:  # the order counts, and a field may have an annotation's name
            kept["properties"] = [
                [name, plain(node["properties"][name])] for name in node["properties"]
            ]
        if kept.get("additionalProperties") is True:
            del kept["additionalProperties"]
        return kept

    whole = plain({key: spec[key] for key in spec if key != "components"})
    rest = {key: value for key, value in spec["components"].items() if key != "schemas"}
    unused = spec["components"]["schemas"].keys() - used
    return {
        **whole,
        "tags": [tag["name"] for tag in spec["tags"]],
        "components": plain(rest),
        "unused": unused,
    }


def schema_of(fact: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema that says what a fact says."""
    schema: dict[str, Any] = {"type": fact.get("type", "object")}
    if "values" in fact:
        schema["enum"] = fact["values"]
    if "bounds" in fact:
        schema["minimum"], schema["maximum"] = fact["bounds"]
    if "items" in fact:
        schema["items"] = schema_of(fact["items"])
    if "fields" in fact:
        schema["properties"] = [[field["name"], schema_of(field)] for field in fact["fields"]]
        if required := [field["name"] for field in fact["fields"] if field["required"]]:
            schema["required"] = required
    if "exclusive" in fact:
        schema["not"] = {"required": fact["exclusive"]}
    return schema


def demanded_by_the_export() -> dict[str, Any]:
    content_type, authorization = FACTS["headers"]
    body, response = FACTS["body"], FACTS["response"]
    assert (content_type["name"], authorization["name"]) == ("Content-Type", "Authorization")
    operation = {
        "operationId": "createVideo",
        "tags": ["videos"],
        "requestBody": {
            "required": body["required"],
            "content": {content_type["sample"]: {"schema": schema_of(body)}},
        },
        "responses": {
            str(response["status"]): {
                "content": {response["media_type"]: {"schema": {"type": response["type"]}}}
            }
        },
    }
    return {
        "openapi": "3.1.0",
        "tags": ["videos"],
        "security": [{"bearerAuth": []}] + ([] if authorization["required"] else [{}]),
        "paths": {FACTS["path"]: {FACTS["method"].lower(): operation}},
        "components": {"securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}}},
        "unused": set(),
    }


def test_spec_is_valid_openapi() -> None:
    validate(SPEC)


def test_spec_demands_what_the_export_demands() -> None:
    assert demands(SPEC) == demanded_by_the_export()


def request_schema(spec: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = spec["components"]["schemas"]["CreateVideoRequest"]
    return schema


def field(spec: dict[str, Any], name: str) -> dict[str, Any]:
    schema: dict[str, Any] = request_schema(spec)["properties"][name]
    return schema


def reorder(spec: dict[str, Any]) -> None:
    properties = request_schema(spec)["properties"]
    properties["model"] = properties.pop("model")


DRIFTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "other path": lambda s: s["paths"].update({"/v1/videos": s["paths"].pop(FACTS["path"])}),
    "other method": lambda s: s["paths"][FACTS["path"]].update(
        put=s["paths"][FACTS["path"]].pop("post")
    ),
    "other media type": lambda s: s["paths"][FACTS["path"]]["post"]["requestBody"].update(
        content={"text/json": POST["requestBody"]["content"]["application/json"]}
    ),
    "optional body": lambda s: s["paths"][FACTS["path"]]["post"]["requestBody"].pop("required"),
    "new parameter": lambda s: s["paths"][FACTS["path"]]["post"].update(
        parameters=[{"name": "n", "in": "query", "schema": {"type": "integer"}}]
    ),
    "new response": lambda s: s["paths"][FACTS["path"]]["post"]["responses"].update({"400": {}}),
    "authorization required": lambda s: s["security"].pop(),
    "other authorization": lambda s: s["components"]["securitySchemes"]["bearerAuth"].update(
        scheme="basic"
    ),
    "missing value": lambda s: field(s, "model")["enum"].pop(),
    "new value": lambda s: field(s, "resolution")["enum"].append("1080p"),
    "other bound": lambda s: field(s, "duration").update(maximum=16),
    "exclusive bound": lambda s: field(s, "duration").update(exclusiveMaximum=15),
    "no bound": lambda s: field(s, "duration").pop("minimum"),
    "other type": lambda s: field(s, "duration").update(type="number"),
    "new constraint": lambda s: field(s, "prompt").update(minLength=1),
    "new constraint on items": lambda s: field(s, "reference_images").update(maxItems=7),
    "optional prompt": lambda s: request_schema(s)["required"].remove("prompt"),
    "required image": lambda s: request_schema(s)["required"].append("image"),
    "missing field": lambda s: request_schema(s)["properties"].pop("image"),
    "new field": lambda s: request_schema(s)["properties"].update(seed={"type": "integer"}),
    "other order": reorder,
    "closed request": lambda s: request_schema(s).update(additionalProperties=False),
    "both kinds of image": lambda s: request_schema(s).pop("not"),
    "wider exclusion": lambda s: request_schema(s).update({"not": {"required": ["image"]}}),
    "optional image url": lambda s: s["components"]["schemas"]["ImageInput"].pop("required"),
    "required reference url": lambda s: s["components"]["schemas"]["ReferenceImage"].update(
        required=["url"]
    ),
    "closed response": lambda s: s["components"]["schemas"]["CreateVideoResponse"].update(
        additionalProperties=False
    ),
    "field in the response": lambda s: s["components"]["schemas"]["CreateVideoResponse"].update(
        properties={"id": {"type": "string"}}
    ),
    "operation without a source": lambda s: s["paths"]["/v1/videos/{request_id}"]["get"].pop(
        "x-source"
    ),
    "schema without a source": lambda s: s["components"]["schemas"]["Video"].pop("x-source"),
    "field without a source": lambda s: s["components"]["schemas"]["CreateVideoResponse"][
        "properties"
    ]["request_id"].pop("x-source"),
    "operation with an unknown source": lambda s: s["paths"]["/v1/videos/{request_id}"][
        "get"
    ].update({"x-source": "nobody"}),
    "link without a source": lambda s: s["paths"][FACTS["path"]]["post"]["responses"]["200"][
        "links"
    ]["job"].pop("x-source"),
    "unused schema": lambda s: s["components"]["schemas"].update(Video={"type": "object"}),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_the_comparison_sees_every_drift(drift: str) -> None:
    spec = copy.deepcopy(SPEC)
    DRIFTS[drift](spec)
    assert demands(spec) != demanded_by_the_export()


def test_every_schema_and_field_beyond_the_export_names_its_source() -> None:
    ours = from_the_export(SPEC)["components"]["schemas"]
    for name, schema in SPEC["components"]["schemas"].items():
        known = ours.get(name, {}).get("properties", {})
        foreign = [field for key, field in schema.get("properties", {}).items() if key not in known]
        for part in foreign if name in ours else [schema, *foreign]:
            assert part.get("x-source") in SOURCES, (name, part)
            assert part is schema or "properties" not in part, "give it a schema of its own"


def test_the_accepted_job_is_linked_to_the_operation_that_tells_of_it() -> None:
    link = POST["responses"]["200"]["links"]["job"]
    (operation,) = [
        operation
        for item in SPEC["paths"].values()
        for operation in item.values()
        if operation["operationId"] == link["operationId"]
    ]
    assert list(link["parameters"]) == [each["name"] for each in operation["parameters"]]
    schema = SPEC["components"]["schemas"]["CreateVideoResponse"]
    for expression in link["parameters"].values():
        assert expression.removeprefix("$response.body#/") in schema["properties"]


def test_nothing_in_a_response_is_required_and_no_value_is_closed() -> None:
    for name, schema in SPEC["components"]["schemas"].items():
        if name not in ("CreateVideoRequest", "ImageInput", "ReferenceImage"):
            text = json.dumps(schema)
            for keyword in ("required", "enum", "const", "minimum", "pattern", "oneOf"):
                assert f'"{keyword}":' not in text, (name, keyword)
            assert schema.get("additionalProperties", True) is True, name


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": SPEC["components"]})


def examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every example in the spec, with the schema that it belongs to."""
    if isinstance(node, list):
        for item in node:
            yield from examples(item)
    elif isinstance(node, dict):
        if "schema" in node:
            yield from (
                (node["schema"], each["value"]) for each in node.get("examples", {}).values()
            )
        elif isinstance(node.get("examples"), list):
            yield from ((node, each) for each in node["examples"])
        for value in node.values():
            yield from examples(value)


def test_every_example_is_valid_and_the_exports_are_among_them() -> None:
    found = list(examples(SPEC))
    for schema, example in found:
        validator(schema).validate(example)
    meant = [FACTS["example"], FACTS["example"] | FACTS["commented_out"]]
    assert [example for _, example in found] == meant
    assert [list(example) for _, example in found] == [list(example) for example in meant]


@pytest.mark.parametrize("name", GOOD)
def test_good_body(name: str) -> None:
    validator(POST["requestBody"]["content"]["application/json"]["schema"]).validate(GOOD[name])


@pytest.mark.parametrize(("param", "body"), BAD.values(), ids=BAD)
def test_bad_body_has_one_fault(param: str, body: Body) -> None:
    schema = POST["requestBody"]["content"]["application/json"]["schema"]
    places = {
        ".".join(map(str, fault.absolute_path)) for fault in validator(schema).iter_errors(body)
    }
    assert places in ({param}, {param.rpartition(".")[0]})
