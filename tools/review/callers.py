"""What breaks for those who import the package: names that are gone, code that no longer fits."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import griffe

from .. import ROOT

MYPY_CACHE = ROOT / ".mypy_cache" / "review"
PACKAGE = "grok_imagine_video"
# Modules that callers import from; the others are private.
PUBLIC = ("api", "client", "errors", "models", "types")


def broken_names(old: Path, new: Path) -> list[str]:
    """Public names of the package in `old` that are missing or incompatible in `new`."""
    if not (old / PACKAGE).exists():
        return []
    packages = [griffe.load(PACKAGE, search_paths=[folder]) for folder in (old, new)]
    broken = set()
    for breakage in griffe.find_breaking_changes(*packages):
        path = breakage.obj.path.split(".")
        is_exported = len(path) == 2 and path[1] in (packages[0].exports or ())
        if (is_exported or path[1] in PUBLIC) and not any(re.match("_[^_]", name) for name in path):
            details = f" {breakage.details}" if breakage.details else ""
            broken.add(f"{'.'.join(path)}: {breakage.kind.value}{details}")
    return sorted(broken)


def broken_code(old: Path, package: Path) -> list[str]:
    """The errors of a type checker for the code in `old` with the package in `package`."""
    code = {path.name: path.read_text("utf-8") for path in sorted(old.glob("tests/typing/*.py"))}
    for path in [*old.glob("README.md"), *sorted(old.glob("docs/*.md"))]:
        text, name = path.read_text("utf-8"), path.stem.lower().replace("-", "_")
        blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        code |= {f"{name}_{number}.py": block for number, block in enumerate(blocks, 1)}
    if not code:
        return []
    with tempfile.TemporaryDirectory() as folder:
        for name, source in code.items():
            Path(folder, name).write_text(source, "utf-8")
        mypy = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file="]
        mypy += ["--scripts-are-modules", f"--cache-dir={MYPY_CACHE}", *code]
        environment = {"MYPYPATH": str(package)}
        done = subprocess.run(mypy, cwd=folder, env=environment, capture_output=True, text=True)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
