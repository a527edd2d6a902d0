"""Batches that are killed at bad moments, and batches on Dask clusters."""

import asyncio
import collections
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import cloudpickle  # type: ignore[import-untyped]
import dask
import psutil  # type: ignore[import-untyped]
import pytest
from attrs import define
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

import relay
from bodies import TEXT
from conftest import TOKEN
from faults import saying
from grok_imagine_video import AuthenticatedClient, VideoJob, get_video
from grok_imagine_video.batch import _cluster
from grok_imagine_video.batch._options import Options
from scripts import Batch, Ended, ended


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> Batch:
    return Batch(request)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts parts of a cluster, which cannot import the examples."""
    processes: list[subprocess.Popen[bytes]] = []

    def start_part(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        with (tmp_path / "log").open("ab") as log:
            processes.append(subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log))
        return processes[-1]

    yield start_part
    for process in processes:
        process.kill()
        process.wait()


WORDS = {3: "gateway", 7: "failed", 11: "withheld", 15: "empty"}
LINES = [
    TEXT | {"prompt": f"lake {number} {WORDS.get(number % 20, '')}", "duration": 1 + number % 15}
    for number in range(80)
]
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

    def run(self, kill: tuple[bytes, int, bool], *words: object, victim: Any = None) -> Ended:
        self.beginning, self.number, self.is_answered = kill
        self.seen = itertools.count(1)
        with self.batch.launch("--concurrency", 8, *words) as process:
            self.victim = victim or process
            return ended(process)

    def respond(self, connection: socket.socket) -> None:
        request = self.batch.server.latest[connection]
        is_last = request.startswith(self.beginning) and next(self.seen) == self.number
        if is_last and not self.is_answered:
            self.victim.kill()
        response = self.batch.forwarded(connection)
        (HALF_A_VIDEO if is_last and b"/files/" in request else response)(connection)
        if is_last:
            self.victim.kill()


def test_a_batch_that_is_killed_many_times_pays_once_for_each_line(batch: Batch) -> None:
    killer = Killer(batch)
    with batch.gateway(killer.respond):
        for kill in KILLS:
            assert killer.run(kill).code == -signal.SIGKILL, kill
        assert_paid_once_and_summed_up(batch, killer.run((b"", 0, False)))


def test_a_batch_that_loses_its_cluster_pays_once_for_each_line(
    batch: Batch,
    start: Callable[..., subprocess.Popen[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    scheduler = start("scheduler", "--host", address)
    worker = "worker", address, "--no-nanny", "--nthreads", "1", "--local-directory", "scratch"
    first, _ = start(*worker), start(*worker)
    killer = Killer(batch)
    with batch.gateway(killer.respond):
        words = "--cluster", address
        assert killer.run((b"POST", 9, True), *words).code == -signal.SIGKILL
        start(*worker)
        first.kill()
        monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "5s")
        lost = killer.run((b"GET /files", 9, True), *words, victim=scheduler)
        assert "the cluster is lost: " in lost.err, lost
        assert "; no more requests are sent" in lost.err
        assert_paid_once_and_summed_up(batch, killer.run((b"", 0, False)))
    assert TOKEN not in (log := (batch.folder / "log").read_text())
    assert "Key:       follow_and_save" not in log  # Dask logs the arguments of a failed task


def assert_paid_once_and_summed_up(batch: Batch, last: Ended) -> None:
    states = batch.states()
    assert last.code == (3 if "unknown" in states.values() else 1)
    assert len(batch.prompts()) == len(set(batch.prompts()))
    assert list(states) == list(range(1, len(LINES) + 1))
    cents = 0
    for state, line in zip(states.values(), LINES, strict=True):
        has_no_video = line["prompt"].endswith(("failed", "withheld"))
        assert state in ("unknown", "failed" if has_no_video else "done")
        is_priced = state != "unknown" and not line["prompt"].endswith("failed")
        cents += 5 * line["duration"] * is_priced
    counts = collections.Counter(states.values())
    summary = ", ".join(f"{counts[state]} {state}" for state in ("done", "failed", "unknown"))
    assert last.out.startswith(
        f"80 requests: {summary}, 0 unfinished, 0 not sent; ${cents / 100:.2f} rep"
    )
    videos = {path.name: path.read_bytes() for path in batch.videos.iterdir()}
    del videos["journal.sqlite"], videos[".journal.lock"]
    done = [f"{number:04}.mp4" for number in states if states[number] == "done"]
    assert videos == dict.fromkeys(done, relay.VIDEO.read_bytes())


def wait_for_polls(process: subprocess.Popen[str], batch: Batch) -> None:
    deadline = time.monotonic() + 30
    while len({each.path for each in batch.arrived if each.method == "GET"}) < 3:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


# The end of a batch, its exit code, and what it prints.
ENDS = {
    "killed": (-signal.SIGKILL, ""),
    "Ctrl-C in a terminal": (130, "3 requests: 0 done, 0 failed, 0 unknown, 3 unfinished"),
    "done by the other worker": (0, "3 requests: 3 done"),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_local_cluster_ends_with_its_batch_and_without_noise(
    how: str, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
    code, out = ENDS[how]
    with batch.launch("--cluster", "local") as process:
        wait_for_polls(process, batch)
        processes = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
        sockets = [each for part in processes for each in part.net_connections()]
        if code < 0:
            process.kill()
        elif code:
            os.killpg(process.pid, signal.SIGINT)
        else:
            monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)
            next(each for each in processes if "spawn_main" in str(each.cmdline())).kill()
        last = ended(process)
    assert psutil.wait_procs(processes, timeout=10)[1] == []
    ports = {each.laddr for each in sockets if each.status == psutil.CONN_LISTEN}
    assert len(processes) >= 3
    assert {port.ip for port in ports} == {"127.0.0.1"}
    assert 8787 not in {port.port for port in ports}
    assert (last.code, last.out[: len(out)]) == (code, out)
    assert code < 0 or len(last.err.splitlines()) == 1, last.err
    assert sorted(batch.prompts()) == ["lake 1", "lake 2", "lake 3"]


# The address of a cluster that cannot be used, the exit code, and what is printed.
UNUSABLE = [
    ("tcp://127.0.0.1:9", 4, "Timed out trying to connect to tcp://127.0.0.1:9"),
    ("tcp://0.0.0.0:9", 4, "the API key is sent to tcp://0.0.0.0:9 and its workers unenc"),
    ("tls://127.0.0.1:9", 2, "batch: tls://127.0.0.1:9 needs the files of Dask's setting"),
]


@pytest.mark.parametrize(("address", "code", "message"), UNUSABLE)
def test_nothing_is_sent_if_the_cluster_cannot_be_used(
    address: str, code: int, message: str, batch: Batch
) -> None:
    with dask.config.set({"distributed.comm.timeouts.connect": "100ms"}):
        refused = batch.run("--cluster", address)
    assert refused.code == code
    assert message in refused.err
    assert ("unencrypted" in refused.err) == (address == UNUSABLE[1][0])
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
        assert TOKEN.encode() not in cloudpickle.dumps(task)
        if self.raised:
            raise self.raised
        await asyncio.sleep(0 if self.outcome else 9)
        return self.outcome

    async def run(self, *_: object, on_error: str) -> dict[str, object]:
        assert on_error == "return"  # a worker may be lost meanwhile
        return {"tcp://127.0.0.1:1": self.sees}


def said(call: Coroutine[Any, Any, object]) -> str:
    try:
        asyncio.run(call)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


FOLLOWED = {
    "RuntimeError: every worker that started it was lost": Dask(KilledWorker("", None, 3)),  # type: ignore[arg-type]
    "ConnectionError: the cluster is lost": Dask(status="closed"),
    "ConnectionError: the cluster is lost: Stream is closed": Dask(
        CommClosedError("Stream is closed")
    ),
    "all workers must share the folder": Dask(outcome=(VideoJob(), 5)),
    "TimeoutError: no worker finished it in twice the timeout": Dask(),
}


@pytest.mark.parametrize("message", FOLLOWED)
def test_a_failure_on_the_cluster_becomes_an_error(message: str, tmp_path: Path) -> None:
    client, dask = AuthenticatedClient("http://127.0.0.1:9", TOKEN), cast(Any, FOLLOWED[message])
    (tmp_path / "half.mp4").write_bytes(b"hal")
    follower = _cluster.Workers(dask, get_video, client, Options(timeout=0.05))
    assert message in said(follower.follow("1", tmp_path / "half.mp4"))


CHECKED = {
    "OSError: the cluster cannot run a task: it is hidden": Dask(ImportError("it is hidden")),
    "TimeoutError: no worker ran a task in 0.05 seconds": Dask(),
    "OSError: tcp://127.0.0.1:1 cannot run": Dask(outcome=1, sees=ImportError("No")),
    "must be a folder that all workers share": Dask(outcome=1, sees=False),
    "nothing": Dask(outcome=1, sees=OSError("a worker was lost meanwhile")),
}


@pytest.mark.parametrize("message", CHECKED)
def test_a_cluster_that_could_not_save_is_refused(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_cluster, "FIRST_TASK_TIMEOUT", 0.05)
    assert message in said(_cluster.check(cast(Any, CHECKED[message]), tmp_path))


def test_a_worker_without_the_package_can_say_so(tmp_path: Path) -> None:
    task: tuple[object, ...]
    task = _cluster.on_worker(), "not_there", "not_there.get", b"", "1", tmp_path / "v.mp4", {}
    (tmp_path / "task").write_bytes(cloudpickle.dumps(task))
    code = f"""if True:
        import pathlib, sys
        sys.modules["grok_imagine_video"] = None
        import cloudpickle
        function, *given = cloudpickle.loads(pathlib.Path({str(tmp_path / "task")!r}).read_bytes())
        print(function(*given))"""
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert said == "No module named 'not_there'\n"
