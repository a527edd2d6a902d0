"""What lies between a call and a server: TLS, proxies, large requests and odd responses."""

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import trustme

from bodies import TEXT
from conftest import create, sync_and_asyncio
from faults import OK, Fault, read_request, responding, saying, serving
from grok_imagine_video import Client, CreateVideoRequest, errors
from ways import Way

LARGE = CreateVideoRequest.from_dict(
    TEXT | {"image": {"url": "data:image/png;base64," + "A" * 5_000_000}}
)


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


@sync_and_asyncio
def test_the_certificate_is_verified_as_configured(
    way: Way, authority: tuple[trustme.CA, str]
) -> None:
    (ours, path), stranger = authority, trustme.CA()
    context = ssl.create_default_context(cafile=path)
    verifications: list[tuple[trustme.CA, str, Any, bool]] = [
        *((ours, "localhost", context, True), (ours, "localhost", True, True)),
        *((stranger, "localhost", False, True), (stranger, "localhost", True, False)),
        *((stranger, "localhost", context, False), (ours, "elsewhere.example", True, False)),
    ]
    for signer, host, verify_ssl, is_accepted in verifications:
        with serving_tls(signer, host) as url:
            client = Client(url, verify_ssl=verify_ssl, max_retries=0)
            if is_accepted:
                assert create(way, client)["request_id"] == "1"
            else:
                with pytest.raises(errors.APIConnectionError, match="nothing was sent"):
                    create(way, client)


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


@sync_and_asyncio
def test_a_large_body_arrives_whole_however_slowly_it_is_read_and_responded_to(way: Way) -> None:
    """Each of both takes longer than the timeout of a write."""

    def read_slowly(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        bodies.append(read_request(connection, pause=0.006).partition(b"\r\n\r\n")[2])
        time.sleep(0.4)
        OK(connection)

    bodies: list[bytes] = []
    with serving(read_slowly, whole=False) as server:
        client = Client(server.base_url, timeout=httpx.Timeout(10, write=0.3))
        started = time.monotonic()
        assert create(way, client, LARGE)["request_id"] == "1"
        assert time.monotonic() - started > 0.4 + 0.3
    assert json.loads(bodies[0]) == LARGE.to_dict()


RESPONSES: dict[str, Fault] = {
    "long header": responding(200, {"request_id": "1"}, X_A="b" * 60_000),
    "header that is not ASCII": responding(200, {"request_id": "1"}, X_A="é"),
    "no reason": saying(b'HTTP/1.1 200\r\nContent-Length: 19\r\n\r\n{"request_id": "1"}'),
    "a reason in another alphabet": saying(
        "HTTP/1.1 200 好\r\nContent-Length: 19\r\n\r\n".encode("gbk"), b'{"request_id": "1"}'
    ),
    "in parts": saying(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b'8\r\n{"reques\r\nb\r\nt_id": "1"}\r\n0\r\n\r\n',
    ),
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_a_response_is_read_in_every_form(response: Fault, way: Way) -> None:
    with serving(response) as server:
        assert create(way, Client(server.base_url))["request_id"] == "1"
