"""openapi.yaml says what the export says, no less and no more, and its examples keep to it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from edits import EDITS, Edit

ROOT = Path(__file__).parent.parent
SPEC: dict[str, Any] = YAML(typ="safe").load(ROOT / "openapi.yaml")
FACTS: dict[str, Any] = YAML(typ="safe").load(ROOT / "tests" / "export_facts.yaml")
POST = SPEC["paths"][FACTS["path"]]["post"]
MEDIA = POST["requestBody"]["content"]["application/json"]

# Who says what the export does not.
SOURCES = ("xai", "gateway")

# What a document says about itself without demanding anything of a request or a response.
ANNOTATIONS = {"description", "summary", "examples", "info", "x-codeSamples", "x-env"}


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
    schemas = spec["components"].pop("schemas")
    used = set()

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name = node["$ref"].removeprefix("#/components/schemas/")
            used.add(name)
            beside = {key: node[key] for key in node if key != "$ref"}
            node = schemas.get(name, {"missing": name}) | beside
        kept = {key: plain(value) for key, value in node.items() if key not in ANNOTATIONS}
        if "properties" in node:  # the order counts, and a field may have an annotation's name
            kept["properties"] = [
                [name, plain(value)] for name, value in node["properties"].items()
            ]
        if kept.get("additionalProperties") is True:
            del kept["additionalProperties"]
        return kept

    return {**plain(spec), "unused": schemas.keys() - used}


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
    sent = {content_type["sample"]: {"schema": schema_of(body)}}
    received = {response["media_type"]: {"schema": {"type": response["type"]}}}
    operation = {
        "operationId": "createVideo",
        "tags": ["videos"],
        "requestBody": {"required": body["required"], "content": sent},
        "responses": {str(response["status"]): {"content": received}},
    }
    return {
        "openapi": "3.1.0",
        "tags": [{"name": "videos"}],
        "security": [{"bearerAuth": []}] + ([] if authorization["required"] else [{}]),
        "paths": {FACTS["path"]: {FACTS["method"].lower(): operation}},
        "components": {"securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}}},
        "unused": set(),
    }


def test_spec_demands_what_the_export_demands() -> None:
    assert demands(SPEC) == demanded_by_the_export()


# Beside each edit that the review of a change notices in the request.
DRIFTS = [
    ("CreateVideoRequest", {"properties": {"$move": {"model": "model"}}}),
    ("CreateVideoResponse", {"additionalProperties": False}),
    ("CreateVideoResponse", {"properties": {"id": {"type": "string"}}}),
    ("CreateVideoResponse.request_id", {"x-source": None}),
    ("Video", {"x-source": None}),
    ("schemas", {"Unused": {"type": "object"}}),
    ("post", {"responses": {"200": {"links": {"job": {"x-source": None}}}}}),
    ("post", {"responses": {"400": {"description": "Nothing."}}}),
    ("get", {"x-source": None}),
    ("get", {"x-source": "nobody"}),
]
EVERY_DRIFT = [edit for edit in EDITS if "request" in edit.title]
EVERY_DRIFT += [Edit("drift", place, patch) for place, patch in DRIFTS]


@pytest.mark.parametrize("drift", EVERY_DRIFT, ids=str)
def test_the_comparison_sees_every_drift(drift: Edit) -> None:
    assert demands(drift.of(SPEC)) != demanded_by_the_export()


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
    operations = [operation for item in SPEC["paths"].values() for operation in item.values()]
    (job,) = [each for each in operations if each["operationId"] == link["operationId"]]
    assert list(link["parameters"]) == [each["name"] for each in job["parameters"]]
    fields = SPEC["components"]["schemas"]["CreateVideoResponse"]["properties"]
    known = {f"$response.body#/{name}" for name in fields}
    assert set(link["parameters"].values()) <= known


def test_nothing_in_a_response_is_required_and_no_value_is_closed() -> None:
    for name, schema in SPEC["components"]["schemas"].items():
        if name not in ("CreateVideoRequest", "ImageInput", "ReferenceImage"):
            text = json.dumps(schema)
            for keyword in ("required", "enum", "const", "minimum", "pattern", "oneOf"):
                assert f'"{keyword}":' not in text, (name, keyword)
            assert schema.get("additionalProperties", True) is True, name


def test_the_examples_are_those_of_the_export() -> None:
    examples = [each["value"] for each in MEDIA["examples"].values()]
    meant = [FACTS["example"], FACTS["example"] | FACTS["commented_out"]]
    assert [list(each.items()) for each in examples] == [list(each.items()) for each in meant]
    for example in examples:
        Draft202012Validator(MEDIA["schema"] | {"components": SPEC["components"]}).validate(example)
