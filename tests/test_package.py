"""The package that callers install and import, and the workflows that build it."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path
from pkgutil import resolve_name
from types import FunctionType
from typing import get_type_hints

import pytest

import grok_imagine_video
from grok_imagine_video import client
from grok_imagine_video_runtime import errors
from making import load
from tools import ROOT

VERSION = load(ROOT / "openapi.yaml")["info"]["version"]
PACKAGE = ROOT / "generated" / "grok_imagine_video"
PUBLIC = load(Path(__file__).with_name("public.yaml"))
ERRORS = {name for names in PUBLIC["errors"].values() for name in [*names, "GrokImagineVideoError"]}
MODULES = PUBLIC["modules"] | {"grok_imagine_video.errors": ERRORS}
MODULES["grok_imagine_video"] += MODULES["grok_imagine_video.models"]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_offers_these_names_and_no_others(name: str) -> None:
    module = import_module(name)
    assert module.__doc__
    assert sorted(module.__all__) == sorted(MODULES[name])
    assert {*module.__all__} <= {*dir(module)}
    assert not {"Any", "Callable", "Literal", "attrs", "httpx", "re"} & {*dir(module)}
    for public in (getattr(module, name) for name in module.__all__):
        if isinstance(public, type | FunctionType):
            get_type_hints(public)
    with pytest.raises(AttributeError, match=f"{name}' has no attribute 'Vidoe'"):
        module.Vidoe  # noqa: B018


def test_clients_and_functions_have_these_members_and_parameters() -> None:
    members: list[str] = []
    for name, more in PUBLIC["members"].items():
        members += more
        shown = dir(getattr(client, name))
        assert [member for member in shown if member[0] != "_"] == sorted(members)
    for name, parameters in PUBLIC["parameters"].items():
        called = resolve_name(f"grok_imagine_video:{name}")
        assert [*inspect.signature(called).parameters] == parameters
    signature = str(inspect.signature(client.AuthenticatedClient))
    assert signature.startswith("(base_url: str = <environment variable>, token: str = <env")
    assert "`GROK_API_KEY`" in (client.AuthenticatedClient.__doc__ or "")


def test_the_tree_of_the_errors() -> None:
    """The nearest parent that callers can name is the one that a reader of the tree expects."""
    assert errors.GrokImagineVideoError is errors.APIError
    kinds = {Exception, *(getattr(errors, name) for name in ERRORS)}
    tree: dict[str, list[str]] = {}
    for kind in sorted(kinds - {Exception}, key=lambda kind: kind.__name__):
        parent = next(base for base in kind.__mro__[1:] if base in kinds)
        tree.setdefault(parent.__name__, []).append(kind.__name__)
    assert tree == PUBLIC["errors"]


def build(source: Path, dist: Path) -> list[Path]:
    """A wheel and a source distribution with one date, as `make build` has it for each commit."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(dist)]
    env = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    subprocess.run(command, cwd=source, env=env, check=True, capture_output=True)
    return sorted(dist.iterdir())


def test_the_builds_hold_the_package_and_all_of_git_and_are_reproducible(tmp_path: Path) -> None:
    assert Path(grok_imagine_video.__path__[0]) == PACKAGE
    built = build(ROOT, tmp_path / "dist")
    (wheel,) = metadata.distributions(path=[str(built[0])])
    held = {str(path) for path in wheel.files or () if ".dist-info/" not in str(path)}
    folders = PACKAGE, ROOT / "runtime" / "grok_imagine_video_runtime"
    ours = (path.relative_to(folder.parent) for folder in folders for path in folder.rglob("*.*"))
    assert held == {str(path) for path in ours if "__pycache__" not in path.parts}
    assert wheel.version == grok_imagine_video.__version__ == VERSION
    needed = [re.sub(r"[<>][^;]*", "", line) for line in wheel.requires or ()]
    of_command = [f"{name}; extra == 'cli'" for name in ("cyclopts", "rich")]
    assert needed == ["attrs", "httpx", "python-dateutil", *of_command]

    shutil.unpack_archive(built[1], tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    paths = [path for path in source.rglob("*") if path.is_file()]
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.check_output(words, cwd=ROOT, text=True)
    assert {str(path.relative_to(source)) for path in paths} == {*listing.splitlines(), "PKG-INFO"}
    again = build(source, tmp_path / "again")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in built]


# What a caller does, one step after the other.
STEPS = """
import sys
import grok_imagine_video as package
assert package.CreateVideoRequest
print(*sys.modules)
import attrs, httpx
before = set(sys.modules)
from grok_imagine_video import *
print(*set(sys.modules) - before)
"""


def test_only_what_is_asked_for_is_imported_and_of_others_httpx_and_attrs() -> None:
    printed = subprocess.check_output([sys.executable, "-c", STEPS], text=True)
    first, rest = (line.split() for line in printed.splitlines())
    assert "grok_imagine_video.models.create_video_request" in first
    assert not {"httpx", "grok_imagine_video.client", "grok_imagine_video.errors"} & {*first}
    assert [name for name in rest if not name.startswith("grok_imagine_video")] == []


def test_a_tag_that_differs_from_the_version_is_refused_in_one_line() -> None:
    for tag in (VERSION, "", "v$(shell true)"):
        command, env = ["make", "check-tag"], os.environ | {"TAG": tag}
        make = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
        message, _by_make = make.stderr.splitlines()
        expected = f"make: the tag is {tag}, but openapi.yaml has the version {VERSION}"
        assert (make.returncode, message) == (2, expected)
