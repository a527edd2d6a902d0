"""Review a change of the spec: what it does, to whom, with proof, and what is left to do.

Compares the spec of the work tree with the one of a git revision. Writes build/review.md and
build/review.json, prints the former, and ends with 0 only if nothing needs a person, with 1 if
something does, and with 2 if there is nothing to review.
"""

import argparse
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from attrs import asdict, frozen
from packaging.version import InvalidVersion, Version

from tools.callers import PACKAGE, broken_code, broken_names
from tools.changes import LOOK, Change, Impact, compare, worst
from tools.generator import driver as generate
from tools.lint_spec import LintError, Problem, problems
from tools.spec import BadSpecError, Spec

ROOT = generate.ROOT


class ReviewError(Exception):
    """Something that the person at the keyboard can mend; the text is the one line to print."""


@frozen
class Review:
    """What there is to say of a change."""

    base: str
    impact: Impact
    changes: list[Change]
    python: list[str]
    lint: list[Problem]
    version: dict[str, Any]
    generated: str

    @property
    def is_done(self) -> bool:
        """Whether nothing needs a person."""
        failures = [problem for problem in self.lint if problem.severity == "error"]
        to_look_at = [change for change in self.changes if change.why == LOOK]
        return bool(
            not failures and not to_look_at and self.version["ok"] and self.generated == "current"
        )


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, encoding="utf-8")  # noqa: S607
    if done.returncode:
        raise ReviewError(" ".join(done.stderr.split()) or f"git {words[0]} failed")
    return done.stdout


def revision(named: str | None) -> str:
    """The commit to compare with."""
    for candidate in [named] if named else ["origin/main", "main"]:
        try:
            return git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}"
            ).strip()
        except ReviewError:
            continue
    wanted = repr(named) if named else "origin/main or main"
    if git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise ReviewError(f"no revision {wanted} in this shallow clone: run git fetch --unshallow")
    raise ReviewError(f"no revision {wanted}: name another one with BASE=")


def at(base: str, path: str) -> str | None:
    """A file as it was, or None if there was none."""
    try:
        return git("show", f"{base}:{path}")
    except ReviewError:
        return None


def unpacked(base: str, folder: Path) -> None:
    """Put what callers had at a revision into a folder."""
    wanted = ["generated", "tests/typing", "README.md"]
    there = git("ls-tree", "--name-only", base, *wanted).split()
    if there:
        archive = ["git", "archive", f"--output={folder / 'old.tar'}", base, *there]
        subprocess.run(archive, cwd=ROOT, check=True)
        with tarfile.open(folder / "old.tar") as tar:
            tar.extractall(folder, filter="data")


def review(base: str, spec_path: Path) -> Review:
    before = at(base, "openapi.yaml")
    if before is None:
        raise ReviewError(f"{base[:12]} has no openapi.yaml to compare with")
    old = Spec.parse(before, f"openapi.yaml of {base[:12]}")
    new = Spec.read(spec_path)
    changes, lint = compare(old, new), problems(spec_path)
    impact = worst([change.impact for change in changes])
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        unpacked(base, scratch)
        package = scratch / "new" / PACKAGE
        try:
            generate.build(spec_path, ROOT / "generator-config.yaml", package)
            is_current = not generate.compare(package, ROOT / "generated" / PACKAGE)
        except generate.BadInputError as error:
            lint.append(Problem("generator", "error", "", 1, str(error)))
            package, is_current = ROOT / "generated" / PACKAGE, False
        python = broken_names(scratch / "generated", package.parent)
        python += broken_code(scratch, package.parent)
    needed: Impact = "major" if python else impact
    version = judge_version(base, old, new, needed)
    generated = "current" if is_current else "stale"
    return Review(base, impact, changes, python, lint, version, generated)


def judge_version(base: str, old: Spec, new: Spec, impact: Impact) -> dict[str, Any]:
    """Whether the version rose as much as the change demands, and the changelog tells of it."""
    texts = [str(spec.document["info"]["version"]) for spec in (old, new)]
    try:
        before, now = map(Version, texts)
    except InvalidVersion as error:
        raise ReviewError(f"info.version: {error}") from None
    needed = raised(before, impact)
    told = impact == "none" or has_entry(base, texts[1])
    return {
        "base": texts[0],
        "now": texts[1],
        "needed": str(needed),
        "ok": now >= needed and told,
    }


def raised(version: Version, impact: Impact) -> Version:
    """The lowest version that tells of a change; before 1.0 a break raises the minor number."""
    major, minor, patch = (*version.release, 0, 0)[:3]
    if impact == "none":
        return version
    if impact == "patch":
        return Version(f"{major}.{minor}.{patch + 1}")
    if impact == "minor" or not major:
        return Version(f"{major}.{minor + 1}.0")
    return Version(f"{major + 1}.0.0")


def has_entry(base: str, version: str) -> bool:
    """Whether the changelog has a line about this version that it did not have."""
    path = ROOT / "CHANGELOG.md"
    known = set((at(base, "CHANGELOG.md") or "").splitlines())
    sections = re.split(r"^## ", path.read_text("utf-8") if path.exists() else "", flags=re.M)[1:]
    ours = [each for each in sections if re.match(rf"\[?({re.escape(version)}|Unreleased)\b", each)]
    return any(
        line.strip() and line not in known for each in ours for line in each.splitlines()[1:]
    )


def markdown(found: Review) -> str:
    lines = ["# Review of the spec", ""]
    if not found.changes and found.version["base"] == found.version["now"]:
        lines += ["The spec is the one of the base: no change to review.", ""]
    lines += [f"| impact | {found.impact} |", "|---|---|"]
    lines += [f"| version | {told_version(found.version)} |"]
    mend = "" if found.generated == "current" else ": run `make generate` and commit what it writes"
    lines += [
        f"| generated code | {found.generated}{mend} |",
        f"| lint | {len(found.lint)} problems |",
        "",
    ]
    for impact, title in (
        ("major", "Breaks"),
        ("minor", "Adds"),
        ("patch", "Only says it otherwise"),
    ):
        chosen = [change for change in found.changes if change.impact == impact]
        lines += [f"## {title}", ""] if chosen else []
        for change in chosen:
            lines += [f"- line {change.line}, `{change.pointer}`: {change.text}"]
            lines += told_proof(change)
        lines += [""] if chosen else []
    for title, said in (
        ("For those who import the package", [f"`{text}`" for text in found.python]),
        (
            "Lint",
            [f"line {each.line}: {each.severity}: {each.rule}: {each.text}" for each in found.lint],
        ),
    ):
        lines += [f"## {title}", "", *(f"- {text}" for text in said), ""] if said else []
    return "\n".join(lines)


def told_version(version: dict[str, Any]) -> str:
    text = f"{version['base']} → {version['now']}"
    if version["ok"]:
        return f"{text}, as it should be"
    if Version(version["now"]) < Version(version["needed"]):
        return f"{text}, {version['needed']} is needed, with an entry in CHANGELOG.md"
    return f"{text}, but CHANGELOG.md has no entry about it"


def told_proof(change: Change) -> list[str]:
    """The body that shows a change, and the validator's words about it."""
    if change.body is None:
        return [f"  - {change.why}"] if change.why else []
    verb = "worked, and is refused" if change.impact == "major" else "was refused, and works"
    body = json.dumps(change.body, ensure_ascii=False)
    return [f"  - this {verb}: `{body}`", f"  - {change.why}"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Review a change of the spec.")
    parser.add_argument(
        "--base", help="the revision to compare with; default: origin/main, or main"
    )
    parser.add_argument("--spec", type=Path, default=ROOT / "openapi.yaml", metavar="FILE")
    options = parser.parse_args()
    try:
        found = review(revision(options.base), options.spec)
    except (BadSpecError, LintError, OSError, ReviewError) as error:
        print(f"review: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit("review: interrupted")
    (ROOT / "build").mkdir(exist_ok=True)
    told = asdict(found)
    del told["base"]
    text = markdown(found)
    (ROOT / "build" / "review.json").write_text(
        json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8"
    )
    (ROOT / "build" / "review.md").write_text(text, "utf-8")
    print(text)
    sys.exit(0 if found.is_done else 1)


if __name__ == "__main__":
    main()
