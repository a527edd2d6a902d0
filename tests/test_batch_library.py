"""Batches from Python: what is sent, what is on disk at each moment, and what comes back."""

import asyncio
import contextlib
import copy
import errno
import fcntl
import inspect
import itertools
import os
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

import relay
from bodies import TEXT
from conftest import TOKEN, Arrived, client_of
from faults import OK, Server, responding, serving
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
Here = dict[str, Any]
DONE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}})
FILE = responding(200, b"video")
IMAGE = ImageInput(url="https://a.example")


def requests(count: int) -> list[CreateVideoRequest]:
    return [request(number) for number in range(1, count + 1)]


def request(number: int) -> CreateVideoRequest:
    return CreateVideoRequest.from_dict(TEXT | {"prompt": f"lake {number}"})


def at(server: Server, folder: Path) -> Here:
    return {"client": client_of(server.base_url), "folder": folder}


def asyncio_run(*args: Any, **kwargs: Any) -> batch.Summary:
    async def run_and_close() -> batch.Summary:
        async with kwargs["client"]:
            return await batch.asyncio_run(*args, **kwargs)

    kwargs["client"] = copy.copy(kwargs["client"])
    return asyncio.run(run_and_close())


@pytest.fixture(params=[batch.run, asyncio_run], ids=["sync", "asyncio"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.param
    return found


@pytest.fixture
def here(client: AuthenticatedClient, tmp_path: Path) -> Here:
    """The relay, and a folder."""
    return {"client": client, "folder": tmp_path}


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


def test_requests_that_no_operation_takes_are_refused(here: Here) -> None:
    for wrong, operation in (
        ([IMAGE], None),
        ([*requests(1), IMAGE], None),
        (requests(1), get_video),
    ):
        with pytest.raises(TypeError, match=r"no operation creates jobs .*: CreateVideoRequest"):
            batch.run(wrong, **here, operation=operation)
    summary = batch.run(requests(1), **here, operation=create_video)
    assert summary.done == 1


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"concurrency": 0}, "'concurrency' must be an int of 1 or more: 0"),
    ({"concurrency": 2.0}, "'concurrency' must be an int of 1 or more: 2.0"),
    ({"rate": 0}, "'rate' must be a number of requests a minute above 0: 0"),
    ({"rate": float("nan")}, "'rate' must be"),
    ({"timeout": float("nan")}, "at most 1e\\+09: nan"),
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
    here: Here,
    arrived: list[Arrived],
) -> None:
    with pytest.raises(ValueError, match=message):
        batch.run(requests(1), **here, **options)
    assert not arrived


def test_a_request_that_cannot_be_sent_is_named_before_anything_is_sent(
    here: Here, arrived: list[Arrived]
) -> None:
    changed: Any = CreateVideoRequest.from_dict(TEXT | {"reference_images": [IMAGE.to_dict()]})
    changed.reference_images.append(None)
    no_json = CreateVideoRequest.unchecked(prompt=float("nan"))
    for wrong, why in (
        (no_json, "Out of range float"),
        (changed, "'reference_images' must be Ref"),
    ):
        with pytest.raises(ValueError, match=f"request 3 cannot be sent: {why}"):
            batch.run([*requests(2), wrong], **here)
    assert not arrived


def test_an_entry_is_on_disk_before_its_request_leaves(tmp_path: Path) -> None:
    seen: list[tuple[str, str | None]] = []
    with pytest.raises(OSError, match=": there is no batch here"):
        batch.status(tmp_path)

    def look(connection: socket.socket) -> None:
        with batch.Journal(tmp_path, read_only=True) as journal:  # while another one writes it
            (entry,) = journal.entries.values()
            seen.append((entry.state, entry.job_id))
            assert batch.status(tmp_path).is_running
        (OK if len(seen) == 1 else DONE if len(seen) == 2 else FILE)(connection)

    with serving(look) as server:
        summary = batch.run(requests(1), **at(server, tmp_path))
    assert (summary.done, batch.status(tmp_path).is_running) == (1, False)
    assert seen == [("unknown", None), ("created", "1"), ("created", "1")]


class Lazy(Sequence[CreateVideoRequest]):
    """Large requests that are made as they are asked for."""

    def __len__(self) -> int:
        return 60

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError
        return CreateVideoRequest.from_dict(TEXT | {"prompt": f"{index} " + "x" * 1_000_000})


def test_few_requests_are_in_memory_at_the_same_time(tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(400))
    session = httpx.AsyncClient(transport=transport, base_url="https://a.example")
    client = client_of("https://a.example").set_async_httpx_client(session)
    tracemalloc.start()
    try:
        assert batch.run(Lazy(), client=client, folder=tmp_path, concurrency=2).not_sent == 60
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert not session.is_closed  # it is the caller's


async def cancelled(
    client: Any, awaiting: Any, is_time: Callable[[], bool], *then: Callable[[], object] | None
) -> None:
    """Cancel it when it is time, do something else before it can end, or cancel it again."""
    task = asyncio.create_task(awaiting)
    while not is_time():
        assert not task.done()
        await asyncio.sleep(0.001)
    for each in (None, *then):
        (each or task.cancel)()
        for _ in range(100):  # what has arrived is read meanwhile
            await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    await client.aclose()


# The connections, the concurrency, and whether the run is cancelled once more.
CANCELS = [(100, 1, False), (2, 20, False), (3, 20, True)]


@pytest.mark.parametrize(("connections", "concurrency", "again"), CANCELS)
def test_cancelling_waits_for_the_responses_in_flight(
    connections: int, concurrency: int, again: bool, tmp_path: Path
) -> None:
    def respond_later(connection: socket.socket) -> None:
        may_respond.wait(20)
        OK(connection)

    may_respond, left = threading.Event(), min(connections, concurrency)
    options: dict[str, Any] = {"folder": tmp_path, "concurrency": concurrency}
    with serving(respond_later) as server:
        client, arrived = limited(server.base_url, connections), server.arrived
        running = batch.asyncio_run(requests(20), client=client, **options)
        then = (None,) if again else (may_respond.set,)
        asyncio.run(cancelled(client, running, lambda: len(arrived) == left, *then))
        may_respond.set()
        assert len(arrived) == left
    summary = batch.status(tmp_path)
    assert (summary.unfinished, summary.unknown) == ((0, left) if again else (left, 0))
    assert (summary.not_sent, summary.is_running) == (20 - left, False)


# The change that is slow, whether the run is cancelled once more, and the states after that: what
# has not left is not sent, and no job is lost.
SLOW = [("unknown", False, {"not_sent": 9}), ("created", True, {"unfinished": 3, "not_sent": 6})]


@pytest.mark.parametrize(("state", "again", "left"), SLOW)
def test_cancelling_waits_for_the_journal(
    state: str, again: bool, left: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_late(journal: batch.Journal, entry: batch.Entry) -> None:
        if entry.state == state:
            has_begun.set()
            may_put.wait(20)
        put(journal, entry)

    may_put, put, has_begun = threading.Event(), batch.Journal.put, threading.Event()
    then = (threading.Timer(0.2, may_put.set).start, None) if again else (may_put.set,)
    monkeypatch.setattr(batch.Journal, "put", put_late)

    def respond(connection: socket.socket) -> None:
        OK(connection)
        responded.append(connection)

    def is_time() -> bool:
        return has_begun.is_set() and len(server.arrived) == len(responded) == 3 * again

    responded: list[socket.socket] = []
    with serving(respond) as server:
        options = at(server, tmp_path)
        running = batch.asyncio_run(requests(9), **options, concurrency=3)
        asyncio.run(cancelled(options["client"], running, is_time, *then))
        assert len(server.arrived) == 3 * again
    summary = batch.status(tmp_path)
    assert {name: getattr(summary, name) for name in left} == left
    assert not any(each.state == "not sent" for each in summary.problems)


def test_an_error_of_the_callers_own_ends_the_run_and_loses_no_job(
    here: Here, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        batch.run(requests(1), **here, on_progress=fail)
    assert batch.status(tmp_path).unfinished == 1
    assert batch.run(requests(1), **here).done == 1


def replace(folder: Path) -> None:
    shutil.copy(folder / "journal.sqlite", folder / "copy")
    (folder / "copy").replace(folder / "journal.sqlite")


# What happens to the folder while a request is sent.
LOSSES: dict[str, Callable[[Path], object]] = {
    "removed": shutil.rmtree,
    "moved": lambda folder: folder.rename(folder.with_name("moved")),
    "with another journal": replace,
    "cut": lambda folder: os.truncate(folder / "journal.sqlite", 0),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_the_error_for_a_lost_journal_has_all_jobs(
    lose: Callable[[Path], object], tmp_path: Path
) -> None:
    def lose_and_respond(connection: socket.socket) -> None:
        lose(folder)
        responding(200, {"request_id": "2"})(connection)

    folder = tmp_path / "videos"
    with serving(OK, DONE, FILE, lose_and_respond) as server:
        with pytest.raises(batch.JournalError, match="was removed, moved, cut or repl") as error:
            batch.run(requests(3), **at(server, folder), concurrency=1)
        assert len([each for each in server.arrived if each.startswith(b"POST")]) == 2
    assert error.value.jobs == {1: "1", 2: "2"}


def test_a_request_that_is_sent_again_keeps_its_first_job(tmp_path: Path) -> None:
    failed = responding(200, {"status": "failed", "usage": {"cost_in_usd_ticks": 10**9}})
    second = responding(200, {"request_id": "2"})
    with serving(OK, failed, OK, failed, second, DONE, FILE) as server:
        options = at(server, tmp_path) | {"concurrency": 1}
        assert batch.run(requests(2), **options).failed == 2
        assert batch.run(requests(2), **options, resend=["failed"], only=[2]).done == 1
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        rows = connection.execute("SELECT number, attempt, state, job_id FROM entries").fetchall()
    assert sorted(rows) == [(1, 1, "failed", "1"), (2, 1, "failed", "1"), (2, 2, "done", "2")]
    assert batch.status(tmp_path).cost == pytest.approx(0.2)


def test_a_failed_request_is_sent_again_only_if_its_result_can_be_saved(tmp_path: Path) -> None:
    with serving(OK, responding(200, {"status": "failed"})) as server:
        assert batch.run(requests(1), **at(server, tmp_path)).failed == 1
        (tmp_path / "0001.mp4").touch()
        with pytest.raises(ValueError, match=r"0001\.mp4 exists, and no run of this batch"):
            batch.run(requests(1), **at(server, tmp_path), resend=["failed"])
        assert len(server.arrived) == 2


# The change that is not written, the requests that were sent, and the problem.
UNWRITTEN: list[tuple[int, int, list[tuple[str, str]]]] = [
    (1, 0, []),
    (3, 3, [("unfinished", "its job 1 has ended, and the next run will see that again")]),
]


@pytest.mark.parametrize(("failing", "sent", "problems"), UNWRITTEN)
def test_what_could_not_be_written_is_told(
    failing: int, sent: int, problems: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_or_fail(journal: batch.Journal, entry: batch.Entry) -> None:
        if next(count) >= failing:
            raise batch.JournalError("the disk is full")
        put(journal, entry)

    count, put = itertools.count(1), batch.Journal.put
    monkeypatch.setattr(batch.Journal, "put", put_or_fail)
    with serving(OK, DONE, FILE) as server:
        summary = batch.run(requests(1), **at(server, tmp_path))
        assert (len(server.arrived), summary.stopped) == (sent, "the disk is full")
    assert [(each.state, each.reason) for each in summary.problems] == problems


def limited(base_url: str, connections: int | None, **options: Any) -> AuthenticatedClient:
    limits = httpx.Limits(max_connections=connections)
    return AuthenticatedClient(base_url, TOKEN, httpx_args={"limits": limits}, **options)


@pytest.mark.parametrize("connections", [1, None])
def test_few_connections_are_waited_for(
    connections: int | None,
    client: AuthenticatedClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    few = limited(client._base_url, connections, timeout=httpx.Timeout(5, pool=0.001))
    tasks: list[int] = []

    def count(*_: object) -> None:
        tasks.append(len(asyncio.all_tasks()))

    options: dict[str, Any] = {"concurrency": 1_000_000, "on_progress": count}
    assert batch.run(requests(20), client=few, folder=tmp_path, **options).done == 20
    assert not caplog.messages
    assert max(tasks) < 100  # as many as there are requests, and not as the concurrency


def test_an_error_after_a_request_has_left_is_no_refusal(tmp_path: Path) -> None:
    async def fail(_: httpx.Response) -> None:
        raise ValueError("mine")

    seen: list[batch.Status] = []
    hooks: Any = {"event_hooks": {"response": [fail]}}
    with serving(OK) as server:
        client = AuthenticatedClient(server.base_url, TOKEN, httpx_args=hooks)
        options: dict[str, Any] = {"client": client, "folder": tmp_path}
        for _ in range(2):
            run = batch.run(requests(1), **options, on_progress=lambda *each: seen.append(each[0]))
            assert run.unknown == 1
        assert (len(server.arrived), [each.unknown for each in seen]) == (1, [1])


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


def test_a_folder_stays_locked_when_it_is_copied(here: Here, tmp_path: Path) -> None:
    def copy(*_: object) -> None:
        shutil.copytree(tmp_path / "videos", tmp_path / "copy", dirs_exist_ok=True)
        with pytest.raises(ValueError, match="another batch is running"):
            batch.Journal(tmp_path / "videos")

    batch.run(requests(1), **here | {"folder": tmp_path / "videos"}, on_progress=copy)
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


def test_only_the_requests_that_are_asked_for_are_sent(here: Here, arrived: list[Arrived]) -> None:
    assert batch.run(requests(3), **here, only=[2]).not_sent == 2
    assert len([each for each in arrived if each.method == "POST"]) == 1
    with pytest.raises(ValueError, match="request 2 is not the one that was sent"):
        batch.run(requests(1), **here)  # its last requests are missing


def test_a_running_loop_is_told_what_to_do(here: Here) -> None:
    async def run() -> None:
        batch.run(requests(1), **here)

    with pytest.raises(RuntimeError, match=r"await batch\.asyncio_run\(\.\.\.\) instead"):
        asyncio.run(run())


def test_another_outcome_ends_what_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0, 4)
    monkeypatch.setattr(_rate, "now", lambda: next(clock))
    limiter = batch.RateLimiter(patience=20)
    for _ in range(4):
        assert limiter.back_off(errors.RateLimitError(headers={"Retry-After": "0"}))
        limiter.record()
    for _ in range(10):
        assert limiter.stopped is None
        limiter.record(unknown="lost")
    assert limiter.stopped == "10 requests in a row have an unknown outcome: lost"
