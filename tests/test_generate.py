"""`make generate` and `make check-generated`: what comes out, and what bad input does."""

import os
import shutil
import subprocess
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from making import run
from tools.generator import driver
from tools.generator.__main__ import main

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "generated" / "grok_imagine_video"

PETS = (ROOT / "tests" / "specs" / "pets.yaml").read_text()
generate = partial(run, main)


def contents(package: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in driver.files(package).items()}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(ROOT)
    without_caches = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "a copy", ignore=without_caches))


def test_another_spec_name_and_leftovers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path / "new")
    pets, spec, config = (tmp_path / name for name in ("new/pets", "pets.yaml", "config.yaml"))
    spec.write_text(PETS)
    config.write_text("package_name_override: pets")
    for _ in range(2):
        assert "wrote" in generate("--spec", spec, "--config", config, "--output", pets)[1]
        assert {path.name for path in (*pets.iterdir(), PACKAGE / "__main__.py")} == {
            path.name for path in PACKAGE.iterdir()
        }
        (pets / "leftover.py").touch()
    package = import_module("pets")
    exported = ["__version__", "AuthenticatedClient", "Client", "errors", "get_pet", "Pet"]
    assert ([*package.__all__], package.__version__) == (exported, "2.5.0rc1")
    assert package.get_pet.sync
    assert package.Pet()


SEND = """/m: {post: {operationId: send, responses: {}, requestBody: {content: {
    application/json: {schema: {$ref: '#/components/schemas/M'}}}}}}"""


def test_check_names_each_file_and_the_command_that_writes_the_same_bytes(copy: Path) -> None:
    spec = shutil.copy(ROOT / "openapi.yaml", copy.parent / "another spec.yaml")
    config = shutil.copy(ROOT / "generator-config.yaml", copy.parent / "another config.yaml")
    paths = {"SPEC": spec, "CONFIG": config, "OUTPUT": copy}
    (copy / "client.py").write_text("x = 1\n")
    (copy / "py.typed").unlink()
    (copy / "api" / "extra.txt").touch()
    before = contents(copy)
    words = [f"{variable}={path}" for variable, path in paths.items()]
    checked = subprocess.run(["make", "check-generated", *words], capture_output=True, text=True)  # noqa: S607
    assert checked.returncode != 0
    fix = " ".join(["make generate", *(f"{name}='{path}'" for name, path in paths.items())])
    lines = ("api/extra.txt: not generated", "client.py: differs", "py.typed: missing")
    advice = f"{copy} is not what the spec gives; run: {fix}"
    assert checked.stderr.splitlines()[:-1] == [*(f"{copy}/{line}" for line in lines), advice]
    assert contents(copy) == before
    env = os.environ | {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"}
    subprocess.run(["sh", "-c", fix], env=env, check=True)  # noqa: S607
    assert contents(copy) == contents(PACKAGE)


OF_M = "application/json: {schema: {$ref: '#/components/schemas/M'}}"
OF_BYTES = "application/octet-stream: {schema: {type: string, format: binary}}"
ID = "name: x, in: path, required: true, schema: {type: string}"
# What is replaced in PETS, and by what.
EDITS = {
    "line 9, column 66: #/paths/~1pets~1{id}/get/parameters/0/schema/": ("integer", "integr"),
    "schemas/Dog": ("schemas/Pet'", "schemas/Dog'"),
    "image/png": ("application/json", "image/png"),
    "Pet/x-job: x-job needs id, status, progress": ("{type: o", "{x-job: {}, type: o"),
    "#/components/schemas/Pet: two names are name in Python": (
        "name: {t",
        "\uff4eame: {}, name: {t",
    ),
    "#/components/schemas/Pet/required: 'name' is required, and does not come": (
        PETS[PETS.index("components:") :],
        f"  {SEND.replace('/M', '/Pet')}\ncomponents: {{schemas: {{Pet: {{type: object, "
        "required: [name], properties: {name: {type: string, writeOnly: true}}}}}\n",
    ),
    "the generated code has a File of its own": ("{Pet:", "{File: {type: object}, Pet:"),
}
# A path that is added to PETS.
PATHS = {
    "line 5: #/paths/~1a/$ref: a path that refers to": "/a: {$ref: '#/x'}",
    "#/paths/~1pets~1{id}/get: another path is /pets/{}": (
        f"/pets/{{x}}: {{get: {{operationId: other, responses: {{}}, parameters: [{{{ID}}}]}}}}"
    ),
    "two parts of it are written to api/pets/get_pet.py": (
        "/x: {get: {tags: [pets], operationId: get-pet, responses: {}}}"
    ),
    "line 5: #/paths/~1m/post/requestBody/content: a body of several media types": (
        SEND.replace(OF_M, f"{OF_BYTES}, multipart/form-data: {{schema: {{type: object}}}}")
    ),
    "#/paths/~1m/post/requestBody/content: a media type is there twice": (
        SEND.replace(OF_M, f"{OF_M}, application/json;charset=utf-8: {{}}")
    ),
    "content/application~1octet-stream: application/octet-stream is not": (
        SEND.replace(OF_M, OF_BYTES)
    ),
    "form-data/encoding/a/explode: what is sent": (
        SEND.replace(OF_M, "multipart/form-data: {encoding: {a: {explode: false}}, schema: {}}")
    ),
    "the generator cannot read it: TypeError": (
        SEND.replace(OF_M, "application/json: {schema: {type: object, required: null}}")
    ),
}
# A parameter that is added to PETS.
PARAMETERS = {
    "parameters/0/in: such a parameter": "name: c, in: cookie, schema: {type: string}",
    "parameters/0/schema: such a parameter": (
        "name: q, in: query, schema: {type: array, items: {type: object}}"
    ),
    "parameters/0/style: no parameter is written with style: pipeDelimited": (
        "name: q, in: query, style: pipeDelimited, schema: {type: string}"
    ),
    "parameters/0/explode: no parameter is written with explode: False": (
        "name: q, in: query, explode: false, schema: {type: array, items: {type: string}}"
    ),
    "parameters/0/content: a parameter without a schema": (
        "name: q, in: query, content: {text/plain: {}}"
    ),
}
EDITS |= {part: ("paths:", f"paths:\n  {path}") for part, path in PATHS.items()}
EDITS |= {part: ("[{", f"[{{{each}}}, {{") for part, each in PARAMETERS.items()}
# Which file is bad, and what stands in it, or None if it is missing.
BAD: dict[str, tuple[str, str | None]] = {
    part: ("spec", PETS.replace(old, new)) for part, (old, new) in EDITS.items()
}
BAD |= {
    "spec.yaml: No such file": ("spec", None),
    "not a configuration": ("config", "a: ["),
    "literal_enums": ("config", "literal_enums: perhaps"),
    "config.yaml: literal_enums must be true": ("config", "literal_enums: false"),
    "config.yaml: false": ("config", "post_hooks: ['false']"),
    "config.yaml: no-such-tool": ("config", "post_hooks: [no-such-tool]"),
}


@pytest.mark.parametrize("part", BAD)
def test_bad_input_gets_one_line_and_changes_nothing(
    part: str, copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    option, text = BAD[part]
    source = copy.parent / f"{option}.yaml"
    if text is not None:
        source.write_text(text)
    assert_refused(copy.parent, part, f"--{option}", source, "--output", copy)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("output", ["file/package", "file", "folder"])
def test_an_output_that_is_not_ours_gets_one_line_and_is_left_alone(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder/thesis.txt"):
        (tmp_path / name).write_text("precious")
    assert_refused(tmp_path, output.split("/")[0], "--output", tmp_path / output)


def assert_refused(folder: Path, part: str, *words: object) -> None:
    """One line, and nothing in the folder is changed or left behind."""
    before = contents(folder)
    message, out, err = generate(*words)
    assert (out, err, len(message.splitlines())) == ("", "", 1)
    assert message.startswith("generate: ")
    assert part in message
    assert len(message) < 800
    assert contents(folder) == before
