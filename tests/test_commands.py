"""The commands and the code of the READMEs and the docs, run as a reader runs them."""

import os
import re
import runpy
import subprocess
from functools import partial
from pathlib import Path

import pytest

import relay
import test_with_mock
from making import load
from scripts import ROOT, Script

EXAMPLES_FOLDER = ROOT / "examples"
DOCS = sorted((ROOT / "docs").glob("*.md"))
# A text and its translation.
TEXTS = {ROOT / "README.md": ROOT / "README.zh-CN.md"} | {
    path: path.parent / "zh" / path.name for path in DOCS
}
INCLUDE = r"^```\{include\} (.*)\n(?::start-after: (.*)\n)?(?::end-before: (.*)\n)?```$"


def text_of(path: Path) -> str:
    """A text with what it includes of others."""

    def included(match: re.Match[str]) -> str:
        name, start, end = match.groups()
        text = text_of(path.parent / name)
        text = text.partition(start)[2] if start else text
        return text.partition(end)[0] if end else text

    return re.sub(INCLUDE, included, path.read_text("utf-8"), flags=re.MULTILINE)


BLOCKS = {
    f"{path.stem}-{number}": code
    for path in TEXTS
    for number, code in enumerate(
        re.findall(r"^```python\n(.*?)^```$", text_of(path), re.MULTILINE | re.DOTALL), 1
    )
}


def reader_of(path: Path | str, request: pytest.FixtureRequest) -> Script:
    """One who runs a file in a folder of their own."""
    return Script(lambda: runpy.run_path(str(path), run_name="__main__"), request)


EXAMPLES = load(Path(__file__).with_name("typed.yaml"))["examples"]


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.usefixtures("clock")  # no sleeps
def test_an_example_does_what_it_says(name: str, request: pytest.FixtureRequest) -> None:
    given, printed, videos = EXAMPLES[name]
    example = reader_of(EXAMPLES_FOLDER / f"{name}.py", request)
    (example.folder / "prompts.txt").write_text("A lake\nA failed lake\n")
    shown = example.run(*given)
    assert shown.code == (name == "create_batch")
    assert re.fullmatch(printed, shown.out, re.DOTALL)
    assert ("JobFailedError" in shown.err) == (name == "create_many")
    for video in videos:
        assert (example.folder / video).read_bytes() == relay.VIDEO.read_bytes()


def test_the_example_of_a_test_passes_and_all_examples_are_short() -> None:
    test_with_mock.test_the_url_of_a_video()
    short = {path.stem for path in EXAMPLES_FOLDER.glob("*.py")} - {"relay"}
    assert short == {*EXAMPLES, "test_with_mock", "batch_on_dask"}
    for name in short:
        assert len((EXAMPLES_FOLDER / f"{name}.py").read_text().splitlines()) <= 40


def test_help_lists_each_target_that_a_text_names() -> None:
    make = partial(subprocess.check_output, cwd=ROOT, text=True)
    listed = {line.split()[0] for line in make("make").splitlines()}
    env = os.environ | {"GROK_BASE_URL": "https://gateway.example"}
    assert "relay" not in make(["make", "-n", "demo"], env=env)
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    texts += (ROOT / ".github" / "workflows").iterdir()
    for path in (*texts, *DOCS):
        pattern = r"(?:`|^ *|run: )make ([a-z][a-z-]+)"
        named = re.findall(pattern, path.read_text(), re.MULTILINE)
        assert named or path in DOCS, path
        assert set(named) <= listed, path


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.usefixtures("clock")  # no sleeps
def test_code_of_a_text_runs(name: str, request: pytest.FixtureRequest) -> None:
    reader = reader_of("code.py", request)
    (reader.folder / "code.py").write_text(BLOCKS[name])
    shown = reader.run()
    assert (shown.code, shown.err) == (0, "")
    paid = list(map(str, reader.sent()))
    assert len(paid) == len(set(paid))
    assert reader.arrived or "MockTransport" in BLOCKS[name]


def test_the_code_samples_of_the_spec_run(request: pytest.FixtureRequest) -> None:
    """The first one creates a video; the second waits for it and saves it."""
    reader = reader_of("sample.py", request)
    words: list[str] = []
    paths = load(ROOT / "openapi.yaml")["paths"].values()
    for operation in (operation for path in paths for operation in path.values()):
        (reader.folder / "sample.py").write_text(operation["x-codeSamples"][0]["source"])
        shown = reader.run(*words)
        assert (shown.code, shown.err) == (0, "")
        words = shown.out.split()
    assert [request.method for request in reader.arrived][:2] == ["POST", "GET"]
    assert (reader.folder / "video.mp4").read_bytes() == relay.VIDEO.read_bytes()


def test_the_readmes_are_short_and_their_links_lead_to_files() -> None:
    for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md"):
        text = (ROOT / name).read_text("utf-8")
        assert len(text.splitlines()) <= 130 or not name.startswith("README")
        links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
        assert all(link.startswith("https:") or (ROOT / link).exists() for link in links), name


def test_the_readmes_have_the_figures_of_the_table() -> None:
    table = (ROOT / "docs" / "comparison.md").read_text("utf-8")
    paid = re.findall(r"one call: timeout \| (\d+) .* openai (\d+) .* fal-client (\d+) ", table)
    calls = re.findall(r"500 in flight \| (\S+) /s \| raw httpx (\S+) /s.* openai (\S+) /s", table)
    for name in ("README.md", "README.zh-CN.md"):
        why = (ROOT / name).read_text("utf-8").split("\n## ")[1]
        assert {*paid[0], *calls[0]} <= {*re.findall(r"\d(?:[\d,.]*\d)?", why)}, name


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_a_translation_has_the_same_code_headings_and_tables(path: Path) -> None:
    english, chinese = text_of(path), text_of(TEXTS[path])
    fenced = r"^ *```(?!\{)\S.*?^ *```$|^```\{eval-rst.*?^```$"
    blocks = re.compile(fenced, re.MULTILINE | re.DOTALL)
    assert blocks.findall(chinese) == blocks.findall(english)
    for pattern in (r"^#+ ", r"^\|", r"^- ", r"^\d\. ", r"^\*\*\d\. ", r"^ *```", r"!\["):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, chinese)]
        assert counts[0] == counts[1], pattern
