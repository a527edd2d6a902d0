"""The processes that a run is made of."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
TOOLS = ROOT / ".venv" / "bin"

# Peers find the stock client, and nobody asks a proxy for what is on this machine.
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(BUILD), "no_proxy": "*"}

# Seconds for a process that takes a few on a usual machine.
_PATIENCE = 120


class ProcessError(Exception):
    """A process that failed; the text says how."""


def run(*words: object, **environment: str) -> str:
    """What a command says; an interruption ends it too."""
    try:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=ROOT,
            env=_ENVIRONMENT | environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise ProcessError(f"no result in {_PATIENCE} s") from None
    if done.returncode:
        said = (done.stderr + done.stdout).split("\n")
        raise ProcessError(next((line for line in reversed(said) if line.strip()), "no word"))
    return done.stdout


def generate_stock(package: Path) -> None:
    """What the generator makes of the spec without our templates and configuration."""
    words = ["generate", "--path", "openapi.yaml", "--meta", "none", "--overwrite"]
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"  # where its hooks find ruff
    run(TOOLS / "openapi-python-client", *words, "--output-path", package, PATH=path)


def load(name: str, *arguments: object) -> Any:
    """What one of `bench.loads` measures, in a process of its own."""
    said = run(sys.executable, "-m", "bench.loads", name, json.dumps(arguments))
    return json.loads(said.splitlines()[-1])


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The address of a server in a process of its own, which no Ctrl-C reaches before this one."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.server"],
        cwd=ROOT,
        env=_ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        process_group=0,
    ) as server:
        try:
            port = cast(IO[bytes], server.stdout).readline().decode().strip()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
