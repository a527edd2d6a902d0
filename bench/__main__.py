"""Measure the client and its peers, print a table and write build/bench.json."""

import dataclasses
import json
import os
import platform
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bench import processes, rows
from bench.measuring import reason
from bench.table import Line, markdown

REPORT = processes.ROOT / "build" / "bench.json"
PACKAGES = [
    *("grok-imagine-video", "httpx", "attrs", "aiohttp", "httpx-aiohttp", "pydantic"),
    *("openai", "xai-sdk", "fal-client", "replicate"),
]


def tell(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)


def machine() -> dict[str, str]:
    processor = platform.processor()
    if sys.platform == "linux":
        processor = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2]
    return {
        "cores": str(os.cpu_count()),
        "processor": processor.partition("\n")[0] or platform.machine(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }


def make_upstream() -> str:
    """Generate the upstream client, and return the version of the generator."""
    package = processes.BUILD / "upstream_client"
    processes.generate_upstream(package)
    processes.run(sys.executable, "-m", "compileall", "-q", package)
    return processes.run(processes.TOOLS / "openapi-python-client", "--version").split()[-1]


def measured(row: Callable[[], list[Line]], what: str) -> list[Line]:
    tell(what)
    try:
        return row()
    except Exception as error:
        return [Line(what, "", {"ours": reason(error)})]


def measure() -> None:
    head, versions = machine(), {name: version(name) for name in PACKAGES}
    try:
        versions["openapi-python-client"] = make_upstream()
    except Exception as error:  # its cells will say that it is missing
        tell(f"no upstream client: {reason(error)}")
    with processes.serving() as base_url:
        table: dict[str, Callable[[], list[Line]]] = {
            "import": rows.imports,
            "one call": partial(rows.calls, base_url),
            "many calls": partial(rows.concurrency, base_url),
            "many waits": partial(rows.waiting, base_url),
            "a large image": partial(rows.large_bodies, base_url),
            "a large download": partial(rows.large_files, base_url),
            "downloads in asyncio": partial(rows.async_files, base_url),
            "a batch": partial(rows.batches, base_url),
            "POSTs for one call": partial(rows.posts, base_url),
            "make generate": rows.generation,
        }
        lines = [line for what, row in table.items() for line in measured(row, what)]
    report = {
        "head": head | {"versions": versions},
        "lines": [dataclasses.asdict(line) for line in lines],
    }
    REPORT.write_text(json.dumps(report, indent=1))
    about = ", ".join(f"{name} {number}" for name, number in versions.items())
    print("`make bench` on {cores} cores, {processor}, {system}:".format(**head))
    print(f"Python {head['Python']}, {about}.")
    print(f"Medians; each client has its default limits.\n\n{markdown(lines)}")


def main() -> None:
    try:
        measure()
    except KeyboardInterrupt:
        tell("interrupted")
        sys.exit(130)


if __name__ == "__main__":
    main()
