"""Batches from Python: what is sent, what is written down, and what comes back."""

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
from conftest import TOKEN, Arrived, client_of, limited_to
from faults import DONE, OK, Server, responding, serving
from grok_imagine_video import (
    AuthenticatedClient,
    CreateVideoRequest,
    ImageInput,
    batch,
    create_video,
    errors,
    get_video,
)
from grok_imagine_video_runtime.batch import _rate
from grok_imagine_video_runtime.batch._journal import SCHEMA

Here = dict[str, Any]
FILE = responding(200, b"video")
IMAGE = ImageInput(url="https://a.example")


def requests(count: int) -> list[CreateVideoRequest]:
    prompts = [f"lake {number}" for number in range(1, count + 1)]
    return [CreateVideoRequest.from_dict(TEXT | {"prompt": prompt}) for prompt in prompts]


def at(server: Server, folder: Path) -> Here:
    return {"client": client_of(server.base_url), "folder": folder}


def asyncio_run(*args: Any, **kwargs: Any) -> batch.Summary:
    async def run_and_close() -> batch.Summary:
        async with kwargs["client"]:
            return await batch.asyncio_run(*args, **kwargs)

    kwargs["client"] = copy.copy(kwargs["client"])
    return asyncio.run(run_and_close())


@pytest.fixture
def here(client: AuthenticatedClient, tmp_path: Path) -> Here:
    """The relay, and a folder."""
    return {"client": client, "folder": tmp_path}


@pytest.mark.parametrize("run", [batch.run, asyncio_run])
def test_each_request_becomes_a_file_and_a_later_run_goes_on(
    run: Any, client: AuthenticatedClient, arrived: list[Arrived], tmp_path: Path
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
    again = run([*sent, *requests(4)[3:]], **options, operation=create_video)
    assert (again.total, again.done, again.failed) == (4, 3, 1)
    assert again == batch.status(folder)
    assert len([each for each in arrived if each.method == "POST"]) == 4
    for number in (1, 2, 4):
        assert (folder / f"000{number}.mp4").read_bytes() == relay.VIDEO.read_bytes()


def test_sync_and_asyncio_take_the_same() -> None:
    assert inspect.signature(batch.run) == inspect.signature(batch.asyncio_run)


NO_OPERATION = "no operation creates jobs .*: CreateVideoRequest"
NO_JSON = CreateVideoRequest.unchecked(prompt=float("nan"))
CHANGED: Any = CreateVideoRequest.from_dict(TEXT | {"reference_images": []})
CHANGED.reference_images.append(None)
ONE, TWO = requests(1), requests(2)
# What is to be sent, how, the kind of the error, and a part of what it says.
REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ([IMAGE], {}, TypeError, NO_OPERATION),
    ([*ONE, IMAGE], {}, TypeError, NO_OPERATION),
    (ONE, {"operation": get_video}, TypeError, NO_OPERATION),
    ([*TWO, NO_JSON], {}, ValueError, "request 3 cannot be sent: Out of range float"),
    ([*TWO, CHANGED], {}, ValueError, "request 3 cannot be sent: 'reference_images' must be Ref"),
    (ONE, {"concurrency": 0}, ValueError, "'concurrency' must be an int of 1 or more: 0"),
    (ONE, {"concurrency": 2.0}, ValueError, "'concurrency' must be an int of 1 or more: 2.0"),
    (ONE, {"rate": 0}, ValueError, "'rate' must be a number of requests a minute above 0: 0"),
    (ONE, {"rate": float("nan")}, ValueError, "'rate' must be"),
    (ONE, {"timeout": float("nan")}, ValueError, "must be finite: nan"),
    (ONE, {"timeout": 0}, ValueError, "'timeout' must be > 0: 0"),
    (ONE, {"interval": -1}, ValueError, "'interval' must be > 0: -1"),
    (ONE, {"resend": ["done"]}, ValueError, "must be a list with 'unknown' and 'failed' in it"),
    (ONE, {"resend": "failed"}, ValueError, "must be a list with .* in it: 'failed'"),
    (ONE, {"only": [2]}, ValueError, "there is no request 2"),
    (ONE, {"forget": [1]}, ValueError, "request 1 cannot be forgotten"),
]


@pytest.mark.parametrize(("sent", "options", "error", "message"), REFUSED)
def test_what_cannot_be_sent_is_refused_before_anything_is_sent(
    sent: Any, options: Any, error: Any, message: str, here: Here, arrived: list[Arrived]
) -> None:
    with pytest.raises(error, match=message):
        batch.run(sent, **here, **options)
    assert not arrived


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


# What is slow when the run is cancelled, the connections, whether it is cancelled once more, and
# the states after that: what has not left is not sent, and no job is lost.
CANCELS: list[tuple[str, int, bool, Here]] = [
    ("unknown", 3, False, {"not_sent": 9}),
    ("created", 3, True, {"unfinished": 3, "not_sent": 6}),
    ("response", 2, False, {"unfinished": 2, "not_sent": 7}),
    ("response", 3, True, {"unknown": 3, "not_sent": 6}),
]


@pytest.mark.parametrize(("slow", "connections", "again", "left"), CANCELS)
def test_cancelling_waits_for_responses_and_for_the_journal(
    slow: str,
    connections: int,
    again: bool,
    left: Here,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wait_if(is_slow: bool) -> None:
        if is_slow:
            waiting.append(slow)
            may_go_on.wait(20)

    def put_late(journal: batch.Journal, entry: batch.Entry) -> None:
        wait_if(entry.state == slow)
        put(journal, entry)

    def respond(connection: socket.socket) -> None:
        wait_if(slow == "response")
        OK(connection)
        responded.append(connection)

    def is_time() -> bool:
        is_responded = slow == "response" or len(responded) == sent
        return bool(waiting) and len(server.arrived) == sent and is_responded

    may_go_on, put = threading.Event(), batch.Journal.put
    waiting: list[str] = []
    responded: list[socket.socket] = []
    sent = connections * (slow != "unknown")
    then = (threading.Timer(0.5, may_go_on.set).start, None) if again else (may_go_on.set,)
    monkeypatch.setattr(batch.Journal, "put", put_late)
    with serving(respond) as server:
        client = limited_to(connections, server.base_url)
        running = batch.asyncio_run(requests(9), client=client, folder=tmp_path, concurrency=5)
        asyncio.run(cancelled(client, running, is_time, *then))
        assert len(server.arrived) == sent
    summary = batch.status(tmp_path)
    assert {name: getattr(summary, name) for name in left} == left
    assert not any(each.state == "not sent" for each in summary.problems)
    assert not summary.is_running


def test_an_error_of_the_caller_ends_the_run_and_loses_no_job(here: Here, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        batch.run(requests(1), **here, on_progress=fail)
    assert batch.status(tmp_path).unfinished == 1
    assert batch.run(requests(1), **here).done == 1


# What happens to the folder while a request is sent.
LOSSES: dict[str, Callable[[Path], object]] = {
    "moved": lambda folder: folder.rename(folder.with_name("moved")),
    "with another journal": lambda folder: Path(
        shutil.copy(folder / "journal.sqlite", folder / "copy")
    ).replace(folder / "journal.sqlite"),
    "cut": lambda folder: os.truncate(folder / "journal.sqlite", 0),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_the_error_for_a_lost_journal_has_all_jobs(lose: Any, tmp_path: Path) -> None:
    def lose_and_respond(connection: socket.socket) -> None:
        lose(folder)
        responding(200, {"request_id": "2"})(connection)

    folder = tmp_path / "videos"
    with serving(OK, DONE, FILE, lose_and_respond) as server:
        with pytest.raises(batch.JournalError, match="was removed, moved, cut or repl") as error:
            batch.run(requests(3), **at(server, folder), concurrency=1)
        assert len([each for each in server.arrived if each.startswith(b"POST")]) == 2
    assert error.value.jobs == {1: "1", 2: "2"}


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


@pytest.mark.parametrize("connections", [1, None])
def test_few_connections_are_waited_for(
    connections: int | None,
    client: AuthenticatedClient,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    few = limited_to(connections, client.base_url, timeout=5, pool=0.001)
    tasks: list[int] = []

    def count(*_: object) -> None:
        tasks.append(len(asyncio.all_tasks()))

    options: dict[str, Any] = {"concurrency": 1_000_000, "on_progress": count}
    assert batch.run(requests(20), client=few, folder=tmp_path, **options).done == 20
    assert not caplog.messages
    assert max(tasks) < 100  # as many as there are requests, and not as the concurrency


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


def test_a_batch_starts_while_others_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / ".journal.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        monkeypatch.setattr(time, "sleep", lambda _: fcntl.flock(file, fcntl.LOCK_UN))
        batch.Journal(tmp_path).close()


def test_a_disk_without_locks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="No locks available"):
        batch.Journal(tmp_path)


def test_an_address_is_the_same_however_spelt(client: AuthenticatedClient, tmp_path: Path) -> None:
    for url in ("{}", "{}/", "{}/v1", "{}/v1/"):
        other = AuthenticatedClient(url.format(client.base_url).replace("http", "HTTP"), TOKEN)
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


# What the gateway says, and the seconds until the next line. At this rate they are 0.15 or more.
PAUSES = {
    None: 0.15,
    errors.APIConnectionError(): 10,
    errors.RateLimitError(headers={}): 10,
    errors.RateLimitError(headers={"Retry-After": "30"}): 30,
    errors.RateLimitError(headers={"Retry-After": "0"}): 1,
}


def test_lines_wait_for_the_rate_and_for_a_busy_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def skip(stopped: Any, seconds: float) -> None:
        stopped.close()
        waited.append(seconds)
        raise TimeoutError

    async def send_lines() -> None:
        limiter = batch.RateLimiter(rate=400, patience=900)
        await limiter.acquire()
        for error in PAUSES:
            assert error is None or limiter.back_off(error)
            assert await limiter.acquire()

    monkeypatch.setattr(asyncio, "wait_for", skip)
    monkeypatch.setattr(_rate, "now", lambda: sum(waited))
    asyncio.run(send_lines())
    assert waited == pytest.approx(list(PAUSES.values()))


ODD = SCHEMA + "INSERT INTO entries (number, state) VALUES (1, 'odd')"  # noqa: S608 - our own
WITHOUT_JOB = ODD.replace("odd", "created")
# What is in the place of the journal, a file or a database, and what is wrong with it.
NOT_JOURNALS: list[tuple[bytes | str, str]] = [
    (b"", "no such table: entries"),
    (b"not a database" * 1000, "file is not a database"),
    ("CREATE TABLE entries (number, state)", "no such column: digest"),
    (ODD, "request 1 has no state"),
    (WITHOUT_JOB, "request 1 has no state"),
]


@pytest.mark.parametrize(("content", "why"), NOT_JOURNALS)
def test_what_is_not_a_journal_is_refused(content: bytes | str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.executescript(content)
    before = file.read_bytes()
    with pytest.raises(ValueError, match=f"is not the journal of a batch \\({why}\\); restore it"):
        batch.Journal(tmp_path)
    assert file.read_bytes() == before


def test_a_journal_counts_each_line_once_and_when_it_is_opened_again(tmp_path: Path) -> None:
    with batch.Journal(tmp_path) as journal:
        journal.put(batch.Entry(1, ""))
        journal.put(batch.Entry(1, "", 1, "created", "job"))
        for cost in (0.5, 1):
            journal.put(batch.Entry(1, "", 1, "done", "job", cost))
        failed = batch.Entry(2, "", 1, "failed", "job", cost=2)
        journal.put(failed)
        journal.put(batch.Entry(3, "", 1, "created", "job"))
        for before in (failed, None):
            entry = batch.Entry(2 if before else 4, "", 2)
            journal.put(entry)
            journal.remove(entry, before)
            assert journal.entries.get(entry.number) == before
        journal.put(batch.Entry(2, "", 2, "done", "job", cost=4, response=b"1" * 100))
    with batch.Journal(tmp_path) as again, batch.Journal(tmp_path, read_only=True) as reader:
        for each in (journal, again, reader):
            assert (+each.counts, each.cost) == ({"done": 2, "created": 1}, 7)
            assert [entry.response for entry in each.entries.values()] == [None] * 3


def test_a_commit_is_on_disk_before_it_counts(tmp_path: Path) -> None:
    with batch.Journal(tmp_path) as journal:
        (level,) = journal._connection.execute("PRAGMA synchronous").fetchone()
        assert level == 2  # a commit that has returned survives a crash of the machine
