"""Batches that are killed at any moment, at a relay that misbehaves, and on clusters of Dask."""

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
from batching import LAKES, answer_of, journaled, launch, posted, write
from bodies import TEXT
from conftest import TOKEN, Arrived
from faults import Server, answering, hang_up, reset, saying, serving
from grok_imagine_video import AuthenticatedClient, VideoJob, errors

KILLS = 20
WORDS = {3: "gateway", 7: "failed", 11: "withheld", 15: "empty", 19: "flaky"}
LINES = [
    TEXT | {"prompt": f"lake {number} {WORDS.get(number % 40, '')}", "duration": 1 + number % 15}
    for number in range(200)
]
REFUSALS, LOST_BEFORE, LOST_AFTER = (
    ("busy",),
    ("unheard", "broken"),
    ("cut off", "halved", "nameless"),
)


class Chance:
    """Hands requests on to a relay or not, as chance has it, and notes what came of each line."""

    def __init__(self, seed: float, session: httpx.Client) -> None:
        self.random = random.Random(seed)
        self.came_of: dict[str, list[str]] = collections.defaultdict(list)
        self._session = session

    def answer(self, connection: socket.socket, request: bytes) -> None:
        if prompts := posted([request]):
            self._take(prompts[0], connection, request)
        elif self.random.random() < 0.03:
            self._fail_to_tell(connection, request)
        else:
            answer_of(self._session, request)(connection)

    def _take(self, prompt: str, connection: socket.socket, request: bytes) -> None:
        fates = ["taken", *REFUSALS, *LOST_BEFORE, *LOST_AFTER]
        (fate,) = self.random.choices(fates, weights=[85, 2, 3, 3, 3, 2, 2])
        self.came_of[prompt].append(fate)
        if fate in ("taken", *LOST_AFTER):
            answer = answer_of(self._session, request)
        match fate:
            case "taken":
                answer(connection)
            case "busy":
                answering(429, Retry_After="0")(connection)
            case "unheard":
                time.sleep(0.1)
                reset(connection)
            case "broken":
                answering(500)(connection)
            case "cut off":
                hang_up(connection)
            case "halved":
                saying(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"request_id": "')(connection)
            case "nameless":
                answering(200, {"ok": True})(connection)

    def _fail_to_tell(self, connection: socket.socket, request: bytes) -> None:
        if b"/files/" in request.partition(b"\r\n")[0]:
            half = b"HTTP/1.1 200 OK\r\nContent-Length: 4254\r\n\r\n" + b"x" * 2000
            saying(half)(connection)
        else:
            self.random.choice([answering(503), hang_up, reset])(connection)


@contextlib.contextmanager
def relay_of_chance(folder: Path, seed: float) -> Iterator[tuple[Server, Chance]]:
    app = relay.create_app(TOKEN, str(folder / "jobs.sqlite"))
    with relay.running(app) as base_url, httpx.Client(base_url=base_url) as session:
        chance = Chance(seed, session)

        def answer(connection: socket.socket) -> None:
            chance.answer(connection, server.latest[connection])

        with serving(answer) as server:
            yield server, chance


class Cluster:
    """A scheduler and two workers in processes of their own, which do not have the examples."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes = [self._dask("scheduler", "--host", "127.0.0.1", "--port", "0")]
        told = self._folder / "scheduler.json"
        while not told.exists() or not told.read_text().endswith("}"):
            time.sleep(0.01)
        self.address = json.loads(told.read_text())["address"]
        self._processes += [self._worker(), self._worker()]

    def _dask(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        command += ["--scheduler-file", "scheduler.json"]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)

    def _worker(self, *words: str) -> subprocess.Popen[bytes]:
        words = ("--no-nanny", "--nthreads", "1", "--local-directory", "scratch", *words)
        return self._dask("worker", *words)

    def lose_a_worker(self) -> None:
        self._processes.append(self._worker())
        self._end(self._processes.pop(1))

    def have_workers_without_the_package(self) -> None:
        (self._folder / "without.py").write_text(
            "import sys; sys.modules['grok_imagine_video'] = None"
        )
        for worker in self._processes[1:]:
            self._end(worker)
            self._processes.append(self._worker("--preload", "without.py"))

    def lose_the_scheduler(self) -> None:
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
        assert "Key:       follow_and_save" not in log  # Dask logs the arguments of what fails


@pytest.fixture(autouse=True)
def _jobs_take_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)


def kill_at_some_moment(
    batch: subprocess.Popen[str], server: Server, chance: random.Random
) -> None:
    """Kill a batch after some requests or, now and then, before there are any."""
    last = len(server.arrived) + chance.randint(0, 30)
    while batch.poll() is None and len(server.arrived) < last:
        time.sleep(0.001)
    time.sleep(chance.choice([0, 0.005, 0.02, 0.2]))
    batch.kill()
    told = batch.communicate()
    assert batch.returncode == -signal.SIGKILL, told


def assert_paid_once(folder: Path, chance: Chance) -> None:
    assert all(set(fates[:-1]) <= {"busy"} for fates in chance.came_of.values())
    with contextlib.closing(sqlite3.connect(folder / "jobs.sqlite")) as jobs:
        prompts = [prompt for (prompt,) in jobs.execute("SELECT prompt FROM jobs")]
    assert len(prompts) == len(set(prompts))


def assert_all_adds_up(folder: Path, out: str, chance: Chance) -> None:
    states = dict(journaled(folder))
    assert list(states) == list(range(1, len(LINES) + 1))
    cents = 0
    for state, line in zip(states.values(), LINES, strict=True):
        prompt, fate = line["prompt"], chance.came_of[line["prompt"]][-1:]
        assert state == "unknown" or fate == ["taken"]
        has_video = "failed" not in prompt and "withheld" not in prompt
        assert state in ("unknown", "done" if has_video else "failed")
        cents += 5 * line["duration"] * (state != "unknown" and "failed" not in prompt)
    counts = collections.Counter(states.values())
    told = ", ".join(f"{counts[state]} {state}" for state in ("done", "failed", "unknown"))
    told = f"{len(LINES)} lines: {told}, 0 unfinished, 0 not sent; ${cents / 100:.2f} so far"
    assert out.startswith(told)
    videos = [path for path in (folder / "videos").iterdir() if path.name != "journal.sqlite"]
    done = [f"{number:04}.mp4" for number in states if states[number] == "done"]
    assert sorted(path.name for path in videos) == done
    assert {path.read_bytes() for path in videos} == {relay.VIDEO.read_bytes()}


@pytest.mark.parametrize("where", ["in process", "on a cluster"])
def test_a_batch_that_is_killed_again_and_again_pays_once_for_each_line(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cluster: Cluster | None = request.getfixturevalue("cluster") if "cluster" in where else None
    words = ["--concurrency", 8, *(["--cluster", cluster.address] if cluster else [])]
    write(tmp_path, LINES)
    with relay_of_chance(tmp_path, random.random()) as (server, chance):
        for kill in range(KILLS):
            with launch(tmp_path, server.base_url, *words) as batch:
                if cluster and kill % 4 == 0:
                    cluster.lose_a_worker()
                kill_at_some_moment(batch, server, chance.random)
        out = ""
        while ", 0 unfinished, 0 not sent; " not in out:  # a download may be cut off three times
            with launch(tmp_path, server.base_url, *words) as batch:
                if cluster:
                    cluster.lose_a_worker()
                out, _ = batch.communicate(timeout=120)
        assert_paid_once(tmp_path, chance)
        assert_all_adds_up(tmp_path, out, chance)
        assert batch.returncode == (5 if "unknown" in dict(journaled(tmp_path)).values() else 4)


def wait_for_polls(batch: subprocess.Popen[str], arrived: list[Arrived], jobs: int = 3) -> None:
    deadline = time.monotonic() + 30
    while len({request.path for request in arrived if request.method == "GET"}) < jobs:
        assert batch.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_cluster_that_a_batch_started_ends_with_it(
    base_url: str, arrived: list[Arrived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", "local") as batch:
        wait_for_polls(batch, arrived)
        workers = psutil.Process(batch.pid).children(recursive=True)
        heard = [each for process in workers for each in process.net_connections()]
        heard += psutil.Process(batch.pid).net_connections()
        ports = [each.laddr for each in heard if each.status == psutil.CONN_LISTEN]
        batch.kill()
        assert len(workers) >= 2
        assert {port.ip for port in ports} == {"127.0.0.1"}
        assert 8787 not in {port.port for port in ports}
        assert psutil.wait_procs(workers, timeout=10)[1] == []
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)
    with launch(tmp_path, base_url, "--cluster", "local") as batch:
        out, err = batch.communicate(timeout=60)
    assert (batch.returncode, len(err.splitlines())) == (0, 1), err
    assert out.startswith("3 lines: 3 done")
    assert sorted(posted(arrived)) == ["lake 1", "lake 2", "lake 3"]


def test_a_worker_that_is_lost_is_replaced(
    base_url: str, arrived: list[Arrived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", "local") as batch:
        wait_for_polls(batch, arrived)
        monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)
        for child in psutil.Process(batch.pid).children():
            if "spawn_main" in child.cmdline()[2]:
                child.kill()
        out, err = batch.communicate(timeout=60)
    assert (batch.returncode, len(err.splitlines())) == (0, 1), err
    assert out.startswith("3 lines: 3 done")


def test_ctrl_c_in_a_terminal_ends_the_cluster_too_in_peace(
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


def test_a_cluster_that_is_lost_stops_the_batch(
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
        cluster.lose_the_scheduler()
        out, err = batch.communicate(timeout=60)
    assert batch.returncode == 1
    assert err.startswith("batch: the cluster is lost: "), err
    assert out.startswith("3 lines: 0 done, 0 failed, 0 unknown, 1 unfinished, 2 not sent"), out


def test_workers_without_the_package_are_found_out_before_anything_is_sent(
    cluster: Cluster, base_url: str, arrived: list[Arrived], tmp_path: Path
) -> None:
    cluster.have_workers_without_the_package()
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", cluster.address) as batch:
        out, err = batch.communicate(timeout=60)
    assert (batch.returncode, len(err.splitlines())) == (1, 2), err
    assert "batch: the cluster cannot take a task: import of grok_imagine_video halted" in err
    assert "3 not sent" in out
    assert not arrived


def test_a_cluster_that_cannot_be_reached_gets_one_line(
    base_url: str, arrived: list[Arrived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "500ms")
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", "tcp://127.0.0.1:9") as batch:
        out, err = batch.communicate(timeout=60)
    assert (batch.returncode, len(err.splitlines())) == (1, 2), err
    assert "batch: Timed out trying to connect to tcp://127.0.0.1:9" in err
    assert "3 not sent" in out
    assert not arrived


@define
class Dask:
    """A client of Dask, with what its cluster makes of a task."""

    raised: Exception | None = None
    outcome: object = None
    sees: object = True
    status: str = "running"

    async def submit(self, *task: object, pure: bool) -> object:
        assert not pure  # else Dask would take jobs of one name for one
        assert TOKEN.encode() not in (travels := cloudpickle.dumps(task))
        assert b"grok_imagine_video." not in travels  # a worker may be without it
        if self.raised:
            raise self.raised
        await asyncio.sleep(0 if self.outcome else 9)
        return self.outcome

    async def run(self, *_: object, on_error: str) -> dict[str, object]:
        assert on_error == "return"  # a worker may be lost just then
        return {"tcp://127.0.0.1:1": self.sees}


SAVED = VideoJob(), 5
FOLLOWED: dict[str, tuple[Dask, type[Exception], str]] = {
    "workers lost": (Dask(KilledWorker("", None, 3)), RuntimeError, "each worker that had begun"),  # type: ignore[arg-type]
    "cluster lost": (Dask(FutureCancelledError("", "it")), ConnectionError, "cluster is lost: it"),
    "cluster gone": (Dask(status="closed"), ConnectionError, "the cluster is lost"),
    "no video": (Dask(outcome=errors.JobFailedError("no", None)), errors.JobFailedError, "no"),
    "another disk": (Dask(outcome=SAVED), OSError, "--output must be a folder that all"),
    "nothing": (Dask(), TimeoutError, "no worker got done with it in twice the --timeout"),
}


@pytest.mark.parametrize(("dask", "error", "told"), FOLLOWED.values(), ids=FOLLOWED)
def test_what_a_cluster_can_make_of_a_job_is_told(
    dask: Any, error: type[Exception], told: str, client: AuthenticatedClient, tmp_path: Path
) -> None:
    follower = batch_cluster.Follower(dask, client, patience=0.05)
    (tmp_path / "half.mp4").write_bytes(b"hal")
    for path in (tmp_path / "none.mp4", tmp_path / "half.mp4"):
        with pytest.raises(error, match=told):
            asyncio.run(follower.follow("1", path))


CHECKED = {
    "no worker": (Dask(), "no worker took a task in 0.05 seconds"),
    "no package": (Dask(ImportError("No module")), "the cluster cannot take a task: No module"),
    "not everywhere": (Dask(outcome=1, sees=ImportError("No")), "1 cannot take a task: No"),
    "another disk": (
        Dask(outcome=1, sees=False),
        "does not see .*must be a folder that all workers share",
    ),
    "one lost, one well": (Dask(outcome=1, sees=OSError()), None),
}


@pytest.mark.parametrize(("dask", "told"), CHECKED.values(), ids=CHECKED)
def test_a_cluster_that_could_not_save_is_found_out_first(
    dask: Any,
    told: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_cluster, "PATIENCE", 0.05)
    refused = pytest.raises(OSError, match=told) if told else contextlib.nullcontext()
    with refused:
        asyncio.run(batch_cluster.check(dask, tmp_path))


@pytest.mark.parametrize(
    ("address", "is_told"), [("tcp://10.0.0.1:8786", True), ("tcp://127.0.0.1:8786", False)]
)
def test_it_is_told_when_the_key_travels_unencrypted(
    address: str,
    is_told: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def connect() -> None:
        async with batch_cluster.connected(address):
            pass

    monkeypatch.setattr(batch_cluster, "Client", lambda *_, **__: contextlib.AsyncExitStack())
    asyncio.run(connect())
    assert (f"the API key travels to {address}" in capsys.readouterr().err) == is_told


def test_a_tls_address_needs_the_files_of_dask(
    base_url: str, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    with launch(tmp_path, base_url, "--cluster", "tls://127.0.0.1:9") as batch:
        _, err = batch.communicate(timeout=60)
    assert batch.returncode == 2
    assert "batch: tls://127.0.0.1:9 needs the files that distributed.comm.tls" in err
    assert not arrived
