"""The processes of a run: commands, loads and the server."""

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

# Loads can import the upstream client, and calls to this machine bypass proxies.
_ENVIRONMENT = os.environ | {"PYTHONPATH": str(BUILD), "no_proxy": "*"}

# Seconds for a process that usually takes a few.
_TIMEOUT = 120


class ProcessError(Exception):
    """A process failed; the text is the last line that it printed."""


def run(*words: object, **environment: str) -> str:
    """The output of a command. An interrupt stops the command too."""
    try:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=ROOT,
            env=_ENVIRONMENT | environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise ProcessError(f"no result in {_TIMEOUT} s") from None
    if done.returncode:
        lines = (done.stderr + done.stdout).split("\n")
        raise ProcessError(next((line for line in reversed(lines) if line.strip()), "no output"))
    return done.stdout


def generate_upstream(package: Path) -> None:
    """Generate a client from the spec without our templates and configuration."""
    words = ["generate", "--path", "openapi.yaml", "--meta", "none", "--overwrite"]
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"  # where its hooks find ruff
    run(TOOLS / "openapi-python-client", *words, "--output-path", package, PATH=path)


def load(name: str, *arguments: object) -> Any:
    """The measurement of one of `bench.loads`, run in a new process."""
    output = run(sys.executable, "-m", "bench.loads", name, json.dumps(arguments))
    return json.loads(output.splitlines()[-1])


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Run a server in its own process group, which Ctrl-C does not reach, and give its address."""
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
