"""Saving a video: whole or not at all, and the token for the API's own origin alone."""

import asyncio
import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from attrs import evolve

from conftest import each_transport
from faults import Fault, answering, hang_up, no_answer, reset, saying, serving
from grok_imagine_video import AuthenticatedClient, errors

TOKEN = "sk-secret-0123456789"
VIDEO = bytes(range(256)) * 1024

Call = Callable[..., Any]


def save_sync(client: AuthenticatedClient, *arguments: Any, **options: Any) -> Any:
    with client:
        return client.download(*arguments, **options)


def save_async(client: AuthenticatedClient, *arguments: Any, **options: Any) -> Any:
    async def save() -> Any:
        async with client:
            return await client.asyncio_download(*arguments, **options)

    return asyncio.run(save())


def save_aiohttp(client: AuthenticatedClient, *arguments: Any, **options: Any) -> Any:
    return save_async(evolve(client, async_transport="aiohttp"), *arguments, **options)


each_way = pytest.mark.parametrize("save", [save_sync, save_async, save_aiohttp])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr("stamina._core._smart_sleep", sleep)


def client_of(base_url: str, **arguments: Any) -> AuthenticatedClient:
    timeout = httpx.Timeout(0.3)
    secret = {"headers": {"X-Secret": TOKEN}, "cookies": {"secret": TOKEN}}
    return AuthenticatedClient(base_url, TOKEN, **{"timeout": timeout} | secret | arguments)


def announced(length: int, body: bytes, then: Fault = hang_up) -> Fault:
    return saying(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode(), body, then=then)


@each_way
def test_a_video_is_saved_and_reported_on(save: Call, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    path = tmp_path / "a video.mp4"
    with serving(answering(200, VIDEO)) as server:
        saved = save(
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


@each_way
def test_a_video_of_no_announced_length_is_saved(save: Call, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with serving(saying(b"HTTP/1.1 200 OK\r\n\r\n", VIDEO)) as server:
        url = server.base_url + "/v.mp4"
        save(client_of(server.base_url), url, tmp_path / "v", on_progress=lambda *p: seen.append(p))
    assert (tmp_path / "v").read_bytes() == VIDEO
    assert seen[-1] == (len(VIDEO), None)


BROKEN: dict[str, tuple[Fault, type[Exception], int]] = {
    "shorter than announced": (announced(99, b"x" * 98), errors.APIConnectionError, 3),
    "breaks off": (announced(10**6, VIDEO, then=reset), errors.APIConnectionError, 3),
    "stops coming": (announced(10**6, VIDEO, then=no_answer), errors.APIConnectionError, 3),
    "cut between chunks": (
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
        errors.APIConnectionError,
        3,
    ),
    "no answer": (no_answer, errors.APIConnectionError, 3),
    "500": (answering(500, b"oops"), errors.InternalServerError, 3),
    "429": (answering(429, b"oops"), errors.RateLimitError, 3),
    "404": (answering(404, b"<title>gone</title>"), errors.NotFoundError, 1),
    "403": (answering(403), errors.PermissionDeniedError, 1),
    "redirect in a circle": (answering(302, Location="/x"), errors.APIConnectionError, 20),
    "304": (answering(304), errors.APIStatusError, 1),
    "204": (answering(204), errors.APIStatusError, 1),
    "206": (answering(206, b"x" * 10, Content_Range="bytes 0-9/1000"), errors.APIStatusError, 1),
    "redirect to a file": (answering(302, Location="file:///x"), errors.APIConnectionError, 1),
    "redirect to no URL": (answering(302, Location="http://[::1"), errors.APIConnectionError, 3),
    "redirect to no port": (
        answering(302, Location="http://127.0.0.1:99999/"),
        errors.APIConnectionError,
        1,
    ),
}


@each_way
@pytest.mark.parametrize("exists", [False, True], ids=["new", "existing"])
@pytest.mark.parametrize(("fault", "error", "arrived"), BROKEN.values(), ids=BROKEN)
def test_a_download_that_fails_leaves_what_was_there_and_no_litter(
    fault: Fault, error: type[Exception], arrived: int, exists: bool, save: Call, tmp_path: Path
) -> None:
    path = tmp_path / "v.mp4"
    if exists:
        path.write_bytes(b"yesterday's")
    with serving(fault) as server, pytest.raises(error) as raised:
        save(client_of(server.base_url), server.base_url + "/v.mp4?signature=s3cret", path)
    assert type(raised.value) is error
    assert "s3cret" not in str(raised.value)
    assert list(tmp_path.iterdir()) == ([path] if exists else [])
    assert not exists or path.read_bytes() == b"yesterday's"
    assert len(server.arrived) == arrived


@each_way
def test_a_connection_that_breaks_is_started_over(save: Call, tmp_path: Path) -> None:
    longer = announced(2 * len(VIDEO), VIDEO + b"x")
    faults = longer, answering(503), answering(200, VIDEO)
    with serving(*faults) as server:
        save(client_of(server.base_url), server.base_url + "/v.mp4", tmp_path / "v")
    assert hashlib.sha256((tmp_path / "v").read_bytes()).digest() == hashlib.sha256(VIDEO).digest()
    assert len(server.arrived) == 3


@each_way
def test_no_retries_means_one_request(save: Call, tmp_path: Path) -> None:
    with serving(hang_up) as server, pytest.raises(errors.APIConnectionError):
        save(client_of(server.base_url, max_retries=0), server.base_url + "/v", tmp_path / "v")
    assert len(server.arrived) == 1


def elsewhere(url: str) -> str:
    return url.replace("127.0.0.1", "localhost")


@each_way
@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key"])
def test_what_is_meant_for_the_api_goes_nowhere_else(
    header: str, save: Call, tmp_path: Path
) -> None:
    arguments = {"auth_header_name": header, "httpx_args": {"auth": ("user", TOKEN)}}
    with serving(answering(200, VIDEO)) as cdn, serving(answering(200, VIDEO)) as api:
        save(client_of(api.base_url, **arguments), cdn.base_url + "/v.mp4", tmp_path / "v")
        save(client_of(api.base_url, **arguments), elsewhere(api.base_url) + "/v", tmp_path / "w")
    for request in (*cdn.arrived, *api.arrived):
        assert TOKEN.encode() not in request
        assert b"\r\nauthorization:" not in request.lower()
    assert len(cdn.arrived) == len(api.arrived) == 1


@each_way
def test_parameters_of_every_request_go_nowhere_else_and_leave_a_signature_whole(
    save: Call, tmp_path: Path
) -> None:
    arguments = {"httpx_args": {"params": {"key": TOKEN}}, "headers": {"User-Agent": TOKEN}}
    with serving(answering(200, VIDEO)) as cdn, serving(answering(200, VIDEO)) as api:
        for server in (cdn, api):
            url = server.base_url + "/v.mp4?signature=a%2Fb"
            save(client_of(api.base_url, **arguments), url, tmp_path / "v")
    assert cdn.arrived[0].startswith(b"GET /v.mp4?signature=a%2Fb HTTP/1.1\r\n")
    for request in cdn.arrived + api.arrived:
        assert b"\r\naccept-encoding: identity" in request.lower()
    assert TOKEN.encode() not in cdn.arrived[0]
    assert b"signature=a%2Fb" in api.arrived[0].splitlines()[0]


@each_way
def test_redirects_are_followed_from_where_they_were_met(save: Call, tmp_path: Path) -> None:
    hops = answering(302, Location="next"), answering(302, Location="/last"), answering(200, VIDEO)
    with serving(*hops) as cdn, serving(no_answer) as api:
        save(client_of(api.base_url), cdn.base_url + "/a/first", tmp_path / "v")
    assert [request.split()[1] for request in cdn.arrived] == [b"/a/first", b"/a/next", b"/last"]
    assert not api.arrived


@each_way
def test_a_request_to_another_host_has_the_clients_timeout(save: Call, tmp_path: Path) -> None:
    with serving(no_answer) as cdn, serving(no_answer) as api:
        client = client_of(api.base_url, timeout=httpx.Timeout(0.05), max_retries=0)
        with pytest.raises(errors.APIConnectionError, match="ReadTimeout"):
            save(client, cdn.base_url + "/v.mp4", tmp_path / "v")


@each_way
def test_a_token_that_the_server_repeats_is_not_in_the_error(save: Call, tmp_path: Path) -> None:
    for fault in (answering(404, TOKEN.encode()), answering(503, TOKEN.encode())):
        with serving(fault) as server, pytest.raises(errors.APIStatusError) as raised:
            save(client_of(server.base_url), "/v", tmp_path / "v")
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


@each_way
@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_what_is_no_place_of_a_file_is_refused_before_anything_is_sent(
    url: str, save: Call, tmp_path: Path
) -> None:
    with serving(answering(200, VIDEO)) as api, pytest.raises(ValueError, match=r"(?i)url|port"):
        save(client_of(api.base_url), url, tmp_path / "v")
    assert not api.arrived
    assert not list(tmp_path.iterdir())


@each_way
def test_a_password_in_a_url_is_not_shown(save: Call, tmp_path: Path) -> None:
    for url in (f"ftp://me:{TOKEN}@cdn.example/v?{TOKEN}", f"http://me:{TOKEN}@127.0.0.1:9/v"):
        with pytest.raises((ValueError, errors.APIConnectionError)) as raised:
            save(client_of("http://127.0.0.1:9", max_retries=0), url, tmp_path / "v")
        assert TOKEN not in str(raised.value)


@each_way
def test_the_token_goes_to_the_api_and_does_not_follow_redirects(
    save: Call, tmp_path: Path
) -> None:
    with serving(answering(200, VIDEO)) as cdn:
        away = elsewhere(cdn.base_url) + "/v.mp4"
        with serving(answering(302, Location="/step"), answering(307, Location=away)) as api:
            save(client_of(api.base_url), "/v1/videos/1/content", tmp_path / "v")
    assert [f"Authorization: Bearer {TOKEN}".encode() in request for request in api.arrived] == [
        True,
        True,
    ]
    assert api.arrived[0].startswith(b"GET /v1/videos/1/content ")
    assert TOKEN.encode() not in cdn.arrived[0]
    assert (tmp_path / "v").read_bytes() == VIDEO


@each_way
@pytest.mark.parametrize("path", ["folder", "missing/v.mp4", "file/v.mp4"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_fetched(
    path: str, save: Call, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with serving(answering(200, VIDEO)) as server, pytest.raises(OSError, match=path.split("/")[0]):
        save(client_of(server.base_url), server.base_url + "/v", tmp_path / path)
    assert not server.arrived
    assert {entry.name for entry in tmp_path.iterdir()} == {"folder", "file"}


@each_way
def test_what_a_link_leads_to_is_replaced_and_keeps_its_mode(save: Call, tmp_path: Path) -> None:
    (path := tmp_path / "v.mp4").touch(0o600)
    (link := tmp_path / "link").symlink_to("v.mp4")
    with serving(answering(200, VIDEO)) as server:
        save(client_of(server.base_url), "/v", link)
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (VIDEO, 0o600)


@each_way
def test_what_is_no_file_is_not_replaced(save: Call, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe")
    with serving(answering(200, VIDEO)) as server, pytest.raises(OSError, match="is no file"):
        save(client_of(server.base_url), "/v", pipe)
    assert pipe.is_fifo()
    assert not server.arrived


@each_way
def test_a_long_name_of_a_file_is_no_problem(save: Call, tmp_path: Path) -> None:
    with serving(answering(200, VIDEO)) as server:
        save(client_of(server.base_url), "/v", tmp_path / ("v" * 255))
    assert (tmp_path / ("v" * 255)).read_bytes() == VIDEO


@each_transport
def test_cancelling_leaves_no_litter(transport: Any, tmp_path: Path) -> None:
    path = tmp_path / "v"

    def half(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nhalf")
        no_answer(connection)

    async def cancel(base_url: str) -> None:
        seen = asyncio.Event()
        async with client_of(base_url, timeout=30, async_transport=transport) as client:
            saving = client.asyncio_download("/v", path, on_progress=lambda *_: seen.set())
            task = asyncio.create_task(saving)
            await seen.wait()
            assert os.listdir(tmp_path)  # noqa: PTH208 - the litter to be
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with serving(half) as server:
        asyncio.run(cancel(server.base_url))
    assert not list(tmp_path.iterdir())
