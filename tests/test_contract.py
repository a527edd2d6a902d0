"""openapi.yaml says what the export says, no less and no more; and its code runs."""

import json
import re
import runpy

import pytest

from making import load
from scripts import ROOT, Script
from tools.export.compare import compare
from tools.export.demands import demands
from tools.review.spec import Spec

SPEC = Spec.read(ROOT / "openapi.yaml")
SCHEMAS = SPEC.at("/components/schemas")


def test_spec_demands_what_the_export_demands() -> None:
    facts = Spec(load(ROOT / "tests" / "export_facts.yaml"), {})
    assert compare(SPEC, demands(facts)) == ("none", [])


def test_every_schema_and_field_beyond_the_export_names_its_source() -> None:
    for name, schema in SCHEMAS.items():
        is_foreign = "x-source" in schema
        fields = schema.get("properties", {}).values()
        foreign = [field for field in fields if is_foreign or "x-source" in field]
        for part in [schema, *foreign] if is_foreign else foreign:
            assert part.get("x-source") in ("xai", "gateway"), (name, part)
            assert part is schema or "properties" not in part, "give it a schema of its own"


def test_nothing_in_a_response_is_required_and_no_value_is_closed() -> None:
    closing = r'"(required|enum|const|minimum|pattern|oneOf)":|"additionalProperties": (?!true)'
    for name, schema in SCHEMAS.items():
        if name not in ("CreateVideoRequest", "ImageInput", "ReferenceImage"):
            assert not re.search(closing, json.dumps(schema)), name


def test_the_code_samples_run(request: pytest.FixtureRequest) -> None:
    """The first sample creates a video; the second waits for it and saves it."""
    reader = Script(lambda: runpy.run_path("sample.py", run_name="__main__"), request)
    words: list[str] = []
    for operation in (each for path in SPEC.at("/paths").values() for each in path.values()):
        (reader.folder / "sample.py").write_text(operation["x-codeSamples"][0]["source"])
        done = reader.run(*words)
        assert (done.code, done.err) == (0, "")
        words = done.out.split()
    assert [request.method for request in reader.arrived][:2] == ["POST", "GET"]
    assert (reader.folder / "video.mp4").stat().st_size > 1000
