"""What a review found, as the report that people read and as the JSON that programs read."""

import json

from attrs import asdict, frozen

from .changes import LOOK, Change, Impact
from .lint import LintProblem
from .version import VersionVerdict

TITLES: dict[Impact, str] = {
    "major": "Breaks",
    "minor": "Adds",
    "patch": "Changes only the wording",
}


@frozen
class Review:
    """The outcome of a review."""

    impact: Impact
    changes: list[Change]
    python: list[str]
    lint: list[LintProblem]
    version: VersionVerdict
    generated: str

    @property
    def is_done(self) -> bool:
        """Whether nothing needs a person."""
        has_errors = any(problem.severity == "error" for problem in self.lint)
        is_unclear = any(change.why == LOOK for change in self.changes)
        is_current = self.generated == "current"
        return self.version.ok and is_current and not has_errors and not is_unclear

    def json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def markdown(self) -> str:
        lines = ["# Review of the spec", "", *self._summary(), ""]
        for impact, title in TITLES.items():
            changes = [change for change in self.changes if change.impact == impact]
            lines += section(title, [line for change in changes for line in _change(change)])
        lines += section("For those who import the package", [f"- `{x}`" for x in self.python])
        lint = [f"- line {x.line}: {x.severity}: {x.rule}: {x.text}" for x in self.lint]
        lines += section("Lint", lint)
        return "\n".join(lines)

    def _summary(self) -> list[str]:
        is_same = not self.changes and self.version.base == self.version.now
        same = ["The spec is the same as in the base: no change to review.", ""]
        fix = ": run `make generate` and commit what it writes" if self.generated == "stale" else ""
        return [
            *(same if is_same else []),
            f"| impact | {self.impact} |",
            "|---|---|",
            f"| version | {self.version.text()} |",
            f"| generated code | {self.generated}{fix} |",
            f"| lint | {len(self.lint)} problems |",
        ]


def section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines, ""] if lines else []


def _change(change: Change) -> list[str]:
    """A change, and the body that shows it with the validator's words about it."""
    lines = [f"- line {change.line}, `{change.pointer}`: {change.text}"]
    if change.body is not None:
        verb = "worked, and is refused" if change.impact == "major" else "was refused, and works"
        lines.append(f"  - this {verb}: `{json.dumps(change.body, ensure_ascii=False)}`")
    return [*lines, f"  - {change.why}"] if change.why else lines
