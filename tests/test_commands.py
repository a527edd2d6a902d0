"""The commands and the code that the README shows, run as a reader would run them."""

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
from ruamel.yaml import YAML

import relay
from conftest import TOKEN, Arrived
from faults import OK, answering, no_answer, serving

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


def example(*words: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, ROOT / "examples" / "create_video.py", *words, cwd=cwd, **env)


def test_demo_saves_the_exports_own_example_from_a_local_relay() -> None:
    video = ROOT / "build" / "lake.mp4"
    video.unlink(missing_ok=True)
    demo = run("make", "demo", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")
    assert demo.returncode == 0, demo.stderr
    request, answer = re.findall(r"^\{.*?^\}", demo.stdout, re.MULTILINE | re.DOTALL)
    assert json.loads(request) == exported_example()
    assert json.loads(answer).keys() == {"request_id"}
    assert demo.stdout.endswith("saved build/lake.mp4\n")
    assert "100%" in demo.stderr
    assert video.read_bytes() == relay.VIDEO.read_bytes()


def test_demo_talks_to_the_relay_that_it_is_told(base_url: str, arrived: list[Arrived]) -> None:
    demo = run("make", "demo", GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert demo.returncode == 0
    posted = [json.loads(request.body) for request in arrived if request.method == "POST"]
    assert posted == [exported_example()]
    assert TOKEN not in demo.stdout + demo.stderr


def test_every_option_of_the_example_arrives(
    base_url: str, arrived: list[Arrived], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"png")
    options = ["A lake", "--duration", 15, "--resolution", "720p", "--aspect-ratio", "1:1"]
    options += ["--model", "grok-imagine-video-1.5-preview", "-o", "v.mp4"]
    files = ["--reference", "a.png", "--reference", "https://images.example/b.png"]
    env = {"GROK_BASE_URL": base_url, "GROK_API_KEY": TOKEN}
    assert example(*options, *files, cwd=tmp_path, **env).returncode == 0
    assert json.loads(arrived[0].body) == {
        "model": "grok-imagine-video-1.5-preview",
        "prompt": "A lake",
        "resolution": "720p",
        "aspect_ratio": "1:1",
        "duration": 15,
        "reference_images": [
            {"url": "data:image/png;base64,cG5n"},
            {"url": "https://images.example/b.png"},
        ],
    }
    assert (tmp_path / "v.mp4").exists()


FAILURES = {
    "wrong key": (["A lake"], {"GROK_API_KEY": "wrong"}, 3, "401"),
    "no key": (["A lake"], {"GROK_API_KEY": ""}, 2, "GROK_API_KEY"),
    "no address": (["A lake"], {"GROK_BASE_URL": ""}, 2, "GROK_BASE_URL"),
    "dead server": (["A lake"], {"GROK_BASE_URL": "http://127.0.0.1:9"}, 1, "refused"),
    "no URL": (["A lake"], {"GROK_BASE_URL": "relay.example"}, 2, "relay.example"),
    "too long": (["A lake", "--duration", "16"], {}, 2, "'duration' must be <= 15: 16"),
    "both kinds of image": (
        ["A lake", "--image", "https://a.example", "--reference", "https://b.example"],
        *({}, 2, "cannot be used together"),
    ),
    "failed": (["failed"], {}, 4, "internal_error: The prompt asked for it."),
    "withheld": (["withheld"], {}, 4, "may have been billed"),
    "unknown job": (["--resume", "none"], {}, 1, "no such job.; go on with --resume none"),
    "not in time": (
        ["A lake", "--timeout", "0.1"],
        {},
        1,
        "waiting can go on; go on with --resume",
    ),
}


@pytest.mark.parametrize(("words", "env", "code", "told"), FAILURES.values(), ids=FAILURES)
def test_the_example_says_in_one_line_what_is_wrong(
    words: list[str], env: dict[str, str], code: int, told: str, base_url: str, tmp_path: Path
) -> None:
    surroundings = {"GROK_BASE_URL": base_url, "GROK_API_KEY": TOKEN} | env
    failed = example(*words, cwd=tmp_path, **surroundings)
    lines = [line for line in failed.stderr.splitlines() if "%" not in line]
    assert (failed.returncode, len(lines)) == (code, 1), failed.stderr
    assert lines[0].startswith("create_video: ")
    assert told in lines[0]
    assert not list(tmp_path.iterdir())


ARGUMENTS = {
    "nothing": [],
    "a prompt and a job": ["A lake", "--resume", "1"],
    "no model": ["A lake", "--model", "x"],
    "no such image": ["A lake", "--image", "none.png"],
    "no name of an image": ["A lake", "--image", ""],
    "a file that is no image": ["A lake", "--reference", "Makefile"],
    "no time": ["A lake", "--timeout", "0"],
    "no number": ["A lake", "--timeout", "nan"],
    "no folder": ["A lake", "-o", "missing/v.mp4"],
    "a folder": ["A lake", "-o", "tests"],
    "no name of a file": ["A lake", "-o", ""],
}


@pytest.mark.parametrize("words", ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_that_make_no_sense_are_refused_before_it_costs_money(
    words: list[str], base_url: str, arrived: list[Arrived]
) -> None:
    refused = example(*words, cwd=ROOT, GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert refused.returncode == 2
    assert "error: " in refused.stderr.splitlines()[-1]
    assert not arrived


def test_an_image_from_a_file_arrives_and_is_not_printed_whole(
    base_url: str, arrived: list[Arrived], tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"jpg" * 1000)
    env = {"GROK_BASE_URL": base_url, "GROK_API_KEY": TOKEN}
    shown = example("A lake", "--image", "a.jpg", cwd=tmp_path, **env)
    assert shown.returncode == 0
    assert json.loads(arrived[0].body)["image"] == {
        "url": "data:image/jpeg;base64," + "anBn" * 1000
    }
    assert max(map(len, shown.stdout.splitlines())) < 200


def test_what_a_server_says_is_not_taken_for_markup(tmp_path: Path) -> None:
    odd = {"status": "[/x]", "progress": "1" * 400}
    done = {"status": "done", "video": {"url": "/v.mp4"}}
    with serving(OK, answering(200, odd), answering(200, done)) as server:
        env = {"GROK_BASE_URL": server.base_url, "GROK_API_KEY": TOKEN}
        assert example("A lake", cwd=tmp_path, **env).returncode == 0


def test_a_job_of_the_local_relay_can_be_resumed(tmp_path: Path) -> None:
    late = example("A lake", "--timeout", "0.1", cwd=tmp_path)
    job = late.stderr.split()[-1]
    assert example("--resume", job, "-o", "v.mp4", cwd=tmp_path).returncode == 0
    assert (tmp_path / "v.mp4").exists()


def interrupted(
    when: Callable[[Arrived], bool], base_url: str, arrived: list[Arrived], folder: Path
) -> str:
    """What the example says when it gets a Ctrl-C as soon as such a request has arrived."""
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
        _, said = example.communicate(timeout=10)
    except subprocess.TimeoutExpired:  # Python loses one that falls into a callback
        example.send_signal(signal.SIGINT)
        _, said = example.communicate(timeout=10)
    assert example.returncode == 130
    return str(said.splitlines()[-1])


def test_ctrl_c_tells_the_job_and_how_to_go_on(
    base_url: str, arrived: list[Arrived], tmp_path: Path
) -> None:
    told = interrupted(lambda request: request.method == "GET", base_url, arrived, tmp_path)
    request_id = arrived[-1].path.rpartition("/")[2]
    assert told == f"create_video: interrupted; go on with --resume {request_id}"
    words = ["--resume", request_id, "-o", tmp_path / "v.mp4"]
    resumed = example(*words, GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert resumed.returncode == 0
    assert len([request for request in arrived if request.method == "POST"]) == 1
    assert (tmp_path / "v.mp4").exists()


def test_ctrl_c_before_there_is_a_job_says_that_there_may_be_one(tmp_path: Path) -> None:
    with serving(no_answer) as server:
        arrived: list[Any] = server.arrived
        told = interrupted(lambda _: True, server.base_url, arrived, tmp_path)
    assert told == "create_video: interrupted; a video may come of it"


def test_help_lists_every_target_in_a_line() -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = run("make").stdout.splitlines()
    assert [line.split()[0] for line in listed] == targets[0].split()
    assert all(len(line.split()) > 2 for line in listed)


@pytest.mark.parametrize("python", ["no-such-python", "/bin/false"])
def test_a_missing_python_gets_one_line(python: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    demo = run("make", "-C", tmp_path, "demo", f"PYTHON={python}")
    said, by_make = demo.stderr.splitlines()
    assert demo.returncode != 0
    assert f"no Python 3.11 or newer at {python}" in said
    assert by_make.startswith("make: ***")
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("changed", ["pyproject.toml", "requirements-dev.txt", None])
def test_a_changed_lock_or_project_is_installed_anew(changed: str | None, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for time, name in enumerate(["pyproject.toml", "requirements-dev.txt", ".venv/installed"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time, time))
    if changed:
        os.utime(tmp_path / changed)
    shutil.copy(ROOT / "Makefile", tmp_path)
    planned = run("make", "-n", "-C", tmp_path, "demo").stdout
    assert ("pip install" in planned) == (changed is not None)


def test_check_lints_the_spec_and_neither_demo_nor_test_needs_node(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    needed = ("requirements-dev.txt", "pyproject.toml", "requirements-node.txt")
    for name in (*needed, "tools/install_node.py", "tools/node/package-lock.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for target in ("check", "demo", "test"):
        planned = run("make", "-n", "-C", tmp_path, target).stdout
        for command in ("tools/install_node.py", "-m tools.review.lint"):
            assert (command in planned) == (target == "check")


def test_readme_has_code_to_run() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("code", BLOCKS)
def test_readme_code_runs(code: str, base_url: str, arrived: list[Arrived]) -> None:
    shown = run(sys.executable, "-c", code, GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert (shown.returncode, shown.stderr) == (0, "")
    paid = [request.body for request in arrived if request.method == "POST"]
    assert len(paid) == len(set(paid))
    assert arrived


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".github/workflows/ci.yml"])
def test_texts_name_only_targets_that_exist(name: str) -> None:
    targets = {line.split()[0] for line in run("make", "help").stdout.splitlines()}
    named = set(re.findall(r"(?:`|^|run: )make ([a-z][a-z-]+)", (ROOT / name).read_text(), re.M))
    assert named
    assert named <= targets


def test_the_chinese_readme_has_the_same_code_and_tables() -> None:
    chinese = (ROOT / "README.zh-CN.md").read_text()
    blocks = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
    assert blocks.findall(chinese) == blocks.findall(README)
    for pattern in (r"^#+ ", r"^\|", r"^- ", r"^\d\. "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (README, chinese)]
        assert counts[0] == counts[1], pattern
