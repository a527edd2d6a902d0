"""Connections: which are used, how many there are, what becomes of them, and what lies between."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from conftest import BODY, client_of, create, limited_to
from faults import OK, hang_up, no_response, read_request, reset, responding, saying, serving
from grok_imagine_video import Client, create_video, errors
from grok_imagine_video_runtime import _connections
from ways import Call, Way


def idling(seconds: float) -> httpx.Limits:
    return httpx.Limits(keepalive_expiry=seconds)


# How long a connection idles, arguments of httpx, and how many connections two requests take.
IDLE: list[tuple[float, dict[str, Any], int]] = [
    *((0.3, {}, 1), (0.6, {}, 2), (0.6, {"limits": idling(60)}, 2)),
    (0.3, {"limits": idling(0.2)}, 2),
    (0.0, {"limits": httpx.Limits(max_keepalive_connections=0)}, 2),
]


@pytest.mark.parametrize(("seconds", "args", "connections"), IDLE)
def test_a_post_takes_a_connection_of_the_last_half_second_or_a_new_one(
    seconds: float, args: Any, connections: int, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers close connections that idle, and nobody knows what became of a POST in one."""
    now = time.monotonic
    with (
        serving(responding(200, {}, Set_Cookie="a=b"), OK) as server,
        way.using(client_of(server.base_url, httpx_args=args)) as call,
    ):
        call(create_video, "sync", body=BODY)
        monkeypatch.setattr(time, "monotonic", lambda: now() + seconds)
        call(create_video, "sync", body=BODY)
    assert len(server.connections) == (2 if way.closes else connections)
    assert [b"\r\ncookie: a=b\r\n" in each.lower() for each in server.arrived] == [False, True]


def test_a_post_on_a_breaking_connection_is_sent_once_and_never_on_a_closed_one(way: Way) -> None:
    def respond_and_close(connection: socket.socket) -> None:
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")(connection)
        closed.set()

    closed = threading.Event()
    faults = respond_and_close, OK, hang_up
    with serving(*faults) as server, way.using(client_of(server.base_url)) as call:
        call(create_video, "sync", body=BODY)
        assert closed.wait(5)
        call(create_video, "sync", body=BODY)
        with pytest.raises(errors.OutcomeUnknownError):
            call(create_video, "sync", body=BODY)
    assert (len(server.arrived), len(server.connections)) == (3, 3 if way.closes else 2)


CREATE: Call = create_video, "sync", {"body": BODY}


def assert_that_one_stays_open(*servers: Any) -> None:
    patience = time.monotonic() + 5
    while sum(server.open_connections for server in servers) > 1:
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_connections_that_idle_long_are_closed(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only the one that is needed: each would keep a socket of the server's."""
    now = time.monotonic
    with serving(OK) as server, way.using(client_of(server.base_url)) as call:
        call.together([CREATE] * 9, at_once=9)
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
def test_as_many_requests_are_in_flight_as_the_limit_allows(
    args: dict[str, Any], in_flight: int, calls: int, way: Way
) -> None:
    """More than a hundred in httpx's own queue make no progress: of two thousand none."""
    if way.is_sync and not args:
        calls = in_flight  # where connections expire, httpx lets one request wait for the others

    def count() -> None:
        time.sleep(0.05)  # others could arrive
        arrived.append(len(server.arrived))

    def respond_to_all_at_once(connection: socket.socket) -> None:
        everybody_is_here.wait(30)
        OK(connection)

    arrived: list[int] = []
    everybody_is_here = threading.Barrier(in_flight, count)
    with (
        serving(respond_to_all_at_once) as server,
        way.using(client_of(server.base_url, timeout=30, httpx_args=args)) as call,
    ):
        outcomes = call.together([CREATE] * calls, at_once=calls)
    assert [outcome["request_id"] for outcome in outcomes] == ["1"] * calls
    assert arrived == [*range(in_flight, calls + 1, in_flight)]


def test_a_connection_to_another_server_takes_the_place_of_an_idle_one(
    way: Way, tmp_path: Path
) -> None:
    with (
        serving(OK) as server,
        serving(responding(200, b"v")) as other,
        way.using(limited_to(1, server.base_url)) as call,
    ):
        call(create_video, "sync", body=BODY)
        call(None, "download", f"{other.base_url}/v", tmp_path / "v")
        assert_that_one_stays_open(server, other)


def test_nobody_waits_for_a_connection_longer_than_the_pool_timeout(way: Way) -> None:
    with (
        serving(no_response) as server,
        way.using(limited_to(1, server.base_url, read=0.4, pool=0.1)) as call,
    ):
        outcomes = call.together([CREATE] * 2, at_once=2)
    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {errors.OutcomeUnknownError, errors.APIConnectionError}
    assert len(server.arrived) == 1


def test_cancelled_calls_leave_no_connection_behind() -> None:
    async def cancel_one_that_is_sent_and_one_that_waits() -> None:
        async with limited_to(1, server.base_url) as client:
            args: dict[str, Any] = {"client": client, "body": BODY}
            calls = [asyncio.create_task(create_video.asyncio(**args)) for _ in range(2)]
            while not server.arrived:
                await asyncio.wait(calls, timeout=0.01)
            for call in reversed(calls):
                call.cancel()
            await asyncio.wait(calls)
            await create_video.asyncio(**args)

    with serving(no_response, OK) as server:
        asyncio.run(cancel_one_that_is_sent_and_one_that_waits())


def test_what_replaces_the_transports_of_httpx_lets_no_request_out(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pytest-httpx, respx and others do."""

    def respond(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"request_id": request.url.host})

    async def asyncio_respond(_: Any, request: httpx.Request) -> httpx.Response:
        return respond(_, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", respond)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", asyncio_respond)
    assert create(way, client_of("https://gateway.example")).request_id == "gateway.example"


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


def test_certificates_are_verified_as_asked(way: Way, authority: tuple[trustme.CA, str]) -> None:
    (ours, path), stranger = authority, trustme.CA()
    context = ssl.create_default_context(cafile=path)
    accepted: list[tuple[trustme.CA, Any]] = [(ours, context), (ours, True), (stranger, False)]
    for signer, verify_ssl in accepted:
        with serving_tls(signer, "localhost") as url:
            assert create(way, Client(url, verify_ssl=verify_ssl))["request_id"] == "1"
    for signer, host in ((stranger, "localhost"), (ours, "elsewhere.example")):
        refused = pytest.raises(errors.APIConnectionError, match="nothing was sent")
        with serving_tls(signer, host) as url, refused:
            create(way, Client(url, max_retries=0))


def test_the_proxies_of_the_environment_are_used(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(OK, responding(407)) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.base_url.replace("//", "//me:secret@"))
        assert create(way, Client("http://gateway.example"))["request_id"] == "1"
        for url, args in (
            ("https://gateway.example", {}),
            ("https://127.0.0.1:9", {}),
            ("https://127.0.0.1:9", {"trust_env": False, "proxy": proxy.base_url}),
        ):
            with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
                create(way, Client(url, httpx_args=args, max_retries=0))
    plain, tunnel, explicit = proxy.arrived
    assert explicit.startswith(b"CONNECT 127.0.0.1:9 HTTP/1.1\r\n")
    assert plain.startswith(b"POST http://gateway.example/v1/videos/generations HTTP/1.1\r\n")
    assert tunnel.startswith(b"CONNECT gateway.example:443 HTTP/1.1\r\n")
    for request in (plain, tunnel):
        assert request.lower().count(b"\r\nproxy-authorization: basic bwu6c2vjcmv0\r\n") == 1


def test_a_failure_frees_its_connection(way: Way, tmp_path: Path) -> None:
    faults = responding(307, Location="http://xn--/x"), reset, reset, OK
    with serving(*faults) as server, way.using(limited_to(1, server.base_url)) as call:
        with pytest.raises(errors.OutcomeUnknownError, match="http://xn--/x"):  # no URL
            call(create_video, "sync", body=BODY)
        with pytest.raises(errors.OutcomeUnknownError):
            call(create_video, "sync", body=BODY)
        with pytest.raises(errors.APIConnectionError):
            call(None, "download", "/video.mp4", tmp_path / "video.mp4")
        assert call(create_video, "sync", body=BODY)["request_id"] == "1"


# Arguments of httpx, a proxy of the environment, and whether asyncio has our connections.
CHOICES: list[tuple[dict[str, Any], str, bool]] = [
    *(({}, "", True), ({"trust_env": False}, "http://127.0.0.1:9", True)),
    *(({}, "http://127.0.0.1:9", False), ({"proxy": "http://127.0.0.1:9"}, "", False)),
    *(({"http2": True}, "", False), ({"mounts": {"http://a": None}}, "", False)),
    ({"transport": httpx.MockTransport(lambda _: httpx.Response(200))}, "", False),
]


@pytest.mark.parametrize(("args", "proxy", "is_ours"), CHOICES)
def test_asyncio_has_own_connections_unless_httpx_was_told_otherwise(
    args: dict[str, Any], proxy: str, is_ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def open_and_close() -> None:
        with contextlib.suppress(ImportError):  # of HTTP/2, which is not installed
            await Client("http://gateway.example", httpx_args=args).__aenter__()

    opened: list[httpx.Limits] = []

    class Noted(_connections.Connections):
        def __init__(self, context: ssl.SSLContext, limits: httpx.Limits) -> None:
            super().__init__(context, limits)
            opened.append(limits)

    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setattr(_connections, "Connections", Noted)
    asyncio.run(open_and_close())
    assert len(opened) == is_ours
