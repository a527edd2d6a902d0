"""`make generate` and `make check-generated`: what comes out, and what bad input does."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from making import document, load, made_from
from tools.generator import driver
from tools.generator.__main__ import main

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / "runtime"
PACKAGE = ROOT / "generated" / "grok_imagine_video"

PETS = (ROOT / "tests" / "specs" / "pets.yaml").read_text()


def run(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True)


Generate = Callable[..., str]


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Generate:
    """Runs the command in this process, and returns what it says."""

    def generate(*words: object) -> str:
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", ["generate", *map(str, words)])
        try:
            main()
        except SystemExit as end:
            assert capfd.readouterr() == ("", "")
            return str(end.code or "")
        return capfd.readouterr().out

    return generate


def contents(package: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(package)): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    without_caches = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "a copy", ignore=without_caches))


def test_the_same_bytes_come_out_everywhere(tmp_path: Path) -> None:
    words = []
    for variable, name in {"SPEC": "openapi.yaml", "CONFIG": "generator-config.yaml"}.items():
        words.append(f"{variable}={shutil.copy(ROOT / name, tmp_path / f'another {name}')}")
    elsewhere = tmp_path / "with spaces" / "a package"
    env = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    assert run("make", "generate", *words, f"OUTPUT={elsewhere}", **env).stderr == ""
    assert contents(elsewhere) == contents(PACKAGE)


def test_every_file_says_not_to_edit_it_and_what_to_run() -> None:
    for name, content in contents(PACKAGE).items():
        first, second, rest = content.decode().split("\n", 2)
        source = RUNTIME / name
        edited = f"runtime/{name}" if source.exists() else "openapi.yaml or templates/"
        assert "Do not edit" in first
        assert second == f"# To change it, edit {edited} and run: make generate"
        assert not source.exists() or rest == source.read_text()


def test_another_spec_another_name_and_leftovers(
    tmp_path: Path, generate: Generate, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pets.yaml").write_text(PETS)
    (tmp_path / "config.yaml").write_text("package_name_override: pets")
    pets, spec, config = (tmp_path / name for name in ("pets", "pets.yaml", "config.yaml"))
    for _ in range(2):
        assert "wrote" in generate("--spec", spec, "--config", config, "--output", pets)
        assert {path.name for path in pets.iterdir()} == {path.name for path in PACKAGE.iterdir()}
        (pets / "leftover.py").touch()
    for source in RUNTIME.glob("*.py"):
        assert (pets / source.name).read_bytes() == (PACKAGE / source.name).read_bytes()
    monkeypatch.syspath_prepend(tmp_path)
    package = import_module("pets")
    exported = ["__version__", "AuthenticatedClient", "Client", "errors", "get_pet", "Pet"]
    assert ([*package.__all__], package.__version__) == (exported, "2.5.0rc1")
    assert package.get_pet.sync
    assert package.Pet()


SHARED = """
    /a: {get: {operationId: find, tags: [a], responses: {}}}
    /b: {get: {operationId: find, tags: [b], responses: {}}}
    /c: {get: {operationId: errors, tags: [c], responses: {}}}
    /d: {get: {operationId: own, tags: [d], responses: {}}}
"""


def test_a_name_that_two_things_share_goes_to_neither(tmp_path: Path) -> None:
    shared = made_from(document(load(SHARED), Client={"type": "object"}), tmp_path)
    exported = ["__version__", "AuthenticatedClient", "Client", "errors", "own"]
    assert [*shared.__all__] == exported
    assert shared.Client is not shared.models.Client
    assert shared.errors is not import_module(f"{shared.__name__}.api.c.errors")
    assert all(import_module(f"{shared.__name__}.api.{tag}.find").sync for tag in "ab")


def test_check_names_each_file_and_the_command_that_fixes_them(copy: Path) -> None:
    (copy / "client.py").write_text("x = 1\n")
    (copy / "py.typed").unlink()
    (copy / "api" / "extra.txt").touch()
    before = contents(copy)
    checked = run("make", "check-generated", f"OUTPUT={copy}")
    assert checked.returncode != 0
    lines = ("api/extra.txt: not generated", "client.py: differs", "py.typed: missing")
    command = f"make generate OUTPUT='{copy}'"
    advice = f"{copy} is not what the spec gives; run: {command}"
    assert checked.stderr.splitlines()[:-1] == [*(f"{copy}/{line}" for line in lines), advice]
    assert contents(copy) == before
    assert run("sh", "-c", command).returncode == 0
    assert contents(copy) == contents(PACKAGE)


def test_check_names_all_files_of_a_missing_package(tmp_path: Path, generate: Generate) -> None:
    *found, _ = generate("--check", "--output", tmp_path / "gone").splitlines()
    assert found == [f"{tmp_path}/gone/{name}: missing" for name in sorted(contents(PACKAGE))]


def test_a_change_of_the_runtime_alone_is_a_change_of_the_package(
    copy: Path, generate: Generate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Path(shutil.copytree(RUNTIME, tmp_path / "runtime"))
    monkeypatch.setattr(driver, "RUNTIME", runtime)
    with (runtime / "types.py").open("a") as types:
        types.write("\n\nx  =  'as it is'\n")
    (runtime / "_new.py").touch()
    (runtime / "_lazy.py").unlink()
    lines = ("_lazy.py: not generated", "_new.py: missing", "types.py: differs")
    *found, _ = generate("--check", "--output", copy).splitlines()
    assert found == [f"{copy}/{line}" for line in lines]
    assert "wrote" in generate("--output", copy)
    assert (copy / "types.py").read_text().endswith("\nx  =  'as it is'\n")
    assert generate("--check", "--output", copy) == ""


# What is replaced in PETS, by what, and a part of the line that is printed.
EDITS = {
    "twice the same key": ("components:", "paths: {}\ncomponents:", "paths"),
    "typo in a field": ("info:", "infos:", "info"),
    "typo in a type": ("integer", "integr", "parameters.0"),
    "dangling reference": ("schemas/Pet'", "schemas/Dog'", "Dog"),
    "part that cannot be generated": ("application/json", "image/png", "image/png"),
    "constraint without code": (
        *("integer}", "integer, not: {const: 1}}"),
        "spec.yaml: get_pet.id: the templates cannot enforce 'not'; express it otherwise",
    ),
    "parameter of a media type": (
        *("[{", "[{name: x, in: query, content: {text/plain: {schema: {}}}}, {"),
        "get_pet.x: the templates cannot enforce 'content'",
    ),
    "path elsewhere": ("paths:", "paths:\n  /a: {$ref: x}", "/a: the templates cannot enforce"),
    "job without its rules": (
        *("type: object", "type: object, x-job: {status: status, succeeded: done}"),
        "x-job needs id, status, progress, result, allowed, error: lists of paths with dots; and",
    ),
}
# Which file is bad, what stands in it or None if it is missing, and a part of the line.
BAD = {name: ("spec", PETS.replace(old, new), part) for name, (old, new, part) in EDITS.items()} | {
    "no spec": ("spec", None, "spec.yaml: No such file"),
    "empty spec": ("spec", "", "not an OpenAPI document"),
    "list": ("spec", "- 1", "not an OpenAPI document"),
    "broken YAML": ("spec", "openapi: 3.1.0\ninfo: [", "line 2"),
    "binary": ("spec", "\x00\x01", "spec.yaml"),
    "Swagger": ("spec", "swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths: {}", "Swagger"),
    "no config": ("config", None, "config.yaml: No such file"),
    "broken config": ("config", "a: [", "not a configuration"),
    "option of a wrong type": ("config", "literal_enums: perhaps", "literal_enums"),
    "hook that fails": ("config", "post_hooks: ['false']", "config.yaml: false"),
    "hook that is not there": ("config", "post_hooks: [no-such-tool]", "config.yaml: no-such-tool"),
    "Ctrl-C": (
        "config",
        "post_hooks: ['kill -INT $PPID']",
        "interrupted",
    ),
}


def assert_refused(folder: Path, generate: Generate, words: list[object], part: str) -> None:
    """One line, and nothing in the folder is changed or left behind."""
    before = contents(folder)
    message = generate(*words)
    assert len(message.splitlines()) == 1, message
    assert len(message) < 800
    assert message.startswith("generate: ")
    assert part in message
    assert contents(folder) == before


@pytest.mark.parametrize(("option", "text", "part"), BAD.values(), ids=BAD)
def test_bad_input_gets_one_line_and_changes_nothing(
    option: str, text: str | None, part: str, copy: Path, generate: Generate
) -> None:
    source = copy.parent / f"{option}.yaml"
    if text is not None:
        source.write_text(text)
    assert_refused(copy.parent, generate, [f"--{option}", source, "--output", copy], part)


@pytest.mark.parametrize("output", ["file/package", "file", "folder"])
def test_an_output_that_is_not_ours_gets_one_line_and_is_left_alone(
    output: str, tmp_path: Path, generate: Generate
) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder/thesis.txt"):
        (tmp_path / name).write_text("precious")
    part = output.split("/")[0]
    assert_refused(tmp_path, generate, ["--output", tmp_path / output], part)
