"""The review of a change of the spec: what it finds, how it ends, what bad input gets."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from faults import no_response, serving
from making import load, run
from tools import ROOT, BadInputError
from tools.generator import __main__ as generator
from tools.review import __main__ as review
from tools.review import lint
from tools.review.callers import PACKAGE
from tools.review.changes import LOOK, Change, Impact
from tools.review.lint import LintProblem
from tools.review.report import Review
from tools.review.version import VersionVerdict, judge_version

SPEC = Path("openapi.yaml")


def git(*words: str) -> None:
    named = ["-c", "user.name=t", "-c", "user.email=t@t.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *named, *words], check=True, capture_output=True)  # noqa: S607


def commit(*paths: str) -> None:
    git("add", *paths)
    git("commit", "--quiet", "--allow-empty", "--message=some")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a space in its path, whose main branch is what the work tree is here."""
    folder = tmp_path / "a repo"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "generated", folder / "generated", ignore=ignored)
    for name in ("openapi.yaml", "generator-config.yaml", "redocly.yaml"):
        shutil.copy(ROOT / name, folder)
    monkeypatch.chdir(folder)
    Path("CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    git("init", "--quiet", "--initial-branch=main")
    commit(".")
    Path(".node").symlink_to(ROOT / ".node")
    for module in ("__main__", "git", "lint"):
        monkeypatch.setattr(f"tools.review.{module}.ROOT", folder)
    monkeypatch.setattr(review, "GENERATED", folder / "generated" / PACKAGE)
    return folder


def edit(*pairs: tuple[str, str]) -> None:
    text = SPEC.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    SPEC.write_text(text)


def reviewed(repo: Path, *words: str) -> tuple[int, str, dict[str, Any]]:
    """Review the spec: how that ends, what it prints, and what is in its JSON.

    Tests need no Node; where the project is checked as a whole, there is one.
    """
    if not (repo / ".node" / "redocly").exists() and not os.environ.get("CI"):
        pytest.skip("needs Redocly: run make lint-spec")
    code, out, err = run(review.main, *words)
    assert err == ""
    return code, out, json.loads((repo / "build" / "review.json").read_text())


@pytest.mark.usefixtures("repo")
def test_no_command_follows_a_reference_to_another_document() -> None:
    """Redocly and the libraries of the generator would."""
    with serving(no_response) as server:
        edit(("summary: Create a video\n", f"$ref: {server.base_url}\n"))
        for main in (review.main, lint.main, generator.main):
            code, out, err = run(main)
            assert "$ref: other documents are not read: " in (err or code)
            assert (out, len((err or code).splitlines())) == ("", 1)
        assert not server.connections


VERSION = re.findall(r"^  version: (.*)$", (ROOT / SPEC).read_text(), re.MULTILINE)[0]
NEXT = f"{VERSION.split('.')[0]}.{int(VERSION.split('.')[1]) + 1}.0"


def test_nothing_changed_needs_nobody(repo: Path) -> None:
    code, out, report = reviewed(repo)
    assert (code, "no change to review" in out) == (0, True)
    version = {"base": VERSION, "now": VERSION, "needed": VERSION, "ok": True}
    nothing = {"impact": "none", "changes": [], "python": [], "lint": []}
    assert report == nothing | {"version": version, "generated": "current"}


def test_a_tightening_is_shown_with_a_body_and_what_is_left_to_do(repo: Path) -> None:
    edit(("maximum: 15", "maximum: 10"))
    code, out, report = reviewed(repo, "--base", "HEAD")
    assert code == 1
    assert Path("build", "review.md").read_text() == out.removesuffix("\n")
    (change,) = report["changes"]
    assert change.keys() == {"pointer", "line", "impact", "text", "body", "why"}
    assert (report["impact"], change["impact"]) == ("major", "major")
    assert change["body"]["duration"] > 10
    assert report["version"] == {"base": VERSION, "now": VERSION, "needed": NEXT, "ok": False}
    assert (report["generated"], report["python"]) == ("stale", [])
    told = ("maximum 10 instead of 15", f"{NEXT} is needed", "make generate", '"duration": 1')
    assert [words for words in told if words not in out] == []


def test_what_breaks_for_callers_is_told_and_counts_for_the_version(repo: Path) -> None:
    shutil.copytree(ROOT / "tests" / "typing", "tests/typing")
    shutil.copy(ROOT / "README.md", repo)
    Path("docs").mkdir()
    shutil.copy(ROOT / "docs" / "getting-started.md", "docs")
    commit("tests", "README.md", "docs")
    edit(("operationId: createVideo", "operationId: makeVideo"))
    code, _, report = reviewed(repo)
    assert (code, report["impact"], report["version"]["needed"]) == (1, "patch", NEXT)
    assert any("create_video" in text and "removed" in text for text in report["python"])
    code_of_texts = {"calls.py", "readme_1.py", "getting_started_2.py"}
    assert code_of_texts <= {text.partition(":")[0] for text in report["python"]}


def test_what_is_wrong_with_the_spec_is_told_with_its_lines(repo: Path) -> None:
    misspelt = ("minimum: 1\n", "minimun: 1\n")
    edit(misspelt, ("duration: 4", "duration: 99"), ("summary: Create a video\n", "\n"))
    code, _, report = reviewed(repo)
    assert (code, report["generated"]) == (1, "stale")
    by_rule = {problem["rule"]: problem for problem in report["lint"]}
    assert "operation-summary" in by_rule
    assert "minimun" in by_rule["struct"]["text"]
    assert "duration/minimun: what is sent cannot be held to" in by_rule["generator"]["text"]
    wrong = by_rule["no-invalid-media-type-examples"]
    line = SPEC.read_text().splitlines()[wrong["line"] - 1]
    assert (wrong["severity"], "duration: 99" in line) == ("error", True)
    code, out, _ = run(lint.main)
    assert code == 1
    assert f"openapi.yaml:{wrong['line']}: error: no-invalid-media-type-examples" in out


VERSIONS = load(ROOT / "tests" / "versions.yaml")


@pytest.mark.parametrize(("base", "now", "impact", "changelog", "needed", "told"), VERSIONS)
def test_the_version_rises_with_the_change_and_the_changelog_tells_of_it(
    base: str, now: str, impact: Impact, changelog: str, needed: str, told: str
) -> None:
    old = "## [Unreleased]\n- Old."
    verdict = judge_version(base, now, impact, old_changelog=old, new_changelog=changelog)
    assert (verdict.needed, verdict.ok) == (needed, told == "as it should be")
    assert told in verdict.text()


def test_a_text_that_is_not_a_version_gets_one_line() -> None:
    with pytest.raises(BadInputError, match=r"^info\.version: .*'one'"):
        judge_version("1.0.0", "one", "none", old_changelog="", new_changelog="")


CHANGE, PROBLEM = Change("", 1, "major", "Gone."), LintProblem("rule", "warn", "", 1, "Why.")
VERDICT = VersionVerdict("1.0.0", "2.0.0", "2.0.0", ok=True)
DONE = Review("major", [CHANGE], ["A name is gone."], [PROBLEM], VERDICT, "current")
LEFT: dict[str, Any] = {
    "changes": [evolve(CHANGE, why=LOOK)],
    "lint": [evolve(PROBLEM, severity="error")],
    "version": evolve(VERDICT, ok=False),
    "generated": "stale",
}


def test_a_review_is_done_when_nothing_needs_a_person() -> None:
    assert DONE.is_done
    assert not any(evolve(DONE, **{part: LEFT[part]}).is_done for part in LEFT)


def no_spec() -> None:
    git("rm", "--quiet", "--cached", "openapi.yaml")
    commit()


def shallow() -> None:
    commit()
    git("fetch", "--quiet", "--depth=1", f"file://{Path.cwd()}")


# A part of the line, what is typed, and what is wrong.
WRONG: dict[str, tuple[list[str], Callable[[], object]]] = {
    "no revision 'no-such'": (["--base", "no-such"], lambda: None),
    "no revision '--all'": (["--base=--all"], lambda: None),
    "name another one with BASE=": ([], lambda: git("branch", "-m", "trunk")),
    "git fetch --unshallow": (["--base", "HEAD~1"], shallow),
    "has no openapi.yaml": (["--base", "HEAD"], no_spec),
    "openapi.yaml: No such file": ([], SPEC.unlink),
    "not a git repository": ([], lambda: shutil.rmtree(".git")),
}


@pytest.mark.parametrize("told", WRONG)
def test_what_cannot_be_reviewed_gets_one_line(told: str, repo: Path) -> None:
    words, harm = WRONG[told]
    harm()
    code, out, err = run(review.main, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("review: ")
    assert told in err
    assert not (repo / "build").exists()
