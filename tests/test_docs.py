"""The documentation as its readers use it: README in a shell, the pages in a browser."""

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urldefrag, urlsplit

import pytest

import grok_imagine_video
import relay
from grok_imagine_video import batch, errors, types
from making import load
from tools import ROOT

SITE = ROOT / "build" / "docs"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "")

CHROMIUM = [
    *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"),  # refuses all
    *("--allow-file-access-from-files", "--virtual-time-budget=20000"),
    *("--window-size=1400,6000", "--enable-logging=stderr", "--dump-dom"),
]
# Each page in a frame; the page of the API is the first one, for Redoc hides what is out of sight.
FRAME = '<iframe src="{}" width="1400" height="6000"></iframe>'
LOOK = (ROOT / "tests" / "site.js").read_text("utf-8")
# A search, and the title of a page that it finds.
SEARCHES = {"search.html?q=OutcomeUnknownError": "Failures and money"}
SEARCHES |= {f"zh/search.html?q={quote('结果未知')}": "失败与费用"}
Pages = dict[str, Any]


def look(folder: Path) -> Pages:
    """Build the site, and look at all its pages and at some searches."""
    made = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True)  # noqa: S607
    assert made.returncode == 0, made.stdout + made.stderr
    names = [str(path.relative_to(SITE)) for path in sorted(SITE.rglob("*.html"))] + [*SEARCHES]
    frames = [FRAME.format(f"{SITE.as_uri()}/{name}") for name in names]
    (folder / "all.html").write_text("".join(frames) + f"<script>{LOOK}</script>")
    words = [*CHROMIUM, f"--user-data-dir={folder}/profile", str(folder / "all.html")]
    browser = subprocess.run(words, capture_output=True, text=True, check=True)
    logged = re.findall(r":CONSOLE.*\n?.*", browser.stderr)
    assert ["Redoc" in each for each in logged] == [True], logged  # its banner, and no complaint
    (seen,) = re.findall(r"<body>(.*)</body>", browser.stdout, re.DOTALL)
    return dict(zip(names, json.loads(html.unescape(seen)), strict=True))


def test_the_site_in_a_browser(tmp_path: Path) -> None:
    if not (((ROOT / ".node" / "redocly").exists() and BROWSER) or "GITHUB_ACTIONS" in os.environ):
        pytest.skip("needs Redocly and Chromium: run make lint-spec and apt-get install chromium")
    pages = look(tmp_path)
    assert {name: page["wide"][0] for name, page in pages.items() if page["wide"]} == {}
    for name, title in SEARCHES.items():
        (entry,) = (text for text in pages[name]["results"] if text.startswith(f"{title}\n"))
        assert len(entry) > 100  # it has the words around what was looked for
    every_link_leads_somewhere(pages)
    the_reference_has_every_name_that_users_call(pages["reference.html"])
    the_page_of_the_api_shows_the_api(pages["api.html"]["text"])


UNTIL_IT_LISTENS = """
until (: < /dev/tcp/127.0.0.1/8000) 2>&-; do kill -0 %1; sleep 0.1; done
"""


def test_readme_can_be_followed_without_a_gateway(tmp_path: Path) -> None:
    for path in ROOT.iterdir():
        if path.name != "build":  # which `make demo` writes to
            (tmp_path / path.name).symlink_to(path)
    lines = ["set -e", "trap 'kill %1' EXIT"]
    readme = (ROOT / "README.md").read_text("utf-8")
    for language, code in re.findall(r"^```(\w+)\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL):
        if "gateway.example" not in code:  # which is none
            lines.append(code if language == "sh" else f"python - <<'END'\n{code}END")
            lines += [UNTIL_IT_LISTENS] if "relay.py" in code else []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    script = "\n".join(lines).replace("8000", port).replace("relay.py", f"relay.py --port {port}")
    env = {name: value for name, value in os.environ.items() if not name.startswith("GROK_")}
    words = ["bash", "-c", script]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    saved = ["build/lake.mp4", "lake.mp4", "sunrise.mp4", "videos/0001.mp4", "videos/0002.mp4"]
    assert {(tmp_path / name).read_bytes() for name in saved} == {relay.VIDEO.read_bytes()}


def test_the_relay_says_what_installs_it() -> None:
    words = [sys.executable, "-S", str(ROOT / "examples" / "relay.py")]  # without site-packages
    said = subprocess.run(words, capture_output=True, text=True).stderr
    assert ("`make demo`" in said, said.count("\n")) == (True, 1), said


def every_link_leads_somewhere(pages: Pages) -> None:
    assert len(pages) > 30
    for name, page in pages.items():
        for link in page["links"] if name != "api.html" else ():
            url, fragment = urldefrag(link)
            path = Path(unquote(urlsplit(url).path))
            assert path.is_file() or not link.startswith("file:"), (name, link)
            if fragment and path.is_relative_to(SITE) and path.name != "api.html":
                assert unquote(fragment) in pages[str(path.relative_to(SITE))]["ids"], (name, link)


# What other specs need, and what a batch is made of: users call none of it.
INNER = {"File", "Unset", "Journal", "RateLimiter"}


def the_reference_has_every_name_that_users_call(page: dict[str, Any]) -> None:
    for module in (errors, batch, types):
        for name in module.__all__:
            assert (f"{module.__name__}.{name}" in page["ids"]) == (name not in INNER), name
    for name in {*grok_imagine_video.__all__} - {"__version__", "errors"}:
        assert re.search(rf"\b{name}\b", page["text"]), name
    assert page["text"].count("max_retries: int = 2") == 2  # of both clients


def the_page_of_the_api_shows_the_api(text: str) -> None:
    assert not {"+ Show", "API docs by"} & {line.strip() for line in text.splitlines()}
    wanted = ["[ 1 .. 15 ]", '"480p"', "reference_images[]", "cost_in_usd_ticks"]
    for path in load(ROOT / "openapi.yaml")["paths"].values():
        for operation in path.values():
            code = operation["x-codeSamples"][0]["source"].splitlines()
            wanted += [operation["summary"], "Cannot be used together with", *code]
    shown = " ".join(text.split())
    assert [words for words in wanted if " ".join(words.split()) not in shown] == []
