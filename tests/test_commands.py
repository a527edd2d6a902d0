"""The commands and the code that the README shows, run as a reader would run them."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from conftest import TOKEN, Arrived

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, words)),
        cwd=ROOT,
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


def test_demo_creates_the_exports_own_example_on_a_local_relay() -> None:
    demo = run("make", "demo", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")
    assert (demo.returncode, demo.stderr) == (0, "")
    request, answer = re.findall(r"^\{.*?^\}", demo.stdout, re.MULTILINE | re.DOTALL)
    assert json.loads(request) == exported_example()
    assert json.loads(answer).keys() == {"request_id"}


def test_demo_talks_to_the_relay_that_it_is_told(base_url: str, arrived: list[Arrived]) -> None:
    demo = run("make", "demo", GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert demo.returncode == 0
    (request,) = arrived
    assert json.loads(request.body) == exported_example()
    assert TOKEN not in demo.stdout + demo.stderr


BAD_RELAYS = {
    "wrong key": ({"GROK_API_KEY": "wrong"}, "401"),
    "no key": ({"GROK_API_KEY": ""}, "GROK_API_KEY"),
    "no address": ({"GROK_BASE_URL": "", "GROK_API_KEY": "key"}, "GROK_BASE_URL"),
    "dead server": ({"GROK_BASE_URL": "http://127.0.0.1:9", "GROK_API_KEY": "key"}, "refused"),
    "no URL": ({"GROK_BASE_URL": "relay.example", "GROK_API_KEY": "key"}, "relay.example"),
}


@pytest.mark.parametrize(("env", "part"), BAD_RELAYS.values(), ids=BAD_RELAYS)
def test_demo_says_in_one_line_what_is_wrong(env: dict[str, str], part: str, base_url: str) -> None:
    demo = run(sys.executable, "examples/create_video.py", **{"GROK_BASE_URL": base_url} | env)
    assert demo.returncode == 1
    assert len(demo.stderr.splitlines()) == 1, demo.stderr
    assert part in demo.stderr


def test_ctrl_c_ends_the_demo_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        demo = subprocess.Popen(
            [sys.executable, ROOT / "examples" / "create_video.py"],
            env=os.environ | {"GROK_BASE_URL": address, "GROK_API_KEY": TOKEN},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()
        with connection:
            connection.recv(1)
            demo.send_signal(signal.SIGINT)
            try:
                _, said = demo.communicate(timeout=10)
            except subprocess.TimeoutExpired:  # Python loses one that falls into a callback
                demo.send_signal(signal.SIGINT)
                _, said = demo.communicate(timeout=10)
    assert demo.returncode == 1
    assert said.splitlines() == [
        "create_video: interrupted; a request that was sent may still become a paid video"
    ]


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


def test_readme_has_code_to_run() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("code", BLOCKS)
def test_readme_code_runs(code: str, base_url: str, arrived: list[Arrived]) -> None:
    shown = run(sys.executable, "-c", code, GROK_BASE_URL=base_url, GROK_API_KEY=TOKEN)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert len(arrived) == 1


def test_readme_names_only_targets_that_exist() -> None:
    targets = {line.split()[0] for line in run("make", "help").stdout.splitlines()}
    assert set(re.findall(r"make ([a-z][a-z-]+)", README)) <= targets
