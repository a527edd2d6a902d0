"""Saving a video: completely or not at all, with credentials for the API's own origin only."""

import errno
import gzip
import io
import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote

import httpx
import pytest

from conftest import TOKEN, client_of, limited_to
from faults import Fault, Server, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import errors
from grok_imagine_video_runtime import _downloads
from modes import Clock, Mode
from playing import GATEWAYS, URL, Play, status

VIDEO = bytes(range(256)) * 10_000
SAVED = responding(200, VIDEO)
CDN = "https://cdn.example"
SECRET = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}

Save = Callable[..., Any]


@pytest.fixture
def save(mode: Mode, clock: Clock, tmp_path: Path) -> Save:  # noqa: ARG001 - retries take no time
    """Save what is at a URL, or at a path of the API, as `v.mp4`."""

    def save(api: Server, url: str = "/v.mp4", path: str = "v.mp4", **options: Any) -> Any:
        on_progress = options.pop("on_progress", None)
        client = client_of(api.base_url, **SECRET | options)
        return mode.call(None, "download", client, url, tmp_path / path, on_progress=on_progress)

    return save


def play(url: str, *outcomes: Any, session: Any = None, file: Any = None) -> Play:
    call = client_of(URL), _downloads.save, url, io.BytesIO() if file is None else file, None
    return Play(*call, outcomes=outcomes, session=SECRET | (session or {}))


def announced(length: int, body: bytes, then: Fault = hang_up) -> Fault:
    return saying(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode(), body, then=then)


@pytest.mark.parametrize("total", [len(VIDEO), None])
def test_a_video_is_saved_and_its_progress_reported(total: Any, save: Save, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / ("v" * 255)  # the longest name that there can be
    with serving(SAVED if total else saying(b"HTTP/1.1 200 OK\r\n\r\n", VIDEO)) as server:
        url = f"{server.base_url}/v.mp4"
        saved = save(server, url, path.name, on_progress=lambda *args: seen.append(args))
    assert (saved, path.read_bytes()) == (path, VIDEO)
    assert seen[-1] == (len(VIDEO), total)
    assert seen == sorted(seen)
    assert list(tmp_path.iterdir()) == [path]
    os.umask(umask := os.umask(0))
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


BROKEN: dict[str, Fault] = {
    "breaks off": announced(10**7, VIDEO, then=reset),
    "stops coming": announced(10**7, VIDEO, then=no_response),
    "cut between chunks": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na"),
    "half a gzip": responding(200, gzip.compress(VIDEO)[:-1], Content_Encoding="gzip"),
    **{"brotli": responding(200, VIDEO, Content_Encoding="br"), "a bug of the caller": SAVED},
}
FAILURES = errors.APIConnectionError, errors.InternalServerError, errors.APIResponseValidationError


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN)
def test_a_failed_download_leaves_the_old_file_and_no_temporary_one(
    fault: Fault, mode: Mode, tmp_path: Path
) -> None:
    (path := tmp_path / "v.mp4").write_bytes(b"yesterday's")
    failing = pytest.raises(ZeroDivisionError if fault is SAVED else FAILURES)
    with mode.against(fault, SAVED, client_of=partial(limited_to, 1, read=0.3)) as (server, call):
        with failing:
            call(None, "download", "/v", path, on_progress=lambda *_: 1 / (fault is not SAVED))
        assert (list(tmp_path.iterdir()), path.read_bytes()) == ([path], b"yesterday's")
        call(None, "download", "/v", path)  # the connection is free
    assert len(server.arrived) == 2


@pytest.mark.parametrize("how", ["as it is", "compressed", "by a mock"])
@pytest.mark.parametrize("row", GATEWAYS["files"], ids=lambda row: row["what"])
def test_no_page_is_saved_as_a_video(row: Any, how: str) -> None:
    content, kind = (row["content"] * row.get("times", 1)).encode(), row["type"]
    outcome: Any = status(200, content, Content_Type=kind)
    if how == "by a mock":
        outcome = httpx.Response(200, headers=outcome["headers"], content=content)
    if how == "compressed":
        outcome = status(200, gzip.compress(content), Content_Type=kind, Content_Encoding="gzip")
    played = play("/v.mp4", *[outcome] * 3, file=(file := io.BytesIO()))
    assert file.getvalue() == content
    assert len(played.requests) == (1 if content else 3)
    if row["is_page"]:
        assert type(played.end) is errors.APIResponseValidationError
        assert (played.end.status_code, played.end.content) == (200, content[:65_536])
        assert played.end.headers["content-type"] == kind
    else:
        assert played.end is None


# What is at a URL, the error or what an `APIConnectionError` says, and the number of requests.
REFUSED: dict[str, tuple[Any, type[Exception] | str, int]] = {
    "429": (status(429, b"oops"), errors.RateLimitError, 3),
    "404": (status(404, TOKEN.encode()), errors.NotFoundError, 1),
    **{str(code): (status(code, b""), errors.APIStatusError, 1) for code in (204, 206, 304, 402)},
    "reset": (httpx.ReadError, "response from https://gateway.example/[token] (boom)", 3),
    "refused": (httpx.ConnectError, "no response from", 3),
    "no protocol": (httpx.UnsupportedProtocol, "no response from", 1),
    "fewer bytes": (status(200, b"x", Content_Length="9"), "no whole response from", 3),
    "more bytes": (status(200, b"xx", Content_Length="1"), "2 bytes, not the 1 that were", 3),
    "redirects in a circle": (status(302, b"", Location="/v.mp4"), errors.APIStatusError, 21),
    "redirect to a file": (status(302, b"", Location="file://host/x"), errors.APIStatusError, 1),
    "redirect to no port": (status(302, b"", Location=f"{URL}:99999"), errors.APIStatusError, 1),
    "redirect to no URL": (status(302, Location="http://[::1"), "redirected to http://[::1, w", 3),
}


@pytest.mark.parametrize(("outcome", "error", "requests"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_whole_file_has_its_error_and_its_number_of_requests(
    outcome: Any, error: type[Exception] | str, requests: int
) -> None:
    played = play(f"/{TOKEN}?signature=s3cret", *[outcome] * 21)
    if isinstance(error, str):
        assert type(played.end) is errors.APIConnectionError
        assert error in str(played.end)
        cause: Any = played.end.__cause__
        assert "authorization" not in cause.request.headers
    else:
        content = played.end.content
        assert type(played.end) is error
        assert bool(content) == bool(outcome["content"])
        assert TOKEN.encode() not in content
    assert len(played.requests) == requests
    assert len(played.slept) == 2 * (requests == 3)
    assert "s3cret" not in str(played.end)
    assert TOKEN not in str(played.end)


def test_a_full_disk_is_an_error_of_the_system() -> None:
    file = Mock(write=Mock(side_effect=OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="full"):
        play("/v.mp4", status(200, VIDEO), file=file)


def test_a_download_that_breaks_off_starts_over(save: Save, tmp_path: Path) -> None:
    longer = announced(2 * len(VIDEO), VIDEO + b"x")
    with serving(longer, responding(503), SAVED) as server:
        save(server)
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO
    assert len(server.arrived) == 3


def test_each_redirect_is_resolved_against_its_url_and_decides_anew_who_is_told() -> None:
    addresses = ("next", "/last", f"{URL}/home", f"{URL}:65535/away")
    hops = [status(302, Location=address) for address in addresses]
    session = {"params": {"key": TOKEN}, "timeout": 7}
    played = play(f"{CDN}/a/v.mp4?signature=a%2Fb", *hops, status(200, VIDEO), session=session)
    assert played.end is None
    assert [str(request.url) for request in played.requests] == [
        *(f"{CDN}/a/v.mp4?signature=a%2Fb", f"{CDN}/a/next", f"{CDN}/last"),
        *(f"{URL}/home?key={quote(TOKEN, safe='')}", f"{URL}:65535/away"),
    ]
    at_home = [False, False, False, True, False]
    assert [TOKEN in str(request.headers.raw) for request in played.requests] == at_home
    for request in played.requests:
        assert request.method == "GET"
        assert request.headers["accept-encoding"] == "identity"
        assert request.extensions["timeout"] == httpx.Timeout(7).as_dict()


@pytest.mark.parametrize("url", GATEWAYS["no files"])
def test_a_url_that_cannot_be_fetched_is_refused_before_anything_is_sent(url: str) -> None:
    played = play(url)
    assert type(played.end) is ValueError
    assert any(word in str(played.end).lower() for word in ("url", "port"))
    assert "s3cret" not in str(played.end)
    assert not played.requests


def test_a_path_that_cannot_be_written_is_refused_at_once(save: Save, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for path in ("folder", "missing/v.mp4", "file/v.mp4", "pipe"):
        with serving(SAVED) as server, pytest.raises(OSError, match=path.split("/")[0]):
            save(server, path=path)
        assert not server.arrived
    assert {entry.name for entry in tmp_path.iterdir()} == {"folder", "file", "pipe"}
    assert (tmp_path / "pipe").is_fifo()


def test_the_target_of_a_link_is_replaced_and_keeps_its_mode(save: Save, tmp_path: Path) -> None:
    (path := tmp_path / "target").touch(0o600)
    (link := tmp_path / "v.mp4").symlink_to("target")
    with serving(SAVED) as server:
        save(server)
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (VIDEO, 0o600)


def test_file_and_folder_are_on_disk_before_the_call_returns_and_no_event_loop_waits_for_it(
    mode: Mode, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note_and_sync(descriptor: int) -> None:
        assert (threading.current_thread() is threading.main_thread()) == mode.is_sync
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    synced: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", note_and_sync)
    with serving(SAVED) as server:
        path = save(server)
    assert synced == [path.stat().st_ino, tmp_path.stat().st_ino]


def test_the_signature_of_a_url_stays_whole_at_the_own_origin() -> None:
    signed = b"/v.mp4?signature=a%2Fb%20c"
    for params, expected in (({}, signed), ({"params": {"key": TOKEN}}, b"signature=a%2Fb")):
        (request,) = play(URL + signed.decode(), status(200, VIDEO), session=params).requests
        assert expected in request.url.raw_path


def test_the_timeout_of_one_call_is_that_of_its_download_from_elsewhere() -> None:
    client = client_of(URL).with_timeout(5)
    call = client, _downloads.save, f"{CDN}/v.mp4", io.BytesIO(), None
    (request,) = Play(*call, outcomes=[status(200, VIDEO)], session={"timeout": 7}).requests
    assert request.extensions["timeout"] == httpx.Timeout(5).as_dict()
