"""A server that costs little time, so that the client is what is measured.

A `POST` creates a job, which has ended when it is asked for; below `/<fault>/` it fails. `/posts`
says how many there were. `/file/<size>` is a file of that size. The server stops when its standard
input is closed.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from contextlib import suppress

BLOCK = bytes(1_000_000)


def response(body: object, status: str = "200 OK") -> bytes:
    content = json.dumps(body)
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    return f"{head}\r\n\r\n{content}".encode()


CREATED = response(  # fal-client demands the addresses
    {"request_id": "3f0c9f2e", "response_url": "", "status_url": "", "cancel_url": ""}
)
FAULTS = {
    "hang-up": b"",
    "timeout": b"",
    "500": response({"error": {"message": "Something broke."}}, "500 Internal Server Error"),
    "429": response({"error": {"message": "Too many requests."}}, "429 Too Many Requests"),
}
received: Counter[str] = Counter()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while not writer.is_closing():
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            _, _, length = head.lower().partition("\r\ncontent-length:")
            await reader.readexactly(int(length.partition("\r\n")[0] or 0))
            method, path, _ = head.split(" ", 2)
            received[method] += 1
            await answer(method, path.split("/")[1:], writer)
    writer.close()


async def answer(method: str, path: list[str], writer: asyncio.StreamWriter) -> None:
    if method == "POST":
        writer.write(FAULTS.get(path[0], CREATED))
        if path[0] == "hang-up":
            writer.close()
    elif path[0] == "posts":
        writer.write(response(received["POST"]))
    elif path[0] == "file":
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {path[1]}\r\n\r\n".encode())
        for left in range(int(path[1]), 0, -len(BLOCK)):
            writer.write(BLOCK[:left])
            await writer.drain()
    else:
        url = "http://{}:{}/file/4000".format(*writer.get_extra_info("sockname"))
        writer.write(response({"status": "done", "video": {"url": url}}))


async def main() -> None:
    if sys.platform == "linux":
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    server = await asyncio.start_server(serve, "127.0.0.1", backlog=4096)
    print("http://{}:{}".format(*server.sockets[0].getsockname()), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
