"""Calls, waits and downloads at random, on a server whose every response is a matter of chance.

`make stress` does 20,000 of them, with any seed: `make stress SEED=7` repeats a run.
"""

import collections
import gc
import os
import random
import re
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from bodies import TEXT
from conftest import client_of
from faults import Fault, Server, dripping, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import CreateVideoRequest, _calls, create_video, errors, get_video
from ways import Call, Way

CALLS = int(os.environ.get("CALLS") or 100)
SEED = int(os.environ.get("SEED") or random.randrange(10**6))
IN_FLIGHT = 20

VIDEO = bytes(range(256)) * 2000
HALF = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
EARLY = saying(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")

# What can come of any request: how often, and whether a POST may have been carried out.
Fate = tuple[int, bool, Fault]
ANY: list[Fate] = [
    (8, False, responding(429, Retry_After="0")),
    (3, False, responding(400, {"error": {"message": "no"}})),
    (2, False, responding(404)),
    (4, True, responding(500)),
    (2, True, responding(503, Retry_After="0")),
    (3, True, hang_up),
    (3, True, reset),
    (1, True, no_response),
    (2, True, HALF),
    (2, True, saying(b"HTTP/1.1 200 OK\r\n", then=reset)),
    (1, True, dripping([b"{"], then=no_response)),
    (2, True, responding(200, b"<html>")),
    (3, True, responding(303, Location="/v1/videos/303")),
    (2, False, responding(307, Location="/v1/videos/generations")),
    (2, False, EARLY),
]
CREATED = responding(200, {"request_id": "1"})
BY_PATH: dict[str, list[Fate]] = {
    "/generations": [(60, True, CREATED)],
    "/videos/": [
        (15, False, responding(200, {"status": "done", "video": {"url": "/files/v"}})),
        (40, False, responding(200, {"status": "pending"})),
        (3, False, responding(200, {"status": "failed"})),
        (3, False, responding(202)),
    ],
    "/files/": [
        (40, False, responding(200, VIDEO)),
        (5, False, responding(302, Location="/files/elsewhere")),
        (9, False, saying(b"HTTP/1.1 200 OK\r\nContent-Length: 512000\r\n\r\n", VIDEO[:99_000])),
    ],
}


class Chance:
    """Lets chance respond to requests, and counts those that may have been carried out."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.carried_out: dict[str, int] = collections.Counter()
        self.is_kind = False
        self.server: Server

    def respond(self, connection: socket.socket) -> None:
        request = self.server.latest[connection]
        path = request.partition(b" HTTP")[0].decode()
        usual = next(fates for part, fates in BY_PATH.items() if part in path)
        fates = usual[:1] if self.is_kind else ANY + usual
        ((_, may_be, fault),) = self.random.choices(fates, [often for often, _, _ in fates])
        if may_be and path.startswith("POST"):
            self.carried_out[re.findall(r'"prompt":"(video \d+)', request.decode())[0]] += 1
        fault(connection)


def task(number: int, folder: Path) -> Call:
    if number % 10 < 6:
        prompt = f"video {number}" + "!" * (1_000_000 if number % 100 == 0 else 0)
        body = CreateVideoRequest.from_dict(TEXT | {"prompt": prompt})
        return create_video, "sync", {"body": body}
    if number % 10 < 8:
        seconds = 0.3 if number < CALLS else 30.0
        return get_video, "wait", {"request_id": "1", "interval": 0.01, "timeout": seconds}
    return None, "download", {"url": "/files/v", "path": folder / f"{number}.mp4"}


# Bytes of a file: a video, or a short text that had status 200 in its place.
WHOLE = (*range(100), len(VIDEO))


def test_at_random_nothing_is_paid_twice_and_nothing_is_left_behind(
    way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"{CALLS} calls with SEED={SEED}")
    monkeypatch.setattr(_calls, "_MAX_JITTER", 0.01)
    monkeypatch.setattr(_calls, "_FIRST_BACKOFF", 0.01)
    chance = Chance()
    options: dict[str, Any] = {"timeout": httpx.Timeout(0.5, pool=30), "follow_redirects": True}
    options["httpx_args"] = {"limits": httpx.Limits(max_connections=IN_FLIGHT // 2)}
    with serving(chance.respond) as chance.server:
        with way.using(client_of(chance.server.base_url, **options)) as call:

            def do(numbers: range) -> set[type]:
                outcomes = call.together([task(each, tmp_path) for each in numbers], IN_FLIGHT)
                return {type(each) for each in outcomes if isinstance(each, Exception)}

            for start in range(0, CALLS, 200):  # few are in memory at the same time
                kinds = do(range(start, min(start + 200, CALLS)))
                assert all(issubclass(kind, errors.APIError) for kind in kinds)
            chance.is_kind = True
            assert not do(range(CALLS, CALLS + 2 * IN_FLIGHT))
        patience = time.monotonic() + 10
        while chance.server.open_connections and time.monotonic() < patience:
            time.sleep(0.01)
        assert not chance.server.open_connections
    assert set(chance.carried_out.values()) == {1}
    saved = list(tmp_path.iterdir())
    assert all(path.suffix == ".mp4" and path.stat().st_size in WHOLE for path in saved)
    gc.collect()  # a socket left open is a ResourceWarning, and that an error
