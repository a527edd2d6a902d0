"""How the package is built: who imports whom, what a call enters, and what is private elsewhere."""

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import grok_imagine_video
import grok_imagine_video_runtime
from conftest import BODY
from faults import DONE, OK, serving
from grok_imagine_video import AuthenticatedClient, create_video, get_video

GENERATED = Path(grok_imagine_video.__file__).parent
RUNTIME = Path(grok_imagine_video_runtime.__file__).parent
MODULES = {path: ast.parse(path.read_text("utf-8")) for path in RUNTIME.rglob("*.py")}

# From the ground up: a module imports from lower floors, and from its own folder.
FLOORS = [
    *({"errors", "types", "_files"}, {"validators"}, {"models", "config"}),
    *({"operations", "_bodies", "_redirects"}, {"_calls"}, {"_jobs", "_downloads"}),
    *({"_connections", "_io"}, {"client"}, {"batch"}, {"cli"}),
]


def part_of(path: Path) -> str:
    return path.relative_to(RUNTIME).parts[0].removesuffix(".py")


def test_the_imports_point_down() -> None:
    height = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
    assert {part_of(path) for path in MODULES} == height.keys() | {"__init__"}
    for path, tree in MODULES.items():
        depth = len(path.relative_to(RUNTIME).parts)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == depth:  # of another part
                for name in (node.module or alias.name for alias in node.names):
                    is_below = height[name.partition(".")[0]] < height[part_of(path)]
                    assert is_below, f"{path.name} imports {name}"


# Those of one platform alone save nothing.
LATE = r"^ +(?:from \S+ )?import (?!fcntl|msvcrt).*"


def test_an_import_within_a_function_says_how_many_milliseconds_it_saves() -> None:
    for path in MODULES:
        text = path.read_text("utf-8")
        late = re.findall(LATE, text, re.MULTILINE)
        assert [line for line in late if " ms" not in line] == [], path.name
        assert "import_module" not in text, path.name


def entered(call: Callable[[], Any]) -> dict[tuple[str, str], None]:
    """The functions of ours that a call enters, in their order, without validators."""
    calls: dict[tuple[str, str], None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        path, name = Path(frame.f_code.co_filename), frame.f_code.co_qualname
        is_ours = RUNTIME in path.parents or GENERATED in path.parents
        # In Python 3.11 a comprehension is a function.
        if event == "call" and is_ours and path.stem != "validators" and name[-1] != ">":
            calls[path.name, name] = None

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize(("name", "functions", "files"), [("POST", 32, 9), ("wait", 45, 10)])
def test_a_call_is_one_breath(name: str, functions: int, files: int) -> None:
    with serving(OK, OK, DONE, DONE) as server, AuthenticatedClient(server.base_url, "t") as client:
        for _ in range(2):  # the second one is warm
            calls = entered(lambda: create_video.sync(client=client, body=BODY))
        if name == "wait":
            for _ in range(2):
                calls = entered(lambda: get_video.wait("1", client=client))
    print(*(f"{file:16} {function}" for file, function in calls), sep="\n")
    assert len(calls) <= functions
    assert len({file for file, _ in calls}) <= files


# What ruff does not see: a name in quotes, or one that is imported.
PRIVATE = r"""(?:vars\(.*\)\[|attr\(.*, )["']_[a-z]|^ *(?:from|import) [a-z].*[. ]_[a-z]"""


def test_nothing_private_of_a_library_is_used() -> None:
    for path in MODULES:
        private = re.search(PRIVATE, path.read_text("utf-8"), re.MULTILINE)
        assert not private, f"{path.name}: {private}"
