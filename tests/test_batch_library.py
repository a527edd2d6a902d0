"""Batches from Python: what is sent, what is on disk at each moment, and what comes back."""

import asyncio
import contextlib
import errno
import fcntl
import inspect
import itertools
import shutil
import socket
import sqlite3
import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve

import relay
from bodies import TEXT
from conftest import TOKEN, Arrived, client_of
from faults import OK, responding, serving
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    ImageInput,
    batch,
    create_video,
    errors,
    get_video,
)
from grok_imagine_video.batch import _rate

Run = Callable[..., batch.Summary]
DONE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}})
FILE = responding(200, b"video")


def requests(count: int) -> list[CreateVideoRequest]:
    return [request(number) for number in range(1, count + 1)]


def request(number: int) -> CreateVideoRequest:
    return CreateVideoRequest.from_dict(TEXT | {"prompt": f"lake {number}"})


def asyncio_run(*args: Any, **kwargs: Any) -> batch.Summary:
    async def run_and_close() -> batch.Summary:
        async with kwargs["client"]:
            return await batch.asyncio_run(*args, **kwargs)

    kwargs["client"] = evolve(kwargs["client"])
    return asyncio.run(run_and_close())


@pytest.fixture(params=[batch.run, asyncio_run], ids=["sync", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.param
    return found


def test_each_request_becomes_a_file_and_a_later_run_goes_on(
    run: Run, client: AuthenticatedClient, arrived: list[Arrived], tmp_path: Path
) -> None:
    seen: list[tuple[batch.Status, batch.Entry]] = []
    folder = tmp_path / "new" / "videos"
    sent = [*requests(2), CreateVideoRequest.unchecked(**TEXT | {"prompt": "lake failed"})]
    options: dict[str, Any] = {"client": client, "folder": str(folder)}
    first = run(iter(sent), **options, on_progress=lambda *each: seen.append(each))
    assert (first.total, first.done, first.failed, first.not_sent) == (3, 2, 1, 0)
    assert first.cost == pytest.approx(0.4)
    assert first.stopped is None
    (problem,) = first.problems
    assert (problem.number, problem.state) == (3, "failed")
    assert problem.job_id == next(entry.job_id for _, entry in seen if entry.number == 3)
    assert first == batch.status(folder)
    states = ["created", "created", "created", "done", "done", "failed"]
    assert sorted(entry.state for _, entry in seen) == states
    assert all(0 < status.running <= 3 and status.unknown == 0 for status, _ in seen)
    assert seen[-1][0].done + seen[-1][0].failed == 3
    again = run([*sent, request(4)], **options)
    assert (again.total, again.done, again.failed) == (4, 3, 1)
    assert len([each for each in arrived if each.method == "POST"]) == 4
    for number in (1, 2, 4):
        assert (folder / f"000{number}.mp4").read_bytes() == relay.VIDEO.read_bytes()


def test_sync_and_asyncio_take_the_same() -> None:
    assert inspect.signature(batch.run) == inspect.signature(batch.asyncio_run)


def test_a_session_of_the_callers_own_is_used_and_stays_open(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json={"request_id": "1"})
        if request.url.path.startswith("/v1"):
            return httpx.Response(200, json={"status": "done", "video": {"url": "/v.mp4"}})
        return httpx.Response(200, content=b"video")

    session = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://a.example")
    client = client_of("https://a.example").set_async_httpx_client(session)
    assert batch.run(requests(3), client=client, folder=tmp_path).done == 3
    assert not session.is_closed


def test_requests_that_no_operation_takes_are_refused(
    client: AuthenticatedClient, tmp_path: Path
) -> None:
    image = ImageInput(url="https://a.example")
    for wrong, operation in (
        ([image], None),
        ([*requests(1), image], None),
        (requests(1), get_video),
    ):
        with pytest.raises(TypeError, match=r"no operation creates jobs .*: CreateVideoRequest"):
            batch.run(wrong, client=client, folder=tmp_path, operation=operation)
    summary = batch.run(requests(1), client=client, folder=tmp_path, operation=create_video)
    assert summary.done == 1


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"concurrency": 0}, "'concurrency' must be an int of 1 or more: 0"),
    ({"concurrency": 2.0}, "'concurrency' must be an int of 1 or more: 2.0"),
    ({"rate": 0}, "'rate' must be a number of requests a minute above 0: 0"),
    ({"rate": float("nan")}, "'rate' must be"),
    ({"timeout": 0}, "'timeout' must be a number of seconds above 0"),
    ({"interval": -1}, "'interval' must be a number of seconds above 0"),
    ({"resend": ["done"]}, "'resend' must be a list with 'unknown' and 'failed' in it"),
    ({"resend": "failed"}, "'resend' must be a list with 'unknown' and 'failed' in it: 'failed'"),
    ({"only": [2]}, "there is no request 2"),
    ({"forget": [1]}, "request 1 cannot be forgotten"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_an_option_that_cannot_be_used_is_refused_before_anything_is_sent(
    options: dict[str, Any],
    message: str,
    client: AuthenticatedClient,
    arrived: list[Arrived],
    tmp_path: Path,
) -> None:
    with pytest.raises(ValueError, match=message):
        batch.run(requests(1), client=client, folder=tmp_path, **options)
    assert not arrived


def test_a_request_that_is_no_json_is_named_before_anything_is_sent(
    client: AuthenticatedClient, arrived: list[Arrived], tmp_path: Path
) -> None:
    odd = CreateVideoRequest.unchecked(prompt=float("nan"))
    with pytest.raises(ValueError, match="request 3 cannot be sent: Out of range float"):
        batch.run([*requests(2), odd], client=client, folder=tmp_path)
    assert not arrived


def test_an_entry_is_on_disk_before_its_request_leaves(tmp_path: Path) -> None:
    seen: list[tuple[str, str | None]] = []

    def look(connection: socket.socket) -> None:
        with batch.Journal(tmp_path, read_only=True) as journal:  # while another one writes it
            (entry,) = journal.entries.values()
            seen.append((entry.state, entry.job_id))
            assert batch.status(tmp_path).is_running
        (OK if len(seen) == 1 else DONE if len(seen) == 2 else FILE)(connection)

    with serving(look) as server:
        summary = batch.run(requests(1), client=client_of(server.base_url), folder=tmp_path)
    assert (summary.done, batch.status(tmp_path).is_running) == (1, False)
    assert seen == [("unknown", None), ("created", "1"), ("created", "1")]


class Lazy(Sequence[CreateVideoRequest]):
    """Large requests that are made as they are asked for."""

    def __len__(self) -> int:
        return 180

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError
        return CreateVideoRequest.from_dict(TEXT | {"prompt": f"{index} " + "x" * 1_000_000})


def test_few_requests_are_in_memory_at_the_same_time(tmp_path: Path) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(400)

    session = httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="https://a.example")
    client = client_of("https://a.example").set_async_httpx_client(session)
    tracemalloc.start()
    try:
        assert batch.run(Lazy(), client=client, folder=tmp_path, concurrency=2).not_sent == 180
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


async def cancelled(
    client: Any, awaiting: Any, is_time: Callable[[], bool], then: Callable[[], None]
) -> None:
    """Cancel it when it is time, and do something else before it can end."""
    task = asyncio.create_task(awaiting)
    while not is_time():
        assert not task.done()
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.sleep(0)
    then()
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.aclose()


@pytest.mark.parametrize(("connections", "concurrency", "left"), [(100, 1, 1), (2, 20, 2)])
def test_cancelling_waits_for_the_responses_in_flight(
    connections: int, concurrency: int, left: int, tmp_path: Path
) -> None:
    may_respond = threading.Event()

    def respond_later(connection: socket.socket) -> None:
        may_respond.wait(20)
        OK(connection)

    with serving(respond_later) as server:
        client, arrived = limited(server.base_url, connections), server.arrived
        running = batch.asyncio_run(
            requests(20), client=client, folder=tmp_path, concurrency=concurrency
        )
        asyncio.run(cancelled(client, running, lambda: len(arrived) == left, may_respond.set))
        assert len(arrived) == left
    summary = batch.status(tmp_path)
    assert (summary.unfinished, summary.unknown, summary.not_sent) == (left, 0, 20 - left)


def test_cancelling_sends_nothing_that_has_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_put, put, has_begun = threading.Event(), batch.Journal.put, threading.Event()

    def put_late(journal: batch.Journal, entry: batch.Entry) -> None:
        has_begun.set()
        may_put.wait(20)
        put(journal, entry)

    monkeypatch.setattr(batch.Journal, "put", put_late)
    with serving(OK) as server:
        client = client_of(server.base_url)
        running = batch.asyncio_run(requests(9), client=client, folder=tmp_path, concurrency=3)
        asyncio.run(cancelled(client, running, has_begun.is_set, may_put.set))
        assert not server.arrived
    assert (batch.status(tmp_path).not_sent, batch.status(tmp_path).problems) == (9, ())


def test_an_error_of_the_callers_own_ends_the_run_and_loses_no_job(
    client: AuthenticatedClient, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        batch.run(requests(1), client=client, folder=tmp_path, on_progress=fail)
    assert batch.status(tmp_path).unfinished == 1
    assert batch.run(requests(1), client=client, folder=tmp_path).done == 1


def test_the_error_for_a_lost_journal_has_all_jobs(tmp_path: Path) -> None:
    def lose(connection: socket.socket) -> None:
        (tmp_path / "journal.sqlite").unlink()
        responding(200, {"request_id": "2"})(connection)

    options: dict[str, Any] = {"folder": tmp_path, "concurrency": 1}
    with serving(OK, DONE, FILE, lose) as server:
        options["client"] = client_of(server.base_url)
        with pytest.raises(batch.JournalError, match="was removed, moved, cut or repl") as error:
            batch.run(requests(3), **options)
    assert error.value.jobs == {1: "1", 2: "2"}


def test_a_request_that_is_sent_again_keeps_its_first_job(tmp_path: Path) -> None:
    failed = responding(200, {"status": "failed", "usage": {"cost_in_usd_ticks": 10**9}})
    second = responding(200, {"request_id": "2"})
    options: dict[str, Any] = {"folder": tmp_path, "concurrency": 1}
    with serving(OK, failed, OK, failed, second, DONE, FILE) as server:
        options["client"] = client_of(server.base_url)
        assert batch.run(requests(2), **options).failed == 2
        assert batch.run(requests(2), **options, resend=["failed"], only=[2]).done == 1
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        rows = connection.execute("SELECT number, attempt, state, job_id FROM entries").fetchall()
    assert sorted(rows) == [(1, 1, "failed", "1"), (2, 1, "failed", "1"), (2, 2, "done", "2")]
    assert batch.status(tmp_path).cost == pytest.approx(0.2)


def test_a_failed_request_is_not_paid_for_again_if_its_result_could_not_be_saved(
    tmp_path: Path,
) -> None:
    with serving(OK, responding(200, {"status": "failed"})) as server:
        client = client_of(server.base_url)
        assert batch.run(requests(1), client=client, folder=tmp_path).failed == 1
        (tmp_path / "0001.mp4").touch()
        with pytest.raises(ValueError, match=r"0001\.mp4 exists, and no run of this batch"):
            batch.run(requests(1), client=client, folder=tmp_path, resend=["failed"])
        assert len(server.arrived) == 2


def test_a_journal_that_is_not_there_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=": there is no batch here"):
        batch.status(tmp_path)
    assert not (tmp_path / "journal.sqlite").exists()


# The commit that fails, the requests that were sent, the state after that, and what is said.
UNWRITTEN = [
    (1, 0, "not sent", None),
    (2, 1, "unknown", "its job is 1, which is not in the journal"),
    (3, 3, "unfinished", "its job 1 has ended, and the next run will see that again"),
]


@pytest.mark.parametrize(("failing", "sent", "state", "reason"), UNWRITTEN)
def test_what_could_not_be_written_is_told(
    failing: int,
    sent: int,
    state: str,
    reason: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count, put = itertools.count(1), batch.Journal.put

    def put_or_fail(journal: batch.Journal, entry: batch.Entry) -> None:
        if next(count) >= failing:
            raise batch.JournalError("the disk is full")
        put(journal, entry)

    monkeypatch.setattr(batch.Journal, "put", put_or_fail)
    with serving(OK, DONE, FILE) as server:
        summary = batch.run(requests(1), client=client_of(server.base_url), folder=tmp_path)
        assert len(server.arrived) == sent
    assert summary.stopped == "the disk is full"
    assert [(each.state, each.reason) for each in summary.problems] == [(state, reason)] * bool(
        sent
    )


def limited(base_url: str, connections: int | None, **options: Any) -> AuthenticatedClient:
    limits = httpx.Limits(max_connections=connections)
    return AuthenticatedClient(base_url, TOKEN, httpx_args={"limits": limits}, **options)


@pytest.mark.parametrize("connections", [1, None])
def test_few_connections_are_waited_for(
    connections: int | None, client: AuthenticatedClient, tmp_path: Path
) -> None:
    few = limited(client._base_url, connections, timeout=httpx.Timeout(5, pool=0.001))
    assert batch.run(requests(20), client=few, folder=tmp_path).done == 20


def test_an_error_after_a_request_has_left_is_no_refusal(tmp_path: Path) -> None:
    async def fail(_: httpx.Response) -> None:
        raise ValueError("mine")

    hooks: Any = {"event_hooks": {"response": [fail]}}
    with serving(OK) as server:
        client = AuthenticatedClient(server.base_url, TOKEN, httpx_args=hooks)
        for _ in range(2):
            assert batch.run(requests(1), client=client, folder=tmp_path).unknown == 1
        assert len(server.arrived) == 1


@pytest.mark.parametrize("turns", range(12))
def test_cancelling_again_and_again_loses_no_job(
    turns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = batch.Journal.put

    def put_slowly(journal: batch.Journal, entry: batch.Entry) -> None:
        time.sleep(0.01)  # as long as a slow disk takes
        put(journal, entry)

    async def cancel_often(server: Any, client: Any, running: Any) -> None:
        task = asyncio.create_task(running)
        while len(server.arrived) < 4:  # noqa: ASYNC110 - the server is in a thread
            await asyncio.sleep(0)
        for _ in range(3):
            for _ in range(turns):
                await asyncio.sleep(0.002)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aclose()

    monkeypatch.setattr(batch.Journal, "put", put_slowly)
    with serving(OK, *[OK] * 8, responding(202, b"")) as server:
        client = client_of(server.base_url)
        running = batch.asyncio_run(requests(9), client=client, folder=tmp_path)
        asyncio.run(cancel_often(server, client, running))
        posts = [each for each in server.arrived if each.startswith(b"POST")]
    with batch.Journal(tmp_path) as journal:  # its lock is free
        assert len(journal.entries) >= len(posts)


def test_a_run_that_is_cancelled_at_once_leaves_the_folder_free(tmp_path: Path) -> None:
    async def cancel_at_once(turns: int) -> None:
        async with client_of("http://127.0.0.1:9") as client:
            options: dict[str, Any] = {"client": client, "folder": tmp_path, "timeout": 0.1}
            task = asyncio.create_task(batch.asyncio_run(requests(1), **options))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    for turns in range(1, 8):
        asyncio.run(cancel_at_once(turns))
        batch.Journal(tmp_path).close()


def test_a_folder_stays_locked_when_it_is_copied(
    client: AuthenticatedClient, tmp_path: Path
) -> None:
    def copy(*_: object) -> None:
        shutil.copytree(tmp_path / "videos", tmp_path / "copy", dirs_exist_ok=True)
        with pytest.raises(ValueError, match="another batch is running"):
            batch.Journal(tmp_path / "videos")

    batch.run(requests(1), client=client, folder=tmp_path / "videos", on_progress=copy)
    assert batch.status(tmp_path / "copy").total == 1


def test_a_batch_starts_while_somebody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / ".journal.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(file, fcntl.LOCK_UN))
        batch.Journal(tmp_path).close()


def test_a_file_system_without_locks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="No locks available"):
        batch.Journal(tmp_path)


def test_an_address_is_the_same_in_each_of_its_spellings(
    client: AuthenticatedClient, tmp_path: Path
) -> None:
    for url in ("{}", "{}/", "{}/v1", "{}/v1/"):
        other = AuthenticatedClient(url.format(client._base_url).replace("http", "HTTP"), TOKEN)
        assert batch.run(requests(1), client=other, folder=tmp_path).done == 1


def test_only_the_requests_that_are_asked_for_are_sent(
    client: AuthenticatedClient, arrived: list[Arrived], tmp_path: Path
) -> None:
    options: dict[str, Any] = {"client": client, "folder": tmp_path}
    assert batch.run(requests(3), **options, only=[2]).not_sent == 2
    assert len([each for each in arrived if each.method == "POST"]) == 1
    with pytest.raises(ValueError, match="request 2 is not the one that was sent"):
        batch.run(requests(1), **options)  # its last requests are missing


def test_a_running_loop_is_told_what_to_do(client: AuthenticatedClient, tmp_path: Path) -> None:
    async def run() -> None:
        batch.run(requests(1), client=client, folder=tmp_path)

    with pytest.raises(RuntimeError, match=r"await batch\.asyncio_run\(\.\.\.\) instead"):
        asyncio.run(run())


def test_another_outcome_ends_what_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0, 4)
    monkeypatch.setattr(_rate, "now", lambda: next(clock))
    limiter = batch.RateLimiter(patience=20)
    for _ in range(4):
        assert limiter.back_off(errors.RateLimitError(headers={"Retry-After": "0"}))
        limiter.record()
    for outcome in [*["lost"] * 9, None, *["lost"] * 9]:
        limiter.record(unknown=outcome)
    assert limiter.stopped is None
    limiter.record(unknown="lost")
    assert limiter.stopped == "10 requests in a row have an unknown outcome: lost"
