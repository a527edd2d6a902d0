"""Helpers for the tests of batches: run one in a process, break its gateway, read its journal."""

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

import batch
from bodies import TEXT, Body
from conftest import TOKEN, Arrived
from faults import Fault, Server, hang_up, responding, serving

LAKES = [TEXT | {"prompt": f"lake {number}"} for number in range(1, 4)]


@contextlib.contextmanager
def launch(
    folder: Path, url: str, *words: object, within: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A batch in its own process and session; it is killed if it is still running at the end."""
    command = [*within, sys.executable, batch.__file__, "prompts.jsonl", "-o", "videos", *words]
    with subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        env=os.environ | {"GROK_BASE_URL": url, "GROK_API_KEY": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def write(folder: Path, lines: list[Body] | bytes) -> None:
    content = lines if isinstance(lines, bytes) else b"".join(map(as_line, lines))
    (folder / "prompts.jsonl").write_bytes(content)


def as_line(body: Body) -> bytes:
    return json.dumps(body).encode() + b"\n"


def journaled(folder: Path) -> list[tuple[int, str]]:
    """The numbers and states of the lines in the journal."""
    with contextlib.closing(sqlite3.connect(folder / "videos" / "journal.sqlite")) as connection:
        return connection.execute("SELECT number, state FROM lines ORDER BY number").fetchall()


def posted(arrived: list[Arrived] | list[bytes]) -> list[str]:
    """The prompts that were sent, in order."""
    bodies = [each if isinstance(each, bytes) else each.body for each in arrived]
    return [
        json.loads(body[body.index(b"{") :])["prompt"] for body in bodies if b'"prompt"' in body
    ]


@contextlib.contextmanager
def in_front_of(base_url: str, *faults: Fault | None) -> Iterator[Server]:
    """A server that has each fault once, and forwards all other requests to the relay.

    None in place of a fault forwards that request too.
    """
    with httpx.Client(base_url=base_url) as session:

        def forward(connection: socket.socket) -> None:
            forwarded(session, server.latest[connection])(connection)

        with serving(*(fault or forward for fault in faults), forward) as server:
            yield server


def forwarded(session: httpx.Client, request: bytes) -> Fault:
    """Send a request to the relay; the fault sends its response."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    try:
        response = session.request(*first.split()[:2], content=body, headers=headers)
    except (httpx.HTTPError, RuntimeError):  # the test is over, but a worker still asks
        return hang_up
    return responding(response.status_code, response.content)
