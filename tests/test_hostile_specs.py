"""Specs and surroundings that would harm a command: it ends in one line, or is not disturbed."""

import os
import resource
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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
    "check generate": (generate, ["--check", "--output", "package"]),
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
            assert said[name].startswith(f"{name.removeprefix('check ')}: ")
        assert {path: path.stat().st_mtime_ns for path in sorted(repo.glob("*"))} == before
        return said

    return refusals


def spec(old: str, new: str) -> str:
    assert old in SPEC
    return SPEC.replace(old, new, 1)


def with_prompt(schema: str) -> str:
    """The spec with another schema of the prompt."""
    return spec("description: Words.", schema)


def with_note(value: str) -> str:
    """The spec with a value that says nothing about the API."""
    return f"x-note: {value}\n{SPEC}"


NOT_A_SPEC = "not an OpenAPI document"
DEEP = "levels deep"
NUMBER = "number"
# The spec, and a part of the line that is said of it.
HOSTILE = {
    "lists in lists": (with_note("[" * 2_000 + "]" * 2_000), DEEP),
    "mappings in mappings": (with_note("{a: " * 2_000 + "1" + "}" * 2_000), DEEP),
    "schemas in schemas": (with_prompt("items: {" * 200 + "type: string" + "}" * 200), DEEP),
    "alias, of which a few make gigabytes": (with_note("[&a 1, *a]"), "aliases of YAML"),
    "cyclic alias": (with_note("&a [*a]"), "aliases of YAML"),
    "number of many digits": (with_prompt(f"maxLength: {'9' * 5_000}"), NUMBER),
    "number beyond all floats": (with_prompt(f"maxLength: {'9' * 400}"), NUMBER),
    "number that is infinite": (with_prompt("maximum: 1e999"), NUMBER),
    "number that is none": (with_prompt("maximum: .nan"), NUMBER),
    "text that is too long": (with_prompt(f"description: {'a' * 11_000_000}"), "larger than"),
    "key that is a list": (with_note("{[1]: 2}"), "key"),
    "NUL byte": (with_note("a\0b"), "#x0000"),
    "half a surrogate": (with_note(r'"\uD800"'), "half of a surrogate pair"),
    "tag of Python": (with_note("!!python/object/apply:os.system [true]"), "tag"),
    "list": ("- 1\n", NOT_A_SPEC),
    "text": ("openapi\n", NOT_A_SPEC),
    "nothing": ("", NOT_A_SPEC),
}


@pytest.mark.parametrize(("text", "part"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_spec_gets_one_line_at_little_cost(
    text: str, part: str, refusals: Refusals
) -> None:
    seconds, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [line for line in refusals(text).values() if part not in line] == []
    assert time.process_time() - seconds < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300_000


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server that nobody may call, and a file that nobody may open."""
    pipe = tmp_path / "other.yaml"
    os.mkfifo(pipe)
    opened = threading.Event()

    def notice() -> None:
        with pipe.open("wb"):  # waits until somebody opens it for reading
            opened.set()

    threading.Thread(target=notice, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}", pipe
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
    was_opened = opened.is_set()
    os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
    assert not was_opened


# What leads elsewhere, and the place that is named.
ELSEWHERE = {
    "over HTTP": ("$ref: 'http://{host}/a.yaml'", f"{PROMPT}/$ref"),
    "to a path": ("$ref: '{file}#/a'", f"{PROMPT}/$ref"),
    "in what is not a schema": ("x-a: [{{$ref: '{file}'}}]", f"{PROMPT}/x-a/0/$ref"),
    "dynamic": ("$dynamicRef: 'http://{host}/a'", f"{PROMPT}/$dynamicRef"),
    "of a discriminator": (
        "discriminator: {{propertyName: a, mapping: {{a: 'http://{host}/a'}}}}",
        f"{PROMPT}/discriminator/mapping",
    ),
    "of an example": ("x-a: {{externalValue: 'http://{host}/a'}}", f"{PROMPT}/x-a/externalValue"),
}


@pytest.mark.parametrize(("schema", "place"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_nothing_is_fetched(
    schema: str, place: str, refusals: Refusals, elsewhere: tuple[str, Path]
) -> None:
    host, file = elsewhere
    said = refusals(with_prompt(schema.format(host=host, file=file)))
    assert [line for line in said.values() if f": {place}: other documents are" not in line] == []


def test_a_base_that_leads_elsewhere_is_refused_too(elsewhere: tuple[str, Path]) -> None:
    text = with_prompt(f"$ref: 'http://{elsewhere[0]}/a.yaml'")
    with pytest.raises(BadInputError, match=r"^openapi\.yaml of abc: #/.*: other documents"):
        Spec.parse(text, "openapi.yaml of abc")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ('{$ref: "#/components/schemas/B"}', "the reference #/components/schemas/B leads nowhere"),
        ("{properties: {a: {type: text}}}", 'properties/a/type: "text" is not valid'),
    ],
)
def test_a_schema_of_a_body_that_is_none_is_refused_with_its_place(schema: str, told: str) -> None:
    place = "/paths/~1a/post/requestBody/content/application~1json/schema"
    with pytest.raises(BadInputError, match=f"^spec: {place}[/:] ?{told}"):
        Spec.parse(spec('{$ref: "#/components/schemas/A"}', schema), "spec")


@pytest.mark.parametrize("limit", ["minLength: 1000000000000", "maxLength: 10000000000000000"])
def test_no_body_is_as_large_as_a_limit_says(limit: str) -> None:
    old, new = (Spec.parse(text, "spec") for text in (SPEC, with_prompt(limit)))
    assert any(limit.split()[1] in change.text for change in compare_documents(old, new))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_000_000


DISTURBING = {
    **dict.fromkeys(
        ("PYTHONHOME", "PYTHONPATH", "PYTHONPLATLIBDIR", "PYTHONEXECUTABLE"), "/nowhere"
    ),
    **dict.fromkeys(("PYTHONSAFEPATH", "PYTHONOPTIMIZE", "PYTHONINSPECT"), "1"),
    **{"PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error", "LC_ALL": "C"},
    **dict.fromkeys(("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_CONSTRAINT"), "/nowhere"),
    **dict.fromkeys(("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_NO_DEPS", "PIP_DRY_RUN"), "1"),
}
WANTED = {
    **{"PIP_INDEX_URL": "https://a.example/simple", "PIP_CERT": "/a.pem", "PIP_PROXY": "http://a"},
    **{"PIP_CONFIG_FILE": "/a.conf", "PIP_FIND_LINKS": "/wheels", "HTTPS_PROXY": "http://a"},
    **{"SSL_CERT_FILE": "/a.pem", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "1"},
}


def test_make_keeps_what_fetches_packages_and_nothing_that_disturbs() -> None:
    def make(goal: str, rule: str = "") -> str:
        command = ["make", "--no-print-directory", "--file=-", goal]
        text = f"include Makefile\n{rule}"
        env = os.environ | DISTURBING | WANTED
        return subprocess.run(
            command, input=text, cwd=ROOT, env=env, capture_output=True, text=True, check=True
        ).stdout

    seen = dict(line.split("=", 1) for line in make("seen", "seen: ; @env\n").splitlines())
    assert {name: seen.get(name) for name in WANTED} == WANTED
    assert seen.keys() & DISTURBING.keys() == set()
    assert make("check-generated") == ""
