"""Batches in processes of their own, a relay that misbehaves, and what a journal says."""

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
from faults import Fault, Server, answering, hang_up, serving

LAKES = [TEXT | {"prompt": f"lake {number}"} for number in range(1, 4)]


@contextlib.contextmanager
def launch(
    folder: Path, url: str, *words: object, within: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A batch in a process, and a session, of its own, which is killed if it is still there."""
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
    """The lines in the journal and their states."""
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
    """A server that has each fault once, where there is one, and else passes on to the relay."""
    with httpx.Client(base_url=base_url) as session:

        def pass_on(connection: socket.socket) -> None:
            answer_of(session, server.latest[connection])(connection)

        with serving(*(fault or pass_on for fault in faults), pass_on) as server:
            yield server


def answer_of(session: httpx.Client, request: bytes) -> Fault:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    try:
        answer = session.request(*first.split()[:2], content=body, headers=headers)
    except (httpx.HTTPError, RuntimeError):  # the test is over, and a lost batch's worker is not
        return hang_up
    return answering(answer.status_code, answer.content)
