"""The command line of a package comes from its spec."""

import json
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from faults import responding, serving
from making import document, load, made_from
from tools import BadInputError

SPEC = load(Path(__file__).parent / "specs" / "jobs.yaml")
CREATED = responding(200, {"id": "1"})
DONE = responding(200, {"status": "done", "url": "/v"})


class Made:
    """The command line of the package that a spec gives."""

    def __init__(self, spec: Any, folder: Path, test: pytest.FixtureRequest, **config: Any) -> None:
        package = made_from(spec, folder, **config)
        self.module = import_module(f"{package.__name__}.__main__")
        self._capsys: pytest.CaptureFixture[str] = test.getfixturevalue("capsys")
        self._patch: pytest.MonkeyPatch = test.getfixturevalue("monkeypatch")
        self._patch.chdir(folder)

    def run(self, line: str) -> tuple[object, str, str]:
        self._patch.setattr(sys, "argv", ["made", *shlex.split(line)])
        with pytest.raises(SystemExit) as end:
            self.module.main()
        return end.value.code, *self._capsys.readouterr()


@pytest.fixture
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Made:
    return Made(SPEC, tmp_path, request)


NEEDED = {"text": "hello", "size": 2, "style": "x", "copies": 3}
MASKS = {"masks": [{"url": "https://a.example"}]}
BASE = "create hello --style x --mask https://a.example"
# What is typed, and the request.
TYPED: dict[str, dict[str, Any]] = {
    BASE: NEEDED | MASKS,
    f"{BASE} --size 3 --copies 1 --loud": NEEDED | MASKS | {"size": 3, "copies": 1, "loud": True},
    f"{BASE} --masks data:,": NEEDED | {"masks": [*MASKS["masks"], {"url": "data:,"}]},
    f"{BASE} --no-loud --weight 1.5": NEEDED | MASKS | {"loud": False, "weight": 1.5},
    f"{BASE} --day 2026-01-02 --tags a --tags b": (
        NEEDED | MASKS | {"day": "2026-01-02", "tags": ["a", "b"]}
    ),
    f"""{BASE} --frame '{{"width": 2}}' --request-output o""": (
        NEEDED | MASKS | {"frame": {"width": 2}, "output": "o"}
    ),
    f"{BASE} --seed 7 --maybe m --class c": (
        NEEDED | MASKS | {"seed": 7, "maybe": "m", "class": "c"}
    ),
    f"{BASE} --seed seven": NEEDED | MASKS | {"seed": "seven"},
    f"{BASE} --counts 1 --counts -2 --maybe ''": NEEDED | MASKS | {"counts": [1, -2], "maybe": ""},
    f"{BASE} --extra more=null": NEEDED | MASKS | {"more": None},
    "edit --seconds 4": {"seconds": 4},
}


@pytest.mark.parametrize("typed", TYPED)
def test_each_kind_of_field_can_be_typed(typed: str, made: Made) -> None:
    with serving(CREATED, DONE, responding(200, b"poster")) as server:
        code, out, _ = made.run(f"{typed} -o p --base-url {server.base_url}")
    assert (code, out) == (0, "saved p\n")
    assert json.loads(server.arrived[0].partition(b"\r\n\r\n")[2]) == TYPED[typed]


# What is typed, and a part of what is said.
REFUSED = {
    "create hello --style x": "--mask",
    "create hello --mask https://a.example": "--style",
    f"{BASE} --size 4": '"1", "2", "3"',
    f"{BASE} --size 2.4": '"1", "2", "3"',
    f"{BASE} --counts 1 --counts 2.5": "--counts: not an integer",
    "create hello --style '' --mask https://a.example": "'style' must not be blank: ''",
    f"{BASE} --weight 3": "'weight' must be <= 2: 3.0",
    f"{BASE} --tags a --tags b --tags c": "tags",
    f"{BASE} --day tomorrow": "'day' must be date",
    f"{BASE} --frame wide": "--frame: not JSON",
    f"""{BASE} --frame '{{"width": 0}}'""": "in 'frame': 'width' must be >= 1: 0",
    "edit --seconds 4 --extra a=1": "'a'",
    "upload": "Unknown command",
    BASE: "pass --base-url URL",
}


@pytest.mark.parametrize("typed", REFUSED)
def test_the_rules_of_the_spec_hold_before_anything_is_sent(typed: str, made: Made) -> None:
    code, out, said = made.run(f"{typed} -o p")
    assert (code, out, len(said.splitlines())) == (2, "", 1)
    assert REFUSED[typed] in said


def test_help_has_the_words_of_the_spec(made: Made) -> None:
    assert "Create a poster." in made.run("--help")[1]
    shown = made.run("create --help")[1]
    assert "How large. [choices: 1, 2, 3] [default: 2]" in shown
    assert "What it says." in shown


def test_operations_with_the_same_verb_keep_their_whole_names(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = json.dumps(SPEC).replace("editPoster", "createEdit")
    commands = Made(json.loads(text), tmp_path, request).run("--help")[1]
    for name in ("create-poster", "create-edit", "get", "wait", "config"):
        assert f" {name} " in commands


def test_the_command_line_of_a_package_without_jobs_has_settings_and_no_more(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    made = Made(document(), tmp_path, request)
    commands = re.findall(r"│ ([a-z][a-z-]*) ", made.run("--help")[1])
    assert commands == ["config"]


def test_the_kind_of_the_requests_says_which_operation_creates_the_jobs(tmp_path: Path) -> None:
    package = made_from(SPEC, tmp_path)
    with serving(CREATED, DONE, responding(200, b"poster")) as server:
        client = package.Client(server.base_url)
        summary = package.batch.run([package.Edit(seconds=4)], client=client, folder=tmp_path)
        assert summary.done == 1
        assert server.arrived[0].startswith(b"POST /edits ")
    assert (tmp_path / "0001").read_bytes() == b"poster"  # this spec has no suffix


def test_each_operation_that_creates_jobs_has_its_batches(made: Made, tmp_path: Path) -> None:
    (tmp_path / "edits.csv").write_text("seconds\n4\n5\n")
    with serving(*[CREATED, DONE, responding(200, b"poster")] * 2) as server:
        where = f"--concurrency 1 --base-url {server.base_url}"
        assert made.run(f"batch-edit edits.csv -o edits {where}")[0] == 0
        sent = [request.partition(b"\r\n\r\n")[2] for request in server.arrived[::3]]
    assert sent == [b'{"seconds":4}', b'{"seconds":5}']


@pytest.mark.parametrize("option", ["a mask", "size"])
def test_an_option_that_cannot_be_typed_stops_the_generation(option: str, tmp_path: Path) -> None:
    text = json.dumps(SPEC).replace('"x-option": "mask"', f'"x-option": "{option}"')
    with pytest.raises(BadInputError, match=rf"/Poster/properties/masks/x-option: '{option}'"):
        made_from(json.loads(text), tmp_path)
