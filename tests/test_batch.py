"""Batches from Python: what is sent, what is written down, and what comes back."""

import asyncio
import contextlib
import copy
import gc
import inspect
import pickle
import resource
import shutil
import socket
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

import relay
from bodies import TEXT
from conftest import Arrived, client_of, limited_to
from faults import OK, no_response, serving
from grok_imagine_video import AuthenticatedClient, CreateVideoRequest, ImageInput, batch, errors
from grok_imagine_video_runtime.batch import _limits
from making import load
from playing import GATEWAYS

Options = dict[str, Any]


def requests(count: int) -> list[CreateVideoRequest]:
    prompts = [f"lake {number}" for number in range(1, count + 1)]
    return [CreateVideoRequest.from_dict(TEXT | {"prompt": prompt}) for prompt in prompts]


class Gateway:
    """Responds to the n-th POST with the n-th outcome: a status, or a job and its price or None.

    The last outcome is that of all later ones. A job whose price is "lost" is not found, and one
    with "!" after its price fails.
    """

    def __init__(self, *outcomes: float | str | None) -> None:
        self.outcomes, self.posts, self.polls = outcomes, 0, 0
        self.before_post: Callable[[], object] = int
        self.video, self.tells_prices = httpx.Response(200, content=b"video"), True

    def respond(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.before_post()
            outcome = self.outcomes[min(self.posts, len(self.outcomes) - 1)]
            self.posts += 1
            if isinstance(outcome, int):
                return httpx.Response(outcome, headers={"x-request-id": str(self.posts)})
            return httpx.Response(200, json={"request_id": f"{self.posts}-{outcome}"})
        if request.url.path == "/v.mp4":
            return self.video
        self.polls += 1
        price = request.url.path.rpartition("-")[2]
        if price == "lost":
            return httpx.Response(404)
        usage = {}
        if price != "None" and self.tells_prices:
            usage = {"cost_in_usd_ticks": float(price.strip("!")) * 1e10}
        job = {"status": "done", "video": {"url": "/v.mp4"}, "usage": usage}
        job |= {"status": "failed"} if price.endswith("!") else {}
        return httpx.Response(200, json=job)

    def run(
        self, sent: Any, folder: Path, base_url: str = "https://a.example", **options: Any
    ) -> batch.Summary:
        transport = httpx.MockTransport(self.respond)
        client = client_of(base_url, httpx_args={"transport": transport})
        return batch.run(sent, client=client, folder=folder, **options)


def test_each_request_becomes_a_file_and_a_later_run_goes_on(
    client: AuthenticatedClient, arrived: list[Arrived], tmp_path: Path
) -> None:
    async def run_again() -> batch.Summary:
        async with copy.copy(client) as again:
            return await batch.asyncio_run(sent, client=again, folder=folder)

    assert inspect.signature(batch.run) == inspect.signature(batch.asyncio_run)
    assert pickle.loads(pickle.dumps(batch.run)) is batch.run
    seen: list[tuple[batch.Status, batch.Entry]] = []
    folder = tmp_path / "new" / "videos"
    fails = TEXT | {"prompt": "lake failed", "a": 1, "b": 2}
    sent = [*requests(2), CreateVideoRequest.unchecked(**fails)]
    options: Options = {"client": client, "folder": str(folder)}
    first = batch.run(iter(sent), **options, on_progress=lambda *update: seen.append(update))
    assert (first.total, first.done, first.failed, first.finished, first.queued) == (3, 2, 1, 3, 0)
    assert (round(first.cost, 2), first.stopped) == (0.4, None)
    (problem,) = first.problems
    assert (problem.number, problem.state) == (3, "failed")
    assert problem.job_id == next(entry.job_id for _, entry in seen if entry.number == 3)
    assert first == batch.status(folder)
    states = ["created", "created", "created", "done", "done", "failed"]
    assert sorted(entry.state for _, entry in seen) == states
    for status, _ in seen:  # each request is counted once, and none is unknown or unfinished
        assert status.running + status.finished + status.queued == 3
    assert (seen[-1][0].finished, seen[-1][0].running, seen[-1][0].cost) == (3, 0, first.cost)
    the_same = CreateVideoRequest.unchecked(**dict(reversed(fails.items())))
    sent[2:] = [the_same, *requests(4)[3:]]
    again = asyncio.run(run_again())
    assert (again.total, again.done, again.failed) == (4, 3, 1)
    assert again == batch.status(folder)
    assert len([request for request in arrived if request.method == "POST"]) == 4
    for number in (1, 2, 4):
        assert (folder / f"000{number}.mp4").read_bytes() == relay.VIDEO.read_bytes()


NO_JSON = CreateVideoRequest.unchecked(prompt=float("nan"))
IMAGE = ImageInput(url="https://a.example")
CHANGED: Any = CreateVideoRequest.from_dict(TEXT | {"reference_images": []})
CHANGED.reference_images.append(None)
ONE, TWO = requests(1), requests(2)
WRONG = load(Path(__file__).with_name("wrong.yaml"))
# What is to be sent after two requests, how, the kind of the error, and a part of what it says.
REFUSED: list[tuple[Any, Options, type[Exception], str]] = [
    (ONE[0], {}, TypeError, "requests must be a list of requests: pass"),
    ([IMAGE], {}, TypeError, "ImageInput must be the model of one operation that"),
    ([*ONE, IMAGE], {}, ValueError, "request 2 cannot be sent: 'body' must be CreateVideoRequest"),
    ([*TWO, NO_JSON], {}, ValueError, "request 3 cannot be sent: Out of range float"),
    ([*TWO, CHANGED], {}, ValueError, "request 3 cannot be sent: 'reference_images' must be Ref"),
    (requests(3), {}, ValueError, "0003.mp4 exists, and no run of this batch saved it"),
    (ONE, {}, ValueError, "there is no request 2, which was sent"),
    (TWO[::-1], {}, ValueError, "request 1 has changed since it was sent. Undo the change, or use"),
    (TWO, {"base_url": "https://b.example"}, ValueError, "sent to HTTPS://A.example/v1, not to"),
    (TWO, {"folder": Path(__file__)}, OSError, "File exists: "),
]
REFUSED += [(TWO, row["options"], ValueError, row["told"]) for row in WRONG["values in batches"]]
REFUSED += [(TWO, row["options"], TypeError, row["told"]) for row in WRONG["types in batches"]]


@pytest.mark.parametrize(("sent", "options", "error", "message"), REFUSED)
def test_what_cannot_be_sent_is_refused_before_anything_is_sent(
    sent: Any, options: Options, error: Any, message: str, tmp_path: Path
) -> None:
    gateway = Gateway(0.2)
    for base_url in ("https://a.example", "https://a.example/", "HTTPS://A.example/v1"):
        assert gateway.run(TWO, tmp_path, base_url).done == 2  # it is the same, however spelt
    (tmp_path / "0003.mp4").touch()
    with pytest.raises(error, match=message):
        gateway.run(sent, **Options(folder=tmp_path) | options)
    assert gateway.posts == 2


def test_the_model_of_several_operations_is_refused(tmp_path: Path, monkeypatch: Any) -> None:
    package = AuthenticatedClient.package
    twice = package._replace(jobs=lambda: [*package.jobs()] * 2)
    monkeypatch.setattr(AuthenticatedClient, "package", twice)
    with pytest.raises(TypeError, match="CreateVideoRequest must be the model of one operation"):
        Gateway(0.2).run(ONE, tmp_path)


class Lazy(Sequence[CreateVideoRequest]):
    """Large requests that are made as they are asked for."""

    def __len__(self) -> int:
        return 60

    def __getitem__(self, index: Any) -> Any:
        prompt = f"{range(60)[index]} " + "x" * 1_000_000
        return CreateVideoRequest.from_dict(TEXT | {"prompt": prompt})


def test_few_requests_are_in_memory_at_the_same_time(tmp_path: Path) -> None:
    tracemalloc.start()
    assert Gateway(400).run(Lazy(), tmp_path, concurrency=2).refused == 60
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


# What is slow when the run is cancelled, the connections, whether it is cancelled once more, and
# the states after that: what has not left is not sent, and no job is lost.
CANCELS: list[tuple[str, int, bool, Options]] = [
    ("unknown", 3, False, {"queued": 9}),
    ("created", 3, True, {"unfinished": 3, "queued": 6}),
    ("response", 2, False, {"unfinished": 2, "queued": 7}),
    ("response", 3, True, {"unknown": 3, "queued": 6}),
]


@pytest.mark.parametrize(("slow", "connections", "again", "left"), CANCELS)
def test_cancelling_waits_for_responses_and_for_the_journal(
    slow: str, connections: int, again: bool, left: Options, tmp_path: Path, monkeypatch: Any
) -> None:
    def put_late(journal: batch.Journal, entry: batch.Entry) -> None:
        if entry.state == slow:
            waiting.append(slow)
            may_go_on.wait(20)
        put(journal, entry)

    def respond(connection: socket.socket) -> None:
        if slow == "response":
            waiting.append(slow)
            may_go_on.wait(20)
        OK(connection)
        responded.append(connection)

    def cancel_everything() -> None:  # as asyncio does at the second Ctrl-C
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def cancel() -> None:
        running = batch.asyncio_run(requests(9), client=client, folder=tmp_path, concurrency=5)
        task = asyncio.create_task(running)
        while not (waiting and len(server.arrived if slow == "response" else responded) == sent):
            assert not task.done()
            await asyncio.sleep(0.001)
        last: list[Any] = [timer.start, cancel_everything] if again else [may_go_on.set]
        for act in (task.cancel, *last):
            act()
            for _ in range(100):  # what has arrived is read meanwhile
                await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.aclose()

    may_go_on, put = threading.Event(), batch.Journal.put
    timer, waiting, responded = threading.Timer(0.5, may_go_on.set), list[str](), list[Any]()
    sent = connections * (slow != "unknown")
    monkeypatch.setattr(batch.Journal, "put", put_late)
    with serving(respond) as server:
        client = limited_to(connections, server.base_url)
        asyncio.run(cancel())
        assert len(server.arrived) == sent
    summary = batch.status(tmp_path)
    assert {name: getattr(summary, name) for name in left} == left
    assert (summary.refused, summary.is_running) == (0, False)


def test_an_error_of_the_caller_ends_the_run_and_loses_no_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object, entry: batch.Entry) -> None:
        if entry.number > 5:
            raise LookupError("mine")

    gateway, options = Gateway(0.2), Options(concurrency=10)
    with pytest.raises(LookupError, match="mine"):
        gateway.run(requests(60), tmp_path, **options, on_progress=fail)
    first = batch.status(tmp_path)
    assert (first.done + first.unfinished, first.unknown) == (gateway.posts, 0)
    assert (gateway.run(requests(60), tmp_path, **options).done, gateway.posts) == (60, 60)
    gc.collect()
    assert "never retrieved" not in caplog.text  # by asyncio, as a traceback


def test_a_callback_that_cancels_its_task_holds_up_no_other_request(tmp_path: Path) -> None:
    def cancel(_: object, entry: batch.Entry) -> None:
        if entry.number == 2:
            raise asyncio.CancelledError

    gateway = Gateway(0.2)
    summary = gateway.run(requests(3), tmp_path, concurrency=1, on_progress=cancel)
    assert (gateway.posts, summary.done, summary.unfinished) == (3, 2, 1)


def fill_disk(_: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


# What happens to the journal while request 2 is sent.
LOSSES: dict[str, Callable[[Path], object]] = {
    "moved": lambda file: file.rename(file.with_name("moved")),
    "replaced": lambda file: shutil.move(shutil.copy(file, file.with_name("copy")), file),
    "spoiled": lambda file: file.write_bytes(b"no database" * 2000),
    "full": fill_disk,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_journal_or_a_full_disk_stops_the_batch_and_loses_no_job(
    loss: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def lose(_: batch.Status, entry: batch.Entry) -> None:
        if entry.state == "done":
            gateway.before_post = lambda: LOSSES[loss](tmp_path / "journal.sqlite")

    gateway, limit = Gateway(0.2), resource.getrlimit(resource.RLIMIT_FSIZE)
    why, jobs = "was removed, moved or replaced: put it back", {1: "1-0.2", 2: "2-0.2"}
    if loss in ("full", "spoiled"):
        why, jobs = "cannot be written: ", jobs if loss == "spoiled" else {2: "2-0.2"}
    try:
        with pytest.raises(batch.JournalError, match=f"journal.sqlite {why}") as error:
            gateway.run(requests(3), tmp_path, concurrency=1, on_progress=lose)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (error.value.jobs, gateway.posts) == (jobs, 2)
    assert "request 2: its job is 2-0.2, which is not in the journal" in caplog.text


@pytest.mark.parametrize("connections", [1, None])
def test_few_connections_are_waited_for(
    connections: int | None, base_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    few = limited_to(connections, base_url, timeout=5, pool=0.001)
    options: Options = {"client": few, "folder": tmp_path, "concurrency": 1_000_000}
    assert batch.run(requests(20), **options).done == 20
    assert not caplog.messages


def test_a_run_that_is_cancelled_at_once_leaves_the_folder_free(tmp_path: Path) -> None:
    async def cancel_at_once(turns: int) -> None:
        async with client_of("http://127.0.0.1:9") as client:
            task = asyncio.create_task(batch.asyncio_run(ONE, client=client, folder=tmp_path))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    for turns in range(1, 8):
        asyncio.run(cancel_at_once(turns))
        with batch.Journal(tmp_path):
            pass


def test_what_is_sent_again_is_an_attempt_of_its_own_whose_price_counts_too(tmp_path: Path) -> None:
    gateway, path = Gateway("0.3!", 0.2, 500, 400), tmp_path / "0001.mp4"
    first = gateway.run(ONE, tmp_path)
    assert (first.failed, first.cost) == (1, 0.3)
    path.touch()  # it is nobody's: the job has failed
    assert gateway.run(ONE, tmp_path).failed == 1
    path.unlink()
    again = gateway.run(ONE, tmp_path, resend=["failed"])
    assert (again.done, again.cost) == (1, 0.5)
    assert gateway.run(TWO, tmp_path).unknown == 1
    refused = gateway.run(TWO, tmp_path, resend=["unknown"])
    assert (refused.unknown, refused.refused, gateway.posts) == (1, 0, 4)
    (problem,) = refused.problems
    assert problem.reason.startswith("it was sent again and refused: 400: ")


# What happens to three requests while the first is sent, how many are, and why no more are.
EDITS: list[tuple[Callable[[list[Any]], object], int, str]] = [
    (lambda sent: sent.reverse(), 2, "request 3 has changed since it was checked: undo the change"),
    (lambda sent: sent.insert(2, "lake"), 2, "request 3 cannot be sent: 'body' must be Create"),
    (lambda sent: sent.append(sent[0]), 3, "None"),  # the new one is left to the next run
]


@pytest.mark.parametrize(("edit", "posts", "why"), EDITS)
def test_what_is_sent_is_what_was_checked(edit: Any, posts: int, why: str, tmp_path: Path) -> None:
    gateway, sent = Gateway(0.2), requests(3)
    gateway.before_post = lambda: gateway.posts or edit(sent)
    summary = gateway.run(sent, tmp_path, concurrency=1)
    assert (gateway.posts, summary.done, summary.total) == (posts, posts, 3)
    assert str(summary.stopped).startswith(why)


def test_what_cannot_run_here_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async def run(*, is_closed: bool) -> None:
        client = client_of("https://a.example")
        if is_closed:
            await client.aclose()
            await batch.asyncio_run(ONE, client=client, folder=tmp_path)
        batch.run(ONE, client=client, folder=tmp_path)

    with pytest.raises(RuntimeError, match=r"await batch\.asyncio_run\(\.\.\.\) instead"):
        asyncio.run(run(is_closed=False))
    with pytest.raises(RuntimeError, match="this client is closed"):
        asyncio.run(run(is_closed=True))
    assert batch.status(tmp_path).queued == 1


# What the gateway says, and the seconds until the next line. At this rate they are 0.15 or more.
PAUSES = {
    None: 0.15,
    errors.APIConnectionError(): 10,
    errors.RateLimitError(headers={}): 10,
    errors.RateLimitError(headers={"Retry-After": "30"}): 30,
    errors.RateLimitError(headers={"Retry-After": "0"}): 1,
}


def test_lines_wait_for_the_rate_and_for_a_busy_gateway(monkeypatch: Any, caplog: Any) -> None:
    waited: list[float] = []

    async def skip(stopped: Any, seconds: float) -> None:
        stopped.close()
        waited.append(seconds)
        raise TimeoutError

    async def send_lines() -> None:
        limiter = batch.RateLimiter(rate=400, patience=45)
        await limiter.acquire()
        for error in PAUSES:
            if error is not None:
                limiter.back_off(error)
            assert await limiter.acquire()
            limiter.record()  # an outcome starts the patience anew
        limiter.back_off(errors.APIConnectionError())
        before = limiter.stopped
        limiter.back_off(errors.RateLimitError(headers={"Retry-After": "46"}))
        assert (before, limiter.stopped) == (None, "RateLimitError")
        assert not await limiter.acquire()

    monkeypatch.setattr(asyncio, "wait_for", skip)
    monkeypatch.setattr(_limits, "now", lambda: sum(waited))
    asyncio.run(send_lines())
    assert waited == pytest.approx(list(PAUSES.values()))
    assert [record.event for record in caplog.records] == ["waiting", "stopped"]


def test_ten_unknown_outcomes_in_a_row_stop_a_batch() -> None:
    limiter = batch.RateLimiter()
    for unknown in [*["lost"] * 9, None, *["lost"] * 10]:
        assert limiter.stopped is None
        limiter.record(unknown)
    assert limiter.stopped == "10 requests in a row have an unknown outcome: lost"


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000])
def test_what_is_not_a_journal_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"is not the journal of a batch \(.+\); restore it, or"):
        batch.Journal(tmp_path)
    assert file.read_bytes() == content


def test_a_journal_has_the_latest_attempts_and_the_prices_of_all(tmp_path: Path) -> None:
    with batch.Journal(tmp_path) as journal:
        (level,) = journal._connection.execute("PRAGMA synchronous").fetchone()
        assert level == 2  # a commit that has returned survives a crash of the machine
        journal.put(batch.Entry(1, "", 1, "created", "job"))
        for cost in (0.5, 1):
            journal.put(batch.Entry(1, "", 1, "done", "job", cost))
        journal.put(failed := batch.Entry(2, "", 1, "failed", "job", cost=2))
        journal.put(batch.Entry(3, "", 1, "created", "job"))
        for entry, before in (batch.Entry(2, "", 2), failed), (batch.Entry(4, ""), None):
            journal.put(entry)
            journal.remove(entry)
            assert journal.entries.get(entry.number) == before
        journal.put(batch.Entry(2, "", 2, "done", "job", cost=4, response=b"1" * 100))
    with batch.Journal(tmp_path) as again, batch.Journal(tmp_path, read_only=True) as reader:
        for opened in (again, reader):
            assert (opened.entries, opened.prices) == (journal.entries, (7, 4, 1))
            assert [entry.response for entry in opened.entries.values()] == [None] * 3


def test_one_batch_runs_in_a_folder_and_others_see_it(tmp_path: Path) -> None:
    with batch.Journal(tmp_path) as journal:
        journal.describe("https://a.example", "", 4)
        journal.put(batch.Entry(1, "", state="created", job_id="job"))
        journal.put(batch.Entry(2, ""))
        journal.put(batch.Entry(3, "", error="lost"))
        with pytest.raises(ValueError, match="another batch is running in /"):
            batch.Journal(tmp_path)
        seen = batch.status(tmp_path)
    assert (seen.is_running, seen.running, seen.unknown, seen.queued) == (True, 2, 1, 1)
    seen = batch.status(tmp_path)
    assert (seen.is_running, seen.running, seen.unknown, seen.unfinished) == (False, 0, 2, 1)
    reasons = [(problem.number, problem.reason) for problem in seen.problems]
    assert reasons == [(1, ""), (2, "stopped before a response came"), (3, "lost")]


@pytest.mark.parametrize("concurrency", [1, 20])
@pytest.mark.parametrize("row", GATEWAYS["budgets"], ids=lambda row: row["what"])
def test_a_budget_is_kept_at_the_dearest_price(row: Any, concurrency: int, tmp_path: Path) -> None:
    gateway, seen = Gateway(*row["outcomes"]), list[batch.Status]()
    options: Options = {"budget": 1.0, "concurrency": concurrency}
    options["on_progress"] = lambda status, _: seen.append(status)
    summary = gateway.run(requests(12), tmp_path, **options)
    assert (gateway.posts, summary.queued) == (row["sent"], 12 - row["sent"])
    assert str(summary.stopped).startswith(row["stopped"])
    is_free = row["what"] == "free"
    assert summary.is_over_budget is not is_free
    assert is_free or all(status.running <= 1 for status in seen if not status.cost)
    if not is_free:
        assert gateway.run(requests(12), tmp_path, **options).is_over_budget  # the next run too
        assert gateway.posts == row["sent"]


# At this rate no request is sent before the price of the one before it is known.
@pytest.mark.parametrize("options", [{"rate": 60_000 / 50}, {"concurrency": 1}])
def test_a_price_counts_as_soon_as_it_is_known(options: Options, tmp_path: Path) -> None:
    gateway = Gateway(0.1, 3.0)
    gateway.video = httpx.Response(403)  # what cannot be saved is paid for too
    summary = gateway.run(requests(9), tmp_path, budget=5, **options)
    assert (gateway.posts, summary.cost, summary.is_over_budget) == (2, 3.1, True)
    assert (summary.unfinished, summary.queued) == (2, 7)
    assert gateway.run(requests(9), tmp_path, budget=5).cost == 3.1  # told again, and counted once
    gateway.video, gateway.tells_prices = httpx.Response(200, content=b"video"), False
    again = gateway.run(requests(9), tmp_path, budget=5, **options)
    assert (gateway.posts, again.done, again.cost) == (2, 2, 3.1)
    assert batch.status(tmp_path).cost == 3.1


def test_a_price_that_is_told_while_a_request_is_written_down_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put_late(journal: batch.Journal, entry: batch.Entry) -> None:
        if (entry.number, entry.state) == (3, "unknown"):
            is_told.wait(20)
        put(journal, entry)

    def tell(status: batch.Status, _: batch.Entry) -> None:
        if status.done == 2:
            is_told.set()

    gateway, is_told, put = Gateway(0.1, 0.2), threading.Event(), batch.Journal.put
    monkeypatch.setattr(batch.Journal, "put", put_late)
    summary = gateway.run(requests(3), tmp_path, budget=0.3, on_progress=tell)
    assert (gateway.posts, summary.queued, summary.is_over_budget) == (2, 1, True)


def test_two_runs_that_get_past_the_lock_do_not_send_a_request_twice(tmp_path: Path) -> None:
    def run_another() -> None:
        gateway.before_post = int
        (tmp_path / ".journal.lock").unlink()
        thread = threading.Thread(target=gateway.run, args=(requests(3), tmp_path))
        thread.start()
        thread.join()

    gateway = Gateway(0.2)
    gateway.before_post = run_another
    with pytest.raises(batch.JournalError, match="UNIQUE constraint failed"):
        gateway.run(requests(3), tmp_path, concurrency=1)
    assert gateway.posts == 3


def test_what_is_refused_for_now_is_sent_again(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(_limits, "LONG_PAUSE", 0.01)
    gateway = Gateway(429, 429, 0.2, 429, 0.2)
    summary = gateway.run(TWO, tmp_path, budget=1)
    assert (summary.done, summary.cost, gateway.posts) == (2, 0.4, 5)


def test_a_refused_request_is_counted_and_sent_again_by_the_next_run(tmp_path: Path) -> None:
    gateway = Gateway(400, 400, 0.2)
    first = gateway.run(requests(3), tmp_path, source="a", concurrency=1)
    assert (first.done, first.refused, first.queued) == (1, 2, 0)
    problems = {(problem.state, problem.reason) for problem in first.problems}
    assert problems == {("refused", "400: Bad Request")}  # one reason, without request ids
    shown = batch.status(tmp_path)
    assert (shown.done, shown.refused, shown.queued, shown.source) == (1, 0, 2, "a")
    again = gateway.run(requests(3), tmp_path)
    assert (again.done, again.problems, again.source, gateway.posts) == (3, (), "a", 5)


def test_a_person_finds_results(tmp_path: Path) -> None:
    gateway = Gateway(500, 0.2, "0.2!")
    first = gateway.run(ONE, tmp_path)
    assert (first.unknown, first.stopped) == (1, None)
    (tmp_path / "0001.mp4").touch()
    again = gateway.run(requests(3), tmp_path, concurrency=1, resend=["failed", "unknown"])
    assert (again.done, again.failed, again.unfinished, again.stopped) == (2, 1, 0, None)
    assert (tmp_path / "0001.mp4").read_bytes() == b""
    assert gateway.posts == 3  # what has failed in this run is left to the next one


def test_an_unfinished_request_is_sent_again_on_demand_alone(tmp_path: Path) -> None:
    gateway = Gateway("lost", "lost", 0.2, 400)
    first = gateway.run(TWO, tmp_path, concurrency=1)
    assert [problem.state for problem in first.problems] == ["unfinished"] * 2
    assert all("404: nothing at" in problem.reason for problem in first.problems)
    listed = [(problem.number, problem.job_id) for problem in batch.status(tmp_path).problems]
    assert listed == [(1, "1-lost"), (2, "2-lost")]
    followed = gateway.run(TWO, tmp_path, resend=["failed", "unknown"])
    assert (followed.unfinished, gateway.posts) == (2, 2)
    again = gateway.run(TWO, tmp_path, resend=["unfinished"], only=[2])
    assert (again.done, again.unfinished, gateway.posts) == (1, 1, 3)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as connection:
        jobs = connection.execute("SELECT job_id FROM entries WHERE number = 2 ORDER BY attempt")
        assert jobs.fetchall() == [("2-lost",), ("3-0.2",)]
    refused = gateway.run(TWO, tmp_path, resend=["unfinished"])
    (problem,) = refused.problems
    assert (problem.state, problem.job_id) == ("unfinished", "1-lost")
    assert problem.reason.startswith("it was sent again and refused: ")
    assert (gateway.posts, gateway.polls) == (4, 5)  # the job is left to the next run
    assert batch.status(tmp_path).unfinished == 1


def test_a_result_that_cannot_be_saved_stops_the_batch(tmp_path: Path) -> None:
    gateway, path = Gateway(0.2), tmp_path / "0001.mp4"
    gateway.before_post = path.mkdir
    summary = gateway.run(TWO, tmp_path, concurrency=1)
    assert (gateway.posts, summary.unfinished, summary.queued) == (1, 1, 1)
    assert summary.stopped == f"{path}: exists and is not a file"


def test_the_timeout_of_the_client_holds(tmp_path: Path) -> None:
    with serving(no_response) as server:
        brief = client_of(server.base_url, timeout=60).with_timeout(0.1)
        assert batch.run(ONE, client=brief, folder=tmp_path).unknown == 1
