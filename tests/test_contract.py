"""openapi.yaml says what the export says, no less and no more; its code runs, and is shown."""

import json
import os
import re
import runpy
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from edits import EDITS, Edit
from making import load
from scripts import Script

ROOT = Path(__file__).parent.parent
SPEC: dict[str, Any] = load(ROOT / "openapi.yaml")
FACTS: dict[str, Any] = load(ROOT / "tests" / "export_facts.yaml")
OPERATIONS = {
    each["operationId"]: each for path in SPEC["paths"].values() for each in path.values()
}
POST = OPERATIONS["createVideo"]

# Who says what the export does not.
SOURCES = ("xai", "gateway")

# What a document says about itself without demanding anything of a request or a response.
ANNOTATIONS = {"description", "summary", "examples", "info", "x-codeSamples", "x-env", "x-option"}


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
        if fields := node.get("properties"):  # the order counts, and names may be annotations'
            kept["properties"] = [[name, plain(value)] for name, value in fields.items()]
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


EDITS_OF_REQUESTS = [edit for edit in EDITS if "request" in edit.title]


@pytest.mark.parametrize("edit", EDITS_OF_REQUESTS, ids=str)
def test_the_comparison_sees_every_edit_of_a_request(edit: Edit) -> None:
    assert demands(edit.of(SPEC)) != demanded_by_the_export()


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
    job = OPERATIONS[link["operationId"]]
    assert list(link["parameters"]) == [each["name"] for each in job["parameters"]]
    fields = SPEC["components"]["schemas"]["CreateVideoResponse"]["properties"]
    assert set(link["parameters"].values()) <= {f"$response.body#/{name}" for name in fields}


def test_nothing_in_a_response_is_required_and_no_value_is_closed() -> None:
    closing = r'"(required|enum|const|minimum|pattern|oneOf)":|"additionalProperties": (?!true)'
    for name, schema in SPEC["components"]["schemas"].items():
        if name not in ("CreateVideoRequest", "ImageInput", "ReferenceImage"):
            assert not re.search(closing, json.dumps(schema)), name


def test_the_examples_are_those_of_the_export() -> None:
    examples = POST["requestBody"]["content"]["application/json"]["examples"].values()
    meant = [FACTS["example"], FACTS["example"] | FACTS["commented_out"]]
    assert [[*each["value"].items()] for each in examples] == [[*each.items()] for each in meant]


def test_the_code_samples_run(request: pytest.FixtureRequest) -> None:
    """The first sample creates a video; the second waits for it and saves it."""
    reader = Script(lambda: runpy.run_path("sample.py", run_name="__main__"), request)
    words: list[str] = []
    for operation in OPERATIONS.values():
        (reader.folder / "sample.py").write_text(operation["x-codeSamples"][0]["source"])
        done = reader.run(*words)
        assert (done.code, done.err) == (0, "")
        words = done.out.split()
    assert [request.method for request in reader.arrived][:2] == ["POST", "GET"]
    assert (reader.folder / "video.mp4").stat().st_size > 1000


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


class Text(HTMLParser):
    """The text of a page, for a page without scripts and styles."""

    seen = ""

    def handle_data(self, data: str) -> None:
        self.seen += data


@pytest.mark.skipif(
    not (BROWSER and (ROOT / ".node" / "redocly").exists())
    and not os.environ.get("GITHUB_ACTIONS"),
    reason="needs Chromium, and Redocly from make lint-spec",
)
def test_the_page_shows_the_operations_without_a_network(tmp_path: Path) -> None:
    page = ROOT / "build" / "index.html"
    subprocess.run(["make", "docs"], cwd=ROOT, check=True, capture_output=True)  # noqa: S607
    assert BROWSER
    browser = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    browser += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1600,6000"]
    browser += ["--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"]  # refuses all
    browser += ["--virtual-time-budget=60000", "--dump-dom"]
    for name, operation in OPERATIONS.items():
        url = f"{page.as_uri()}#operation/{name}"
        dom = subprocess.run([*browser, url], capture_output=True, text=True).stdout
        (text := Text()).feed(re.sub(r"<(script|style)\b.*?</\1>", "", dom, flags=re.DOTALL))
        seen = " ".join(text.seen.split())
        code = operation["x-codeSamples"][0]["source"].splitlines()
        for words in (operation["summary"], "Cannot be used together with", *code):
            assert " ".join(words.split()) in seen, words
