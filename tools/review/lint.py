"""Check the spec against the rules of redocly.yaml."""

import json
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from .. import ROOT, BadInputError
from ..specs import load, text_of


@frozen
class LintProblem:
    """A problem that a rule finds in the spec."""

    rule: str
    severity: str
    pointer: str
    line: int
    text: str


def problems(spec: Path) -> list[LintProblem]:
    """The problems that Redocly finds in a spec, which must not refer to other documents."""
    load(text_of(spec), str(spec))
    redocly, config = ROOT / ".node" / "redocly", ROOT / "redocly.yaml"
    command = [str(redocly), "lint", str(spec), "--format=json", f"--config={config}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    try:
        rows = json.loads(done.stdout)["problems"]
    except (KeyError, ValueError):
        reason = " ".join(done.stderr.split())[-300:]
        raise BadInputError(f"Redocly cannot read {spec}: {reason}") from None
    return [
        LintProblem(
            rule=row["ruleId"],
            severity=row["severity"],
            pointer=row["location"][0].get("pointer", "#").removeprefix("#"),
            line=row["location"][0]["start"]["line"],
            text=" ".join(row["message"].split())[:300],
        )
        for row in rows
    ]


def main() -> None:
    spec = ROOT / "openapi.yaml"
    try:
        lint = problems(spec)
    except (BadInputError, OSError) as error:
        sys.exit(f"lint: {error}")
    for problem in lint:
        print(f"{spec.name}:{problem.line}: {problem.severity}: {problem.rule}: {problem.text}")
    sys.exit(1 if lint else 0)


if __name__ == "__main__":
    main()
