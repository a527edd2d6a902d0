"""The documentation as its readers open it: from a disk, without a network."""

import fcntl
import html
import json
import os
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urldefrag

import pytest

import grok_imagine_video
from grok_imagine_video import batch, errors, types
from making import load

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build" / "docs"
ON_GITHUB = bool(os.environ.get("GITHUB_ACTIONS"))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), "")

pytestmark = pytest.mark.skipif(
    not ((ROOT / ".node" / "redocly").exists() or ON_GITHUB),
    reason="needs Redocly: run make lint-spec",
)


class Page(HTMLParser):
    """What a page links to, loads and offers to be linked to, and the text of it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.text = ""
        self.feed(re.sub(r"(<(script|style)\b[^>]*>).*?</\2>", r"\1</\2>", source, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if "href" in found and tag in ("a", "link"):
            (self.links if tag == "a" else self.loads).append(found["href"])
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """Build the site once, also if several processes run the tests."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.getpid())
    with (tmp_path_factory.getbasetemp().parent / f"site-{run}").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock.fileno()).st_size == 0:
            made = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True)  # noqa: S607
            assert made.returncode == 0, made.stdout + made.stderr
            lock.write("built")
    return {path: Page(path.read_text("utf-8")) for path in sorted(SITE.rglob("*.html"))}


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(
    pages: dict[Path, Page],
) -> None:
    assert len(pages) > 30
    for path, page in pages.items():
        for link in {*page.links, *page.loads}:
            target, fragment = urldefrag(link)
            is_by_redoc = path.name == "api.html" and link.startswith(("#", "/", "https://redocly"))
            if re.match(r"https?:|data:|mailto:", link) or is_by_redoc:
                assert link in page.links or link.startswith("data:"), (path, link)
                continue
            place = (path.parent / unquote(target).partition("?")[0]).resolve() if target else path
            assert place.is_file(), (path, link)
            if fragment and place.name != "api.html":
                assert unquote(fragment) in pages[place].ids, (path, link)
    for style in SITE.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", style.read_text("utf-8")), style


def test_each_page_is_there_in_both_languages_and_links_to_the_other_one(
    pages: dict[Path, Page],
) -> None:
    english = {path.name for path in pages if path.parent == SITE} - {"api.html"}
    assert english == {path.name for path in pages if path.parent != SITE}
    for name in english:
        assert f"zh/{name}" in pages[SITE / name].links
        chinese = pages[SITE / "zh" / name]
        assert f"../{name}" in chinese.links
        assert '<html class="no-js" lang="zh-CN"' in chinese.source
        assert "On this page" not in chinese.source


def test_the_reference_has_every_public_name(pages: dict[Path, Page]) -> None:
    inventory = (SITE / "objects.inv").read_bytes().split(b"\n", 4)[4]
    names = {line.split(" ")[0] for line in zlib.decompress(inventory).decode().splitlines()}
    for module in (errors, batch, types):
        assert {f"{module.__name__}.{name}" for name in module.__all__} <= names
    for name in {*grok_imagine_video.__all__} - {"__version__", "errors"}:
        assert re.search(rf"\b{name}\b", pages[SITE / "reference.html"].text), name


CHROMIUM = [
    *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"),  # refuses all
    *("--allow-file-access-from-files", "--virtual-time-budget=20000"),
    *("--window-size=1400,6000", "--enable-logging=stderr", "--dump-dom"),
]
# Each page in a frame; the page of the API is the first one, for Redoc hides what is out of sight.
FRAME = '<iframe src="{}" width="1400" height="6000"></iframe>'
# The text of each page, what it has loaded, and what a search has found.
LOOK = """<script>onload = () => setTimeout(() => {
  const seen = Array.from(frames).map(({document, performance}) => [
    document.body.innerText,
    performance.getEntriesByType("resource").map((entry) => entry.name),
    [...document.querySelectorAll("#search-results a")].map((link) => link.href),
  ]);
  document.body.textContent = JSON.stringify(seen);
}, 10000)</script>"""
SEARCHES = {"OutcomeUnknownError": SITE, "unknown outcome": SITE, "结果未知": SITE / "zh"}


@pytest.mark.skipif(
    not (BROWSER or ON_GITHUB), reason="needs Chromium: run apt-get install chromium"
)
def test_a_browser_shows_the_pages_without_complaints_and_finds_what_is_searched(
    pages: dict[Path, Page], tmp_path: Path
) -> None:
    urls = [page.as_uri() for page in pages]
    urls += [f"{(SEARCHES[each] / 'search.html').as_uri()}?q={quote(each)}" for each in SEARCHES]
    (tmp_path / "all.html").write_text("".join(map(FRAME.format, urls)) + LOOK)
    words = [*CHROMIUM, f"--user-data-dir={tmp_path}/profile", str(tmp_path / "all.html")]
    browser = subprocess.run(words, capture_output=True, text=True, check=True)
    logged = re.findall(r":CONSOLE.*\n?.*", browser.stderr)
    assert ["Redoc" in each for each in logged] == [True], logged  # its banner alone
    (shown,) = re.findall(r"<body>(.*)</body>", browser.stdout, re.DOTALL)
    seen: dict[str, Any] = dict(zip(urls, json.loads(html.unescape(shown)), strict=True))
    loaded = {name for _, names, _ in seen.values() for name in names}
    assert [name for name in loaded if not name.startswith(("file:", "data:"))] == []
    for url in urls[len(pages) :]:
        assert any("/failures.html" in link for link in seen[url][2]), url

    text = seen[(SITE / "api.html").as_uri()][0]
    assert not {"+ Show", "API docs by"} & {line.strip() for line in text.splitlines()}
    wanted = ["[ 1 .. 15 ]", '"480p"', "reference_images[]", "cost_in_usd_ticks"]
    for path in load(ROOT / "openapi.yaml")["paths"].values():
        for operation in path.values():
            code = operation["x-codeSamples"][0]["source"].splitlines()
            wanted += [operation["summary"], "Cannot be used together with", *code]
    text = " ".join(text.split())
    assert [words for words in wanted if " ".join(words.split()) not in text] == []
