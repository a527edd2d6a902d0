"""The workflows of GitHub agree with the Makefile and with the metadata of the package."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent


def read(path: str) -> Any:
    return YAML(typ="safe").load(ROOT / path)


def test_each_supported_python_is_tested() -> None:
    supported = re.findall(r'"Programming .* :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    assert supported
    for job in ("test", "wheel"):
        matrix = read(".github/workflows/ci.yml")["jobs"][job]["strategy"]["matrix"]
        assert matrix["python"] == supported


def test_every_source_of_the_package_is_reviewed_and_the_report_is_shown() -> None:
    review = read(".github/workflows/review.yml")
    paths = review["on"]["pull_request"]["paths"]
    assert {"openapi.yaml", "generator-config.yaml", "templates/**", "runtime/**"} <= set(paths)
    steps = review["jobs"]["review"]["steps"]
    shown = [step["if"] for step in steps if "GITHUB_STEP_SUMMARY" in step.get("run", "")]
    assert shown == ["always()"]


def test_a_tag_that_differs_from_the_version_is_refused_in_one_line() -> None:
    version = read("openapi.yaml")["info"]["version"]
    for tag in ("v9.9.9", version, "", "v$(shell true)"):
        command, env = ["make", "check-tag"], os.environ | {"TAG": tag}
        make = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
        message, _by_make = make.stderr.splitlines()
        expected = f"make: the tag is {tag}, but openapi.yaml has the version {version}"
        assert (make.returncode, message) == (2, expected)
