"""A server that costs little time, so that the client is what is measured.

A `POST` creates a job, which never ends; below `/at-once` it has ended when it is first asked for.
`/file/<size>` is a file of that size. Under `/<fault>/<name>` every `POST` fails and is counted for
that name. `/posts` returns the counts, and `/polls` the times of the polls of each job. The server
stops when its standard input is closed.
"""

import asyncio
import json
import re
import socket
import struct
import sys
import time
from collections import Counter, defaultdict
from typing import cast

from bench import measuring

_BLOCK = bytes(1_000_000)
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")

FAULTS = ("no-response", "reset", "500", "429")


def response(body: object, status: str = "200 OK") -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    return head.encode() + b"\r\n\r\n" + content


_CREATED = response({"request_id": "3f0c9f2e-7d0f-4c55-9a53-0f6b4f5d9f11"})
_PENDING = response({"status": "pending", "progress": 0, "model": "grok-imagine-video"})
_DONE = response({"status": "done", "video": {"url": "/file/4000"}})
_FAILURES = {
    "500": response({"error": {"message": "Something broke."}}, "500 Internal Server Error"),
    "429": response({"error": {"message": "Too many requests."}}, "429 Too Many Requests"),
}

_posts: Counter[str] = Counter()
_polls: defaultdict[str, list[float]] = defaultdict(list)


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._read = bytearray()
        self._left = 0
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end])
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._read) < whole:
                return
            del self._read[:whole]
            method, path, _ = head.decode().split(" ", 2)
            self._serve(method, path)

    def _serve(self, method: str, path: str) -> None:
        first = path.split("/")[1]
        if method == "POST" and first in FAULTS:
            _posts["/".join(path.split("/")[1:3])] += 1
            self._fail(first)
        elif method == "POST":
            self._transport.write(_CREATED)
        elif first == "file":
            self._left = int(path.rpartition("/")[2])
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self._left)
            self._send_more()
        elif first == "at-once":
            self._transport.write(_DONE)
        elif first in ("posts", "polls"):
            self._transport.write(response(_posts if first == "posts" else _polls))
        else:
            _polls[path.rpartition("/")[2]].append(time.monotonic())
            self._transport.write(_PENDING)

    def _fail(self, fault: str) -> None:
        if fault == "reset":
            connection: socket.socket = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        elif fault in _FAILURES:
            self._transport.write(_FAILURES[fault])

    def _send_more(self) -> None:
        while self._left and not self._is_paused:
            block = _BLOCK[: self._left]
            self._left -= len(block)
            self._transport.write(block)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        self._send_more()


async def main() -> None:
    measuring.stay_on(-1)
    measuring.allow_connections()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    stopped = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    asyncio.run(main())
