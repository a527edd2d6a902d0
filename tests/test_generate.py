"""`make generate` and `make check-generated`: what comes out, and what bad input does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.generator.__main__ import main

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "generated" / "grok_imagine_video"

# As small as a document can be, in OpenAPI 3.0.
PETS = '''\
openapi: 3.0.3
info: {title: 'Pets"""  # {{ 7 * 7 }}', version: 2.5.0rc1}
paths:
  /pets/{id}:
    get:
      tags: [pets]
      operationId: getPet
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses:
        '200':
          description: ok
          content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}
components: {schemas: {Pet: {type: object, properties: {name: {type: string}}}}}
'''


def make(target: str, **paths: object) -> subprocess.CompletedProcess[str]:
    """Run make as a person does; `make` itself adds a last line, which starts with its name."""
    words = ["make", target, *(f"{name.upper()}={path}" for name, path in paths.items())]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)


def generate(*words: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.generator", *map(str, words)],
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )


def contents(package: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(package)): path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_same_bytes_come_out_everywhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "with spaces" / "a package"
    shutil.copy(ROOT / "openapi.yaml", tmp_path / "another name.yaml")
    made = [
        make("generate", spec=tmp_path / "another name.yaml", output=elsewhere),
        generate("--output", tmp_path / "two", PYTHONHASHSEED="1", LC_ALL="C", TZ="Asia/Tokyo"),
    ]
    assert [run.stderr for run in made] == ["", ""]
    assert contents(elsewhere) == contents(tmp_path / "two") == contents(PACKAGE)


def test_every_file_says_not_to_edit_it_and_what_to_run() -> None:
    for name, content in contents(PACKAGE).items():
        header = content.decode().splitlines()[:2]
        assert "Do not edit" in header[0], name
        assert "make generate" in header[1], name


def assert_copied(package: Path) -> None:
    """All of runtime/ is in a package as it is, behind a header of two lines."""
    for source in (ROOT / "runtime").glob("*.py"):
        header = (
            f"# Do not edit: copied from runtime/{source.name}, whatever the spec says.\n"
            f"# To change it, edit runtime/{source.name} and run: make generate\n"
        )
        assert (package / source.name).read_text() == header + source.read_text()


def printed(code: str, folder: Path) -> list[str]:
    """The words that `code` prints where the packages in `folder` can be imported."""
    words = [sys.executable, "-c", code]
    return subprocess.check_output(words, cwd=folder, text=True).split()


def test_another_spec_another_name_and_leftovers(tmp_path: Path) -> None:
    (tmp_path / "pets.yaml").write_text(PETS)
    (tmp_path / "config.yaml").write_text("package_name_override: pets")
    pets = tmp_path / "pets"
    for _ in range(2):
        run = make("generate", spec=f"{pets}.yaml", config=tmp_path / "config.yaml", output=pets)
        assert run.stderr == ""
        assert {path.name for path in pets.iterdir()} == {path.name for path in PACKAGE.iterdir()}
        assert_copied(pets)
        (pets / "leftover.py").touch()
    code = "import pets; print(pets.__version__, *pets.__all__); pets.get_pet.sync; pets.Pet()"
    exported = ["__version__", "AuthenticatedClient", "Client", "errors", "get_pet", "Pet"]
    assert printed(code, tmp_path) == ["2.5.0rc1", *exported]


def test_a_name_that_two_things_share_goes_to_neither(tmp_path: Path) -> None:
    operation = "{operationId: %s, tags: [%s], responses: {'200': {description: ok}}}"
    (tmp_path / "spec.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths:\n"
        f"  /a: {{get: {operation % ('find', 'a')}, put: {operation % ('errors', 'a')}}}\n"
        f"  /b: {{get: {operation % ('find', 'b')}, put: {operation % ('put', 'b')}}}\n"
        "components: {schemas: {Client: {type: object}, Model: {type: object}}}\n"
    )
    run = generate("--spec", tmp_path / "spec.yaml", "--output", tmp_path / "shared")
    assert run.stderr == ""
    code = (
        "import shared, shared.api.a.find, shared.api.b.find, shared.api.a.errors, shared.models;"
        "assert shared.errors is not shared.api.a.errors;"
        "assert shared.Client is not shared.models.Client;"
        "print(*shared.__all__)"
    )
    exported = ["__version__", "AuthenticatedClient", "Client", "errors", "Model", "put"]
    assert printed(code, tmp_path) == exported


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    without_caches = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "copy", ignore=without_caches))


def test_check_passes_on_what_the_spec_gives() -> None:
    run = make("check-generated")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_check_names_each_file_and_the_command_that_fixes_them(copy: Path) -> None:
    (copy / "client.py").write_text("x = 1\n")
    (copy / "py.typed").unlink()
    (copy / "api" / "extra.txt").touch()
    before = contents(copy)
    run = make("check-generated", output=copy)
    assert run.returncode != 0
    *found, advice, _ = run.stderr.splitlines()
    lines = ("api/extra.txt: not generated", "client.py: differs", "py.typed: missing")
    assert found == [f"{copy}/{line}" for line in lines]
    assert contents(copy) == before

    command = advice.split("run: ")[1]
    subprocess.run(command, shell=True, cwd=ROOT, check=True, capture_output=True)  # noqa: S602
    assert make("check-generated", output=copy).returncode == 0


def test_check_names_all_files_of_a_package_that_is_gone(tmp_path: Path) -> None:
    run = generate("--check", "--output", tmp_path / "gone")
    assert len(run.stderr.splitlines()) == len(contents(PACKAGE)) + 1
    assert f"{tmp_path}/gone/models/__init__.py: missing\n" in run.stderr


def test_a_change_of_the_runtime_alone_is_a_change_of_the_package(tmp_path: Path) -> None:
    without_caches = shutil.ignore_patterns("__pycache__")
    for folder in ("generated", "runtime", "templates", "tools/generator"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=without_caches)
    for name in ("openapi.yaml", "generator-config.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    types = tmp_path / "runtime" / "types.py"
    types.write_text(types.read_text() + "\n\nx  =  'as it is'\n")
    (tmp_path / "runtime" / "_new.py").touch()
    (tmp_path / "runtime" / "_lazy.py").unlink()
    package = "generated/grok_imagine_video"
    run = generate("--check", cwd=tmp_path)
    assert run.stderr.splitlines() == [
        f"{package}/_lazy.py: not generated",
        f"{package}/_new.py: missing",
        f"{package}/types.py: differs",
        f"{package} is not what the spec gives; run: make generate",
    ]
    assert generate(cwd=tmp_path).returncode == 0
    assert (tmp_path / package / "types.py").read_text().endswith("\nx  =  'as it is'\n")
    assert generate("--check", cwd=tmp_path).returncode == 0


SPECS = {
    "missing": (None, "No such file"),
    "empty": ("", "not an OpenAPI document"),
    "a list": ("- 1", "not an OpenAPI document"),
    "broken YAML": ("openapi: 3.1.0\ninfo: [", "line 2"),
    "twice the same key": (PETS + "paths: {}\n", "paths"),
    "binary": ("\x00\x01", "spec.yaml"),
    "Swagger": ("swagger: '2.0'\ninfo: {title: T, version: '1'}\npaths: {}", "Swagger"),
    "typo in a field": (PETS.replace("info:", "infos:"), "info"),
    "typo in a type": (PETS.replace("type: integer", "type: integr"), "parameters.0"),
    "dangling reference": (PETS.replace("schemas/Pet'", "schemas/Dog'"), "Dog"),
    "constraint without code": (
        PETS.replace("schema: {type: integer}", "schema: {type: integer, not: {const: 1}}"),
        "spec.yaml: get_pet.id: the templates cannot enforce 'not'; express it otherwise",
    ),
    "job without its rules": (
        PETS.replace("type: object", "type: object, x-job: {status: status, succeeded: done}"),
        "x-job needs id, status, progress, result, allowed, error: lists of paths with dots; and",
    ),
    "part that cannot be generated": (
        PETS.replace("application/json", "image/png"),
        "image/png",
    ),
}


@pytest.mark.parametrize(("text", "part"), SPECS.values(), ids=SPECS)
def test_a_bad_spec_gets_one_line_and_changes_nothing(
    text: str | None,
    part: str,
    tmp_path: Path,
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if text is not None:
        (tmp_path / "spec.yaml").write_text(text)
    words = ["generate", "--spec", str(tmp_path / "spec.yaml"), "--output", str(copy)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        main()
    assert_refused(str(end.value.code), part, copy)


CONFIGS = {
    "missing": (None, "No such file"),
    "broken": ("a: [", "not a configuration"),
    "of wrong type": ("literal_enums: perhaps", "literal_enums"),
    "with a hook that fails": ("post_hooks: ['false']", "config.yaml: false"),
    "with a Ctrl-C while it runs": ("post_hooks: ['kill -INT $PPID']", "interrupted"),
    "with a hook that is not there": ("post_hooks: [no-such-tool]", "config.yaml: no-such-tool"),
}


@pytest.mark.parametrize(("text", "part"), CONFIGS.values(), ids=CONFIGS)
def test_a_bad_configuration_gets_one_line_and_changes_nothing(
    text: str | None, part: str, tmp_path: Path, copy: Path
) -> None:
    if text is not None:
        (tmp_path / "config.yaml").write_text(text)
    assert_refused_by(generate("--config", tmp_path / "config.yaml", "--output", copy), part, copy)


@pytest.mark.parametrize("output", ["file/package", "file", "folder"])
def test_an_output_that_is_not_ours_gets_one_line_and_is_left_alone(
    output: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("precious")
    assert_refused_by(generate("--output", tmp_path / output), output.split("/")[0], tmp_path)


def assert_refused_by(run: subprocess.CompletedProcess[str], part: str, unchanged: Path) -> None:
    assert (run.returncode, run.stdout, len(run.stderr.splitlines())) == (1, "", 1)
    assert_refused(run.stderr, part, unchanged)


def assert_refused(message: str, part: str, unchanged: Path) -> None:
    assert len(message.splitlines()) == 1, message
    assert len(message) < 800
    assert message.startswith("generate: ")
    assert part in message
    expected = (
        contents(PACKAGE)
        if unchanged.name == "copy"
        else dict.fromkeys(["file", "folder/thesis.txt"], b"precious")
    )
    assert contents(unchanged) == expected
    assert not list(unchanged.parent.glob(".generate-*"))
