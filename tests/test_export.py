"""What an export demands, in each of its forms, and what openapi.yaml says of it."""

import json
import re
from pathlib import Path

import pytest

from making import load, run
from test_changes import edited
from tools import ROOT, BadInputError
from tools.export import __main__ as command
from tools.export.compare import compare, report
from tools.export.demands import demands
from tools.export.reading import read_export
from tools.pointers import parts_of
from tools.review.changes import worst
from tools.review.documents import compare_documents
from tools.review.spec import Node, Spec

SPEC = Spec.read(ROOT / "openapi.yaml")
LINES = (ROOT / "openapi.yaml").read_text().splitlines()
DATA: Node = load(Path(__file__).with_name("exports.yaml"))
SECTIONS = {"参数": "parameters", "请求体": "requestBody", "响应": "responses"}
SECTIONS |= {"响应示例": "responseExamples"}


@pytest.fixture(autouse=True)
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words that a person has read."""
    (tmp_path / "words.yaml").write_text(compact(DATA["known"]))
    monkeypatch.setattr("tools.export.reading.WORDS", tmp_path / "words.yaml")


def compact(node: object) -> str:
    return json.dumps(node, ensure_ascii=False)


def text_of(api: Node) -> str:
    """An endpoint as Apifox writes it for people."""
    blocks = [f"{heading}\n{compact(api[key])}" for heading, key in SECTIONS.items()]
    rows = "| Method | POST |\n|---|---|\n| Type | http |\n| Folder | 5 |"
    return "\n".join([api["name"], f"POST {api['path']}", "概览", rows, *blocks])


TEXT = text_of(DATA["endpoint"])
HEADED = re.sub(r"^(\S+)\n([\[{].*)$", r"## \1\n\n```json\n  \2\n```\n", TEXT, flags=re.MULTILINE)
FORMS = {"text": TEXT, "crlf": TEXT.replace("\n", "\r\n"), "markdown": f"\ufeff# {HEADED}"}
FORMS |= {"yaml": "\n".join(f"{key}: {compact(DATA['openapi'][key])}" for key in DATA["openapi"])}
FORMS["page"] = f"# A page\n\n~~~yaml\n{FORMS['yaml']}\n~~~\n\nMore words."
FORMS |= {"apifox": compact(DATA["apifox"]), "openapi": compact(DATA["openapi"])}


def read(row: Node, folder: Path) -> tuple[Spec, list[tuple[str, str]]]:
    text: str = FORMS[row.get("form", "text")]
    for old, new in row.get("edit", {}).items():
        assert old in text, old
        text = text.replace(old, new)
    text = re.sub(rf"^{row.get('cut', '-')}\n.*\n", "", text, flags=re.MULTILINE)
    (folder / "export").write_bytes(f"{text}{row.get('more', '')}".encode())
    return read_export(folder / "export")


@pytest.mark.parametrize("row", DATA["rows"], ids=lambda row: row["what"])
def test_each_change_is_told_with_its_place_and_the_impact_of_it(row: Node, tmp_path: Path) -> None:
    export, words = read(row, tmp_path)
    is_done, told = report(SPEC, export, words)
    lines = re.findall(r"^- line (\d+), (.*)$", told, re.MULTILINE)
    assert [line for _, line in lines] == row.get("told", [])
    assert (is_done, "a-secret" in told) == (not lines, False)
    assert ("what the words do" in told) == bool(words)
    for number, line in lines:
        pointer = line.split("`")[1]
        assert SPEC.find(pointer) is None or parts_of(pointer)[-1] in LINES[int(number) - 1]
    if "spec" in row:
        document = SPEC.document
        for place, patch in row["spec"].items():
            document = edited(document, place, patch)
        followed = Spec(document, SPEC.positions)
        assert compare(followed, export) == ("none", [])
        after = worst(change.impact for change in compare_documents(SPEC, followed))
        assert (after, compare(SPEC, export)[0]) == (row["impact"], row["impact"])


@pytest.mark.parametrize("row", DATA["refused"], ids=lambda row: row["what"])
def test_what_cannot_be_read_is_told_with_its_section_and_place(row: Node, tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as refused:
        read(row, tmp_path)
    assert str(refused.value) == row["told"]


def test_the_command_writes_the_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = tmp_path / "an export"
    export.write_text(TEXT)
    (tmp_path / "openapi.yaml").write_bytes((ROOT / "openapi.yaml").read_bytes())
    monkeypatch.setattr(command, "ROOT", tmp_path)
    code, out, err = run(command.main, export)
    assert (code, err) == (0, "")
    assert (tmp_path / "build" / "export.md").read_text() == out.removesuffix("\n")
    facts = (tmp_path / "build" / "export_facts.yaml").read_bytes()
    assert facts == (ROOT / "tests" / "export_facts.yaml").read_bytes()

    export.write_text(TEXT.replace("[1, 15]", "[1, 16]"))
    assert run(command.main, export)[0] == 1
    for bad, told in {b"\xff": "not UTF-8", b"[" * 2000: "no endpoint"}.items():
        export.write_bytes(bad)
        code, out, err = run(command.main, export)
        assert (code, out, err.count("\n"), told in err) == (2, "", 1, True), err
    assert run(command.main, tmp_path / "none")[0] == 2


def test_spec_demands_what_the_export_demands() -> None:
    facts = Spec(load(ROOT / "tests" / "export_facts.yaml"), {})
    assert compare(SPEC, demands(facts)) == ("none", [])


def test_every_schema_and_field_beyond_the_export_names_its_source() -> None:
    for name, schema in SPEC.at("/components/schemas").items():
        parts = [schema, *schema.get("properties", {}).values()]
        for part in parts if "x-source" in schema else [x for x in parts if "x-source" in x]:
            assert part.get("x-source") in ("xai", "gateway"), (name, part)
            assert part is schema or "properties" not in part, "give it a schema of its own"


def test_nothing_in_a_response_is_required_and_no_value_is_closed() -> None:
    closing = r'"(required|enum|const|minimum|pattern|oneOf)":|"additionalProperties": (?!true)'
    for name, schema in SPEC.at("/components/schemas").items():
        if name not in ("CreateVideoRequest", "ImageInput", "ReferenceImage"):
            assert not re.search(closing, json.dumps(schema)), name
