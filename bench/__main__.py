"""Measure the client and its peers, print a table and write build/bench.json."""

import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from subprocess import PIPE, Popen
from typing import IO, cast

from bench.rows import ROWS

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("grok-imagine-video", "httpx", "attrs", "openai", "fal-client")


@contextmanager
def serving() -> Iterator[str]:
    """Run the server until the block ends, and give its address."""
    with Popen(
        [sys.executable, "-m", "bench.server"], cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True
    ) as server:
        yield cast(IO[str], server.stdout).readline().strip()


def main() -> None:
    for name in {variable for variable in os.environ if variable.lower().endswith("_proxy")}:
        del os.environ[name]  # or the proxy would be measured too
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"`make bench` on {os.cpu_count()} cores, {platform.platform()}:")
    print(f"Python {platform.python_version()}, {versions}.\n")
    print("| what | ours | others (ours / theirs) |\n| --- | --- | --- |", flush=True)
    report = {}
    with serving() as base_url:
        for row in ROWS:
            report[row.what] = samples = row.measure(base_url)
            print(row.line(samples), flush=True)
    (ROOT / "build" / "bench.json").write_text(json.dumps(report, indent=1), "utf-8")


if __name__ == "__main__":
    main()
