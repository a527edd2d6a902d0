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
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import httpx
import pytest
import trustme

from bodies import TEXT
from conftest import each_transport
from faults import OK, Fault, Server, hang_up, read_request, reset, responding, saying, serving
from grok_imagine_video import (
    AuthenticatedClient,
    Client,
    CreateVideoRequest,
    create_video,
    errors,
    get_video,
)

BODY = CreateVideoRequest.from_dict(TEXT)


def calls(client: Client, *, times: int = 1, body: CreateVideoRequest = BODY) -> Any:
    async def call() -> Any:
        async with client:
            for _ in range(times):
                response = await create_video.asyncio(client=client, body=body)
            return response

    return asyncio.run(call())


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


@each_transport
def test_the_certificate_is_verified_as_configured(transport: Any, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    options = {"async_transport": transport, "max_retries": 0}
    with serving_tls(authority, "localhost") as url:
        assert calls(Client(url, verify_ssl=context, **options))["request_id"] == "1"
        assert calls(Client(url, verify_ssl=False, **options))["request_id"] == "1"
        with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
            calls(Client(url, **options))
    for other, host in ((stranger, "localhost"), (authority, "elsewhere.example")):
        with (
            serving_tls(other, host) as url,
            pytest.raises(errors.APIConnectionError, match="nothing was sent"),
        ):
            calls(Client(url, verify_ssl=context, **options))


@each_transport
def test_the_proxies_of_the_environment_are_used(
    transport: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(OK, responding(407)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.base_url.replace("//", "//me:secret@"))
        options = {"async_transport": transport, "max_retries": 0}
        assert calls(Client("http://gateway.example", **options))["request_id"] == "1"
        for url in ("https://gateway.example", "https://127.0.0.1:9"):
            with pytest.raises(errors.APIConnectionError):
                calls(Client(url, **options))
        ignored = {"httpx_args": {"trust_env": False}, **options}
        with pytest.raises(errors.APIConnectionError):
            calls(Client("http://127.0.0.2:9", **ignored))
    plain, tunnel = proxy.arrived
    assert plain.startswith(b"POST http://gateway.example/v1/videos/generations HTTP/1.1\r\n")
    assert tunnel.startswith(b"CONNECT gateway.example:443 HTTP/1.1\r\n")
    for request in (plain, tunnel):
        assert request.lower().count(b"\r\nproxy-authorization: basic bwu6c2vjcmv0\r\n") == 1


LARGE = CreateVideoRequest.from_dict(
    TEXT | {"image": {"url": "data:image/png;base64," + "A" * 20_000_000}}
)


@each_transport
def test_a_large_body_arrives_whole(transport: Any) -> None:
    with serving(OK) as server:
        calls(Client(server.base_url, async_transport=transport), body=LARGE)
    assert json.loads(server.arrived[0].partition(b"\r\n\r\n")[2]) == LARGE.to_dict()


@each_transport
def test_a_body_that_nobody_reads_times_out(transport: Any) -> None:
    async def give_up(server: Server) -> None:
        options = {"timeout": httpx.Timeout(10, write=0.2), "async_transport": transport}
        async with Client(server.base_url, **options) as client:
            with pytest.raises(errors.OutcomeUnknownError):
                await create_video.asyncio(client=client, body=LARGE)
        given_up.set()
        await asyncio.sleep(0.1)  # what aiohttp had taken on is thrown away with the connection

    def never_read(connection: socket.socket) -> None:
        assert given_up.wait(5)
        reset(connection)

    given_up = threading.Event()
    with serving(never_read, whole=False) as server:
        asyncio.run(give_up(server))


@each_transport
def test_a_body_that_is_read_slowly_may_take_longer_than_each_timeout(transport: Any) -> None:
    class Slow:
        def __init__(self, connection: socket.socket) -> None:
            self._connection = connection

        def recv(self, _: int) -> bytes:
            time.sleep(0.01)
            return self._connection.recv(2**20)

    def reading(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        read_request(Slow(connection))
        OK(connection)

    options = {"timeout": httpx.Timeout(1.2), "async_transport": transport}
    with serving(reading, whole=False) as server:
        assert calls(Client(server.base_url, **options), body=LARGE)["request_id"] == "1"


@each_transport
def test_a_response_to_a_large_body_may_take_longer_than_a_write(transport: Any) -> None:
    def answer_late(connection: socket.socket) -> None:
        time.sleep(0.6)
        OK(connection)

    options = {"timeout": httpx.Timeout(10, write=0.4), "async_transport": transport}
    with serving(answer_late) as server:
        assert calls(Client(server.base_url, **options), body=LARGE)["request_id"] == "1"


@each_transport
def test_an_idle_connection_is_reused_and_so_are_cookies(transport: Any) -> None:
    with serving(responding(200, {}, Set_Cookie="a=b"), OK) as server:
        calls(Client(server.base_url, async_transport=transport), times=2)
    assert len(server.connections) == 1
    assert [b"\r\ncookie: a=b\r\n" in each.lower() for each in server.arrived] == [False, True]


@each_transport
def test_a_connection_that_idled_too_long_is_not_reused(transport: Any) -> None:
    async def call_twice(client: Client) -> None:
        async with client:
            for _ in range(2):
                await create_video.asyncio(client=client, body=BODY)
                await asyncio.sleep(0.2)

    args = {"limits": httpx.Limits(keepalive_expiry=0.05)}
    with serving(OK) as server:
        client = Client(server.base_url, httpx_args=args, async_transport=transport)
        asyncio.run(call_twice(client))
    assert len(server.connections) == 2


@each_transport
def test_a_transport_among_the_arguments_is_used(transport: Any) -> None:
    args = {"transport": httpx.MockTransport(lambda _: httpx.Response(200, json={"by": "it"}))}
    client = Client("https://gateway.example", httpx_args=args, async_transport=transport)
    assert calls(client)["by"] == "it"


@each_transport
def test_a_reused_connection_that_breaks_means_one_request(transport: Any) -> None:
    async def read(client: Client) -> None:
        async with client:
            await get_video.asyncio("1", client=client)
            with pytest.raises(errors.APIConnectionError):
                await get_video.asyncio("1", client=client)

    with serving(OK, hang_up) as server:
        asyncio.run(read(Client(server.base_url, max_retries=0, async_transport=transport)))
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


@each_transport
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_a_response_is_read_in_every_form(response: Fault, transport: Any) -> None:
    with serving(response) as server:
        client = Client(server.base_url, async_transport=transport)
        assert calls(client)["request_id"] == "1"


def test_both_transports_send_the_same_headers() -> None:
    with serving(OK) as server:
        transports: tuple[None, Literal["aiohttp"]] = (None, "aiohttp")
        for transport in transports:
            client = AuthenticatedClient(server.base_url, "a-token", async_transport=transport)
            calls(client.with_headers({"X-Mixed-Case": "1"}))
    first, second = (sorted(each.partition(b"\r\n\r\n")[0].splitlines()) for each in server.arrived)
    assert first == second


def test_options_that_aiohttp_lacks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h2", ModuleType("h2"))  # httpx asks for it first
    for args, told in (
        ({"http2": True}, "http2"),
        ({"proxy": "socks5://127.0.0.1:9"}, "socks5"),
    ):
        client = Client("https://gateway.example", async_transport="aiohttp", httpx_args=args)
        with pytest.raises(ValueError, match=told):
            calls(client)


def test_a_missing_httpx_aiohttp_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "httpx_aiohttp", None)
    with pytest.raises(ImportError, match="pip install httpx-aiohttp"):
        Client("https://gateway.example", async_transport="aiohttp")
    for wrong in ("aiohttpx", True):
        with pytest.raises(TypeError, match="async_transport must be"):
            Client("https://gateway.example", async_transport=wrong)  # type: ignore[arg-type]
