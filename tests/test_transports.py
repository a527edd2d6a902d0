"""What lies between a call and a server: TLS, proxies, large requests and odd responses."""

import contextlib
import json
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

from bodies import TEXT
from conftest import BODY, client_of
from faults import OK, Fault, read_request, reset, responding, saying, serving
from grok_imagine_video import Client, CreateVideoRequest, create_video, errors
from ways import Way

LARGE = CreateVideoRequest.from_dict(
    TEXT | {"image": {"url": "data:image/png;base64," + "A" * 20_000_000}}
)


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


def test_a_large_body_arrives_whole_and_its_response_may_take_longer_than_a_write(way: Way) -> None:
    def respond_late(connection: socket.socket) -> None:
        time.sleep(0.4)
        OK(connection)

    with serving(respond_late) as server:
        timeout = httpx.Timeout(10, write=0.3)
        assert create(way, Client(server.base_url, timeout=timeout), LARGE)["request_id"] == "1"
    assert json.loads(server.arrived[0].partition(b"\r\n\r\n")[2]) == LARGE.to_dict()


def test_a_body_that_nobody_reads_times_out(way: Way) -> None:
    def never_read(connection: socket.socket) -> None:
        assert given_up.wait(5)
        reset(connection)

    given_up = threading.Event()
    with serving(never_read, whole=False) as server:
        with pytest.raises(errors.OutcomeUnknownError):
            create(way, Client(server.base_url, timeout=httpx.Timeout(10, write=0.2)), LARGE)
        given_up.set()


def test_a_body_that_is_read_slowly_may_take_longer_than_each_timeout(way: Way) -> None:
    def reading(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        read_request(connection, pause=0.002)
        OK(connection)

    with serving(reading, whole=False) as server:
        client = Client(server.base_url, timeout=httpx.Timeout(10, write=0.5))
        started = time.monotonic()
        assert create(way, client, LARGE)["request_id"] == "1"
        assert time.monotonic() - started > 0.5


RESPONSES: dict[str, Fault] = {
    "long header": responding(200, {"request_id": "1"}, X_A="b" * 60_000),
    "header that is not ASCII": responding(200, {"request_id": "1"}, X_A="é"),
    "no reason": saying(b'HTTP/1.1 200\r\nContent-Length: 19\r\n\r\n{"request_id": "1"}'),
    "in parts": saying(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b'8\r\n{"reques\r\nb\r\nt_id": "1"}\r\n0\r\n\r\n',
    ),
}


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_a_response_is_read_in_every_form(response: Fault, way: Way) -> None:
    with serving(response) as server:
        assert create(way, Client(server.base_url))["request_id"] == "1"


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
