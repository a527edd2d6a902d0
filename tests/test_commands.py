"""The commands and the code of the README, run as a reader runs them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from ruamel.yaml import YAML

import create_video
import relay
from conftest import TOKEN, Arrived
from faults import OK, no_response, responding, serving
from ways import Clock

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run(*words: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, words)),
        cwd=cwd,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def exported_example() -> dict[str, object]:
    spec = YAML(typ="safe").load(ROOT / "openapi.yaml")
    content = spec["paths"]["/v1/videos/generations"]["post"]["requestBody"]["content"]
    example: dict[str, object] = content["application/json"]["examples"]["textToVideo"]["value"]
    return example


@frozen
class Ended:
    returncode: int
    stdout: str
    stderr: str


Example = Callable[..., Ended]


@pytest.fixture
def example(
    tmp_path: Path,
    base_url: str,
    clock: Clock,  # noqa: ARG001 - nothing sleeps
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Example:
    """Run the example in this process, where its waits take no time."""

    def example(*words: str, **env: str) -> Ended:
        for name, value in ({"GROK_BASE_URL": base_url, "GROK_API_KEY": TOKEN} | env).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["create_video.py", *words])
        code: Any = 0
        try:
            create_video.main()
        except SystemExit as end:
            code = end.code
        return Ended(code, *capsys.readouterr())

    return example


def test_demo_saves_the_example_of_the_export_from_a_local_relay() -> None:
    video = ROOT / "build" / "lake.mp4"
    video.unlink(missing_ok=True)
    demo = run("make", "demo", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")
    assert demo.returncode == 0, demo.stderr
    request, response = re.findall(r"^\{.*?^\}", demo.stdout, re.MULTILINE | re.DOTALL)
    assert json.loads(request) == exported_example()
    assert json.loads(response).keys() == {"request_id"}
    assert demo.stdout.endswith("saved build/lake.mp4\n")
    assert "100%" in demo.stderr
    assert video.read_bytes() == relay.VIDEO.read_bytes()


def test_demo_calls_the_configured_gateway(base_url: str, arrived: list[Arrived]) -> None:
    demo = run("make", "demo", GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert demo.returncode == 0
    posted = [json.loads(request.body) for request in arrived if request.method == "POST"]
    assert posted == [exported_example()]
    assert TOKEN not in demo.stdout + demo.stderr


IMAGE = {"url": "data:image/png;base64," + "cG5n" * 1000}
LINK = {"url": "https://images.example/b.png"}
IMAGES: dict[str, tuple[list[str], dict[str, object]]] = {
    "image": (["--image", "a.png"], {"image": IMAGE}),
    "references": (
        ["--reference", "a.png", "--reference", LINK["url"]],
        {"reference_images": [IMAGE, LINK]},
    ),
}


@pytest.mark.parametrize(("words", "fields"), IMAGES.values(), ids=IMAGES)
def test_every_option_of_the_example_is_sent(
    words: list[str],
    fields: dict[str, object],
    example: Example,
    arrived: list[Arrived],
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").write_bytes(b"png" * 1000)
    options = ["A lake", "--duration", "15", "--resolution", "720p", "--aspect-ratio", "1:1"]
    options += ["--model", "grok-imagine-video-1.5-preview", "-o", "v.mp4", *words]
    shown = example(*options)
    assert shown.returncode == 0
    assert max(map(len, shown.stdout.splitlines())) < 200  # an image is not printed in full
    assert json.loads(arrived[0].body) == {
        "model": "grok-imagine-video-1.5-preview",
        "prompt": "A lake",
        "resolution": "720p",
        "aspect_ratio": "1:1",
        "duration": 15,
        **fields,
    }
    assert (tmp_path / "v.mp4").exists()


# The arguments, the environment, the exit code and the end of what is printed.
FAILURES: dict[str, tuple[list[str], dict[str, str], int, str]] = {
    "wrong key": (["A lake"], {"GROK_API_KEY": "wrong"}, 3, "401"),
    "no key": (["A lake"], {"GROK_API_KEY": ""}, 2, "GROK_API_KEY"),
    "no address": (["A lake"], {"GROK_BASE_URL": ""}, 2, "GROK_BASE_URL"),
    "dead server": (["A lake"], {"GROK_BASE_URL": "http://127.0.0.1:9"}, 1, "refused"),
    "not a URL": (["A lake"], {"GROK_BASE_URL": "gateway.example"}, 2, "gateway.example"),
    "too long": (["A lake", "--duration", "16"], {}, 2, "'duration' must be <= 15: 16"),
    "both kinds of image": (
        ["A lake", "--image", "https://a.example", "--reference", "https://b.example"],
        *({}, 2, "cannot be used together"),
    ),
    "failed": (["failed"], {}, 4, "internal_error: The prompt asked for it."),
    "withheld": (["withheld"], {}, 4, "may have been billed"),
    "unknown job": (["--resume", "none"], {}, 1, "no such job.; continue with --resume none"),
    "timeout": (
        ["A lake", "--timeout", "0.1"],
        *({}, 1, "waiting can go on; continue with --resume"),
    ),
    **{
        f"wrong arguments: {' '.join(words)}": (words, {}, 2, "error: ")
        for words in (
            [],
            ["A lake", "--resume", "1"],
            ["A lake", "--model", "x"],
            ["A lake", "--image", "none.png"],
            ["A lake", "--image", ""],
            ["A lake", "--reference", __file__],
            ["A lake", "--timeout", "0"],
            ["A lake", "--timeout", "nan"],
            ["A lake", "-o", "missing/v.mp4"],
            ["A lake", "-o", "."],
        )
    },
}


@pytest.mark.parametrize(("words", "env", "code", "message"), FAILURES.values(), ids=FAILURES)
def test_the_example_says_in_one_line_what_is_wrong(
    words: list[str],
    env: dict[str, str],
    code: int,
    message: str,
    example: Example,
    arrived: list[Arrived],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if "--timeout" in words:
        monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    failed = example(*words, **env)
    *before, last = (line for line in failed.stderr.splitlines() if "%" not in line)
    assert (failed.returncode, last.startswith("create_video")) == (code, True), failed.stderr
    assert message in last
    assert not before or before[0].startswith("usage: ")
    assert code != 2 or not arrived  # before it costs money
    assert not list(tmp_path.iterdir())


def test_a_status_that_looks_like_markup_breaks_nothing(example: Example) -> None:
    odd = {"status": "[/x]", "progress": "1" * 400}
    done = {"status": "done", "video": {"url": "/v.mp4"}}
    with serving(OK, responding(200, odd), responding(200, done)) as server:
        assert example("A lake", GROK_BASE_URL=server.base_url).returncode == 0


def test_a_job_of_the_local_relay_can_be_resumed(
    example: Example, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = {"GROK_BASE_URL": "", "GROK_API_KEY": ""}
    with monkeypatch.context() as patch:
        patch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
        job = example("A lake", "--timeout", "0.1", **local).stderr.split()[-1]
    assert example("--resume", job, "-o", "v.mp4", **local).returncode == 0
    assert (tmp_path / "v.mp4").exists()


def interrupted(
    when: Callable[[Arrived], bool], base_url: str, arrived: list[Arrived], folder: Path
) -> str:
    """The last line of the example when Ctrl-C comes right after such a request."""
    script = str(ROOT / "examples" / "create_video.py")
    example = subprocess.Popen(
        [sys.executable, script, "A lake"],
        cwd=folder,
        env=os.environ | {"GROK_BASE_URL": base_url, "GROK_API_KEY": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(when(request) for request in arrived):
        assert example.poll() is None
    example.send_signal(signal.SIGINT)
    try:
        _, err = example.communicate(timeout=10)
    except subprocess.TimeoutExpired:  # Python drops one that is raised in a callback
        example.send_signal(signal.SIGINT)
        _, err = example.communicate(timeout=10)
    assert example.returncode == 130
    return str(err.splitlines()[-1])


def test_ctrl_c_prints_how_to_continue(
    base_url: str,
    arrived: list[Arrived],
    tmp_path: Path,
    example: Example,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
        message = interrupted(lambda request: request.method == "GET", base_url, arrived, tmp_path)
    request_id = arrived[-1].path.rpartition("/")[2]
    assert message == f"create_video: interrupted; continue with --resume {request_id}"
    assert example("--resume", request_id, "-o", "v.mp4").returncode == 0
    assert len([request for request in arrived if request.method == "POST"]) == 1
    assert (tmp_path / "v.mp4").exists()


def test_ctrl_c_before_the_response_says_that_the_job_may_exist(tmp_path: Path) -> None:
    with serving(no_response) as server:
        arrived: list[Any] = server.arrived
        message = interrupted(lambda _: True, server.base_url, arrived, tmp_path)
    assert message == "create_video: interrupted; the job may exist"


def test_help_lists_every_target_on_one_line() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = run("make").stdout.splitlines()
    assert [line.split()[0] for line in listed] == targets[0].split()
    assert all(len(line.split()) > 2 for line in listed)


@pytest.mark.parametrize("python", ["no-such-python", "/bin/false"])
def test_a_missing_python_is_named_in_one_line(python: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    demo = run("make", "-C", tmp_path, "demo", f"PYTHON={python}")
    message, by_make = demo.stderr.splitlines()
    assert demo.returncode != 0
    assert f"no Python 3.11 or newer at {python}" in message
    assert by_make.startswith("make: ***")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements-dev.txt", None])
def test_a_changed_lock_or_project_is_reinstalled(changed: str | None, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for time, name in enumerate(["pyproject.toml", "requirements-dev.txt", ".venv/installed"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    if changed:
        os.utime(tmp_path / changed)
    shutil.copy(ROOT / "Makefile", tmp_path)
    planned = run("make", "-n", "-C", tmp_path, "demo").stdout
    assert ("pip install" in planned) == (changed is not None)


def test_check_needs_node_but_demo_and_test_do_not(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    needed = ("requirements-dev.txt", "pyproject.toml", "requirements-node.txt")
    for name in (*needed, "tools/install_node.py", "tools/node/package-lock.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for target in ("check", "demo", "test"):
        planned = run("make", "-n", "-C", tmp_path, target).stdout
        for command in ("tools/install_node.py", "-m tools.review.lint"):
            assert (command in planned) == (target == "check")


@pytest.mark.parametrize("code", BLOCKS)
def test_readme_code_runs(code: str, base_url: str, arrived: list[Arrived]) -> None:
    shown = run(sys.executable, "-c", code, GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert (shown.returncode, shown.stderr) == (0, "")
    paid = [request.body for request in arrived if request.method == "POST"]
    assert len(paid) == len(set(paid))
    assert arrived


TEXTS = ["README.md", "CONTRIBUTING.md"]
TEXTS += [f".github/workflows/{name}.yml" for name in ("ci", "release", "review")]


@pytest.mark.parametrize("name", TEXTS)
def test_every_make_target_that_a_text_names_exists(name: str) -> None:
    targets = {line.split()[0] for line in run("make", "help").stdout.splitlines()}
    pattern = r"(?:`|^ *|run: )make ([a-z][a-z-]+)"
    named = set(re.findall(pattern, (ROOT / name).read_text(), re.MULTILINE))
    assert named
    assert named <= targets


def test_the_chinese_readme_has_the_same_code_and_tables() -> None:
    chinese = (ROOT / "README.zh-CN.md").read_text()
    blocks = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    assert BLOCKS
    assert blocks.findall(chinese) == blocks.findall(README)
    for pattern in (r"^#+ ", r"^\|", r"^- ", r"^\d\. "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (README, chinese)]
        assert counts[0] == counts[1], pattern
