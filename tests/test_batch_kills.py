"""Batches that are killed at any moment, with a gateway that misbehaves, and on Dask clusters."""

import asyncio
import collections
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import psutil  # type: ignore[import-untyped]
import pytest
from attrs import define
from distributed.scheduler import KilledWorker

import batch_cluster
import relay
from bodies import TEXT
from conftest import TOKEN
from faults import Fault, hang_up, reset, responding, saying
from grok_imagine_video import AuthenticatedClient, VideoJob, errors
from scripts import Batch, ended, posted

KILLS = 20
WORDS = {3: "gateway", 7: "failed", 11: "withheld", 15: "empty", 19: "flaky"}
LINES = [
    TEXT | {"prompt": f"lake {number} {WORDS.get(number % 40, '')}", "duration": 1 + number % 15}
    for number in range(200)
]


def reset_later(connection: socket.socket) -> None:
    time.sleep(0.1)
    reset(connection)


# What can become of a line, and how often in a hundred. The first group creates a job.
CREATED: dict[str, tuple[int, Fault | None]] = {
    "accepted": (85, None),
    "disconnected": (3, hang_up),
    "truncated": (2, saying(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"request_id": "')),
    "without an id": (2, responding(200, {"ok": True})),
}
NOT_CREATED: dict[str, tuple[int, Fault | None]] = {
    "busy": (2, responding(429, Retry_After="0")),
    "reset": (3, reset_later),
    "failed": (3, responding(500)),
}
FATES = CREATED | NOT_CREATED
HALF_A_VIDEO = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 4254\r\n\r\n" + b"x" * 2000)


class Chance:
    """Forwards requests to a relay or fails them at random, and notes the fates of each line."""

    def __init__(self, batch: Batch) -> None:
        self.random = random.Random(random.random())
        self.fates: dict[str, list[str]] = collections.defaultdict(list)
        self._batch = batch

    def respond(self, connection: socket.socket) -> None:
        request = self._batch.server.latest[connection]
        if bodies := posted(request):
            (fate,) = self.random.choices(list(FATES), [often for often, _ in FATES.values()])
            self.fates[bodies[0]["prompt"]].append(fate)
            accept = self._batch.forwarded(connection) if fate in CREATED else hang_up
            (FATES[fate][1] or accept)(connection)
        elif self.random.random() >= 0.03:
            self._batch.forward(connection)
        elif b"/files/" in request.partition(b"\r\n")[0]:
            HALF_A_VIDEO(connection)
        else:
            self.random.choice([responding(503), hang_up, reset])(connection)


class Cluster:
    """A scheduler and two workers as processes, which cannot import the examples."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.processes = [self._dask("scheduler", "--host", "127.0.0.1", "--port", "0")]
        file = folder / "scheduler.json"
        while not file.exists() or not file.read_text().endswith("}"):
            time.sleep(0.01)
        self.address = json.loads(file.read_text())["address"]
        self.processes += [self._worker(), self._worker()]

    def _dask(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        command += ["--scheduler-file", "scheduler.json"]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def _worker(self) -> subprocess.Popen[bytes]:
        return self._dask("worker", "--no-nanny", "--nthreads", "1", "--local-directory", "scratch")

    def replace_a_worker(self) -> None:
        self.processes.append(self._worker())
        end(self.processes[-3])


def end(process: subprocess.Popen[Any]) -> None:
    process.kill()
    process.wait()


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> Batch:
    return Batch(request)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    yield (cluster := Cluster(tmp_path / "cluster"))
    for process in cluster.processes:
        end(process)
    assert TOKEN not in (log := (cluster.folder / "log").read_text())
    assert "Key:       follow_and_save" not in log  # Dask logs the arguments of a failed task


def kill_at_some_moment(
    process: subprocess.Popen[str], batch: Batch, chance: random.Random
) -> None:
    """Kill a batch after some requests, or sometimes before the first."""
    last = len(batch.arrived) + chance.randint(0, 30)
    while process.poll() is None and len(batch.arrived) < last:
        time.sleep(0.001)
    time.sleep(chance.choice([0, 0.005, 0.02, 0.2]))
    process.kill()
    killed = ended(process)
    assert killed.code == -signal.SIGKILL, killed


def assert_paid_once_and_summed_up(batch: Batch, out: str, chance: Chance) -> None:
    assert all(set(fates[:-1]) <= {"busy"} for fates in chance.fates.values())
    with contextlib.closing(sqlite3.connect(batch.folder / "jobs.sqlite")) as jobs:
        prompts = [prompt for (prompt,) in jobs.execute("SELECT prompt FROM jobs")]
    assert len(prompts) == len(set(prompts))
    states = batch.states()
    assert list(states) == list(range(1, len(LINES) + 1))
    cents = 0
    for state, line in zip(states.values(), LINES, strict=True):
        prompt, fate = line["prompt"], chance.fates[line["prompt"]][-1:]
        assert state == "unknown" or fate == ["accepted"]
        has_video = "failed" not in prompt and "withheld" not in prompt
        assert state in ("unknown", "done" if has_video else "failed")
        cents += 5 * line["duration"] * (state != "unknown" and "failed" not in prompt)
    counts = collections.Counter(states.values())
    summary = ", ".join(f"{counts[state]} {state}" for state in ("done", "failed", "unknown"))
    assert out.startswith(f"{len(LINES)} lines: {summary}, 0 unfinished, 0 not sent; ")
    assert f"; ${cents / 100:.2f} reported so far" in out
    done = [f"{number:04}.mp4" for number in states if states[number] == "done"]
    videos = {path.name: path.read_bytes() for path in batch.videos.iterdir()}
    del videos["journal.sqlite"]
    assert videos == dict.fromkeys(done, relay.VIDEO.read_bytes())


@pytest.mark.parametrize("where", ["in process", "on a cluster"])
def test_a_batch_that_is_killed_many_times_pays_once_for_each_line(
    where: str, batch: Batch, request: pytest.FixtureRequest
) -> None:
    cluster: Cluster | None = request.getfixturevalue("cluster") if "cluster" in where else None
    words = ["--concurrency", 8, *(["--cluster", cluster.address] if cluster else [])]
    batch.write(*LINES)
    chance, out = Chance(batch), ""
    app = relay.create_app(TOKEN, str(batch.folder / "jobs.sqlite"))
    with relay.running(app) as batch.relay, batch.gateway(chance.respond):
        for kill in range(KILLS // 2 if cluster else KILLS):
            with batch.launch(*words) as process:
                if cluster and kill % 2 == 0:
                    cluster.replace_a_worker()
                kill_at_some_moment(process, batch, chance.random)
        while ", 0 unfinished, 0 not sent; " not in out:  # a download may fail three times in a row
            with batch.launch(*words) as process:
                if cluster:
                    cluster.replace_a_worker()
                code, out = (last := ended(process)).code, last.out
        assert_paid_once_and_summed_up(batch, out, chance)
        assert code == (5 if "unknown" in batch.states().values() else 4)


def wait_for_polls(process: subprocess.Popen[str], batch: Batch, jobs: int = 3) -> None:
    deadline = time.monotonic() + 30
    while len({request.path for request in batch.arrived if request.method == "GET"}) < jobs:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


# The end of a batch, its exit code, and what it prints.
ENDS = {
    "killed": (-signal.SIGKILL, ""),
    "Ctrl-C in a terminal": (130, "3 lines: 0 done, 0 failed, 0 unknown, 3 unfinished"),
    "done without its first workers": (0, "3 lines: 3 done"),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_local_cluster_ends_with_its_batch_and_without_noise(
    how: str, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    code, out = ENDS[how]
    with batch.launch("--cluster", "local") as process:
        wait_for_polls(process, batch)
        workers = psutil.Process(process.pid).children(recursive=True)
        sockets = [each for worker in workers for each in worker.net_connections()]
        sockets += psutil.Process(process.pid).net_connections()
        ports = [each.laddr for each in sockets if each.status == psutil.CONN_LISTEN]
        if code < 0:
            process.kill()
        elif code:
            os.killpg(process.pid, signal.SIGINT)
        else:
            monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)
            for worker in workers:
                if "spawn_main" in worker.cmdline()[2]:
                    worker.kill()
        last = ended(process)
    assert len(workers) >= 2
    assert {port.ip for port in ports} == {"127.0.0.1"}
    assert 8787 not in {port.port for port in ports}
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert (last.code, last.out[: len(out)]) == (code, out)
    assert code < 0 or len(last.err.splitlines()) == 1, last.err
    assert sorted(batch.prompts()) == ["lake 1", "lake 2", "lake 3"]


def test_a_lost_cluster_stops_the_batch(
    cluster: Cluster, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    with batch.launch("--cluster", cluster.address, "--concurrency", 1) as process:
        wait_for_polls(process, batch, jobs=1)
        end(cluster.processes[0])
        lost = ended(process)
    assert lost.code == 1
    assert lost.err.startswith("batch: the cluster is lost: ")
    assert lost.out.startswith("3 lines: 0 done, 0 failed, 0 unknown, 1 unfinished, 2 not sent")


# The address of a cluster that cannot be used, the exit code and the message.
UNUSABLE = {
    "": (1, "the cluster cannot run a task: it is hidden"),
    "tcp://127.0.0.1:9": (1, "Timed out trying to connect to tcp://127.0.0.1:9"),
    "tcp://0.0.0.0:9": (1, "Timed out trying to connect to tcp://0.0.0.0:9"),
    "tls://127.0.0.1:9": (2, "tls://127.0.0.1:9 needs the files of Dask's"),
}
WARNINGS = {
    "tcp://0.0.0.0:9": ["batch: the API key is sent to tcp://0.0.0.0:9 and its workers unencrypted"]
}


@pytest.mark.parametrize("address", UNUSABLE)
def test_nothing_is_sent_if_the_cluster_cannot_be_used(
    address: str, batch: Batch, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "500ms")
    code, message = UNUSABLE[address]
    if not address:
        cluster: Cluster = request.getfixturevalue("cluster")
        hidden = cluster.folder / "grok_imagine_video.py"
        hidden.write_text("raise ImportError('it is hidden')")
    with batch.launch("--cluster", address or cluster.address) as process:
        refused = ended(process)
    *before, last = refused.err.splitlines()
    assert (refused.code, last[: len(f"batch: {message}")]) == (code, f"batch: {message}")
    assert [line for line in before if "0 running" not in line] == WARNINGS.get(address, [])
    assert code == 2 or "3 not sent" in refused.out
    assert not batch.arrived


@define
class Dask:
    """A client of Dask that has a given outcome for each task."""

    raised: Exception | None = None
    outcome: object = None
    sees: object = True
    status: str = "running"

    async def submit(self, *task: object, pure: bool) -> object:
        assert not pure  # or Dask would run tasks with equal arguments only once
        assert TOKEN.encode() not in (pickled := cloudpickle.dumps(task))
        assert b"grok_imagine_video." not in pickled  # a worker may not have it
        if self.raised:
            raise self.raised
        await asyncio.sleep(0 if self.outcome else 9)
        return self.outcome

    async def run(self, *_: object, on_error: str) -> dict[str, object]:
        assert on_error == "return"  # a worker may be lost meanwhile
        return {"tcp://127.0.0.1:1": self.sees}


SAVED = VideoJob(), 5
FOLLOWED: dict[str, tuple[Dask, type[Exception], str]] = {
    "workers lost": (Dask(KilledWorker("", None, 3)), RuntimeError, "every worker that started"),  # type: ignore[arg-type]
    "cluster gone": (Dask(status="closed"), ConnectionError, "the cluster is lost"),
    "no video": (Dask(outcome=errors.JobFailedError("no", None)), errors.JobFailedError, "no"),
    "another disk": (Dask(outcome=SAVED), OSError, "--output must be a folder that all"),
    "nothing": (Dask(), TimeoutError, "no worker finished it in twice the --timeout"),
}


@pytest.mark.parametrize(("dask", "error", "message"), FOLLOWED.values(), ids=FOLLOWED)
def test_a_failure_on_the_cluster_becomes_an_error(
    dask: Any, error: type[Exception], message: str, client: AuthenticatedClient, tmp_path: Path
) -> None:
    follower = batch_cluster.Follower(dask, client, timeout=0.05)
    (tmp_path / "half.mp4").write_bytes(b"hal")
    for path in (tmp_path / "none.mp4", tmp_path / "half.mp4"):
        with pytest.raises(error, match=message):
            asyncio.run(follower.follow("1", path))


CHECKED = {
    "no worker": (Dask(), "no worker ran a task in 0.05 seconds"),
    "not everywhere": (Dask(outcome=1, sees=ImportError("No")), "1 cannot run a task: No"),
    "another disk": (Dask(outcome=1, sees=False), "does not see .*a folder that all workers share"),
    "one worker lost": (Dask(outcome=1, sees=OSError()), None),
}


@pytest.mark.parametrize(("dask", "message"), CHECKED.values(), ids=CHECKED)
def test_a_cluster_that_could_not_save_is_refused(
    dask: Any, message: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_cluster, "FIRST_TASK_TIMEOUT", 0.05)
    with pytest.raises(OSError, match=message) if message else contextlib.nullcontext():
        asyncio.run(batch_cluster.check(dask, tmp_path))
