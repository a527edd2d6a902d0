"""Chromium without a network, told what to do over a pipe."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATH = next(filter(None, map(shutil.which, NAMES)), None)
OPTIONS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--proxy-server=127.0.0.1:9", "--proxy-bypass-list=<-loopback>"),  # refuses all
    "--remote-debugging-pipe",
]
# Chromium reads from 3 and writes to 4.
START = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3]]
os.dup2(fds[0], 3)
os.dup2(fds[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One tab. `complaints` are the errors and warnings that its pages have caused."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._rest, self._number = b"", 0
        self._session: dict[str, str] = {}
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the DevTools protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]
            self._note(found)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._receive, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        entry = params.get("entry", params)
        is_bad = entry.get("level", entry.get("type")) in ("error", "warning", "assert")
        if event["method"] == "Runtime.exceptionThrown" or (
            event["method"] in ("Log.entryAdded", "Runtime.consoleAPICalled") and is_bad
        ):
            self.complaints.append(json.dumps(params))

    def open(self, url: str, until: str = "true") -> str:
        """Open a page, wait until an expression is true in it, and return its text."""
        self.call("Page.navigate", url=url)
        look = f"document.readyState === 'complete' && ({until})"
        for _ in range(1000):  # 20 seconds
            if self.value(look):
                break
            self.value("new Promise((done) => setTimeout(done, 20))")
        return str(self.value("document.body.innerText"))

    def value(self, expression: str) -> Any:
        """What an expression is in the page."""
        how = {"awaitPromise": True, "returnByValue": True}
        return self.call("Runtime.evaluate", expression=expression, **how)["result"].get("value")


@contextlib.contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """A browser that ends with the block."""
    assert PATH
    (its_in, our_out), (our_in, its_out) = os.pipe(), os.pipe()
    words = [str(its_in), str(its_out), PATH, *OPTIONS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        [sys.executable, "-c", START, *words],
        pass_fds=(its_in, its_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(its_in)
    os.close(its_out)
    try:
        yield Browser(our_out, our_in)
    finally:
        process.kill()
        process.wait()
        os.close(our_out)
        os.close(our_in)
