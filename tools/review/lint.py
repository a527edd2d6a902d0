"""Check the spec against the rules of redocly.yaml."""

import json
import subprocess
import sys
from pathlib import Path

from attrs import frozen

from .. import ROOT, BadInputError
from ..specs import read


@frozen
class Problem:
    """What a rule says about a place in the spec."""

    rule: str
    severity: str
    pointer: str
    line: int
    text: str


def problems(spec: Path) -> list[Problem]:
    """What Redocly says of a spec that leads it nowhere else."""
    read(spec)
    redocly, config = ROOT / ".node" / "redocly", ROOT / "redocly.yaml"
    command = [str(redocly), "lint", str(spec), "--format=json", f"--config={config}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)["problems"]
    except (KeyError, ValueError):
        said = " ".join(done.stderr.split())[-300:]
        raise BadInputError(f"Redocly cannot read {spec}: {said}") from None
    return [
        Problem(
            rule=each["ruleId"],
            severity=each["severity"],
            pointer=each["location"][0].get("pointer", "#").removeprefix("#"),
            line=each["location"][0]["start"]["line"],
            text=" ".join(each["message"].split())[:300],
        )
        for each in found
    ]


def main() -> None:
    spec = ROOT / "openapi.yaml"
    try:
        found = problems(spec)
    except (BadInputError, OSError) as error:
        sys.exit(f"lint: {error}")
    for problem in found:
        print(f"{spec.name}:{problem.line}: {problem.severity}: {problem.rule}: {problem.text}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
