"""Change the code in one place after the other, and show each change that no test notices.

mutmut makes the changes, in copies below build/mutants, because it wants modules in a folder `src`.
It ends with 0 only if explained.yaml explains each change that no test notices, and no other.
"""

import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SCRATCH = ROOT / "build" / "mutants"
MUTMUT = ROOT / ".mutants" / "bin" / "mutmut"
EXPLAINED = HERE / "explained.yaml"

# A test that never ends has noticed the change too.
NOTICED = ("killed", "timeout")


def prepare() -> None:
    """Lay out the code and its tests as mutmut wants them."""
    shutil.rmtree(SCRATCH, ignore_errors=True)
    for folder, copy in (("examples", "examples"), ("tests", "tests"), ("generated", "src")):
        shutil.copytree(ROOT / folder, SCRATCH / copy)
    shutil.copy(ROOT / "openapi.yaml", SCRATCH)
    parts = (ROOT / "pyproject.toml", HERE / "mutmut.toml")
    settings = "\n".join(part.read_text("utf-8") for part in parts)
    (SCRATCH / "pyproject.toml").write_text(settings, "utf-8")


def mutmut(*words: str, stdout: int | None = subprocess.PIPE) -> str:
    command = [str(MUTMUT), *words]
    ended = subprocess.run(command, cwd=SCRATCH, stdout=stdout, check=True, text=True)
    return ended.stdout or ""


def function_of(mutant: str) -> str:
    """`_calls.Save.report` for `grok_imagine_video._calls.xǁSaveǁreport__mutmut_3`."""
    module, _, name = re.sub("__mutmut_[0-9]+$", "", mutant).rpartition(".")
    return f"{module.rpartition('.')[2]}.{re.sub('^x[_ǁ]', '', name).replace('ǁ', '.')}"


def change_in(diff: str) -> str:
    """The code in place of what was there, in one line."""
    added = [line[1:].strip() for line in diff.splitlines() if re.match(r"\+(?!\+\+ )", line)]
    return " ".join(added)


def main() -> None:
    prepare()
    mutmut("run", stdout=None)
    states = dict(line.strip().split(": ") for line in mutmut("results", "--all=1").splitlines())
    shown = {name: mutmut("show", name) for name, state in states.items() if state not in NOTICED}
    changes = {name: f"{function_of(name)}: {change_in(diff)}" for name, diff in shown.items()}
    reasons: dict[str, list[str]] = YAML(typ="safe").load(EXPLAINED)
    explained = set(itertools.chain(*reasons.values()))
    new = [shown[name] for name, change in changes.items() if change not in explained]
    old = [f"explained, but noticed: {each}" for each in explained - {*changes.values()}]
    print(*new, *old, sep="\n")
    print(f"{len(states)} changes, {len(shown)} that no test notices, {len(new)} not explained")
    sys.exit(1 if new or old else 0)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        sys.exit("mutants: interrupted")
