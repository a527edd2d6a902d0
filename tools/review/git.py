"""Files of the project at a git revision."""

import subprocess
import tarfile
from pathlib import Path

from .. import ROOT, BadInputError

# What callers had: the package, and code that uses it.
PARTS_FOR_CALLERS = ["generated", "tests/typing", "README.md", "docs"]


def revision(name: str | None) -> str:
    """The commit to compare with."""
    for candidate in [name] if name else ["origin/main", "main"]:
        options = ["--verify", "--quiet", "--end-of-options", f"{candidate}^{{commit}}"]
        try:
            return _git("rev-parse", *options).strip()
        except BadInputError:
            continue
    missing = f"no revision {name!r}" if name else "no revision origin/main or main"
    if _git("rev-parse", "--is-shallow-repository").strip() == "true":
        raise BadInputError(f"{missing} in this shallow clone: run git fetch --unshallow")
    raise BadInputError(f"{missing}: name another one with BASE=")


def text_at(base: str, path: str) -> str | None:
    """A file at a revision, or None if there was none."""
    try:
        return _git("show", f"{base}:{path}")
    except BadInputError:
        return None


def unpack(base: str, folder: Path) -> None:
    """Unpack what callers had at a revision into a folder."""
    parts = _git("ls-tree", "--name-only", base, *PARTS_FOR_CALLERS).split()
    if parts:
        archive = folder / "old.tar"
        _git("archive", f"--output={archive}", base, *parts)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, encoding="utf-8")  # noqa: S607
    except FileNotFoundError:
        raise BadInputError("git is not installed; a review compares two git revisions") from None
    if done.returncode:
        raise BadInputError(" ".join(done.stderr.split()) or f"git {words[0]} failed")
    return done.stdout
