"""The command line of a package comes from its spec."""

import json
import shlex
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from faults import responding, serving
from making import load, made_from, run
from tools import BadInputError

SPEC = load(Path(__file__).parent / "specs" / "jobs.yaml")
CREATED = responding(200, {"id": "1"})
DONE = responding(200, {"status": "done", "url": "/v"})

# Runs a line of a command line: what it ends with, what it prints, and its errors.
Run = Callable[[str], tuple[Any, str, str]]


def command_of(spec: Any, folder: Path) -> Run:
    """The command line of the package that a spec gives."""
    module = import_module(f"{made_from(spec, folder).__name__}.__main__")
    return lambda line: run(module.main, *shlex.split(line))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return command_of(SPEC, tmp_path)


# What is typed and sent, and what is refused.
TYPED = load(Path(__file__).with_name("typed.yaml"))["posters"]
REFUSED = load(Path(__file__).with_name("mistakes.yaml"))["posters"]


@pytest.mark.parametrize("typed", TYPED)
def test_each_kind_of_field_can_be_typed(typed: str, made: Run) -> None:
    with serving(CREATED, DONE, responding(200, b"poster")) as server:
        code, out, _ = made(f"{typed} -o p --base-url {server.base_url}")
    assert (code, out) == (0, "p\n")
    assert json.loads(server.arrived[0].partition(b"\r\n\r\n")[2]) == TYPED[typed]


@pytest.mark.parametrize("typed", REFUSED)
def test_the_rules_of_the_spec_hold_before_anything_is_sent(typed: str, made: Run) -> None:
    code, out, said = made(f"{typed} -o p")
    assert (code, out, len(said.splitlines())) == (2, "", 1)
    assert REFUSED[typed] in said


def test_operations_with_the_same_verb_keep_their_whole_names(tmp_path: Path) -> None:
    text = json.dumps(SPEC).replace("editPoster", "createEdit")
    commands = command_of(json.loads(text), tmp_path)("--help")[1]
    for name in ("create-poster", "create-edit", "get", "wait"):
        assert f" {name} " in commands


def test_each_operation_that_creates_jobs_has_its_batches(made: Run, tmp_path: Path) -> None:
    (tmp_path / "edits.csv").write_text("seconds\n4\n5\n")
    with serving(*[CREATED, DONE, responding(200, b"poster")] * 2) as server:
        where = f"--concurrency 1 --base-url {server.base_url}"
        assert made(f"batch-edit edits.csv -o edits {where}")[0] == 0
        sent = [request.partition(b"\r\n\r\n")[2] for request in server.arrived[::3]]
    assert sent == [b'{"seconds": 4}', b'{"seconds": 5}']


@pytest.mark.parametrize("option", ["a mask", "size"])
def test_an_option_that_cannot_be_typed_stops_the_generation(option: str, tmp_path: Path) -> None:
    text = json.dumps(SPEC).replace('"x-option": "mask"', f'"x-option": "{option}"')
    with pytest.raises(BadInputError, match=rf"/Poster/properties/masks/x-option: '{option}'"):
        made_from(json.loads(text), tmp_path)
