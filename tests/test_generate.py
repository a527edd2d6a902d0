"""`make generate` and `make check-generated`: what comes out, and what bad input does."""

import os
import shutil
import subprocess
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from making import load, run
from tools import ROOT
from tools.generator import driver
from tools.generator.__main__ import main

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


def test_another_spec_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path / "new")
    pets, spec, config = (tmp_path / name for name in ("new/pets", "pets.yaml", "config.yaml"))
    spec.write_text(PETS)
    config.write_text("package_name_override: pets")
    assert "wrote" in generate("--spec", spec, "--config", config, "--output", pets)[1]
    package = import_module("pets")
    exported = ["__version__", "AuthenticatedClient", "Client", "errors", "get_pet", "Pet"]
    assert ([*package.__all__], package.__version__) == (exported, "2.5.0rc1")
    assert package.get_pet.sync
    own = package.Client.package
    assert (own.user_agent, own.logger.name, own.environment) == ("pets/2.5.0rc1", "pets", {})
    assert package.Pet()


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


# Which file is bad, what stands in it, or None if it is missing, and a part of what is said.
ROWS = load(ROOT / "tests" / "specs" / "bad_pets.yaml")
BAD: list[tuple[str, str | None, str]] = [("spec", None, "spec.yaml: No such file")]
BAD += [("config", *row) for row in ROWS["config"].items()]
BAD += [
    ("spec", PETS.replace(old, new.replace("%", part)), told)
    for old, new, rows in ROWS["spec"]
    for part, told in rows
]


@pytest.mark.parametrize(("option", "text", "part"), BAD, ids=[told for *_, told in BAD])
def test_bad_input_gets_one_line_and_changes_nothing(
    option: str, text: str | None, part: str, copy: Path, capfd: pytest.CaptureFixture[str]
) -> None:
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
