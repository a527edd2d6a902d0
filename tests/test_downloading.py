"""Saving a video: completely or not at all, with credentials for the API's own origin only."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import each_transport
from faults import Fault, Server, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import AuthenticatedClient, errors
from ways import Clock, Way, cancel_when

TOKEN = "sk-secret-0123456789"
VIDEO = bytes(range(256)) * 1024
SAVED = responding(200, VIDEO)

Save = Callable[..., Any]


@pytest.fixture
def save(way: Way, clock: Clock, tmp_path: Path) -> Save:  # noqa: ARG001 - retries take no time
    """Save what is at a URL, or at a path of the API, as `v.mp4`, in each of the three ways."""

    def save(api: Server, url: str = "/v.mp4", path: str = "v.mp4", **options: Any) -> Any:
        on_progress = options.pop("on_progress", None)
        client = client_of(api.base_url, **options)
        return way.call(None, "download", client, url, tmp_path / path, on_progress=on_progress)

    return save


def client_of(base_url: str, **options: Any) -> AuthenticatedClient:
    secret = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    timeout = {"timeout": httpx.Timeout(0.15)}
    return AuthenticatedClient(base_url, TOKEN, **timeout | secret | options)


def announced(length: int, body: bytes, then: Fault = hang_up) -> Fault:
    return saying(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode(), body, then=then)


LENGTHS = {
    "announced": (SAVED, len(VIDEO)),
    "unknown": (saying(b"HTTP/1.1 200 OK\r\n\r\n", VIDEO), None),
}


@pytest.mark.parametrize(("fault", "total"), LENGTHS.values(), ids=LENGTHS)
def test_a_video_is_saved_and_its_progress_reported(
    fault: Fault, total: int | None, save: Save, tmp_path: Path
) -> None:
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / ("v" * 255)  # the longest name that there can be
    with serving(fault) as server:
        url = f"{server.base_url}/v.mp4"
        saved = save(server, url, path.name, on_progress=lambda *args: seen.append(args))
    assert (saved, path.read_bytes()) == (path, VIDEO)
    assert seen[-1] == (len(VIDEO), total)
    assert seen == sorted(seen)
    assert list(tmp_path.iterdir()) == [path]
    os.umask(umask := os.umask(0))
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"
BROKEN: dict[str, tuple[Fault, type[Exception], int]] = {
    "shorter than announced": (announced(99, b"x" * 98), errors.APIConnectionError, 3),
    "breaks off": (announced(10**6, VIDEO, then=reset), errors.APIConnectionError, 3),
    "stops coming": (announced(10**6, VIDEO, then=no_response), errors.APIConnectionError, 3),
    "cut between chunks": (saying(CHUNKED), errors.APIConnectionError, 3),
    "no response": (no_response, errors.APIConnectionError, 3),
    "500": (responding(500, TOKEN.encode()), errors.InternalServerError, 3),
    "429": (responding(429, b"oops"), errors.RateLimitError, 3),
    "404": (responding(404, TOKEN.encode()), errors.NotFoundError, 1),
    "403": (responding(403), errors.PermissionDeniedError, 1),
    "redirect in a circle": (responding(302, Location="/x"), errors.APIConnectionError, 20),
    "304": (responding(304), errors.APIStatusError, 1),
    "204": (responding(204), errors.APIStatusError, 1),
    "206": (responding(206, b"x", Content_Range="bytes 0-0/1000"), errors.APIStatusError, 1),
    "redirect to a file": (responding(302, Location="file:///x"), errors.APIConnectionError, 1),
    "redirect to no URL": (responding(302, Location="http://[::1"), errors.APIConnectionError, 3),
    "redirect to no port": (
        responding(302, Location="http://127.0.0.1:99999/"),
        *(errors.APIConnectionError, 1),
    ),
}


@pytest.mark.parametrize(("fault", "error", "requests"), BROKEN.values(), ids=BROKEN)
def test_a_failed_download_leaves_the_old_file_and_no_temporary_one(
    fault: Fault, error: type[Exception], requests: int, save: Save, tmp_path: Path
) -> None:
    (path := tmp_path / "v.mp4").write_bytes(b"yesterday's")
    with serving(fault) as server, pytest.raises(error) as raised:
        save(server, f"{server.base_url}/v.mp4?signature=s3cret")
    assert type(raised.value) is error
    assert "s3cret" not in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert TOKEN.encode() not in getattr(raised.value, "content", b"")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"yesterday's"
    assert len(server.arrived) == requests


def test_a_failed_download_without_retries_is_one_request_and_leaves_nothing(
    save: Save, tmp_path: Path
) -> None:
    with serving(announced(99, b"x")) as server, pytest.raises(errors.APIConnectionError):
        save(server, max_retries=0)
    assert (len(server.arrived), list(tmp_path.iterdir())) == (1, [])


def test_a_file_that_is_shorter_than_announced_is_not_saved(tmp_path: Path) -> None:
    def short(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Length": "99"}, content=iter([b"x" * 98]))

    args = {"transport": httpx.MockTransport(short)}  # does not count, unlike httpx's own
    client = client_of("https://gateway.example", httpx_args=args, max_retries=0)
    with client, pytest.raises(errors.APIConnectionError, match="98 bytes, not the 99 that were"):
        client.download("/v", tmp_path / "v")


def test_an_event_hook_that_raises_for_status_gets_the_same_error(tmp_path: Path) -> None:
    hooks = {"event_hooks": {"response": [httpx.Response.raise_for_status]}}
    with serving(responding(404)) as server:
        client = client_of(server.base_url, httpx_args=hooks)
        with client, pytest.raises(errors.NotFoundError):
            client.download("/v", tmp_path / "v")
    assert len(server.arrived) == 1


def test_a_download_that_breaks_off_starts_over(save: Save, tmp_path: Path) -> None:
    longer = announced(2 * len(VIDEO), VIDEO + b"x")
    with serving(longer, responding(503), SAVED) as server:
        save(server)
    assert (tmp_path / "v.mp4").read_bytes() == VIDEO
    assert len(server.arrived) == 3


def elsewhere(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_credentials_go_to_the_own_origin_only(header: str, save: Save) -> None:
    options = {"auth_header_name": header, "httpx_args": {"auth": ("user", TOKEN)}}
    with serving(SAVED) as cdn, serving(SAVED) as api:
        for place in (cdn.base_url, elsewhere(api.base_url)):
            save(api, f"{place}/v.mp4", **options)
    for (request,) in (cdn.arrived, api.arrived):
        assert TOKEN.encode() not in request
        assert b"\r\nauthorization:" not in request.lower()


def test_the_token_does_not_follow_a_redirect_to_another_host(save: Save) -> None:
    with serving(SAVED) as cdn:
        away = elsewhere(cdn.base_url) + "/v.mp4"
        with serving(responding(302, Location="/step"), responding(307, Location=away)) as api:
            save(api, "/v1/videos/1/content")
    sent = f"Authorization: Bearer {TOKEN}".encode()
    assert [sent in request for request in api.arrived] == [True, True]
    assert api.arrived[0].startswith(b"GET /v1/videos/1/content ")
    assert TOKEN.encode() not in cdn.arrived[0]


def test_session_parameters_stay_at_home_and_signatures_stay_whole(save: Save) -> None:
    options = {"httpx_args": {"params": {"key": TOKEN}}, "headers": {"User-Agent": TOKEN}}
    with serving(SAVED) as cdn, serving(SAVED) as api:
        for server in (cdn, api):
            save(api, server.base_url + "/v.mp4?signature=a%2Fb", **options)
    assert cdn.arrived[0].startswith(b"GET /v.mp4?signature=a%2Fb HTTP/1.1\r\n")
    for request in cdn.arrived + api.arrived:
        assert b"\r\naccept-encoding: identity" in request.lower()
    assert TOKEN.encode() not in cdn.arrived[0]
    assert b"signature=a%2Fb" in api.arrived[0].splitlines()[0]


def test_a_path_from_the_root_is_one_under_a_base_url_with_a_path(save: Save) -> None:
    with serving(SAVED) as api:
        api.base_url += "/api"
        save(api, "/v1/videos/1/content")
        save(api, "v1/videos/1/content")
    paths = [request.split()[1] for request in api.arrived]
    assert paths == [b"/v1/videos/1/content", b"/api/v1/videos/1/content"]


def test_relative_redirects_are_resolved_against_the_url_that_sent_them(save: Save) -> None:
    hops = responding(302, Location="next"), responding(302, Location="/last"), SAVED
    with serving(*hops) as cdn, serving(no_response) as api:
        save(api, cdn.base_url + "/a/first")
    assert [request.split()[1] for request in cdn.arrived] == [b"/a/first", b"/a/next", b"/last"]
    assert not api.arrived


def test_another_host_gets_the_timeout_of_the_client(save: Save) -> None:
    timeout = {"timeout": httpx.Timeout(0.05, connect=5), "max_retries": 0}
    slow = pytest.raises(errors.APIConnectionError, match="ReadTimeout")
    with serving(no_response) as cdn, serving(no_response) as api, slow:
        save(api, cdn.base_url + "/v.mp4", **timeout)


URLS = [
    *("file:///etc/passwd", "data:video/mp4;base64,AAAA", "ftp://cdn.example/v.mp4", ""),
    *("http:///v.mp4", "//cdn.example/v.mp4", "http://[::1", "http://cdn.example:99999/"),
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_cannot_be_fetched_is_refused_before_anything_is_sent(
    url: str, save: Save, tmp_path: Path
) -> None:
    with serving(SAVED) as api, pytest.raises(ValueError, match=r"(?i)url|port"):
        save(api, url)
    assert not api.arrived
    assert not list(tmp_path.iterdir())


def test_a_password_in_a_url_is_not_shown(save: Save) -> None:
    refused = (ValueError, errors.APIConnectionError)
    for url in (f"ftp://me:{TOKEN}@cdn.example/v?{TOKEN}", f"http://me:{TOKEN}@127.0.0.1:9/v"):
        with serving(SAVED) as api, pytest.raises(refused) as raised:
            save(api, url, max_retries=0)
        assert TOKEN not in str(raised.value)


def test_a_path_that_cannot_be_written_is_refused_before_anything_is_sent(
    save: Save, tmp_path: Path
) -> None:
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


@each_transport
def test_cancelling_removes_the_temporary_file(transport: Any, tmp_path: Path) -> None:
    async def cancel(base_url: str) -> None:
        seen: list[bool] = []
        async with client_of(base_url, timeout=30, async_transport=transport) as client:
            saving = client.asyncio_download(
                "/v", tmp_path / "v", on_progress=lambda *_: seen.append(any(tmp_path.iterdir()))
            )
            await cancel_when(saving, lambda: seen)
        assert seen == [True]

    with serving(announced(999, b"half", then=no_response)) as server:
        asyncio.run(cancel(server.base_url))
    assert not list(tmp_path.iterdir())
