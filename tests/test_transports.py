"""What lies below a call is the same on httpx and on aiohttp: TLS, proxies, timeouts, sessions."""

import asyncio
import contextlib
import gzip
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
import trustme

from bodies import TEXT
from conftest import BODY, client_of, each_async_way
from faults import OK, Fault, hang_up, read_request, reset, responding, saying, serving
from grok_imagine_video import Client, CreateVideoRequest, create_video, errors, get_video
from ways import WAYS, Way


def create(way: Way, client: Client, body: CreateVideoRequest = BODY) -> Any:
    return way.call(create_video, "sync", client, body=body)


@contextlib.contextmanager
def serving_tls(authority: trustme.CA, host: str) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)

    def behind_tls(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as encrypted:
            read_request(encrypted)
            OK(encrypted)

    with serving(behind_tls, whole=False) as server:
        yield server.base_url.replace("http://127.0.0.1", "https://localhost")


@each_async_way
def test_the_certificate_is_verified_as_configured(way: Way, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    verifications: list[tuple[trustme.CA, str, Any, bool]] = [
        *((authority, "localhost", context, True), (authority, "localhost", False, True)),
        *((authority, "localhost", True, False), (stranger, "localhost", context, False)),
        (authority, "elsewhere.example", context, False),
    ]
    for signer, host, verify_ssl, is_accepted in verifications:
        with serving_tls(signer, host) as url:
            client = Client(url, verify_ssl=verify_ssl, max_retries=0)
            if is_accepted:
                assert create(way, client)["request_id"] == "1"
            else:
                with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
                    create(way, client)


@each_async_way
def test_the_proxies_of_the_environment_are_used(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(OK, responding(407)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.base_url.replace("//", "//me:secret@"))
        assert create(way, Client("http://gateway.example"))["request_id"] == "1"
        for url, args in (
            *(("https://gateway.example", {}), ("https://127.0.0.1:9", {})),
            ("http://127.0.0.2:9", {"trust_env": False}),
        ):
            with pytest.raises(errors.APIConnectionError):
                create(way, Client(url, httpx_args=args, max_retries=0))
    plain, tunnel = proxy.arrived
    assert plain.startswith(b"POST http://gateway.example/v1/videos/generations HTTP/1.1\r\n")
    assert tunnel.startswith(b"CONNECT gateway.example:443 HTTP/1.1\r\n")
    for request in (plain, tunnel):
        assert request.lower().count(b"\r\nproxy-authorization: basic bwu6c2vjcmv0\r\n") == 1


LARGE = CreateVideoRequest.from_dict(
    TEXT | {"image": {"url": "data:image/png;base64," + "A" * 20_000_000}}
)


@each_async_way
def test_a_large_body_arrives_whole_and_its_response_may_take_longer_than_a_write(way: Way) -> None:
    def respond_late(connection: socket.socket) -> None:
        time.sleep(0.4)
        OK(connection)

    with serving(respond_late) as server:
        timeout = httpx.Timeout(10, write=0.3)
        assert create(way, Client(server.base_url, timeout=timeout), LARGE)["request_id"] == "1"
    assert json.loads(server.arrived[0].partition(b"\r\n\r\n")[2]) == LARGE.to_dict()


@each_async_way
def test_a_body_that_nobody_reads_times_out(way: Way) -> None:
    def never_read(connection: socket.socket) -> None:
        assert given_up.wait(5)
        reset(connection)

    async def give_up(base_url: str) -> None:
        client = Client(base_url, timeout=httpx.Timeout(10, write=0.2))
        async with way.client(client) as client:
            with pytest.raises(errors.OutcomeUnknownError):
                await create_video.asyncio(client=client, body=LARGE)
        given_up.set()
        await asyncio.sleep(0.1)  # what aiohttp had taken on is thrown away with the connection

    given_up = threading.Event()
    with serving(never_read, whole=False) as server:
        asyncio.run(give_up(server.base_url))


def test_a_body_that_is_read_slowly_may_take_longer_than_each_timeout() -> None:
    def reading(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        read_request(connection, pause=0.008)
        OK(connection)

    with serving(reading, whole=False) as server, ThreadPoolExecutor() as pool:
        client = Client(server.base_url, timeout=1.0)
        done = pool.map(lambda way: create(way, client, LARGE), WAYS[1:])
        assert [response["request_id"] for response in done] == ["1", "1"]


@pytest.mark.parametrize(("expiry", "connections"), [(5, 1), (0.05, 2)])
def test_a_connection_is_reused_until_it_idled_too_long_and_cookies_always(
    expiry: float, connections: int, way: Way
) -> None:
    args = {"limits": httpx.Limits(keepalive_expiry=expiry)}
    first = responding(200, {}, Set_Cookie="a=b")
    with serving(first, OK) as server, way.using(Client(server.base_url, httpx_args=args)) as call:
        for _ in range(2):
            call(create_video, "sync", body=BODY)
            time.sleep(0.15)
    assert len(server.connections) == connections
    assert [b"\r\ncookie: a=b\r\n" in each.lower() for each in server.arrived] == [False, True]


def test_a_reused_connection_that_breaks_means_one_request(way: Way) -> None:
    with serving(OK, hang_up) as server, way.using(Client(server.base_url, max_retries=0)) as call:
        call(get_video, "sync", "1")
        with pytest.raises(errors.APIConnectionError):
            call(get_video, "sync", "1")
    assert len(server.arrived) == 2


RESPONSES: dict[str, Fault] = {
    "compressed": responding(200, gzip.compress(b'{"request_id": "1"}'), Content_Encoding="gzip"),
    "long header": responding(200, {"request_id": "1"}, X_A="b" * 60_000),
    "header that is not ASCII": responding(200, {"request_id": "1"}, X_A="é"),
    "no reason": saying(b'HTTP/1.1 200\r\nContent-Length: 19\r\n\r\n{"request_id": "1"}'),
    "in parts": saying(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b'8\r\n{"reques\r\nb\r\nt_id": "1"}\r\n0\r\n\r\n',
    ),
}


@each_async_way
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_a_response_is_read_in_every_form(response: Fault, way: Way) -> None:
    with serving(response) as server:
        assert create(way, Client(server.base_url))["request_id"] == "1"


def test_both_transports_send_the_same_headers() -> None:
    with serving(OK) as server:
        for way in WAYS[1:]:
            create(way, client_of(server.base_url, headers={"X-Mixed-Case": "1"}))
    first, second = (sorted(each.partition(b"\r\n\r\n")[0].splitlines()) for each in server.arrived)
    assert first == second


def test_options_that_aiohttp_lacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", ModuleType("h2"))  # httpx asks for it first
    refused: dict[str, Any] = {"http2": True, "proxy": "socks5://127.0.0.1:9"}
    for name, value in refused.items():
        client = Client("https://gateway.example", httpx_args={name: value})
        with pytest.raises(ValueError, match=name if name == "http2" else "socks5"):
            create(WAYS[2], client)


def test_a_missing_httpx_aiohttp_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx_aiohttp", None)
    with pytest.raises(ImportError, match="pip install httpx-aiohttp"):
        Client("https://gateway.example", async_transport="aiohttp")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
@pytest.mark.parametrize(("status", "error"), [(200, None), (400, errors.BadRequestError)])
def test_a_reason_in_another_alphabet_hides_no_response(
    status: int, error: type[Exception] | None, way: Way
) -> None:
    head = f"HTTP/1.1 {status} 好\r\nContent-Length: 18\r\n\r\n".encode("gbk")
    with serving(saying(head, b'{"request_id":"1"}')) as server:
        client = client_of(server.base_url)
        if error is None:
            assert create_video.job_id(create(way, client)) == "1"
        else:
            with pytest.raises(error):
                create(way, client)
