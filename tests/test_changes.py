"""Every kind of change of the spec gets the rating that it deserves, with a body that shows it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tools.review.changes import LOOK, Impact, worst
from tools.review.documents import compare_documents
from tools.review.spec import Node, Spec

ROOT = Path(__file__).parent.parent
OLD = Spec.read(ROOT / "openapi.yaml")
NOTHING = {"description": "Nothing."}
CREATE, GET = "/v1/videos/generations", "/v1/videos/{request_id}"

Edit = Callable[[Node], object]


def post(spec: Node) -> Any:
    return spec["paths"][CREATE]["post"]


def get(spec: Node) -> Any:
    return spec["paths"][GET]["get"]


def schema(spec: Node, name: str = "CreateVideoRequest") -> Any:
    return spec["components"]["schemas"][name]


def field(spec: Node, name: str, of: str = "CreateVideoRequest") -> Any:
    return schema(spec, of)["properties"][name]


def ok(spec: Node) -> Any:
    return get(spec)["responses"]["200"]


def media(spec: Node) -> Any:
    return post(spec)["requestBody"]["content"]["application/json"]


def rename(holder: dict[str, Any], old: str, new: str) -> None:
    items = [(new if key == old else key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(items)


def renamed_field(spec: Node) -> None:
    rename(schema(spec)["properties"], "prompt", "text")
    schema(spec)["required"][1] = "text"


def renamed_schema(spec: Node) -> None:
    rename(spec["components"]["schemas"], "ImageInput", "Picture")
    field(spec, "image")["$ref"] = "#/components/schemas/Picture"


def extracted(spec: Node) -> None:
    spec["components"]["schemas"]["Seconds"] = field(spec, "duration")
    schema(spec)["properties"]["duration"] = {"$ref": "#/components/schemas/Seconds"}


def inlined(spec: Node) -> None:
    schema(spec)["properties"]["image"] = copy.deepcopy(schema(spec, "ImageInput"))


def in_parts(spec: Node) -> None:
    schema(spec)["required"].remove("prompt")
    schema(spec)["allOf"] = [{"required": ["prompt"]}]


def not_in_other_words(spec: Node) -> None:
    del schema(spec)["not"]
    schema(spec)["anyOf"] = [
        {"not": {"required": [name]}} for name in ("image", "reference_images")
    ]


def bound_in_other_words(spec: Node) -> None:
    del field(spec, "duration")["minimum"]
    field(spec, "duration")["exclusiveMinimum"] = 0


def reordered(spec: Node) -> None:
    properties = schema(spec)["properties"]
    properties["model"] = properties.pop("model")


def larger_not(spec: Node) -> None:
    schema(spec)["properties"]["seed"] = {"type": "integer"}
    schema(spec)["not"]["required"].append("seed")


def moved_operation(spec: Node) -> None:
    rename(spec["paths"], CREATE, "/v2/videos")


def renamed_path_parameter(spec: Node) -> None:
    rename(spec["paths"], GET, "/v1/videos/{id}")
    spec["paths"]["/v1/videos/{id}"]["get"]["parameters"][0]["name"] = "id"


def other_scheme(spec: Node) -> None:
    spec["components"]["securitySchemes"]["bearerAuth"]["scheme"] = "basic"


def closed_response(spec: Node) -> None:
    schema(spec, "VideoJob")["additionalProperties"] = False


def parameter(**more: Any) -> dict[str, Any]:
    return {"name": "n", "in": "query", "schema": {"type": "integer"}, **more}


TIGHTER_REQUESTS: dict[str, Edit] = {
    "lower maximum": lambda s: field(s, "duration").update(maximum=10),
    "higher minimum": lambda s: field(s, "duration").update(minimum=2),
    "exclusive maximum": lambda s: field(s, "duration").update(exclusiveMaximum=15),
    "multiple of": lambda s: field(s, "duration").update(multipleOf=5),
    "value gone": lambda s: field(s, "resolution")["enum"].remove("480p"),
    "value exchanged": lambda s: field(s, "model").update(enum=["grok-imagine-video", "grok-2"]),
    "constant": lambda s: field(s, "aspect_ratio").update(const="1:1"),
    "new enum": lambda s: field(s, "prompt").update(enum=["A lake"]),
    "min length": lambda s: field(s, "prompt").update(minLength=1),
    "max length": lambda s: field(s, "prompt").update(maxLength=4096),
    "pattern": lambda s: field(s, "prompt").update(pattern="^[a-z]+$"),
    "format": lambda s: field(s, "url", "ImageInput").update(format="date"),
    "other type": lambda s: field(s, "prompt").update(type="integer"),
    "max items": lambda s: field(s, "reference_images").update(maxItems=7),
    "min items": lambda s: field(s, "reference_images").update(minItems=1),
    "unique items": lambda s: field(s, "reference_images").update(uniqueItems=True),
    "rule on an item's field": lambda s: field(s, "url", "ReferenceImage").update(minLength=9),
    "item's field required": lambda s: schema(s, "ReferenceImage").update(required=["url"]),
    "field required": lambda s: schema(s)["required"].append("image"),
    "new required field": lambda s: (
        schema(s)["properties"].update(seed={"type": "integer"}),
        schema(s)["required"].append("seed"),
    ),
    "field gone": lambda s: schema(s)["properties"].pop("image"),
    "inner field gone": lambda s: schema(s, "ImageInput").update(properties={}, required=[]),
    "field renamed": renamed_field,
    "closed": lambda s: schema(s).update(additionalProperties=False),
    "not added": lambda s: schema(s, "ReferenceImage").update({"not": {"required": ["url"]}}),
    "not shrunk": lambda s: schema(s)["not"].update(required=["image"]),
    "all of another": lambda s: schema(s).update(allOf=[{"required": ["reference_images"]}]),
    "typed unknown fields": lambda s: schema(s).update(additionalProperties={"type": "integer"}),
    "field forbidden": lambda s: schema(s)["properties"].update(image=False),
    "dependent field": lambda s: schema(s).update(dependentRequired={"image": ["seed"]}),
    "condition": lambda s: schema(s).update(
        {"if": {"required": ["image"]}, "then": {"properties": {"duration": {"maximum": 5}}}}
    ),
    "any of two": lambda s: schema(s).update(
        anyOf=[{"required": ["image"]}, {"required": ["reference_images"]}]
    ),
}

# No body that is tried shows it, so that a person has to look; none may be rated lower.
IN_DISGUISE: dict[str, Edit] = {
    "pattern in any of": lambda s: schema(s)["properties"].update(
        prompt={"anyOf": [{"type": "string", "pattern": "^[^<>]*$"}]}
    ),
    "pattern in all of": lambda s: schema(s)["properties"].update(
        prompt={"allOf": [{"type": "string"}, {"pattern": "^[^%]*$"}]}
    ),
    "unknown format behind a reference": lambda s: (
        s["components"]["schemas"].update(Text={"type": "string", "format": "prose"}),
        schema(s)["properties"].update(prompt={"$ref": "#/components/schemas/Text"}),
    ),
    "pattern of a field in a part": lambda s: schema(s).update(
        allOf=[{"properties": {"prompt": {"pattern": "^[^@]*$"}}}]
    ),
    "bounds as values": lambda s: schema(s)["properties"].update(
        duration={"enum": [n for n in range(1, 16) if n != 7]}
    ),
    "not in other words and a pattern": lambda s: (
        schema(s).pop("not"),
        schema(s).update(
            {
                "if": {"required": ["image"]},
                "then": {
                    "not": {"required": ["reference_images"]},
                    "properties": {"prompt": {"pattern": "^[^#]*$"}},
                },
            }
        ),
    ),
    "part of a not": lambda s: schema(s).update(
        {
            "not": {
                "anyOf": [
                    {"required": ["image", "reference_images"]},
                    {"properties": {"prompt": {"pattern": "zz"}}},
                ]
            }
        }
    ),
    "write only in a response": lambda s: field(s, "url", "Video").update(writeOnly=True),
    "pattern that is not Python's": lambda s: field(s, "prompt").update(pattern=r"\\p{L}"),
    "response's fields as a map": lambda s: schema(s, "VideoError").update(
        properties={}, additionalProperties={"type": "string"}
    ),
    "response's alternative of any kind": lambda s: field(s, "error", "VideoJob").update(
        anyOf=[{"$ref": "#/components/schemas/VideoError"}, True]
    ),
    "servers of a path": lambda s: s["paths"][CREATE].update(
        servers=[{"url": "https://a.example"}]
    ),
}

LOOSER_REQUESTS: dict[str, Edit] = {
    "higher maximum": lambda s: field(s, "duration").update(maximum=20),
    "lower minimum": lambda s: field(s, "duration").update(minimum=0),
    "no maximum": lambda s: field(s, "duration").pop("maximum"),
    "new value": lambda s: field(s, "resolution")["enum"].append("4320p"),
    "an object or null": lambda s: schema(s)["properties"].update(
        image={"anyOf": [{"$ref": "#/components/schemas/ImageInput"}, {"type": "null"}]}
    ),
    "no enum": lambda s: field(s, "model").pop("enum"),
    "number for integer": lambda s: field(s, "duration").update(type="number"),
    "null too": lambda s: field(s, "prompt").update(type=["string", "null"]),
    "field optional": lambda s: schema(s)["required"].remove("prompt"),
    "inner field optional": lambda s: schema(s, "ImageInput").pop("required"),
    "new optional field": lambda s: schema(s)["properties"].update(seed={"type": "integer"}),
    "not gone": lambda s: schema(s).pop("not"),
    "not grown": larger_not,
}

OTHER_MAJOR: dict[str, Edit] = {
    "operation gone": lambda s: s["paths"].pop(GET),
    "operation moved": moved_operation,
    "other method": lambda s: rename(s["paths"][CREATE], "post", "put"),
    "token required": lambda s: s["security"].remove({}),
    "other scheme": other_scheme,
    "new required parameter": lambda s: post(s).update(parameters=[parameter(required=True)]),
    "parameter's rule": lambda s: get(s)["parameters"][0]["schema"].update(minLength=10),
    "other media type": lambda s: rename(
        post(s)["requestBody"]["content"], "application/json", "application/xml"
    ),
    "format that no validator knows": lambda s: field(s, "url", "ImageInput").update(
        format="image"
    ),
    "keyword that nobody knows": lambda s: field(s, "url", "ImageInput").update(maxBytes=1),
    "no body": lambda s: post(s).pop("requestBody"),
    "response gone": lambda s: get(s)["responses"].pop("202"),
    "response's field gone": lambda s: schema(s, "Video")["properties"].pop("url"),
    "response's field of another type": lambda s: field(s, "url", "Video").update(type="integer"),
    "response's field may be null": lambda s: field(s, "url", "Video").update(
        type=["string", "null"]
    ),
    "response's field of any type": lambda s: field(s, "duration", "Video").pop("type"),
    "response's alternative more": lambda s: field(s, "error", "VideoJob")["anyOf"].append(
        {"type": "integer"}
    ),
    "response no object": lambda s: schema(s, "CreateVideoResponse").update(type="array"),
    "response's field renamed": lambda s: rename(
        schema(s, "Video")["properties"], "url", "download_url"
    ),
    "link gone": lambda s: post(s)["responses"]["200"].pop("links"),
    "link elsewhere": lambda s: post(s)["responses"]["200"]["links"]["job"].update(
        parameters={"request_id": "$response.body#/id"}
    ),
    "job's status gone": lambda s: schema(s, "VideoJob")["x-job"]["succeeded"].remove("done"),
}

OTHER_MINOR: dict[str, Edit] = {
    "new operation": lambda s: s["paths"].update(
        {"/v1/models": {"get": {"operationId": "listModels", "responses": {"200": NOTHING}}}}
    ),
    "new optional parameter": lambda s: post(s).update(parameters=[parameter()]),
    "another media type": lambda s: post(s)["requestBody"]["content"].update(
        {"application/xml": {"schema": {}}}
    ),
    "body optional": lambda s: post(s)["requestBody"].update(required=False),
    "default in a request": lambda s: field(s, "duration").update(default=4),
    "new response": lambda s: get(s)["responses"].update({"404": NOTHING}),
    "response's new field": lambda s: schema(s, "Video")["properties"].update(
        size={"type": "integer"}
    ),
    "response's field always there": lambda s: schema(s, "VideoJob").update(required=["status"]),
    "response's values known": lambda s: field(s, "status", "VideoJob").update(enum=["done"]),
    "response closed": closed_response,
    "response's alternative gone": lambda s: field(s, "error", "VideoJob")["anyOf"].pop(),
    "deprecated": lambda s: field(s, "reference_images").update(deprecated=True),
    "job's new status": lambda s: schema(s, "VideoJob")["x-job"]["succeeded"].append("ready"),
}

PATCH: dict[str, Edit] = {
    "description": lambda s: field(s, "prompt").update(description="In words."),
    "summary": lambda s: post(s).update(summary="Make a video"),
    "title of all": lambda s: s["info"].update(title="Videos"),
    "example": lambda s: media(s)["examples"]["textToVideo"]["value"].update(duration=5),
    "new example": lambda s: field(s, "prompt").update(examples=["A lake"]),
    "schema extracted": extracted,
    "schema written in place": inlined,
    "schema renamed": renamed_schema,
    "the same in parts": in_parts,
    "not in other words": not_in_other_words,
    "a bound in other words": bound_in_other_words,
    "fields reordered": reordered,
    "values reordered": lambda s: field(s, "resolution")["enum"].reverse(),
    "required reordered": lambda s: schema(s)["required"].reverse(),
    "operationId": lambda s: post(s).update(operationId="makeVideo"),
    "path parameter renamed": renamed_path_parameter,
    "authorization that need not be": lambda s: s["security"].append({"other": []}),
    "unused schema": lambda s: s["components"]["schemas"].update(Unused={"type": "object"}),
    "source": lambda s: get(s).update({"x-source": "gateway"}),
    "any items": lambda s: field(s, "prompt").update(items={}),
    "response's description": lambda s: ok(s).update(description="The job."),
    "one type in a list": lambda s: field(s, "prompt").update(type=["string"]),
    "a whole number with a point": lambda s: field(s, "duration").update(maximum=15.0),
    "says the same as nothing": lambda s: field(s, "prompt").update(minLength=0),
}

TABLE: list[tuple[str, Edit, Impact]] = [
    *((name, edit, "major") for name, edit in TIGHTER_REQUESTS.items()),
    *((name, edit, "major") for name, edit in IN_DISGUISE.items()),
    *((name, edit, "minor") for name, edit in LOOSER_REQUESTS.items()),
    *((name, edit, "major") for name, edit in OTHER_MAJOR.items()),
    *((name, edit, "minor") for name, edit in OTHER_MINOR.items()),
    *((name, edit, "patch") for name, edit in PATCH.items()),
]
# JSON Schema alone allows a field that is no longer described, and ignores formats.
NOT_SHOWN_BY_JSON_SCHEMA = ("field gone", "inner field gone", "format")


def edited(edit: Edit) -> Spec:
    document = copy.deepcopy(OLD.document)
    edit(document)
    return Spec(document, OLD.lines)


def rating(old: Spec, new: Spec) -> Impact:
    return worst(change.impact for change in compare_documents(old, new))


def accepts(spec: Spec, body: Any) -> bool:
    ref = "#/components/schemas/CreateVideoRequest"
    root = {"components": spec.document["components"], "$ref": ref}
    return bool(Draft202012Validator(root).is_valid(body))


@pytest.mark.parametrize(("name", "edit", "impact"), TABLE, ids=[row[0] for row in TABLE])
def test_a_change_gets_its_rating(name: str, edit: Edit, impact: Impact) -> None:
    new = edited(edit)
    changes = compare_documents(OLD, new)
    assert worst(change.impact for change in changes) == impact, changes
    assert all(change.text and OLD.line(change.pointer) for change in changes)
    shown = [each for each in changes if each.impact == impact and each.body is not None]
    if name in TIGHTER_REQUESTS | LOOSER_REQUESTS:
        assert any(change.why for change in shown), changes
    if name in TIGHTER_REQUESTS and name not in NOT_SHOWN_BY_JSON_SCHEMA:
        assert all(accepts(OLD, change.body) for change in shown)
        assert any(not accepts(new, change.body) for change in shown)


@pytest.mark.parametrize("name", [*LOOSER_REQUESTS, "token required"])
def test_going_back_gets_the_opposite_rating(name: str) -> None:
    edit = (LOOSER_REQUESTS | OTHER_MAJOR)[name]
    assert rating(edited(edit), OLD) == ("minor" if name in OTHER_MAJOR else "major")


def test_rules_beside_a_reference_are_kept_when_it_is_written_in_place() -> None:
    def beside(spec: Node) -> None:
        extracted(spec)
        field(spec, "duration")["maximum"] = 10

    narrow = edited(beside)
    assert rating(narrow, OLD) == "minor"
    assert rating(narrow, edited(lambda s: field(s, "duration").update(maximum=10))) == "patch"


def test_a_rule_that_is_met_nowhere_else_needs_a_person() -> None:
    def header(most: int) -> Spec:
        count = {"type": "integer", "maximum": most}
        return edited(
            lambda s: (
                s["components"]["schemas"].update(Count=count),
                ok(s).update(headers={"X-A": {"schema": {"$ref": "#/components/schemas/Count"}}}),
            )
        )

    (change,) = compare_documents(header(5), header(9))
    assert (change.impact, change.why) == ("major", LOOK)
    assert change.pointer == "/components/schemas/Count"


def test_every_change_is_listed_with_its_own_proof() -> None:
    def three(spec: Node) -> None:
        field(spec, "duration").update(maximum=10)
        field(spec, "resolution")["enum"].append("4320p")
        field(spec, "prompt").update(description="In words.")

    breaks, adds, describes = compare_documents(OLD, edited(three))
    assert [each.impact for each in (breaks, adds, describes)] == ["major", "minor", "patch"]
    assert breaks.pointer == "/components/schemas/CreateVideoRequest/properties/duration/maximum"
    assert "maximum: 15" in (ROOT / "openapi.yaml").read_text().splitlines()[breaks.line - 1]
    assert (seconds := breaks.body["duration"]) > 10
    assert breaks.why == f"duration: {seconds} is greater than the maximum of 10"
    assert adds.body["resolution"] == "4320p"


def test_the_same_spec_and_another_version_are_not_a_change() -> None:
    assert compare_documents(OLD, OLD) == []
    assert compare_documents(OLD, edited(lambda s: s["info"].update(version="9.9.9"))) == []
