"""The package that callers install and import."""

import inspect
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from email.message import Message
from hashlib import sha256
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import grok_imagine_video
from bodies import TEXT
from conftest import TOKEN, Arrived

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "generated" / "grok_imagine_video"

CALL = """
import json, sys
from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, create_video

base_url, token = sys.argv[1:]
with AuthenticatedClient(base_url=base_url, token=token) as client:
    body = CreateVideoRequest.from_dict(json.loads(sys.stdin.read()))
    job = create_video.sync(client=client, body=body)
print(json.dumps(job.to_dict()))
"""


def test_the_tests_run_against_this_checkout() -> None:
    assert Path(inspect.getfile(grok_imagine_video)).parent == PACKAGE


def test_the_public_surface() -> None:
    assert sorted(grok_imagine_video.__all__) == [
        "AuthenticatedClient",
        "Client",
        "CreateVideoRequest",
        "CreateVideoRequestAspectRatio",
        "CreateVideoRequestModel",
        "CreateVideoRequestResolution",
        "CreateVideoResponse",
        "ImageInput",
        "ReferenceImage",
        "Video",
        "VideoError",
        "VideoJob",
        "VideoUsage",
        "__version__",
        "create_video",
        "errors",
        "get_video",
    ]
    assert all(hasattr(grok_imagine_video, name) for name in grok_imagine_video.__all__)
    calls = ["sync", "sync_detailed", "asyncio", "asyncio_detailed"]
    for call in calls:
        signature = inspect.signature(getattr(grok_imagine_video.create_video, call))
        assert list(signature.parameters) == ["client", "body"]
    for call in ("wait", "asyncio_wait"):
        signature = inspect.signature(getattr(grok_imagine_video.get_video, call))
        options = ["interval", "timeout", "on_progress"]
        assert list(signature.parameters) == ["request_id", "client", *options]


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


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("grok_imagine_video-*.whl")
    return path


@pytest.fixture(scope="module")
def unpacked(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    (path,) = dist.glob("grok_imagine_video-*.tar.gz")
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return source


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    generated = {str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*.*")}
    assert held == {name for name in generated if "__pycache__" not in name}
    assert "grok_imagine_video/py.typed" in held


def test_the_source_distribution_holds_what_git_does_not_ignore(unpacked: Path) -> None:
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.check_output(words, cwd=ROOT, text=True)
    assert held == {*listing.splitlines(), "PKG-INFO"}


def digests(dist: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}


def test_the_source_distribution_builds_the_same_bytes_wherever_it_is(
    dist: Path, unpacked: Path, tmp_path: Path
) -> None:
    for path in unpacked.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (10**9, 10**9))
    built = digests(dist)
    assert len(built) == 2
    assert digests(build(unpacked, tmp_path / "dist", umask=0o077)) == built


def test_the_wheel_works_in_an_empty_environment(
    wheel: Path, tmp_path: Path, base_url: str, arrived: list[Arrived]
) -> None:
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", str(wheel)], check=True)
    subprocess.run([*pip, "check"], check=True)

    call = [python, "-c", CALL, base_url, TOKEN]
    printed = subprocess.check_output(call, cwd=tmp_path, input=json.dumps(TEXT).encode())
    assert json.loads(printed).keys() == {"request_id"}
    assert len(arrived) == 1


def metadata(wheel: Path) -> Message:
    """What the wheel says of itself; an installed package says what was true at that time."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return message_from_bytes(archive.read(name))


def test_there_is_one_version(wheel: Path) -> None:
    spec = YAML(typ="safe").load(ROOT / "openapi.yaml")["info"]["version"]
    assert spec == grok_imagine_video.__version__ == metadata(wheel)["Version"]


def test_few_packages_are_needed_at_run_time(wheel: Path) -> None:
    required = metadata(wheel).get_all("Requires-Dist") or []
    extras: dict[str, set[str]] = {}
    for requirement in required:
        name, _, marker = requirement.partition(";")
        extras.setdefault(marker.strip(), set()).add(re.split("[<>=]", name)[0])
    assert extras == {
        "": {"attrs", "httpx", "python-dateutil"},
        "extra == 'aiohttp'": {"httpx-aiohttp"},
        "extra == 'cluster'": {"distributed"},
    }


def imported_by(statement: str, *, after: str) -> set[str]:
    code = f"import sys, {after}; before = set(sys.modules); {statement}; "
    code += "print(*(set(sys.modules) - before))"
    return set(subprocess.check_output([sys.executable, "-c", code], text=True).split())


def test_importing_the_package_imports_nothing_of_others_but_httpx_and_attrs() -> None:
    everything = "from grok_imagine_video import *"
    imported = imported_by(everything, after="attrs, httpx")
    assert "grok_imagine_video._calls" in imported
    assert [name for name in imported if not name.startswith("grok_imagine_video")] == []


def test_what_is_not_asked_for_is_not_imported() -> None:
    imported = imported_by("import grok_imagine_video as g; g.CreateVideoRequest", after="json")
    assert "grok_imagine_video.models.create_video_request" in imported
    assert "grok_imagine_video.models.video_job" not in imported
    assert not imported & {"httpx", "grok_imagine_video.client", "grok_imagine_video.errors"}


def test_what_is_offered_can_be_seen_and_nothing_else_is_there() -> None:
    assert set(grok_imagine_video.__all__) < set(dir(grok_imagine_video))
    assert set(grok_imagine_video.models.__all__) < set(dir(grok_imagine_video.models))
    for module in (grok_imagine_video, grok_imagine_video.models):
        with pytest.raises(AttributeError, match=f"{module.__name__}' has no attribute 'Vidoe'"):
            module.Vidoe  # noqa: B018
