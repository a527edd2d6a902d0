"""Saving a video: completely or not at all, with credentials for the API's own origin only."""

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from conftest import each_transport
from faults import Fault, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import AuthenticatedClient, errors
from ways import WAYS, Clock, Way, cancel_when

TOKEN = "sk-secret-0123456789"
VIDEO = bytes(range(256)) * 1024
SYNC = WAYS[0]


@pytest.fixture(autouse=True)
def _no_sleep(clock: Clock) -> None:
    """Retries take no time."""


def save(way: Way, client: AuthenticatedClient, *args: Any, **kwargs: Any) -> Any:
    return way.call(None, "download", client, *args, **kwargs)


def client_of(base_url: str, **arguments: Any) -> AuthenticatedClient:
    timeout = httpx.Timeout(0.15)
    secret = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    return AuthenticatedClient(base_url, TOKEN, **{"timeout": timeout} | secret | arguments)


def announced(length: int, body: bytes, then: Fault = hang_up) -> Fault:
    return saying(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode(), body, then=then)


def test_a_video_is_saved_and_reported_on(way: Way, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / "a video.mp4"
    with serving(responding(200, VIDEO)) as server:
        saved = save(
            way,
            client_of(server.base_url),
            server.base_url + "/v.mp4",
            str(path),
            on_progress=lambda *progress: seen.append(progress),
        )
    assert (saved, path.read_bytes()) == (path, VIDEO)
    assert seen[-1] == (len(VIDEO), len(VIDEO))
    assert seen == sorted(seen)
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()


def umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def test_a_video_of_unknown_length_is_saved(way: Way, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with serving(saying(b"HTTP/1.1 200 OK\r\n\r\n", VIDEO)) as server:
        url = server.base_url + "/v.mp4"
        save(
            way,
            client_of(server.base_url),
            url,
            tmp_path / "v",
            on_progress=lambda *p: seen.append(p),
        )
    assert (tmp_path / "v").read_bytes() == VIDEO
    assert seen[-1] == (len(VIDEO), None)


BROKEN: dict[str, tuple[Fault, type[Exception], int]] = {
    "shorter than announced": (announced(99, b"x" * 98), errors.APIConnectionError, 3),
    "breaks off": (announced(10**6, VIDEO, then=reset), errors.APIConnectionError, 3),
    "stops coming": (announced(10**6, VIDEO, then=no_response), errors.APIConnectionError, 3),
    "cut between chunks": (
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
        errors.APIConnectionError,
        3,
    ),
    "no response": (no_response, errors.APIConnectionError, 3),
    "500": (responding(500, b"oops"), errors.InternalServerError, 3),
    "429": (responding(429, b"oops"), errors.RateLimitError, 3),
    "404": (responding(404, b"<title>gone</title>"), errors.NotFoundError, 1),
    "403": (responding(403), errors.PermissionDeniedError, 1),
    "redirect in a circle": (responding(302, Location="/x"), errors.APIConnectionError, 20),
    "304": (responding(304), errors.APIStatusError, 1),
    "204": (responding(204), errors.APIStatusError, 1),
    "206": (responding(206, b"x" * 10, Content_Range="bytes 0-9/1000"), errors.APIStatusError, 1),
    "redirect to a file": (responding(302, Location="file:///x"), errors.APIConnectionError, 1),
    "redirect to no URL": (responding(302, Location="http://[::1"), errors.APIConnectionError, 3),
    "redirect to no port": (
        responding(302, Location="http://127.0.0.1:99999/"),
        errors.APIConnectionError,
        1,
    ),
}


@pytest.mark.parametrize(("fault", "error", "arrived"), BROKEN.values(), ids=BROKEN)
def test_a_failed_download_leaves_the_old_file_and_no_temporary_one(
    fault: Fault, error: type[Exception], arrived: int, way: Way, tmp_path: Path
) -> None:
    (path := tmp_path / "v.mp4").write_bytes(b"yesterday's")
    with serving(fault) as server, pytest.raises(error) as raised:
        save(way, client_of(server.base_url), server.base_url + "/v.mp4?signature=s3cret", path)
    assert type(raised.value) is error
    assert "s3cret" not in str(raised.value)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"yesterday's"
    assert len(server.arrived) == arrived


def test_a_failed_download_of_a_new_file_leaves_nothing(way: Way, tmp_path: Path) -> None:
    with serving(announced(99, b"x")) as server, pytest.raises(errors.APIConnectionError):
        save(way, client_of(server.base_url), "/v.mp4", tmp_path / "v.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_shorter_than_announced_is_not_saved(tmp_path: Path) -> None:
    def short(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Length": "99"}, content=iter([b"x" * 98]))

    args = {"transport": httpx.MockTransport(short)}  # one that does not count, unlike httpx's own
    with pytest.raises(errors.APIConnectionError, match="98 bytes, not the 99 that were announced"):
        save(SYNC, client_of("https://gateway.example", httpx_args=args), "/v", tmp_path / "v")


def test_a_download_that_breaks_off_starts_over(way: Way, tmp_path: Path) -> None:
    longer = announced(2 * len(VIDEO), VIDEO + b"x")
    faults = longer, responding(503), responding(200, VIDEO)
    with serving(*faults) as server:
        save(way, client_of(server.base_url), server.base_url + "/v.mp4", tmp_path / "v")
    assert hashlib.sha256((tmp_path / "v").read_bytes()).digest() == hashlib.sha256(VIDEO).digest()
    assert len(server.arrived) == 3


def test_no_retries_means_one_request(way: Way, tmp_path: Path) -> None:
    with serving(hang_up) as server, pytest.raises(errors.APIConnectionError):
        save(way, client_of(server.base_url, max_retries=0), server.base_url + "/v", tmp_path / "v")
    assert len(server.arrived) == 1


def elsewhere(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_credentials_go_to_the_own_origin_only(header: str, way: Way, tmp_path: Path) -> None:
    arguments = {"auth_header_name": header, "httpx_args": {"auth": ("user", TOKEN)}}
    with serving(responding(200, VIDEO)) as cdn, serving(responding(200, VIDEO)) as api:
        save(way, client_of(api.base_url, **arguments), cdn.base_url + "/v.mp4", tmp_path / "v")
        save(
            way,
            client_of(api.base_url, **arguments),
            elsewhere(api.base_url) + "/v",
            tmp_path / "w",
        )
    for request in (*cdn.arrived, *api.arrived):
        assert TOKEN.encode() not in request
        assert b"\r\nauthorization:" not in request.lower()
    assert len(cdn.arrived) == len(api.arrived) == 1


def test_session_parameters_stay_at_home_and_signatures_stay_whole(
    way: Way, tmp_path: Path
) -> None:
    arguments = {"httpx_args": {"params": {"key": TOKEN}}, "headers": {"User-Agent": TOKEN}}
    with serving(responding(200, VIDEO)) as cdn, serving(responding(200, VIDEO)) as api:
        for server in (cdn, api):
            url = server.base_url + "/v.mp4?signature=a%2Fb"
            save(way, client_of(api.base_url, **arguments), url, tmp_path / "v")
    assert cdn.arrived[0].startswith(b"GET /v.mp4?signature=a%2Fb HTTP/1.1\r\n")
    for request in cdn.arrived + api.arrived:
        assert b"\r\naccept-encoding: identity" in request.lower()
    assert TOKEN.encode() not in cdn.arrived[0]
    assert b"signature=a%2Fb" in api.arrived[0].splitlines()[0]


def test_relative_redirects_are_resolved_against_the_url_that_sent_them(
    way: Way, tmp_path: Path
) -> None:
    hops = (
        responding(302, Location="next"),
        responding(302, Location="/last"),
        responding(200, VIDEO),
    )
    with serving(*hops) as cdn, serving(no_response) as api:
        save(way, client_of(api.base_url), cdn.base_url + "/a/first", tmp_path / "v")
    assert [request.split()[1] for request in cdn.arrived] == [b"/a/first", b"/a/next", b"/last"]
    assert not api.arrived


def test_another_host_gets_the_timeout_of_the_client(way: Way, tmp_path: Path) -> None:
    with serving(no_response) as cdn, serving(no_response) as api:
        client = client_of(api.base_url, timeout=httpx.Timeout(0.05), max_retries=0)
        with pytest.raises(errors.APIConnectionError, match="ReadTimeout"):
            save(way, client, cdn.base_url + "/v.mp4", tmp_path / "v")


def test_a_token_that_the_server_echoes_is_not_in_the_error(way: Way, tmp_path: Path) -> None:
    for fault in (responding(404, TOKEN.encode()), responding(503, TOKEN.encode())):
        with serving(fault) as server, pytest.raises(errors.APIStatusError) as raised:
            save(way, client_of(server.base_url), "/v", tmp_path / "v")
        assert b"[token]" in raised.value.content
        assert TOKEN not in str(raised.value)


URLS = {
    "file": "file:///etc/passwd",
    "data": "data:video/mp4;base64,AAAA",
    "FTP": "ftp://cdn.example/v.mp4",
    "no host": "http:///v.mp4",
    "no scheme": "//cdn.example/v.mp4",
    "nothing": "",
    "no address": "http://[::1",
    "no port": "http://cdn.example:99999/",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_url_that_cannot_be_fetched_is_refused_before_anything_is_sent(
    url: str, way: Way, tmp_path: Path
) -> None:
    with serving(responding(200, VIDEO)) as api, pytest.raises(ValueError, match=r"(?i)url|port"):
        save(way, client_of(api.base_url), url, tmp_path / "v")
    assert not api.arrived
    assert not list(tmp_path.iterdir())


def test_a_password_in_a_url_is_not_shown(way: Way, tmp_path: Path) -> None:
    for url in (f"ftp://me:{TOKEN}@cdn.example/v?{TOKEN}", f"http://me:{TOKEN}@127.0.0.1:9/v"):
        with pytest.raises((ValueError, errors.APIConnectionError)) as raised:
            save(way, client_of("http://127.0.0.1:9", max_retries=0), url, tmp_path / "v")
        assert TOKEN not in str(raised.value)


def test_the_token_does_not_follow_a_redirect_to_another_host(way: Way, tmp_path: Path) -> None:
    with serving(responding(200, VIDEO)) as cdn:
        away = elsewhere(cdn.base_url) + "/v.mp4"
        with serving(responding(302, Location="/step"), responding(307, Location=away)) as api:
            save(way, client_of(api.base_url), "/v1/videos/1/content", tmp_path / "v")
    assert [f"Authorization: Bearer {TOKEN}".encode() in request for request in api.arrived] == [
        True,
        True,
    ]
    assert api.arrived[0].startswith(b"GET /v1/videos/1/content ")
    assert TOKEN.encode() not in cdn.arrived[0]
    assert (tmp_path / "v").read_bytes() == VIDEO


@pytest.mark.parametrize("path", ["folder", "missing/v.mp4", "file/v.mp4"])
def test_a_path_that_cannot_be_written_is_refused_before_anything_is_sent(
    path: str, way: Way, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with (
        serving(responding(200, VIDEO)) as server,
        pytest.raises(OSError, match=path.split("/")[0]),
    ):
        save(way, client_of(server.base_url), server.base_url + "/v", tmp_path / path)
    assert not server.arrived
    assert {entry.name for entry in tmp_path.iterdir()} == {"folder", "file"}


def test_the_target_of_a_link_is_replaced_and_keeps_its_mode(way: Way, tmp_path: Path) -> None:
    (path := tmp_path / "v.mp4").touch(0o600)
    (link := tmp_path / "link").symlink_to("v.mp4")
    with serving(responding(200, VIDEO)) as server:
        save(way, client_of(server.base_url), "/v", link)
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (VIDEO, 0o600)


def test_only_a_regular_file_is_replaced(way: Way, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    with serving(responding(200, VIDEO)) as server, pytest.raises(OSError, match="is not a file"):
        save(way, client_of(server.base_url), "/v", pipe)
    assert pipe.is_fifo()
    assert not server.arrived


def test_the_longest_file_name_works(way: Way, tmp_path: Path) -> None:
    with serving(responding(200, VIDEO)) as server:
        save(way, client_of(server.base_url), "/v", tmp_path / ("v" * 255))
    assert (tmp_path / ("v" * 255)).read_bytes() == VIDEO


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
