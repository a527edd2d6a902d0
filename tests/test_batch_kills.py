"""Batches that are killed at bad moments."""

import collections
import itertools
import json
import os
import signal
import socket
import threading

import pytest
from distributed import Client, LocalCluster

import batch_on_dask
import relay
from bodies import TEXT
from conftest import TOKEN
from faults import saying
from grok_imagine_video import batch as library
from scripts import Batch, Ended, Script, as_line, ended

WORDS = {3: "gateway", 7: "failed", 11: "withheld", 15: "empty"}
LINES = [TEXT | {"prompt": f"lake {number} {WORDS.get(number % 20, '')}"} for number in range(80)]
HALF_A_VIDEO = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 4254\r\n\r\nxx", then=lambda _: None)

# A batch is killed at the n-th request that begins so, before its response or right after it.
KILLS = [
    (b"POST", 1, False),
    (b"POST", 3, True),
    (b"GET /files", 1, True),
    (b"GET /v1", 4, True),
    (b"POST", 9, False),
    (b"GET /v1", 1, False),
    (b"GET /files", 4, True),
    (b"POST", 2, True),
]


class Killer:
    """A gateway that kills a process at one of the requests."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        batch.write(*LINES)

    def run(self, kill: tuple[bytes, int, bool]) -> Ended:
        self.beginning, self.number, self.is_answered = kill
        self.seen = itertools.count(1)
        with self.batch.launch("--concurrency", 8) as self.victim:
            return ended(self.victim)

    def respond(self, connection: socket.socket) -> None:
        request = self.batch.server.latest[connection]
        is_last = request.startswith(self.beginning) and next(self.seen) == self.number
        if is_last and not self.is_answered:
            self.victim.kill()
        response = self.batch.forwarded(connection)
        (HALF_A_VIDEO if is_last and b"/files/" in request else response)(connection)
        if is_last:
            self.victim.kill()


def test_a_batch_killed_many_times_pays_once_for_each_line(request: pytest.FixtureRequest) -> None:
    batch = Batch(request)
    killer = Killer(batch)
    with batch.gateway(killer.respond):
        for kill in KILLS:
            assert killer.run(kill).code == -signal.SIGKILL, kill
        assert_paid_once_and_summed_up(batch, killer.run((b"", 0, False)))


def assert_paid_once_and_summed_up(batch: Batch, last: Ended) -> None:
    states = batch.states()
    assert last.code == (3 if "unknown" in states.values() else 1)
    assert len(batch.prompts()) == len(set(batch.prompts()))
    assert list(states) == list(range(1, len(LINES) + 1))
    for state, line in zip(states.values(), LINES, strict=True):
        has_no_video = line["prompt"].endswith(("failed", "withheld"))
        assert state in ("unknown", "failed" if has_no_video else "done")
    counts = collections.Counter(states.values())
    done, failed, unknown = (counts[state] for state in ("done", "failed", "unknown"))
    summary = f"{done} done, {failed} failed, {done + failed}/80, {unknown} unknown, $"
    assert last.out.startswith(summary)
    videos = {path.name: path.read_bytes() for path in batch.videos.iterdir()}
    del videos["journal.sqlite"], videos[".journal.lock"]
    saved = [f"{number:04}.mp4" for number in states if states[number] == "done"]
    assert videos == dict.fromkeys(saved, relay.VIDEO.read_bytes())


def test_shards_on_a_cluster_that_loses_a_worker_pay_once_for_each_request(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(connection: socket.socket) -> None:
        sent = script.server.latest[connection]
        if sent.startswith(b"POST"):
            prompt = json.loads(sent.partition(b"\r\n\r\n")[2])["prompt"]
            senders.add(int(prompt.removeprefix("lake ")) % 2)
            if len(senders) == 2:
                have_sent.set()
            assert is_killed.wait(30)
        script.forward(connection)

    senders: set[int] = set()  # the shards that have sent a request, shard on a worker
    have_sent, is_killed = threading.Event(), threading.Event()
    script = Script(batch_on_dask.main, request)
    lines = [as_line(TEXT | {"prompt": f"lake {number}"}) for number in range(60)]
    (script.folder / "requests.jsonl").write_bytes(b"".join(lines))
    with script.gateway(hold) as gateway:
        monkeypatch.setenv("GROK_BASE_URL", gateway.base_url)
        monkeypatch.setenv("GROK_API_KEY", TOKEN)
        with (
            LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as dask,
        ):
            victim, _ = dask.run(os.getpid).values()
            words = cluster.scheduler_address, "requests.jsonl", script.folder, 2, 60_000
            with script.launch(*words) as process:
                assert have_sent.wait(30)
                os.kill(victim, signal.SIGKILL)
                is_killed.set()
                last = ended(process)
        prompts = script.prompts()
    assert last.code == 0, last.err
    assert len(prompts) == len(set(prompts))
    shards = [library.status(script.folder / shard) for shard in "01"]
    assert [(shard.total, shard.done + shard.unknown) for shard in shards] == [(30, 30)] * 2
    assert sum(shard.unknown > 0 for shard in shards) == 1
    assert last.out.splitlines() == [
        f"{script.folder}/{number}: {shard.done} of 30 done, {shard.unknown} unknown"
        for number, shard in enumerate(shards)
    ]
