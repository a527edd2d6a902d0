"""openapi.yaml says what the export says, no less and no more."""

import json
import re

from making import load
from tools import ROOT
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
        parts = [schema, *schema.get("properties", {}).values()]
        for part in parts if "x-source" in schema else [x for x in parts if "x-source" in x]:
            assert part.get("x-source") in ("xai", "gateway"), (name, part)
            assert part is schema or "properties" not in part, "give it a schema of its own"


def test_nothing_in_a_response_is_required_and_no_value_is_closed() -> None:
    closing = r'"(required|enum|const|minimum|pattern|oneOf)":|"additionalProperties": (?!true)'
    for name, schema in SCHEMAS.items():
        if name not in ("CreateVideoRequest", "ImageInput", "ReferenceImage"):
            assert not re.search(closing, json.dumps(schema)), name
