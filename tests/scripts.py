"""Run an example in this process or in one of its own, with a gateway that may misbehave."""

import contextlib
import inspect
import io
import json
import os
import pty
import re
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import frozen

from bodies import TEXT, Body
from conftest import TOKEN
from faults import Fault, Server, hang_up, responding, serving
from grok_imagine_video import __main__ as command
from making import run

COMMAND = Path(sys.executable).with_name("grok-imagine-video")
ROOT = Path(__file__).parent.parent
# The fields of each event, as the page about the command lists them.
EVENTS = {
    event: {"event", *re.findall("`([a-z_]+)`", fields.partition(" (`")[0])}
    for event, fields in re.findall(
        r"^\| `([a-z_]+)` \| (.*) \|$", (ROOT / "docs/command.md").read_text("utf-8"), re.MULTILINE
    )
}
LAKES = [TEXT | {"prompt": f"lake {number}"} for number in range(1, 4)]


@frozen
class Ended:
    code: int
    out: str
    err: str

    def __attrs_post_init__(self) -> None:
        assert TOKEN not in self.out + self.err

    def events(self) -> list[dict[str, Any]]:
        """What --json shows."""
        shown = [json.loads(line) for line in self.out.splitlines()]
        for event in shown:
            assert event.keys() == EVENTS[event["event"]]
        return shown


class Script:
    """An example that calls the relay, or within `gateway` a server in front of it."""

    def __init__(self, main: Callable[[], object], test: pytest.FixtureRequest) -> None:
        self.folder: Path = test.getfixturevalue("tmp_path")
        self.relay: str = test.getfixturevalue("base_url")
        self.arrived: Any = test.getfixturevalue("arrived")
        self._patch: pytest.MonkeyPatch = test.getfixturevalue("monkeypatch")
        self._main, self._url = main, self.relay
        self.stdin = b""
        self._patch.chdir(self.folder)

    def _command(self, words: tuple[object, ...], env: dict[str, str]) -> list[str]:
        for name, value in ({"GROK_BASE_URL": self._url, "GROK_API_KEY": TOKEN} | env).items():
            self._patch.setenv(name, value)
            if not value:
                self._patch.delenv(name)
        return [inspect.getfile(self._main), *map(str, words)]

    def run(self, *words: object, **env: str) -> Ended:
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(self.stdin)))
        _, *given = self._command(words, env)
        return Ended(*run(self._main, *given, encoding="ascii"))  # as a terminal may be

    @contextlib.contextmanager
    def launch(self, *words: object) -> Iterator[subprocess.Popen[str]]:
        """Run it in its own process and session, and kill it if it is still running at the end."""
        with subprocess.Popen(
            [sys.executable, *self._command(words, {})],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    @contextlib.contextmanager
    def gateway(self, *faults: Fault) -> Iterator[Server]:
        """Have the n-th fault for the n-th request, and the last fault for all later ones."""
        url, arrived = self._url, self.arrived
        with serving(*faults) as self.server:
            self._url, self.arrived = self.server.base_url, self.server.arrived
            yield self.server
        self._url, self.arrived = url, arrived

    def forward(self, connection: socket.socket) -> None:
        """A fault that is none: it sends the response of the relay."""
        self.forwarded(connection)(connection)

    def forwarded(self, connection: socket.socket) -> Fault:
        """Send the latest request to the relay; the fault sends its response."""
        head, _, body = self.server.latest[connection].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        # A session for each: one that closes while another thread connects would leak its socket.
        with httpx.Client(base_url=self.relay, verify=False, trust_env=False) as session:  # noqa: S501
            try:
                response = session.request(*first.split()[:2], content=body, headers=headers)
            except httpx.HTTPError:  # the test is over, but a worker still asks
                return hang_up
        return responding(response.status_code, response.content)

    def sent(self) -> list[Body]:
        """The bodies that arrived, in order."""
        requests = [getattr(request, "body", request) for request in self.arrived]
        return [json.loads(sent[sent.index(b"{") :]) for sent in requests if b'"prompt"' in sent]

    def prompts(self) -> list[str]:
        return [body["prompt"] for body in self.sent()]


class Cli(Script):
    """The command, in this process or in one of its own."""

    def _command(self, words: tuple[object, ...], env: dict[str, str]) -> list[str]:
        _, *rest = super()._command(words, env)
        return [str(COMMAND), *rest]

    def typed(self, line: str, **env: str) -> Ended:
        """Run a line as a shell would, with variables before the words."""
        words = shlex.split(line)
        typed = dict(word.split("=", 1) for word in words if re.match("[A-Z_]+=", word))
        return self.run(*words[len(typed) :], **env | typed)

    def on_terminal(self, *words: object, has_pipe: bool = True, **env: str) -> Ended:
        """Run it on a terminal, and with its standard output in a pipe if it has one."""
        ours, theirs = pty.openpty()
        out: Any = subprocess.PIPE if has_pipe else theirs
        line = self._command(words, {"TERM": "xterm-256color"} | env)
        with subprocess.Popen(
            [sys.executable, *line], stdout=out, stderr=theirs, text=True
        ) as process:
            os.close(theirs)
            seen = b""
            with contextlib.suppress(OSError):  # how Linux says that the other side is closed
                while part := os.read(ours, 65536):
                    seen += part
            os.close(ours)
            result, _ = process.communicate(timeout=60)
        return Ended(process.returncode, result or "", seen.decode())


class Batch(Cli):
    """A batch of `prompts.jsonl` into `videos`; words that begin with "batch" are typed alone."""

    def __init__(self, test: pytest.FixtureRequest) -> None:
        super().__init__(command.main, test)
        self.file, self.videos = "prompts.jsonl", self.folder / "videos"
        self.write(*LAKES)

    def _command(self, words: tuple[object, ...], env: dict[str, str]) -> list[str]:
        if words[:1] != ("batch",):
            words = ("batch", self.file, "-o", "videos", *words)
        return super()._command(words, env)

    def write(self, *bodies: Body) -> None:
        (self.folder / "prompts.jsonl").write_bytes(b"".join(map(as_line, bodies)))

    def states(self) -> dict[int, str]:
        """That of the last attempt of each request, in order."""
        with contextlib.closing(sqlite3.connect(self.videos / "journal.sqlite")) as connection:
            query = "SELECT number, state, max(attempt) FROM entries GROUP BY number"
            return {number: state for number, state, _ in connection.execute(query)}


def as_line(body: Body) -> bytes:
    return json.dumps(body).encode() + b"\n"


def ended(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)
