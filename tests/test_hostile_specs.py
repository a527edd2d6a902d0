"""Specs that would harm a command: each gets one line, before anything else reads it."""

import resource
import time
from pathlib import Path

import pytest

from tools import BadInputError
from tools.specs import load, text_of

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
# What leads elsewhere, and the place that is named.
ELSEWHERE = {
    "$ref: 'http://a.example/a.yaml'": "$ref",
    "$ref: '/nowhere/a.yaml#/a'": "$ref",
    "x-a: [{$ref: a.yaml}]": "x-a/0/$ref",
    "discriminator: {mapping: {a: 'http://a.example/a'}}": "discriminator/mapping",
    "x-a: {externalValue: 'http://a.example/a'}": "x-a/externalValue",
}
HOSTILE |= {
    schema: (with_prompt(schema), f"properties/prompt/{place}: other documents are not read: ")
    for schema, place in ELSEWHERE.items()
}


@pytest.mark.parametrize(("text", "part"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_spec_gets_one_cheap_line(text: str, part: str, tmp_path: Path) -> None:
    (path := tmp_path / "spec").write_bytes(text.encode("utf-8", "surrogatepass"))
    seconds, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInputError) as refusal:
        load(text_of(path), str(path))
    line = str(refusal.value)
    assert line.startswith(f"{path}: ")
    assert part in line
    assert (len(line.splitlines()), len(line) < 800) == (1, True)
    assert time.process_time() - seconds < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300_000
