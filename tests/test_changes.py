"""Every kind of change of the spec gets the rating that it deserves, with a body that shows it."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from edits import EDITS, Edit
from tools.review.changes import LOOK, worst
from tools.review.documents import compare_documents
from tools.review.spec import Spec

ROOT = Path(__file__).parent.parent
OLD = Spec.read(ROOT / "openapi.yaml")
SCHEMAS = "#/components/schemas/"


def edited(place: str, patch: Any) -> Spec:
    return Spec(Edit("", place, patch).of(OLD.document), OLD.positions)


def accepts(spec: Spec, body: Any) -> bool:
    root = {"components": spec.document["components"], "$ref": f"{SCHEMAS}CreateVideoRequest"}
    return bool(Draft202012Validator(root).is_valid(body))


@pytest.mark.parametrize("edit", EDITS, ids=str)
def test_a_change_gets_its_rating(edit: Edit) -> None:
    new = edited(edit.place, edit.patch)
    changes = compare_documents(OLD, new)
    impact = edit.title.split()[0]
    assert worst(change.impact for change in changes) == impact, changes
    assert all(change.text and change.pointer for change in changes)
    shown = [each for each in changes if each.impact == impact and each.body is not None]
    if "refused" in edit.title or edit.title.startswith("minor request, major"):
        assert any(change.why for change in shown), changes
    if edit.title.endswith("refused by JSON Schema"):
        assert all(accepts(OLD, change.body) for change in shown)
        assert any(not accepts(new, change.body) for change in shown)
    if edit.title.endswith("on the way back"):
        back = worst(change.impact for change in compare_documents(new, OLD))
        assert back == edit.title.split()[2] != impact


def test_a_rule_that_is_met_nowhere_else_needs_a_person() -> None:
    def header(most: int) -> Spec:
        spec = edited("schemas", {"Count": {"maximum": most}})
        headers = {"X-A": {"schema": {"$ref": f"{SCHEMAS}Count"}}}
        edit = Edit("", "get", {"responses": {"200": {"headers": headers}}})
        return Spec(edit.of(spec.document), OLD.positions)

    (change,) = compare_documents(header(5), header(9))
    assert (change.impact, change.why) == ("major", LOOK)
    assert change.pointer == "/components/schemas/Count"


def schema(text: str) -> Spec:
    """The spec with a field of the request that has this schema, and the same in a response."""
    schemas = {"Asked": YAML(typ="safe").load(text)}
    for name in ("CreateVideoRequest", "Video"):
        schemas[name] = {"properties": {"asked": {"$ref": f"{SCHEMAS}Asked"}}}
    return edited("schemas", schemas)


# Pairs of schemas that accept the same.
SAME = [
    ("{type: integer, maximum: 9}", "{type: integer, maximum: 9, exclusiveMaximum: 10}"),
    ("{type: integer, maximum: 1e20}", "{type: integer, exclusiveMaximum: 100000000000000000001}"),
    ('{type: [integer, "null"], maximum: 9.5}', '{type: [integer, "null"], maximum: 9}'),
    ("{allOf: [{type: integer}, {maximum: 9.5}]}", "{allOf: [{type: integer}, {maximum: 9}]}"),
    ("{type: object, required: [a], not: {anyOf: [{required: [b]}, {required: [a, c]}]}}",
     "{type: object, required: [a], not: {anyOf: [{required: [b]}, {required: [c]}]}}"),
]  # fmt: skip

# Pairs that only look so: a body tells them apart.
APART = [
    ("{type: number, maximum: 15.9}", "{type: number, maximum: 15}"),
    ("{type: integer, maximum: 16}", "{type: integer, maximum: 15.9}"),
    ("{type: integer, maximum: 9007199254740993}", "{type: integer, maximum: 9007199254740992}"),
    ("{type: integer, multipleOf: 1.5}", "{type: integer}"),
    ("{anyOf: [{type: integer}, {maximum: 9.5}]}", "{anyOf: [{type: integer}, {maximum: 9}]}"),
    ("{type: object, not: {required: [a, b]}}", "{type: object, not: {required: [b]}}"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), [*SAME, *APART])
def test_what_accepts_the_same_is_only_written_differently(one: str, other: str) -> None:
    specs = schema(one), schema(other)
    for changes in (compare_documents(*specs), compare_documents(*reversed(specs))):
        impact = worst(change.impact for change in changes)
        assert impact == ("patch" if (one, other) in SAME else "major"), changes
        assert not any("all changes together" in change.text for change in changes)


def test_every_change_is_listed_with_its_own_proof() -> None:
    three = {"duration": {"maximum": 10}, "prompt": {"description": "In words."}}
    three["resolution"] = {"enum": ["480p", "720p", "4320p"]}
    changes = compare_documents(OLD, edited("CreateVideoRequest", {"properties": three}))
    assert [each.impact for each in changes] == ["major", "minor", "patch"]
    breaks, adds, _ = changes
    assert breaks.pointer == "/components/schemas/CreateVideoRequest/properties/duration/maximum"
    assert "maximum: 15" in (ROOT / "openapi.yaml").read_text().splitlines()[breaks.line - 1]
    assert (seconds := breaks.body["duration"]) > 10
    assert breaks.why == f"duration: {seconds} is greater than the maximum of 10"
    assert adds.body["resolution"] == "4320p"


def test_another_version_is_not_a_change() -> None:
    assert compare_documents(OLD, edited("spec", {"info": {"version": "9.9.9"}})) == []
