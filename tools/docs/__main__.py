"""Build the site into build/docs. It can be read without a network or a server."""

import shutil
import subprocess
import sys
from pathlib import Path

from .. import ROOT
from . import terminal

DOCS = ROOT / "docs"
SITE = ROOT / "build" / "docs"
# What the pages include; each build writes it again.
PARTS = ROOT / "build" / "docs-parts"
COMMANDS = ("create", "wait", "get", "batch", "batch status", "batch retry")
# The page of the API hides it; it would be fetched all the same.
VENDOR_LOGO = "https://cdn.redoc.ly/redoc/logo-mini-full.svg"


def write_parts() -> None:
    """Write what the pages show of the command."""
    shutil.rmtree(PARTS, ignore_errors=True)
    PARTS.mkdir(parents=True)
    for name in COMMANDS:
        (PARTS / f"help-{name.replace(' ', '-')}.txt").write_text(terminal.help_text(name), "utf-8")
    picture, path = terminal.picture(), DOCS / "images" / "terminal.svg"
    if not path.exists() or path.read_text("utf-8") != picture:  # it is in git, for the READMEs
        path.write_text(picture, "utf-8")


def sphinx(language: str, source: Path, target: Path) -> list[str]:
    """The command that builds the pages of a language; a warning is an error."""
    words = ["-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--fresh-env"]
    cache = ROOT / "build" / "docs-cache" / language
    paths = ["--conf-dir", DOCS, "--doctree-dir", cache, source, target]
    return [sys.executable, *words, f"-Dlanguage={language}", *map(str, paths)]


def redocly() -> list[str]:
    """The command that builds the page of the API."""
    page, template = SITE / "api.html", ROOT / "tools" / "node" / "page.hbs"
    words = ["build-docs", "openapi.yaml", "--inlineBundle", f"--output={page}"]
    return [str(ROOT / ".node" / "redocly"), *words, f"--template={template}"]


def run_all(*commands: list[str]) -> None:
    """Run commands at the same time, and exit with the output of the first that failed."""
    started = [
        subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for command in commands
    ]
    outputs = [process.communicate()[0] for process in started]
    for process, text in zip(started, outputs, strict=True):
        if process.returncode:
            sys.exit(text)


def main() -> None:
    """Write the parts, and then build all pages."""
    write_parts()
    shutil.rmtree(SITE, ignore_errors=True)
    SITE.mkdir(parents=True)
    run_all(sphinx("en", DOCS, SITE), sphinx("zh_CN", DOCS / "zh", SITE / "zh"), redocly())
    page = SITE / "api.html"
    page.write_text(page.read_text("utf-8").replace(VENDOR_LOGO, "data:,"), "utf-8")
    print(f"wrote {(SITE / 'index.html').relative_to(ROOT)}")


if __name__ == "__main__":
    main()
