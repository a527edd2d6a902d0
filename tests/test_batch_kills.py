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
import httpx
import psutil  # type: ignore[import-untyped]
import pytest
from attrs import define
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

import batch_cluster
import relay
from batching import LAKES, forwarded, journaled, launch, posted, write
from bodies import TEXT
from conftest import TOKEN, Arrived
from faults import Server, hang_up, reset, responding, saying, serving
from grok_imagine_video import AuthenticatedClient, VideoJob, errors

KILLS = 20
WORDS = {3: "gateway", 7: "failed", 11: "withheld", 15: "empty", 19: "flaky"}
LINES = [
    TEXT | {"prompt": f"lake {number} {WORDS.get(number % 40, '')}", "duration": 1 + number % 15}
    for number in range(200)
]
# What can become of a line, and how often in a hundred. The first group creates a job.
CREATED = {"accepted": 85, "disconnected": 3, "truncated": 2, "without an id": 2}
NOT_CREATED = {"busy": 2, "reset": 3, "failed": 3}
FATES = CREATED | NOT_CREATED


class Chance:
    """Forwards requests to a relay or fails them at random, and notes the fates of each line."""

    def __init__(self, seed: float, session: httpx.Client) -> None:
        self.random = random.Random(seed)
        self.fates: dict[str, list[str]] = collections.defaultdict(list)
        self._session = session

    def respond(self, connection: socket.socket, request: bytes) -> None:
        if prompts := posted([request]):
            self._decide(prompts[0], connection, request)
        elif self.random.random() < 0.03:
            self._fail(connection, request)
        else:
            forwarded(self._session, request)(connection)

    def _decide(self, prompt: str, connection: socket.socket, request: bytes) -> None:
        (fate,) = self.random.choices(list(FATES), weights=list(FATES.values()))
        self.fates[prompt].append(fate)
        if fate in CREATED:
            respond = forwarded(self._session, request)
        match fate:
            case "accepted":
                respond(connection)
            case "disconnected":
                hang_up(connection)
            case "truncated":
                saying(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"request_id": "')(connection)
            case "without an id":
                responding(200, {"ok": True})(connection)
            case "busy":
                responding(429, Retry_After="0")(connection)
            case "reset":
                time.sleep(0.1)
                reset(connection)
            case "failed":
                responding(500)(connection)

    def _fail(self, connection: socket.socket, request: bytes) -> None:
        """Fail a poll or a download."""
        if b"/files/" in request.partition(b"\r\n")[0]:
            half = b"HTTP/1.1 200 OK\r\nContent-Length: 4254\r\n\r\n" + b"x" * 2000
            saying(half)(connection)
        else:
            self.random.choice([responding(503), hang_up, reset])(connection)


@contextlib.contextmanager
def unreliable_gateway(folder: Path, seed: float) -> Iterator[tuple[Server, Chance]]:
    app = relay.create_app(TOKEN, str(folder / "jobs.sqlite"))
    with relay.running(app) as base_url, httpx.Client(base_url=base_url) as session:
        chance = Chance(seed, session)

        def respond(connection: socket.socket) -> None:
            chance.respond(connection, server.latest[connection])

        with serving(respond) as server:
            yield server, chance


class Cluster:
    """A scheduler and two workers as processes, which cannot import the examples."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes = [self._dask("scheduler", "--host", "127.0.0.1", "--port", "0")]
        file = self._folder / "scheduler.json"
        while not file.exists() or not file.read_text().endswith("}"):
            time.sleep(0.01)
        self.address = json.loads(file.read_text())["address"]
        self._processes += [self._worker(), self._worker()]

    def _dask(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        command += ["--scheduler-file", "scheduler.json"]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)

    def _worker(self, *words: str) -> subprocess.Popen[bytes]:
        words = ("--no-nanny", "--nthreads", "1", "--local-directory", "scratch", *words)
        return self._dask("worker", *words)

    def replace_a_worker(self) -> None:
        self._processes.append(self._worker())
        self._end(self._processes.pop(1))

    def hide_the_package_from_workers(self) -> None:
        (self._folder / "without.py").write_text(
            "import sys; sys.modules['grok_imagine_video'] = None"
        )
        for worker in self._processes[1:]:
            self._end(worker)
            self._processes.append(self._worker("--preload", "without.py"))

    def kill_the_scheduler(self) -> None:
        self._end(self._processes[0])

    def close(self) -> None:
        for process in self._processes:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()

    def log(self) -> str:
        return (self._folder / "log").read_text()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (folder := tmp_path / "cluster").mkdir()
    with contextlib.closing(Cluster(folder)) as cluster:
        yield cluster
        assert TOKEN not in (log := cluster.log())
        assert "Key:       follow_and_save" not in log  # Dask logs the arguments of a failed task


def kill_at_some_moment(
    batch: subprocess.Popen[str], server: Server, chance: random.Random
) -> None:
    """Kill a batch after some requests, or sometimes before the first."""
    last = len(server.arrived) + chance.randint(0, 30)
    while batch.poll() is None and len(server.arrived) < last:
        time.sleep(0.001)
    time.sleep(chance.choice([0, 0.005, 0.02, 0.2]))
    batch.kill()
    output = batch.communicate()
    assert batch.returncode == -signal.SIGKILL, output


def assert_paid_once(folder: Path, chance: Chance) -> None:
    assert all(set(fates[:-1]) <= {"busy"} for fates in chance.fates.values())
    with contextlib.closing(sqlite3.connect(folder / "jobs.sqlite")) as jobs:
        prompts = [prompt for (prompt,) in jobs.execute("SELECT prompt FROM jobs")]
    assert len(prompts) == len(set(prompts))


def assert_summary_is_right(folder: Path, out: str, chance: Chance) -> None:
    states = dict(journaled(folder))
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
    videos = [path for path in (folder / "videos").iterdir() if path.name != "journal.sqlite"]
    done = [f"{number:04}.mp4" for number in states if states[number] == "done"]
    assert sorted(path.name for path in videos) == done
    assert {path.read_bytes() for path in videos} == {relay.VIDEO.read_bytes()}


@pytest.mark.parametrize("where", ["in process", "on a cluster"])
def test_a_batch_that_is_killed_many_times_pays_once_for_each_line(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cluster: Cluster | None = request.getfixturevalue("cluster") if "cluster" in where else None
    words = ["--concurrency", 8, *(["--cluster", cluster.address] if cluster else [])]
    write(tmp_path, LINES)
    with unreliable_gateway(tmp_path, random.random()) as (server, chance):
        for kill in range(KILLS // 2 if cluster else KILLS):
            with launch(tmp_path, server.base_url, *words) as batch:
                if cluster and kill % 2 == 0:
                    cluster.replace_a_worker()
                kill_at_some_moment(batch, server, chance.random)
        out = ""
        while ", 0 unfinished, 0 not sent; " not in out:  # a download may fail three times in a row
            with launch(tmp_path, server.base_url, *words) as batch:
                if cluster:
                    cluster.replace_a_worker()
                out, _ = batch.communicate(timeout=120)
        assert_paid_once(tmp_path, chance)
        assert_summary_is_right(tmp_path, out, chance)
        assert batch.returncode == (5 if "unknown" in dict(journaled(tmp_path)).values() else 4)


def wait_for_polls(batch: subprocess.Popen[str], arrived: list[Arrived], jobs: int = 3) -> None:
    deadline = time.monotonic() + 30
    while len({request.path for request in arrived if request.method == "GET"}) < jobs:
        assert batch.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_local_cluster_ends_with_its_batch_and_replaces_lost_workers(
    base_url: str, arrived: list[Arrived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", "local") as batch:
        wait_for_polls(batch, arrived)
        workers = psutil.Process(batch.pid).children(recursive=True)
        sockets = [each for process in workers for each in process.net_connections()]
        sockets += psutil.Process(batch.pid).net_connections()
        ports = [each.laddr for each in sockets if each.status == psutil.CONN_LISTEN]
        batch.kill()
        assert len(workers) >= 2
        assert {port.ip for port in ports} == {"127.0.0.1"}
        assert 8787 not in {port.port for port in ports}
        assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert sorted(posted(arrived)) == ["lake 1", "lake 2", "lake 3"]
    arrived.clear()
    with launch(tmp_path, base_url, "--cluster", "local") as batch:
        wait_for_polls(batch, arrived)
        monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)
        for child in psutil.Process(batch.pid).children():
            if "spawn_main" in child.cmdline()[2]:
                child.kill()
        out, err = batch.communicate(timeout=60)
    assert (batch.returncode, len(err.splitlines())) == (0, 1), err
    assert out.startswith("3 lines: 3 done")
    assert posted(arrived) == []


def test_ctrl_c_in_a_terminal_ends_a_local_cluster_without_noise(
    base_url: str, arrived: list[Arrived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", "local") as batch:
        wait_for_polls(batch, arrived)
        workers = psutil.Process(batch.pid).children(recursive=True)
        os.killpg(batch.pid, signal.SIGINT)
        out, err = batch.communicate(timeout=60)
    assert (batch.returncode, len(err.splitlines())) == (130, 1), err
    assert "3 unfinished" in out
    assert psutil.wait_procs(workers, timeout=10)[1] == []


def test_a_lost_cluster_stops_the_batch(
    cluster: Cluster,
    base_url: str,
    arrived: list[Arrived],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    write(tmp_path, LAKES)
    words = ["--cluster", cluster.address, "--concurrency", 1]
    with launch(tmp_path, base_url, *words) as batch:
        wait_for_polls(batch, arrived, jobs=1)
        cluster.kill_the_scheduler()
        out, err = batch.communicate(timeout=60)
    assert batch.returncode == 1
    assert err.startswith("batch: the cluster is lost: "), err
    assert out.startswith("3 lines: 0 done, 0 failed, 0 unknown, 1 unfinished, 2 not sent"), out


# The address of a cluster that cannot be used, the exit code and the message.
UNUSABLE = {
    "no package": ("", 1, "the cluster cannot run a task: import of grok_imagine_video halted"),
    "no scheduler": ("tcp://127.0.0.1:9", 1, "Timed out trying to connect to tcp://127.0.0.1:9"),
    "no TLS files": ("tls://127.0.0.1:9", 2, "tls://127.0.0.1:9 needs the files of Dask's"),
}


@pytest.mark.parametrize(("address", "code", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_nothing_is_sent_if_the_cluster_cannot_be_used(
    address: str,
    code: int,
    message: str,
    base_url: str,
    arrived: list[Arrived],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if address:
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "500ms")
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        cluster.hide_the_package_from_workers()
        address = cluster.address
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", address) as batch:
        out, err = batch.communicate(timeout=60)
    assert (batch.returncode, len(err.splitlines())) == (code, 2), err  # one is the progress bar
    assert err.splitlines()[-1].startswith(f"batch: {message}")
    assert code == 2 or "3 not sent" in out
    assert not arrived


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
    "cluster lost": (Dask(FutureCancelledError("", "it")), ConnectionError, "cluster is lost: it"),
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
    "no package": (Dask(ImportError("No module")), "the cluster cannot run a task: No module"),
    "not everywhere": (Dask(outcome=1, sees=ImportError("No")), "1 cannot run a task: No"),
    "another disk": (
        Dask(outcome=1, sees=False),
        "does not see .*must be a folder that all workers share",
    ),
    "one worker lost": (Dask(outcome=1, sees=OSError()), None),
}


@pytest.mark.parametrize(("dask", "message"), CHECKED.values(), ids=CHECKED)
def test_a_cluster_that_could_not_save_is_refused(
    dask: Any, message: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_cluster, "FIRST_TASK_TIMEOUT", 0.05)
    with pytest.raises(OSError, match=message) if message else contextlib.nullcontext():
        asyncio.run(batch_cluster.check(dask, tmp_path))


@pytest.mark.parametrize(
    ("address", "is_warned"), [("tcp://10.0.0.1:8786", True), ("tcp://127.0.0.1:8786", False)]
)
def test_a_warning_says_that_the_key_is_sent_unencrypted(
    address: str,
    is_warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def connect() -> None:
        async with batch_cluster.connected(address):
            pass

    monkeypatch.setattr(batch_cluster, "Client", lambda *_, **__: contextlib.AsyncExitStack())
    asyncio.run(connect())
    assert (f"the API key is sent to {address}" in capsys.readouterr().err) == is_warned
