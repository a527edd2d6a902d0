"""What GitHub runs, held against the Makefile and the metadata that it is about."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = YAML(typ="safe").load(path)["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def commands(path: Path) -> list[str]:
    return [step["run"] for step in steps(path) if "run" in step]


def test_these_workflows_are_there() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "release", "review"]


@each_workflow
def test_every_action_is_pinned_by_a_commit_and_says_its_version(path: Path) -> None:
    pins = re.findall(
        r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", path.read_text(), re.MULTILINE
    )
    assert pins
    assert len(pins) == len([step for step in steps(path) if "uses" in step])


@each_workflow
def test_no_expression_becomes_a_part_of_a_script(path: Path) -> None:
    assert commands(path)
    assert [command for command in commands(path) if "${{" in command] == []


@each_workflow
def test_every_target_that_is_made_is_in_the_makefile(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {".venv/installed", *re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)}
    made = re.findall(r"^make (\S+)", "\n".join(commands(path)), re.MULTILINE)
    assert made
    assert set(made) - targets == set()


def test_each_supported_python_is_tested() -> None:
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = re.findall(r":: (3\.\d+)$", "\n".join(metadata["classifiers"]), re.MULTILINE)
    jobs = YAML(typ="safe").load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]
    assert supported
    for job in ("test", "wheel"):
        assert jobs[job]["strategy"]["matrix"]["python"] == supported


def test_what_shapes_the_package_is_reviewed_and_the_report_is_shown() -> None:
    review = ROOT / ".github" / "workflows" / "review.yml"
    paths = YAML(typ="safe").load(review)["on"]["pull_request"]["paths"]
    assert {"openapi.yaml", "generator-config.yaml", "templates/**"} <= set(paths)
    shown = [step for step in steps(review) if "GITHUB_STEP_SUMMARY" in step.get("run", "")]
    assert [step["if"] for step in shown] == ["always()"]


def check_tag(tag: str) -> str:
    env = os.environ | {"TAG": tag}
    words = ["make", "check-tag"]
    make = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True)
    assert make.returncode == 2
    said, _ = make.stderr.splitlines()  # the other line is make's own
    return said


def test_a_tag_that_is_not_the_version_is_refused_in_a_line_that_names_both() -> None:
    version = YAML(typ="safe").load(ROOT / "openapi.yaml")["info"]["version"]
    for tag in ("v9.9.9", version, "", "v$(shell true)"):
        said = f"make: the tag is {tag}, but openapi.yaml has the version {version}"
        assert check_tag(tag) == said
