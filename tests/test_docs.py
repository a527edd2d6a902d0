"""The documentation as its readers open it: from a disk, without a network."""

import fcntl
import os
import re
import subprocess
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag

import pytest
from ruamel.yaml import YAML

import grok_imagine_video
from browser import PATH, Browser, browsing
from grok_imagine_video import batch, errors, types

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build" / "docs"
SPEC = YAML(typ="safe").load(ROOT / "openapi.yaml")
OPERATIONS = [each for path in SPEC["paths"].values() for each in path.values()]
ON_GITHUB = bool(os.environ.get("GITHUB_ACTIONS"))

needs_redocly = pytest.mark.skipif(
    not ((ROOT / ".node" / "redocly").exists() or ON_GITHUB),
    reason="needs Redocly: run make lint-spec",
)
needs_browser = pytest.mark.skipif(
    not (PATH or ON_GITHUB),
    reason="needs Chromium: run apt-get install chromium",
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once, also if several processes run the tests."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", os.getpid())
    with (tmp_path_factory.getbasetemp().parent / f"site-{run}").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock.fileno()).st_size == 0:
            made = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True)  # noqa: S607
            assert made.returncode == 0, made.stdout + made.stderr
            lock.write("built")
    return SITE


class Page(HTMLParser):
    """What a page links to, loads and offers to be linked to, and the text of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.text = ""
        self.feed(re.sub(r"(<(script|style)\b[^>]*>).*?</\2>", r"\1</\2>", html, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.ids |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        self.loads += [found[name] for name in ("src", "srcset", "data", "poster") if name in found]
        if tag == "link" and "href" in found:
            self.loads.append(found["href"])

    def handle_data(self, data: str) -> None:
        self.text += data


def pages(site: Path) -> Iterator[tuple[Path, Page]]:
    for path in sorted(site.rglob("*.html")):
        yield path, Page(path.read_text("utf-8"))


@needs_redocly
def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    found = dict(pages(site))
    assert len(found) > 30
    for path, page in found.items():
        for link in {*page.links, *page.loads}:
            target, fragment = urldefrag(link)
            is_by_redoc = path.name == "api.html" and link.startswith(("#", "/", "https://redocly"))
            if re.match(r"https?:|data:|mailto:", link) or is_by_redoc:
                assert link in page.links or link.startswith("data:"), (path, link)
                continue
            place = (path.parent / unquote(target).partition("?")[0]).resolve() if target else path
            assert place.is_file(), (path, link)
            if fragment and place.name != "api.html":
                assert unquote(fragment) in found[place].ids, (path, link)
    for style in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", style.read_text("utf-8")), style


@needs_redocly
def test_each_page_is_there_in_both_languages_and_links_to_the_other_one(site: Path) -> None:
    english = {path.name for path in site.glob("*.html")} - {"api.html"}
    assert english == {path.name for path in (site / "zh").glob("*.html")}
    for name in english:
        assert f"zh/{name}" in Page((site / name).read_text("utf-8")).links
        chinese = (site / "zh" / name).read_text("utf-8")
        assert f"../{name}" in Page(chinese).links
        assert '<html class="no-js" lang="zh-CN"' in chinese
        assert "On this page" not in chinese


@needs_redocly
def test_the_reference_has_every_public_name(site: Path) -> None:
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    names = {line.split(" ")[0] for line in zlib.decompress(inventory).decode().splitlines()}
    text = Page((site / "reference.html").read_text("utf-8")).text
    for module in (errors, batch, types):
        assert {f"{module.__name__}.{name}" for name in module.__all__} <= names
    for name in {*grok_imagine_video.__all__} - {"__version__", "errors"}:
        assert re.search(rf"\b{name}\b", text), name


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with browsing(tmp_path / "profile") as found:
        yield found


@needs_redocly
@needs_browser
def test_no_page_has_anything_to_complain_about(site: Path, browser: Browser) -> None:
    for path, _ in pages(site):
        browser.open(path.as_uri())
        assert browser.complaints == [], path


@needs_redocly
@needs_browser
@pytest.mark.parametrize("words", ["OutcomeUnknownError", "unknown outcome", "结果未知"])
def test_the_search_finds_an_error(words: str, site: Path, browser: Browser) -> None:
    folder = site if words.isascii() else site / "zh"
    url = f"{(folder / 'search.html').as_uri()}?q={quote(words)}"
    links = "[...document.querySelectorAll('#search-results a')].map((link) => link.href)"
    browser.open(url, until=f"{links}.length")
    assert any("/failures.html" in link for link in browser.value(links))
    assert browser.complaints == []


@needs_redocly
@needs_browser
def test_the_page_of_the_api_shows_the_api(site: Path, browser: Browser) -> None:
    size = {"width": 1400, "height": 6000, "deviceScaleFactor": 1, "mobile": False}
    browser.call("Emulation.setDeviceMetricsOverride", **size)  # Redoc hides what is out of sight
    shown = browser.open(
        (site / "api.html").as_uri(), until="document.body.innerText.includes('cost_in_usd_ticks')"
    )
    seen = " ".join(shown.split())
    assert not {"+ Show", "API docs by"} & {line.strip() for line in shown.splitlines()}
    for operation in OPERATIONS:
        code = operation["x-codeSamples"][0]["source"].splitlines()
        for words in (operation["summary"], "Cannot be used together with", *code):
            assert " ".join(words.split()) in seen, words
    for words in ("[ 1 .. 15 ]", '"480p"', "reference_images[]"):
        assert words in seen
    assert browser.complaints == []
