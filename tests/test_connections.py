"""Connections: which are used, how many there are, what becomes of them, and what lies between."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import httpx
import pytest
import trustme

from conftest import BODY, client_of, create, limited_to
from faults import OK, Server, hang_up, no_response, responding, serving
from grok_imagine_video import Client, create_video, errors
from grok_imagine_video_runtime import _connections
from modes import Mode
from playing import URL

# How long a connection idles, limits of httpx, and how many connections two requests take.
IDLE: list[tuple[float, dict[str, Any], int]] = [
    *((0.3, {}, 1), (0.6, {}, 2), (0.6, {"keepalive_expiry": 60}, 2)),
    *((0.3, {"keepalive_expiry": 0.2}, 2), (0.0, {"max_keepalive_connections": 0}, 2)),
]


@pytest.mark.parametrize(("seconds", "limits", "connections"), IDLE)
def test_a_post_takes_a_connection_of_the_last_half_second_or_a_new_one(
    seconds: float, limits: Any, connections: int, mode: Mode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers close connections that idle, and nobody knows what became of a POST in one."""
    now, cookie = time.monotonic, responding(200, {}, Set_Cookie="a=b")
    client = partial(client_of, httpx_args={"limits": httpx.Limits(**limits)} if limits else {})
    with mode.against(cookie, OK, client_of=client) as (server, call):
        call(create_video, "sync", body=BODY)
        monkeypatch.setattr(time, "monotonic", lambda: now() + seconds)
        call(create_video, "sync", body=BODY)
    assert len(server.connections) == (2 if mode.closes else connections)
    cookies = [b"\r\ncookie: a=b\r\n" in request.lower() for request in server.arrived]
    assert cookies == [False, True]


def test_a_post_is_never_sent_on_a_connection_that_the_server_closed(mode: Mode) -> None:
    def respond_and_close(connection: socket.socket) -> None:
        OK(connection)
        hang_up(connection)
        closed.set()

    closed = threading.Event()
    with mode.against(respond_and_close, client_of=client_of) as (server, call):
        for _ in range(2):
            call(create_video, "sync", body=BODY)
            assert closed.wait(5)
    assert len(server.arrived) == len(server.connections) == 2


def assert_that_one_stays_open(*servers: Server) -> None:
    patience = time.monotonic() + 5
    connections = [connection for server in servers for connection in server.connections]
    while sum(connection.fileno() != -1 for connection in connections) > 1:
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_connections_that_idle_long_are_closed(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only the one that is needed: each would keep a socket of the server's."""
    now = time.monotonic
    with mode.against(OK, client_of=client_of) as (server, call):
        call.together(9, create_video, "sync", body=BODY)
        monkeypatch.setattr(time, "monotonic", lambda: now() + 1.0)
        call(create_video, "sync", body=BODY)
        assert_that_one_stays_open(server)


# Arguments of httpx, and how many of so many requests are in flight.
IN_FLIGHT: list[tuple[dict[str, Any], int, int]] = [
    ({"limits": httpx.Limits(max_connections=3)}, 3, 6),
    ({"limits": httpx.Limits(max_connections=None)}, 6, 6),
    ({}, 100, 200),
]


@pytest.mark.parametrize(("args", "in_flight", "calls"), IN_FLIGHT)
def test_so_many_requests_are_in_flight(args: Any, in_flight: int, calls: int, mode: Mode) -> None:
    """More than a hundred in httpx's own queue make no progress: of two thousand none."""
    if mode.is_sync and not args:
        calls = in_flight  # where connections expire, httpx lets one request wait for the others

    def count() -> None:
        time.sleep(0.05)  # others could arrive
        arrived.append(len(server.arrived))

    def respond_to_all_at_once(connection: socket.socket) -> None:
        everybody_is_here.wait(30)
        OK(connection)

    arrived: list[int] = []
    everybody_is_here = threading.Barrier(in_flight, count)
    client = partial(client_of, timeout=30, httpx_args=args)
    with mode.against(respond_to_all_at_once, client_of=client) as (server, call):
        outcomes = call.together(calls, create_video, "sync", body=BODY)
    assert [outcome["request_id"] for outcome in outcomes] == ["1"] * calls
    assert arrived == [*range(in_flight, calls + 1, in_flight)]


def test_a_connection_to_another_server_replaces_an_idle_one(mode: Mode, tmp_path: Path) -> None:
    one = mode.against(OK, client_of=partial(limited_to, 1))
    with one as (server, call), serving(responding(200, b"v")) as other:
        call(create_video, "sync", body=BODY)
        call(None, "download", f"{other.base_url}/v", tmp_path / "v")
        assert_that_one_stays_open(server, other)


def test_nobody_waits_for_a_connection_longer_than_the_pool_timeout(mode: Mode) -> None:
    client = partial(limited_to, 1, read=0.4, pool=0.1)
    with mode.against(no_response, client_of=client) as (server, call):
        outcomes = call.together(2, create_video, "sync", body=BODY)
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {errors.OutcomeUnknownError, errors.APIConnectionError}
    assert len(server.arrived) == 1


def test_what_replaces_transports_lets_nothing_out(mode: Mode, monkeypatch: Any) -> None:
    """As pytest-httpx, respx and others do."""
    response = httpx.Response(200, json={"request_id": "1"})
    asynchronous = AsyncMock(return_value=response)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", Mock(return_value=response))
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", asynchronous)
    assert create(mode, client_of(URL)).request_id == "1"


def test_certificates_are_verified_as_asked(mode: Mode, authority: tuple[trustme.CA, str]) -> None:
    (ours, path), stranger = authority, trustme.CA()
    refused = pytest.raises(errors.APIConnectionError, match="nothing was sent")
    cases: list[tuple[trustme.CA, str, Any, bool]] = [
        (ours, "localhost", ssl.create_default_context(cafile=path), True),
        *((ours, "localhost", True, True), (ours, "elsewhere.example", True, False)),
        *((stranger, "localhost", True, False), (stranger, "localhost", False, True)),
    ]
    for signer, host, verify_ssl, is_accepted in cases:
        signer.issue_cert(host).configure_cert(tls := ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        with serving(OK, tls=tls) as server, contextlib.nullcontext() if is_accepted else refused:
            create(mode, Client(server.base_url, verify_ssl=verify_ssl, max_retries=0))
        assert len(server.arrived) == is_accepted


def test_proxies_of_the_environment_are_used(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(OK, responding(407)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.base_url.replace("//", "//me:secret@"))
        assert create(mode, Client("http://gateway.example"))["request_id"] == "1"
        explicit = {"trust_env": False, "proxy": proxy.base_url}
        for url, args in ((URL, {}), ("https://127.0.0.1:9", {}), (URL, explicit)):
            with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
                create(mode, Client(url, httpx_args=args, max_retries=0))
    starts = [b"POST http://gateway.example/v1/videos/generations HTTP/1.1\r\n"]
    starts += [b"CONNECT gateway.example:443 HTTP/1.1\r\n"] * 2
    assert all(map(bytes.startswith, proxy.arrived, starts))
    header = b"\r\nproxy-authorization: basic bwu6c2vjcmv0\r\n"
    assert [request.lower().count(header) for request in proxy.arrived] == [1, 1, 0]


PROXY = "http://127.0.0.1:9"
# Arguments of httpx, a proxy of the environment, and whether asyncio has our connections.
CHOICES: list[tuple[dict[str, Any], str, bool]] = [
    *(({}, "", True), ({"trust_env": False}, PROXY, True), ({}, PROXY, False)),
    *(({"proxy": PROXY}, "", False), ({"http2": True}, "", False)),
    ({"mounts": {"http://a": None}}, "", False),
]


@pytest.mark.parametrize(("args", "proxy", "is_ours"), CHOICES)
def test_asyncio_has_connections(args: Any, proxy: str, is_ours: bool, monkeypatch: Any) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setattr(_connections, "Connections", connections := Mock())
    with contextlib.suppress(ImportError):  # of HTTP/2, which is not installed
        asyncio.run(Client(URL, httpx_args=args).__aenter__())
    assert connections.called == is_ours
