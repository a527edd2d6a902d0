"""A server on plain sockets that reads and counts requests, and misbehaves as each test asks."""

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any

Fault = Callable[[socket.socket], None]

# Whether servers close each connection after a response: it is set by the `mode` of a test.
closes = False


class Server:
    """Has the n-th fault for the n-th request, and the last fault for all later ones."""

    def __init__(self, *faults: Fault, tls: ssl.SSLContext | None = None) -> None:
        self._faults = faults
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        if tls:  # each handshake is done where the connection is read
            self._listener = tls.wrap_socket(self._listener, True, do_handshake_on_connect=False)
        self._lock = threading.Lock()
        self.connections: list[socket.socket] = []
        origin = "https://localhost" if tls else "http://127.0.0.1"
        self.base_url = f"{origin}:{self._listener.getsockname()[1]}"
        self.arrived: list[bytes] = []
        self.latest: dict[socket.socket, bytes] = {}  # the last request of each connection
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := read_request(connection):
                with self._lock:
                    self.arrived.append(request)
                    self.latest[connection] = request
                    number = len(self.arrived) - 1
                self._faults[min(number, len(self._faults) - 1)](connection)
                if closes:
                    return

    def close(self) -> None:
        self._listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def serving(*faults: Fault, tls: ssl.SSLContext | None = None) -> contextlib.closing[Server]:
    return contextlib.closing(Server(*faults, tls=tls))


def read_request(connection: socket.socket) -> bytes:
    """The next request; empty if the caller hung up."""
    data = bytearray()
    length: int | None = None
    while length is None or len(data) < length:
        if not (part := connection.recv(65536)):
            return b""
        data += part
        if length is None and (end := data.find(b"\r\n\r\n")) >= 0:
            announced = re.search(rb"(?i)\r\ncontent-length: (\d+)", data[:end])
            length = end + 4 + (int(announced[1]) if announced else 0)
    return bytes(data)


def hang_up(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def no_response(connection: socket.socket) -> None:
    connection.recv(1)  # returns when the caller hangs up


def saying(*parts: bytes, then: Fault = hang_up) -> Fault:
    """Send raw bytes."""

    def fault(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
        then(connection)

    return fault


def responding(status: int, content: Any = b"", **headers: str) -> Fault:
    """Send a whole response. Content other than bytes is sent as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    lines = [f"HTTP/1.1 {status} Some Reason", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines).encode()

    def fault(connection: socket.socket) -> None:
        end = b"\r\nConnection: close\r\n\r\n" if closes else b"\r\n\r\n"
        connection.sendall(head + end + body)

    return fault


OK = responding(200, {"request_id": "1"})
DONE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}})
