"""Every kind of change of the spec is rated as grave as it is, with a body that shows it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tools.changes import compare, worst
from tools.spec import Node, Spec

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


def closed_answer(spec: Node) -> None:
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
    "write only in an answer": lambda s: field(s, "url", "Video").update(writeOnly=True),
    "pattern that is not Python's": lambda s: field(s, "prompt").update(pattern=r"\\p{L}"),
    "answer's fields as a map": lambda s: schema(s, "VideoError").update(
        properties={}, additionalProperties={"type": "string"}
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
    "answer gone": lambda s: get(s)["responses"].pop("202"),
    "answer's field gone": lambda s: schema(s, "Video")["properties"].pop("url"),
    "answer's field of another type": lambda s: field(s, "url", "Video").update(type="integer"),
    "answer's field may be null": lambda s: field(s, "url", "Video").update(
        type=["string", "null"]
    ),
    "answer's field of any type": lambda s: field(s, "duration", "Video").pop("type"),
    "answer's alternative more": lambda s: field(s, "error", "VideoJob")["anyOf"].append(
        {"type": "integer"}
    ),
    "answer no object": lambda s: schema(s, "CreateVideoResponse").update(type="array"),
    "answer's field renamed": lambda s: rename(
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
    "new answer": lambda s: get(s)["responses"].update({"404": NOTHING}),
    "answer's new field": lambda s: schema(s, "Video")["properties"].update(
        size={"type": "integer"}
    ),
    "answer's field always there": lambda s: schema(s, "VideoJob").update(required=["status"]),
    "answer's values known": lambda s: field(s, "status", "VideoJob").update(enum=["done"]),
    "answer closed": closed_answer,
    "answer's alternative gone": lambda s: field(s, "error", "VideoJob")["anyOf"].pop(),
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
    "answer's description": lambda s: ok(s).update(description="The job."),
    "one type in a list": lambda s: field(s, "prompt").update(type=["string"]),
    "a whole number with a point": lambda s: field(s, "duration").update(maximum=15.0),
    "says the same as nothing": lambda s: field(s, "prompt").update(minLength=0),
}

TABLE = [
    *((name, edit, "major", True) for name, edit in TIGHTER_REQUESTS.items()),
    *((name, edit, "major", False) for name, edit in IN_DISGUISE.items()),
    *((name, edit, "minor", True) for name, edit in LOOSER_REQUESTS.items()),
    *((name, edit, "major", False) for name, edit in OTHER_MAJOR.items()),
    *((name, edit, "minor", False) for name, edit in OTHER_MINOR.items()),
    *((name, edit, "patch", False) for name, edit in PATCH.items()),
]


def edited(edit: Edit) -> Spec:
    document = copy.deepcopy(OLD.document)
    edit(document)
    return Spec(document, OLD.lines)


@pytest.mark.parametrize(
    ("edit", "impact", "shown"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_a_change_is_rated_as_grave_as_it_is(edit: Edit, impact: str, shown: bool) -> None:
    new = edited(edit)
    changes = compare(OLD, new)
    assert worst([change.impact for change in changes]) == impact, changes
    assert all(change.text and OLD.line(change.pointer) for change in changes)
    if shown:
        gravest = [change for change in changes if change.impact == impact]
        assert any(change.body is not None and change.why for change in gravest), gravest


def test_what_was_made_looser_is_made_tighter_by_going_back() -> None:
    for name, edit in (LOOSER_REQUESTS | {"token": OTHER_MAJOR["token required"]}).items():
        back = worst([change.impact for change in compare(edited(edit), OLD)])
        assert back == ("minor" if name == "token" else "major"), name


def test_rules_beside_a_reference_are_kept_when_it_is_written_in_place() -> None:
    def beside(spec: Node) -> None:
        extracted(spec)
        field(spec, "duration")["maximum"] = 10

    narrow = edited(beside)
    wide = worst([change.impact for change in compare(narrow, OLD)])
    same = edited(lambda s: field(s, "duration").update(maximum=10))
    assert wide == "minor"
    assert worst([change.impact for change in compare(narrow, same)]) == "patch"


def test_a_rule_that_is_met_nowhere_else_needs_a_person() -> None:
    def header(most: int) -> Spec:
        count = {"type": "integer", "maximum": most}
        return edited(
            lambda s: (
                s["components"]["schemas"].update(Count=count),
                ok(s).update(headers={"X-A": {"schema": {"$ref": "#/components/schemas/Count"}}}),
            )
        )

    (change,) = compare(header(5), header(9))
    assert (change.impact, change.pointer) == ("major", "/components/schemas/Count")


def test_every_change_is_listed_with_its_own_proof() -> None:
    def two(spec: Node) -> None:
        field(spec, "duration").update(maximum=10)
        field(spec, "resolution")["enum"].append("4320p")
        field(spec, "prompt").update(description="In words.")

    found = compare(OLD, edited(two))
    assert [change.impact for change in found] == ["major", "minor", "patch"]
    assert found[0].pointer == "/components/schemas/CreateVideoRequest/properties/duration/maximum"
    assert found[0].body["duration"] > 10
    assert found[1].body["resolution"] == "4320p"
    assert (
        found[0].why == f"duration: {found[0].body['duration']} is greater than the maximum of 10"
    )
    text = (ROOT / "openapi.yaml").read_text().splitlines()
    assert "maximum: 15" in text[found[0].line - 1]


def test_the_same_spec_and_another_version_are_no_change() -> None:
    assert compare(OLD, OLD) == []
    assert compare(OLD, edited(lambda s: s["info"].update(version="9.9.9"))) == []


def accepts(spec: Node, body: Any) -> bool:
    root = {"components": spec["components"], "$ref": "#/components/schemas/CreateVideoRequest"}
    return bool(Draft202012Validator(root).is_valid(body))


PROVEN = [name for name in TIGHTER_REQUESTS if "gone" not in name and name != "format"]


@pytest.mark.parametrize("name", PROVEN)
def test_the_body_that_is_shown_worked_before_and_is_refused_now(name: str) -> None:
    new = edited(TIGHTER_REQUESTS[name])
    shown = [change.body for change in compare(OLD, new) if change.impact == "major"]
    bodies = [body for body in shown if body is not None]
    assert bodies
    assert all(accepts(OLD.document, body) for body in bodies)
    assert any(not accepts(new.document, body) for body in bodies)
