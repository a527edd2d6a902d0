"""The package that callers install and import, and the workflows that build it."""

import inspect
import os
import pickle
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

import pytest

import grok_imagine_video
from grok_imagine_video import batch, client, create_video, errors, get_video, models, types
from grok_imagine_video_runtime import errors as runtime_errors
from making import load

ROOT = Path(__file__).parent.parent
VERSION = load(ROOT / "openapi.yaml")["info"]["version"]
PACKAGE = ROOT / "generated" / "grok_imagine_video"

MODELS = """
    CreateVideoRequest CreateVideoRequestAspectRatio CreateVideoRequestModel
    CreateVideoRequestResolution CreateVideoResponse ImageInput ReferenceImage Video VideoError
    VideoJob VideoUsage
"""
MEMBERS = """
    aclose async_transport asyncio_download base_url close cookies credentials download
    follow_redirects get_async_httpx_client get_httpx_client headers httpx_args max_response_size
    max_retries overrides package sessions set_async_httpx_client set_httpx_client timeout
    verify_ssl with_cookies with_headers with_timeout
"""
CLIENTS = "AuthenticatedClient Client"
BATCH = """
    Entry Journal JournalError Problem RateLimiter Status Summary asyncio_run run status
"""
MODULES = {
    grok_imagine_video: f"{MODELS} {CLIENTS} __version__ create_video errors get_video",
    batch: BATCH,
    client: CLIENTS,
    errors: " ".join(runtime_errors.__all__),  # test_errors.py has the tree of them
    models: MODELS,
    types: "File FileTypes RequestFiles Response UNSET Unset",
}
CREDENTIALS = "allow_plain_http auth_header_name prefix token"
CALLS = {
    create_video: ("sync sync_detailed asyncio asyncio_detailed", "client body"),
    get_video: ("wait asyncio_wait", "request_id client interval timeout on_progress"),
}


@pytest.mark.parametrize(("module", "names"), MODULES.items())
def test_a_module_offers_these_names_and_no_others(module: ModuleType, names: str) -> None:
    assert sorted(module.__all__) == sorted(names.split())
    assert set(module.__all__) < set(dir(module))
    assert all(hasattr(module, name) for name in module.__all__)
    with pytest.raises(AttributeError, match=f"{module.__name__}' has no attribute 'Vidoe'"):
        module.Vidoe  # noqa: B018


def test_clients_and_operations_have_these_members_and_no_others() -> None:
    members = [name for name in dir(client.AuthenticatedClient) if name[0] != "_"]
    assert members == sorted(f"{MEMBERS} {CREDENTIALS}".split())
    assert [name for name in members if hasattr(client.Client, name)] == sorted(MEMBERS.split())
    for operation, (calls, names) in CALLS.items():
        for call in calls.split():
            assert [*inspect.signature(getattr(operation, call)).parameters] == names.split()


def test_editors_see_types_docs_and_nothing_else() -> None:
    for module in (*MODULES, create_video, get_video):
        assert module.__doc__
        shown = {name for name in dir(module) if not name.startswith("_")}
        assert not shown & {"Any", "Callable", "Literal", "attrs", "httpx", "re"}
        for name in module.__all__:
            if isinstance(public := getattr(module, name), type):
                get_type_hints(public)
    signature = str(inspect.signature(client.AuthenticatedClient))
    assert signature.startswith("(base_url: str = <environment variable>, token: str = <env")
    assert "`GROK_API_KEY`" in (client.AuthenticatedClient.__doc__ or "")


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
    needed = [re.sub(r"[<>][^;]*", "", each) for each in wheel.requires or ()]
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


def test_what_one_process_pickles_another_one_reads() -> None:
    sent = errors.RateLimitError("what", 429, {"retry-after": "3"}, b"{}")
    told = client.AuthenticatedClient("https://a.example", "a token")
    code = "import pickle, sys; a, b = pickle.load(sys.stdin.buffer); print(a.retry_after, b.token)"
    command, pickled = [sys.executable, "-c", code], pickle.dumps((sent, told))
    assert subprocess.check_output(command, input=pickled) == b"3.0 a token\n"
