"""What the command shows: its help, and a picture of a run."""

import contextlib
import io
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from .. import ROOT

COMMAND = Path(sys.executable).with_name("grok-imagine-video")
COLUMNS = 84
TYPED = 'grok-imagine-video create "A serene lake at sunrise" --duration 4 -o lake.mp4'
# What differs from run to run; the picture is in git.
JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ELAPSED = re.compile(r"0:00:\d\d")


def help_text(command: str) -> str:
    """What `--help` prints."""
    env = os.environ | {"COLUMNS": "84", "NO_COLOR": "1", "TERM": "dumb"}
    words = [str(COMMAND), *command.split(), "--help"]
    return subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout


def picture() -> str:
    """A run of the command with the local relay, as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), legacy_windows=False)
    console.print(Text.assemble(("$ ", "bold green"), TYPED))
    for line in shown().splitlines():
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title="grok-imagine-video", theme=MONOKAI, unique_id="terminal")
    # Rich's page would fetch a font.
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def shown() -> str:
    """What a terminal shows at the end of a run, with its colors."""
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if not name.startswith("GROK_")}
    env |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    env.pop("NO_COLOR", None)
    relay = [sys.executable, str(ROOT / "examples" / "relay.py"), "--"]
    words = [str(COMMAND), *shlex.split(TYPED)[1:], "--interval", "0.5"]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*relay, *words], cwd=folder, env=env, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        text = read(ours)
    if process.wait():
        sys.exit(text)
    # A progress bar draws its line again and again, and takes it away in the end.
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        del lines[len(lines) - line.count("\x1b[1A") :]
        lines.append(line.rpartition("\x1b[2K")[2])
    said = "\n".join(line for line in lines if Text.from_ansi(line).plain.strip())
    return ELAPSED.sub("0:00:01", JOB_ID.sub("3f6b2c9e-5d0a-4c1e-9b7f-2a8d4e6c1b35", said))


def read(terminal: int) -> str:
    """Everything that is written to a terminal until its other end is closed."""
    seen = b""
    with contextlib.suppress(OSError):  # Linux says so when nobody can write any more
        while part := os.read(terminal, 65536):
            seen += part
    os.close(terminal)
    return seen.decode()
