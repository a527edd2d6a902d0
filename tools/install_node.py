"""Put Redocly, and a Node to run it with, into .node: the Node of this machine if it is new enough.

Machines with Python alone get Node from a wheel, in an environment of its own. npm checks every
package against the hash in tools/node/package-lock.json.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".node"
LOCK = ROOT / "tools" / "node"
# What Redocly asks for; it still runs on Node 20, and says each time that this will end.
IS_NEW_ENOUGH = (
    "const [major, minor] = process.versions.node.split('.').map(Number);"
    "process.exit(major > 22 || (major === 22 && minor >= 12) ? 0 : 1)"
)


class InstallError(Exception):
    """Something that the person at the keyboard can mend; the text is the one line to print."""


def run(what: str, *words: object, cwd: Path = ROOT, path: str = "") -> None:
    """Run a command without a word; if it fails, the line that says why is the error."""
    environment = os.environ | ({"PATH": path} if path else {})
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        said = [
            line
            for line in (done.stderr + done.stdout).splitlines()
            if line.strip() and "WARN" not in line
        ]
        reason = next((line for line in said if "ERR" in line.upper()), said[-1] if said else "")
        raise InstallError(f"{what}: {reason.strip()[:200]}; is there a network?")


def node_of_this_machine() -> Path | None:
    """The folder of a Node that is new enough and has npm, if there is one."""
    found = shutil.which("node")
    if not found or not shutil.which("npm"):
        return None
    is_new_enough = subprocess.run([found, "-e", IS_NEW_ENOUGH], capture_output=True)
    return Path(found).parent if is_new_enough.returncode == 0 else None


def node_from_a_wheel() -> Path:
    environment = FOLDER / "venv"
    venv.create(environment, with_pip=True)
    pip = [environment / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
    lock = ROOT / "requirements-node.txt"
    run("Node cannot be installed", *pip, "--quiet", "--require-hashes", "-r", lock)
    return environment / "bin"


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    try:
        node = node_of_this_machine() or node_from_a_wheel()
        path = f"{node}{os.pathsep}{os.environ['PATH']}"
        for name in ("package.json", "package-lock.json"):
            shutil.copy(LOCK / name, FOLDER)
        npm = [node / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]
        run("Redocly cannot be installed", *npm, cwd=FOLDER, path=path)
    except (InstallError, OSError) as error:
        shutil.rmtree(FOLDER, ignore_errors=True)
        sys.exit(f"install_node: {error}")
    (FOLDER / "redocly").write_text(
        "#!/bin/sh\n"
        f'PATH="{node}:$PATH" REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true '
        f'exec node "{FOLDER}/node_modules/@redocly/cli/bin/cli.js" "$@"\n'
    )
    (FOLDER / "redocly").chmod(0o755)


if __name__ == "__main__":
    main()
