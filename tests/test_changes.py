"""Every kind of change of the spec gets the rating that it deserves, with a body that shows it."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from making import load
from tools import ROOT
from tools.review.changes import LOOK, worst
from tools.review.documents import compare_documents
from tools.review.spec import Spec

CREATE, GET = "/v1/videos/generations", "/v1/videos/{request_id}"
PLACES = {"spec": [], "paths": ["paths"], "schemas": ["components", "schemas"]}
PLACES |= {"post": ["paths", CREATE, "post"], "get": ["paths", GET, "get"]}


def edited(document: Any, pointer: str, patch: Any) -> Any:
    """A document with a merge patch on a part of it."""
    schema = pointer if pointer[0].isupper() else f"CreateVideoRequest.{pointer}"
    inside = schema.replace(".", ".properties.").split(".")
    for key in reversed(PLACES.get(pointer, [*PLACES["schemas"], *inside])):
        patch = {key: patch}
    return _patched(document, patch)


def _patched(node: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    patched = dict(node) if isinstance(node, dict) else {}
    for old, new in patch.get("$move", {}).items():
        patched[new] = patched.pop(old)
    for key, value in patch.items():
        if value is None:
            del patched[key]
        elif key != "$move":
            patched[key] = _patched(patched.get(key), value)
    return patched


OLD = Spec.read(ROOT / "openapi.yaml")
SCHEMAS = "#/components/schemas/"


def changed(pointer: str, patch: Any) -> Spec:
    return Spec(edited(OLD.document, pointer, patch), OLD.positions)


def accepts(spec: Spec, body: Any) -> bool:
    root = {"components": spec.document["components"], "$ref": f"{SCHEMAS}CreateVideoRequest"}
    return bool(Draft202012Validator(root).is_valid(body))


# By their titles, which are those of edits that have the same effect.
EDITS = [
    pytest.param(title, pointer, patch, id=f"{title.split()[0]}: {pointer}: {json.dumps(patch)}")
    for title, pointers in load(ROOT / "tests" / "edits.yaml").items()
    for pointer, patches in pointers.items()
    for patch in patches
]


@pytest.mark.parametrize(("title", "pointer", "patch"), EDITS)
def test_a_change_gets_its_rating(title: str, pointer: str, patch: Any) -> None:
    new = changed(pointer, patch)
    changes = compare_documents(OLD, new)
    impact = title.split()[0]
    assert worst(change.impact for change in changes) == impact, changes
    assert all(change.text and change.pointer for change in changes)
    shown = [change for change in changes if change.impact == impact and change.body is not None]
    if "refused" in title or title.startswith("minor request, major"):
        assert any(change.why for change in shown), changes
    if title.endswith("refused by JSON Schema"):
        assert all(accepts(OLD, change.body) for change in shown)
        assert any(not accepts(new, change.body) for change in shown)
    if title.endswith("on the way back"):
        back = worst(change.impact for change in compare_documents(new, OLD))
        assert back == title.split()[2] != impact


def test_a_rule_that_is_met_nowhere_else_needs_a_person() -> None:
    def header(most: int) -> Spec:
        document = edited(OLD.document, "schemas", {"Count": {"maximum": most}})
        headers = {"X-A": {"schema": {"$ref": f"{SCHEMAS}Count"}}}
        patch = {"responses": {"200": {"headers": headers}}}
        return Spec(edited(document, "get", patch), OLD.positions)

    (change,) = compare_documents(header(5), header(9))
    assert (change.impact, change.why) == ("major", LOOK)
    assert change.pointer == "/components/schemas/Count"


def schema(asked: Any) -> Spec:
    """The spec with a field of the request that has this schema, and the same in a response."""
    schemas = {"Asked": asked}
    for name in ("CreateVideoRequest", "Video"):
        schemas[name] = {"properties": {"asked": {"$ref": f"{SCHEMAS}Asked"}}}
    return changed("schemas", schemas)


ALIKE = load(ROOT / "tests" / "specs" / "alike.yaml").items()
PAIRS = [(*pair, impact) for impact, pairs in ALIKE for pair in pairs]


@pytest.mark.parametrize(("one", "other", "impact"), PAIRS, ids=str)
def test_what_accepts_the_same_is_only_written_differently(
    one: Any, other: Any, impact: str
) -> None:
    specs = schema(one), schema(other)
    for changes in (compare_documents(*specs), compare_documents(*reversed(specs))):
        assert worst(change.impact for change in changes) == impact, changes
        assert not any("all changes together" in change.text for change in changes)


def test_every_change_is_listed_with_its_own_proof() -> None:
    three = {"duration": {"maximum": 10}, "prompt": {"description": "In words."}}
    three["resolution"] = {"enum": ["480p", "720p", "4320p"]}
    changes = compare_documents(OLD, changed("CreateVideoRequest", {"properties": three}))
    assert [change.impact for change in changes] == ["major", "minor", "patch"]
    breaks, adds, _ = changes
    assert breaks.pointer == "/components/schemas/CreateVideoRequest/properties/duration/maximum"
    assert "maximum: 15" in (ROOT / "openapi.yaml").read_text().splitlines()[breaks.line - 1]
    assert (seconds := breaks.body["duration"]) > 10
    assert breaks.why == f"duration: {seconds} is greater than the maximum of 10"
    assert adds.body["resolution"] == "4320p"
