"""The page of `make docs`, and the code in the spec that it shows."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from conftest import TOKEN, Arrived

ROOT = Path(__file__).parent.parent
SPEC: dict[str, Any] = YAML(typ="safe").load(ROOT / "openapi.yaml")
OPERATIONS = [operation for item in SPEC["paths"].values() for operation in item.values()]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)


def run(*words: str, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, env=os.environ | env, capture_output=True, text=True)


def test_the_code_samples_run(base_url: str, arrived: list[Arrived], tmp_path: Path) -> None:
    """The first sample creates a video; the second waits for it and saves it."""
    env = {"GROK_BASE_URL": base_url, "GROK_API_KEY": TOKEN}
    words: list[str] = []
    for operation in OPERATIONS:
        sample = operation["x-codeSamples"][0]["source"]
        done = run(sys.executable, "-c", sample, *words, cwd=tmp_path, **env)
        assert (done.returncode, done.stderr) == (0, "")
        words = done.stdout.split()
    assert [request.method for request in arrived][:2] == ["POST", "GET"]
    assert (tmp_path / "video.mp4").stat().st_size > 1000


class Text(HTMLParser):
    """The text of a page, for a page without scripts and styles."""

    seen = ""

    def handle_data(self, data: str) -> None:
        self.seen += data


@pytest.mark.skipif(
    not (BROWSER and (ROOT / ".node" / "redocly").exists())
    and not os.environ.get("GITHUB_ACTIONS"),
    reason="needs Chromium, and Redocly from make lint-spec",
)
def test_the_page_shows_the_operations_without_a_network(tmp_path: Path) -> None:
    page = ROOT / "build" / "index.html"
    assert run("make", "docs").returncode == 0
    assert BROWSER
    browser = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    browser += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1600,6000"]
    browser += ["--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"]  # refuses all
    browser += ["--virtual-time-budget=60000", "--dump-dom"]
    for operation in OPERATIONS:
        dom = run(*browser, f"{page.as_uri()}#operation/{operation['operationId']}").stdout
        (text := Text()).feed(re.sub(r"<(script|style)\b.*?</\1>", "", dom, flags=re.DOTALL))
        seen = " ".join(text.seen.split())
        code = operation["x-codeSamples"][0]["source"].splitlines()
        for words in (operation["summary"], "Cannot be used together with", *code):
            assert " ".join(words.split()) in seen, words
