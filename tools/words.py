"""Refuse words that make readers stop; tools/words.yaml has them, and what to write instead."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
READ = ["*.md", ".github", "Makefile", "docs", "openapi.yaml", "runtime", "templates"]


def found(text: str, words: dict[str, str]) -> Iterator[tuple[int, str]]:
    """The number of each line that has such words, and what to write."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, better in words.items():
            if match := re.search(pattern, line, re.IGNORECASE):
                yield number, f"{match[0]!r}: write {better}"


def main() -> None:
    """Name each place, and fail if there is one."""
    words = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml"))
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *READ]
    names = subprocess.check_output(listing, cwd=ROOT, text=True).splitlines()
    places = [
        f"{name}:{number}: {what}"
        for name in names
        for number, what in found((ROOT / name).read_text("utf-8"), words)
    ]
    if places:
        sys.exit("\n".join(places))


if __name__ == "__main__":
    main()
