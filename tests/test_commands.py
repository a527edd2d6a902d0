"""The commands and the code of the README, run as a reader runs them."""

import json
import os
import re
import runpy
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import create_video
import relay
from bodies import TEXT
from faults import OK, no_response, responding
from scripts import Script, ended
from ways import Clock

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def make(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    command = ["make", *map(str, words)]
    env = os.environ | env
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)


@pytest.fixture
def example(request: pytest.FixtureRequest, clock: Clock) -> Script:  # noqa: ARG001 - no sleeps
    return Script(create_video.main, request)


def test_demo_saves_the_example_of_the_export_from_a_local_relay_that_keeps_the_job(
    example: Script,
) -> None:
    spec = YAML(typ="safe").load(ROOT / "openapi.yaml")
    content = spec["paths"]["/v1/videos/generations"]["post"]["requestBody"]["content"]
    video = ROOT / "build" / "lake.mp4"
    video.unlink(missing_ok=True)
    demo = make("demo", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")
    assert demo.returncode == 0, demo.stderr
    request, response = re.findall(r"^\{.*?^\}", demo.stdout, re.MULTILINE | re.DOTALL)
    assert json.loads(request) == content["application/json"]["examples"]["textToVideo"]["value"]
    assert json.loads(response).keys() == {"request_id"}
    assert demo.stdout.endswith("saved build/lake.mp4\n")
    assert "100%" in demo.stderr
    assert video.read_bytes() == relay.VIDEO.read_bytes()
    resume = ["--resume", json.loads(response)["request_id"], "-o", "again.mp4"]
    assert example.run(*resume, GROK_BASE_URL="", GROK_API_KEY="").code == 0
    assert (example.folder / "again.mp4").exists()


IMAGE = {"url": "data:image/png;base64," + "cG5n" * 1000}
LINK = {"url": "https://images.example/b.png"}
OPTIONS = (
    "--model grok-imagine-video-1.5-preview --resolution 720p --aspect-ratio 1:1 --duration 15"
)
SENT = TEXT | {"model": "grok-imagine-video-1.5-preview", "prompt": "A lake"}
SENT |= {"resolution": "720p", "aspect_ratio": "1:1", "duration": 15}


def test_every_option_of_the_example_is_sent(example: Script) -> None:
    (example.folder / "a.png").write_bytes(b"png" * 1000)
    for images in ("--image a.png", f"--reference a.png --reference {LINK['url']}"):
        shown = example.run("A lake", *f"{OPTIONS} {images} -o v.mp4".split())
        assert shown.code == 0
        assert max(map(len, shown.out.splitlines())) < 200  # an image is not printed in full
    images_sent = {"image": IMAGE}, {"reference_images": [IMAGE, LINK]}
    assert example.sent() == [SENT | images for images in images_sent]
    assert (example.folder / "v.mp4").exists()


# What is typed, the exit code and the end of what is printed.
FAILURES: dict[str, tuple[int, str]] = {
    "GROK_API_KEY=wrong lake": (3, "401"),
    "GROK_API_KEY= lake": (2, "GROK_API_KEY"),
    "GROK_BASE_URL= lake": (2, "GROK_BASE_URL"),
    "GROK_BASE_URL=http://127.0.0.1:9 lake": (1, "refused"),
    "GROK_BASE_URL=gateway.example lake": (2, "gateway.example"),
    "lake --duration 16": (2, "'duration' must be <= 15: 16"),
    "lake --image https://a.example --reference https://b.example": (2, "cannot be used together"),
    "failed": (4, "internal_error: The prompt asked for it."),
    "withheld": (4, "may have been billed"),
    "--resume none": (1, "no such job.; continue with --resume none"),
    "lake --timeout 0.1": (1, "waiting can go on; continue with --resume"),
    "": (2, "error: a prompt is needed"),
    "lake --resume 1": (2, "error: a prompt is needed"),
    "lake --model x": (2, "error: argument --model: invalid choice"),
    "lake --image none.png": (2, "error: argument --image: neither a URL nor an image file"),
    "lake --image=": (2, "error: argument --image: neither a URL nor an image file"),
    f"lake --reference {__file__}": (2, "error: argument --reference: neither a URL nor an image"),
    "lake --timeout nan": (2, "error: argument --timeout: must be a number above 0"),
    "lake -o missing/v.mp4": (2, "error: --output must be a file that can be written"),
    "lake -o .": (2, "error: --output must be a file that can be written"),
}


@pytest.mark.parametrize("typed", FAILURES)
def test_the_example_says_in_one_line_what_is_wrong(
    typed: str, example: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--timeout" in typed:
        monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    code, message = FAILURES[typed]
    env = dict(word.split("=", 1) for word in typed.split() if word.startswith("GROK_"))
    failed = example.run(*typed.split()[len(env) :], **env)
    *before, last = (line for line in failed.err.splitlines() if "%" not in line)
    assert (failed.code, last.startswith("create_video")) == (code, True), failed.err
    assert message in last
    assert not before or before[0].startswith("usage: ")
    assert code != 2 or not example.arrived  # before it costs money
    assert not list(example.folder.iterdir())


def test_a_status_that_looks_like_markup_breaks_nothing(example: Script) -> None:
    odd = {"status": "[/x]", "progress": "1" * 400}
    done = {"status": "done", "video": {"url": "/v.mp4"}}
    with example.gateway(OK, responding(200, odd), responding(200, done)):
        assert example.run("A lake").code == 0


def interrupted(example: Script, when: Callable[[Any], bool]) -> str:
    """The last line of the example when Ctrl-C comes right after such a request."""
    with example.launch("A lake") as process:
        while not any(map(when, example.arrived)):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # Python drops one that is raised in a callback
            process.send_signal(signal.SIGINT)
        end = ended(process)
    assert end.code == 130
    return end.err.splitlines()[-1]


def test_ctrl_c_prints_how_to_continue(example: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    with example.gateway(no_response):
        message = interrupted(example, lambda _: True)
    assert message == "create_video: interrupted; the job may exist"
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    message = interrupted(example, lambda request: request.method == "GET")
    request_id = example.arrived[-1].path.rpartition("/")[2]
    assert message == f"create_video: interrupted; continue with --resume {request_id}"
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)
    assert example.run("--resume", request_id, "-o", "v.mp4").code == 0
    assert example.prompts() == ["A lake"]
    assert (example.folder / "v.mp4").exists()


def test_help_lists_every_target_on_one_line_and_each_that_a_text_names() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = {words[0]: words[1:] for words in map(str.split, make().stdout.splitlines())}
    assert list(listed) == targets[0].split()
    assert all(len(text) > 1 for text in listed.values())
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for path in (*texts, *(ROOT / ".github" / "workflows").iterdir()):
        pattern = r"(?:`|^ *|run: )make ([a-z][a-z-]+)"
        named = re.findall(pattern, path.read_text(), re.MULTILINE)
        assert named, path
        assert set(named) <= listed.keys(), path


@pytest.mark.parametrize("python", ["no-such-python", "/bin/false"])
def test_a_missing_python_is_named_in_one_line(python: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    demo = make("-C", tmp_path, "demo", f"PYTHON={python}")
    message, by_make = demo.stderr.splitlines()
    assert demo.returncode != 0
    assert f"no Python 3.11 or newer at {python}" in message
    assert by_make.startswith("make: ***")
    assert not (tmp_path / ".venv").exists()


NEEDED = ["requirements-node.txt", "tools/install_node.py", "tools/node/package-lock.json"]
NEEDED += ["pyproject.toml", "requirements-dev.txt", ".venv/installed"]
KNOWN = ["pip install", "tools/install_node.py", "-m tools.review.lint"]
# A target, a file that is newer than the environment, and the commands that make runs for both.
PLANNED: list[tuple[str, str | None, list[str]]] = [
    ("demo", None, []),
    ("demo", "pyproject.toml", KNOWN[:1]),
    ("demo", "requirements-dev.txt", KNOWN[:1]),
    ("test", None, []),
    ("check", None, KNOWN[1:]),
]


def test_make_installs_what_a_target_needs_and_again_what_changed(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for target, changed, commands in PLANNED:
        for seconds, name in enumerate(NEEDED):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (seconds, seconds))
        if changed:
            os.utime(tmp_path / changed)
        plan = make("-n", "-C", tmp_path, target).stdout
        assert [command for command in KNOWN if command in plan] == commands, (target, changed)


@pytest.mark.parametrize("code", BLOCKS)
def test_readme_code_runs(code: str, example: Script, request: pytest.FixtureRequest) -> None:
    (example.folder / "code.py").write_text(code)
    reader = Script(lambda: runpy.run_path("code.py", run_name="__main__"), request)
    shown = reader.run()
    assert (shown.code, shown.err) == (0, "")
    paid = list(map(str, reader.sent()))
    assert len(paid) == len(set(paid))
    assert reader.arrived or "MockTransport" in code


def test_the_chinese_readme_has_the_same_code_and_tables() -> None:
    chinese = (ROOT / "README.zh-CN.md").read_text()
    blocks = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    assert BLOCKS
    assert blocks.findall(chinese) == blocks.findall(README)
    for pattern in (r"^#+ ", r"^\|", r"^- ", r"^\d\. "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (README, chinese)]
        assert counts[0] == counts[1], pattern
