"""The package that callers install and import."""

import inspect
import os
import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

import grok_imagine_video
from conftest import TOKEN, Arrived
from grok_imagine_video import client, create_video, errors, get_video, models, types
from making import load

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "generated" / "grok_imagine_video"

SPEC = load(ROOT / "openapi.yaml")
SAMPLE = SPEC["paths"]["/v1/videos/generations"]["post"]["x-codeSamples"][0]["source"]

MODELS = """
    CreateVideoRequest CreateVideoRequestAspectRatio CreateVideoRequestModel
    CreateVideoRequestResolution CreateVideoResponse ImageInput ReferenceImage Video VideoError
    VideoJob VideoUsage
"""
MODULES = {
    grok_imagine_video: MODELS
    + "AuthenticatedClient Client __version__ create_video errors get_video",
    client: "AuthenticatedClient Client",
    errors: """
        APIConnectionError APIError APIResponseValidationError APIStatusError AuthenticationError
        BadRequestError ConflictError GrokImagineVideoError InternalServerError JobExpiredError
        JobFailedError NotFoundError OutcomeUnknownError PermissionDeniedError RateLimitError
        ResultMissingError UnprocessableEntityError VideoWithheldError WaitTimeoutError
    """,
    models: MODELS,
    types: "File FileTypes RequestFiles Response UNSET Unset",
}
MEMBERS = """
    aclose asyncio_download close download follow_redirects get_async_httpx_client get_httpx_client
    max_response_size max_retries set_async_httpx_client set_httpx_client with_cookies with_headers
    with_timeout
"""
CLIENTS = {
    client.Client: MEMBERS,
    client.AuthenticatedClient: MEMBERS + "allow_plain_http auth_header_name prefix token",
}
CALLS = {
    create_video: ("sync sync_detailed asyncio asyncio_detailed", "client body"),
    get_video: ("wait asyncio_wait", "request_id client interval timeout on_progress"),
}


def test_the_tests_run_against_this_checkout() -> None:
    assert Path(inspect.getfile(grok_imagine_video)).parent == PACKAGE


@pytest.mark.parametrize(("module", "names"), MODULES.items())
def test_a_module_offers_these_names_and_no_others(module: ModuleType, names: str) -> None:
    assert sorted(module.__all__) == sorted(names.split())
    assert set(module.__all__) < set(dir(module))
    assert all(hasattr(module, name) for name in module.__all__)
    with pytest.raises(AttributeError, match=f"{module.__name__}' has no attribute 'Vidoe'"):
        module.Vidoe  # noqa: B018


def test_clients_and_operations_have_these_members_and_no_others() -> None:
    for kind, names in CLIENTS.items():
        assert [name for name in dir(kind) if name[0] != "_"] == sorted(names.split())
    for operation, (calls, names) in CALLS.items():
        for call in calls.split():
            assert [*inspect.signature(getattr(operation, call)).parameters] == names.split()


def build(source: Path, dist: Path, umask: int = 0o022) -> Path:
    """Build both from the folder, with one date, as `make build` does for each commit."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(dist)],
        cwd=source,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"},
        umask=umask,
        check=True,
        capture_output=True,
    )
    return dist


class Built(NamedTuple):
    wheel: Path
    source: Path  # unpacked


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    dist, folder = build(ROOT, tmp_path_factory.mktemp("dist")), tmp_path_factory.mktemp("sdist")
    (wheel,) = dist.glob("grok_imagine_video-*.whl")
    (archive,) = dist.glob("grok_imagine_video-*.tar.gz")
    shutil.unpack_archive(archive, folder, filter="data")
    (source,) = folder.iterdir()
    return Built(wheel, source)


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    held = {name for name in zipfile.ZipFile(built.wheel).namelist() if ".dist-info/" not in name}
    generated = {str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*.*")}
    assert held == {name for name in generated if "__pycache__" not in name}
    assert "grok_imagine_video/py.typed" in held


def test_the_source_distribution_holds_what_git_does_not_ignore(built: Built) -> None:
    paths = [path for path in built.source.rglob("*") if path.is_file()]
    held = {path.relative_to(built.source).as_posix() for path in paths}
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.check_output(words, cwd=ROOT, text=True)
    assert held == {*listing.splitlines(), "PKG-INFO"}


def test_the_source_distribution_builds_the_same_bytes_wherever_it_is(
    built: Built, tmp_path: Path
) -> None:
    for path in built.source.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (10**9, 10**9))
    first, again = (
        {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in (built.wheel.parent, build(built.source, tmp_path / "dist", umask=0o077))
    )
    assert len(first) == 2
    assert again == first


def test_the_wheel_works_in_an_empty_environment(
    built: Built, tmp_path: Path, base_url: str, arrived: list[Arrived]
) -> None:
    python = str(tmp_path / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    venv = [sys.executable, "-m", "venv", str(tmp_path / "venv")]
    for words in (venv, [*pip, "install", str(built.wheel)], [*pip, "check"]):
        subprocess.run(words, check=True)
    env = {"GROK_BASE_URL": base_url, "GROK_API_KEY": TOKEN}
    subprocess.run([python, "-c", SAMPLE], cwd=tmp_path, env=os.environ | env, check=True)
    assert len(arrived) == 1


def test_there_is_one_version(built: Built) -> None:
    version = grok_imagine_video.__version__
    assert version == SPEC["info"]["version"] == built.wheel.name.split("-")[1]


def test_few_packages_are_needed_at_run_time(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = archive.read(name).decode()
    required = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*;? ?(.*)$", metadata, re.MULTILINE)
    extras = {("httpx-aiohttp", "extra == 'aiohttp'"), ("distributed", "extra == 'cluster'")}
    assert {*required} == {("attrs", ""), ("httpx", ""), ("python-dateutil", ""), *extras}


def imported_by(statement: str, *, after: str) -> set[str]:
    code = f"import sys, {after}; before = set(sys.modules); {statement}; "
    code += "print(*(set(sys.modules) - before))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_importing_the_package_imports_nothing_of_others_but_httpx_and_attrs() -> None:
    imported = imported_by("from grok_imagine_video import *", after="attrs, httpx")
    assert "grok_imagine_video._calls" in imported
    assert [name for name in imported if not name.startswith("grok_imagine_video")] == []


def test_what_is_not_asked_for_is_not_imported() -> None:
    imported = imported_by("import grok_imagine_video as g; g.CreateVideoRequest", after="json")
    assert "grok_imagine_video.models.create_video_request" in imported
    unasked = {"models.video_job", "client", "errors"}
    assert not imported & {"httpx", *(f"grok_imagine_video.{name}" for name in unasked)}
