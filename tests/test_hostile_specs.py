"""Specs and surroundings that would harm a command: it ends in one line, or is not disturbed."""

import re
import resource
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faults import no_response, serving
from tools import BadInputError
from tools.generator.__main__ import main as generate
from tools.review.__main__ import main as review
from tools.review.documents import compare_documents
from tools.review.lint import main as lint
from tools.review.spec import Spec

ROOT = Path(__file__).parent.parent
SPEC = """\
openapi: 3.1.0
info: {title: T, version: 1.0.0}
paths:
  /a:
    post:
      operationId: createVideo
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/A"}}}}
      responses: {"200": {description: Nothing.}}
components:
  schemas:
    A: {type: object, properties: {prompt: {type: string, description: Words.}}}
"""
PROMPT = "#/components/schemas/A/properties/prompt"
COMMANDS: dict[str, tuple[Callable[[], None], list[str]]] = {
    "generate": (generate, ["--output", "package"]),
    "review": (review, ["--base", "HEAD"]),
    "lint": (lint, []),
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the spec, and a Redocly that leaves a file behind when it runs."""
    folder = tmp_path_factory.mktemp("repo")
    (folder / "openapi.yaml").write_text(SPEC)
    shutil.copy(ROOT / "generator-config.yaml", folder)
    (folder / ".node").mkdir()
    (folder / ".node" / "redocly").write_text("#!/bin/sh\ntouch it-ran\n")
    (folder / ".node" / "redocly").chmod(0o755)
    named = ["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false"]
    for words in (["init"], ["add", "openapi.yaml"], [*named, "commit", "--message=first"]):
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)  # noqa: S607
    return folder


Refusals = Callable[[str], dict[str, str]]


@pytest.fixture
def refusals(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refusals:
    """The line that each command says of a spec, after it has cost little and left nothing."""
    monkeypatch.chdir(repo)
    for module in ("__main__", "git", "lint"):
        monkeypatch.setattr(f"tools.review.{module}.ROOT", repo)

    def refusals(text: str) -> dict[str, str]:
        (repo / "openapi.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
        before = {path: path.stat().st_mtime_ns for path in sorted(repo.glob("*"))}
        said = {}
        for name, (main, words) in COMMANDS.items():
            monkeypatch.setattr("sys.argv", [name, *words])
            with pytest.raises(SystemExit) as end:
                main()
            assert end.value.code not in (0, None), name
            printed = capsys.readouterr()
            said[name] = printed.err or str(end.value.code)
            assert (printed.out, len(said[name].splitlines())) == ("", 1), said
            assert len(said[name]) < 800, said
            assert said[name].startswith(f"{name}: ")
        assert {path: path.stat().st_mtime_ns for path in sorted(repo.glob("*"))} == before
        return said

    return refusals


def with_prompt(schema: str) -> str:
    """The spec with another schema of the prompt."""
    return SPEC.replace("description: Words.", schema)


def with_note(value: str) -> str:
    """The spec with a value that says nothing about the API."""
    return f"x-note: {value}\n{SPEC}"


# The spec, and a part of the line that is said of it.
HOSTILE = {
    "lists in lists": (with_note("[" * 2_000 + "]" * 2_000), "levels deep"),
    "an alias": (with_note("[&a 1, *a]"), "aliases of YAML"),
    "number of many digits": (with_prompt(f"maxLength: {'9' * 5_000}"), "number"),
    "number that is infinite": (with_prompt("maximum: 1e999"), "number"),
    "text that is too long": (with_prompt(f"description: {'a' * 11_000_000}"), "larger than"),
    "key that is a list": (with_note("{[1]: 2}"), "key"),
    "NUL byte": (with_note("a\0b"), "#x0000"),
    "half a surrogate": (with_note(r'"\uD800"'), "half of a surrogate pair"),
    "half a list": (with_note("["), "not YAML"),
    "key that is there twice": (f"info: {{}}\n{SPEC}", 'duplicate key "info"'),
    "tag of Python": (with_note("!!python/object/apply:os.system [true]"), "tag"),
    "list": ("- 1\n", "not an OpenAPI document"),
    "nothing": ("", "not an OpenAPI document"),
}


@pytest.mark.parametrize(("text", "part"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_spec_gets_one_cheap_line(text: str, part: str, refusals: Refusals) -> None:
    seconds, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [line for line in refusals(text).values() if part not in line] == []
    assert time.process_time() - seconds < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300_000


# What leads elsewhere, and the place that is named.
ELSEWHERE = {
    "$ref: 'http://HOST/a.yaml'": "$ref",
    "$ref: '/nowhere/a.yaml#/a'": "$ref",
    "x-a: [{$ref: a.yaml}]": "x-a/0/$ref",
    "discriminator: {mapping: {a: 'http://HOST/a'}}": "discriminator/mapping",
    "x-a: {externalValue: 'http://HOST/a'}": "x-a/externalValue",
}


@pytest.mark.parametrize("schema", ELSEWHERE)
def test_nothing_is_fetched(schema: str, refusals: Refusals) -> None:
    told = f"{PROMPT}/{ELSEWHERE[schema]}: other documents are not read: "
    with serving(no_response) as server:
        text = with_prompt(schema.replace("http://HOST", server.base_url))
        assert [line for line in refusals(text).values() if told not in line] == []
        with pytest.raises(BadInputError, match=f"^openapi.yaml of abc: {re.escape(told)}"):
            Spec.parse(text, "openapi.yaml of abc")  # as the review reads its base
        assert not server.connections


@pytest.mark.parametrize("limit", ["minLength: 1000000000000", "maxLength: 10000000000000000"])
def test_no_body_is_as_large_as_a_limit_says(limit: str) -> None:
    old, new = (Spec.parse(text, "spec") for text in (SPEC, with_prompt(limit)))
    assert any(limit.split()[1] in change.text for change in compare_documents(old, new))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_000_000
