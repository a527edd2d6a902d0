"""Batches: the outcome of each request, in one run and in later runs."""

import asyncio
import contextlib
import itertools
import re
import resource
import shutil
import signal
import socket
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

import relay
from bodies import TEXT, URL, Body
from conftest import compact
from faults import OK, hang_up, no_response, responding
from grok_imagine_video import _files, errors
from grok_imagine_video.batch import Entry, Journal, RateLimiter, _rate
from grok_imagine_video.batch._journal import SCHEMA
from scripts import LAKES, Batch, as_line, ended

ERROR = {"error": {"message": "额度不足"}}
ERROR_SHOWN = r"\u989d\u5ea6\u4e0d\u8db3"  # on a terminal that has ASCII alone
ONE, TWO, THREE = map(as_line, LAKES)


@pytest.fixture
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(_rate, "SHORT_PAUSE", 0.01)
    return Batch(request)


def test_each_line_becomes_a_video_and_is_sent_once(batch: Batch) -> None:
    in_flight: list[int] = []

    def count(connection: socket.socket) -> None:
        in_flight.append(len(batch.prompts()) - len(list(batch.videos.glob("*.mp4"))))
        batch.forward(connection)

    batch.write(two_lines := b"\xef\xbb\xbf" + ONE + b"\r\n  \n" + TWO)
    with batch.gateway(count):
        first = batch.run()
        counts = "2 requests: 2 done, 0 failed, 0 unknown, 0 unfinished, 0 not sent"
        assert (first.code, first.out) == (0, f"{counts}; $0.40 reported so far\n")
        assert "0 of 2 done, 2 running, $0.00" in first.err
        in_flight.clear()
        batch.write(two_lines, THREE * 9)
        assert batch.run("--concurrency", 3).code == 0
        idle = batch.run()
        assert (idle.code, idle.err) == (0, "")
        assert sorted(batch.prompts()) == ["lake 1", "lake 2", *["lake 3"] * 9]
    assert max(in_flight) == 3
    names = [f"{number:04}.mp4" for number in (1, 4, *range(5, 14))]
    videos = {path.name: path.read_bytes() for path in batch.videos.glob("*.mp4")}
    assert videos == dict.fromkeys(names, relay.VIDEO.read_bytes())


MISSPELT = "the spec has no '{}' (did you mean '{}'?); --extra sends it as it is"
BAD_LINES = [
    (b"{", "not JSON: Expecting property name"),
    (b'{"prompt": "\xff"}', "not UTF-8"),
    # half a surrogate pair
    (as_line(TEXT | {"prompt": "\ud800"}), "request 4 cannot be sent: 'utf-8' codec"),
    (b"[]", "a JSON object is needed"),
    (as_line(TEXT | {"x": float("nan")}), "JSON has no NaN"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"prompt": 1, "prompt": 2}', "'prompt' occurs twice"),
    (as_line(TEXT | {"duration": 99}), "'duration' must be <= 15: 99"),
    (as_line(TEXT | {"duration": "4"}), "'duration'"),
    (
        as_line(TEXT | {"refernce_images": []}),
        MISSPELT.format("refernce_images", "reference_images"),
    ),
    (as_line(TEXT | {"image": {"url": URL, "ur": 1}}), MISSPELT.format("image.ur", "url")),
    (
        as_line(TEXT | {"reference_images": [{}, {"URLs": URL}]}),
        "the spec has no 'reference_images.1.URLs'; --extra sends it as it is",
    ),
    (as_line(TEXT | {"prompt": "\n"}), "'prompt' must not be blank: '\\n'"),
    *[(b"{}", "'model'")] * 9,
]


def test_bad_lines_are_named_up_to_a_limit_and_nothing_is_sent(batch: Batch) -> None:
    batch.write(ONE, *(line.strip() + b"\n" for line, _ in BAD_LINES))
    refused = batch.run()
    *named, last = refused.err.splitlines()
    assert (refused.code, refused.out) == (2, "")
    assert last.endswith("prompts.jsonl: 22 of 23 requests cannot be sent; nothing was sent")
    for number, (said, (_, why)) in enumerate(zip(named, BAD_LINES[:20], strict=True), 2):
        assert said.startswith(f"prompts.jsonl:{number}: {why}")
    batch.write(b"\n \n")
    assert batch.run().err.endswith("prompts.jsonl: the file has no requests\n")
    assert not batch.arrived
    assert not batch.videos.exists()


def test_fields_that_the_spec_lacks_are_sent_if_they_are_meant(batch: Batch) -> None:
    batch.write(line := TEXT | {"image": {"url": URL, "detail": 1}, "seed": 2})
    assert batch.run("--extra").code == 0
    batch.write(dict(reversed((line | {"duration": 4.0}).items())))  # the same request
    assert batch.run("--extra").code == 0
    assert batch.sent() == [line]


UNCLEAR = "request 1 unknown: it may have been carried out"
NO_ID = "request 1 unknown: the job was accepted, but no known place has its id"
# The status and the body of each response, the requests until the batch stops, its exit code,
# and what is printed. 0: the gateway hangs up. None: there is none.
GATEWAYS: dict[tuple[int | None, bytes], tuple[int, int, str]] = {
    (400, compact(ERROR)): (15, 4, f"request 1 not sent: status 400: {ERROR_SHOWN}"),
    (401, b""): (1, 1, "request 1: status 401: Unauthorized; no more requests are sent"),
    (402, b""): (1, 1, "request 1: status 402: Payment Required; no more requests are sent"),
    (403, b""): (1, 1, "request 1: status 403: Forbidden; no more requests are sent"),
    (429, b""): (1, 4, "status 429: Too Many Requests; no more requests are sent"),
    (None, b""): (0, 4, "(nothing was sent); no more requests are sent"),
    (0, b""): (10, 3, "request 1 unknown: POST http"),
    (302, compact(ERROR)): (10, 3, "request 1 unknown: redirected to http"),
    (408, b"{}"): (10, 3, UNCLEAR),
    (500, b""): (10, 3, UNCLEAR),
    (200, b"<html>"): (10, 3, "request 1 unknown: the body is not what"),
    (200, b'{"taskId": "x1"}'): (10, 3, NO_ID),
    (200, b'{"id": "\\ud800"}'): (10, 3, NO_ID),
}


@pytest.mark.parametrize(("status", "content"), GATEWAYS)
def test_a_line_is_sent_again_only_if_it_certainly_created_no_job(
    status: int | None, content: bytes, batch: Batch
) -> None:
    batch.write(*LAKES * 5)
    sent, code, message = GATEWAYS[status, content]
    unknown = 10 if code == 3 else 0
    fault = responding(status, content, Location="/", Retry_After="60") if status else hang_up
    dead = {"GROK_BASE_URL": "http://127.0.0.1:9"} if status is None else {}
    with batch.gateway(*[fault] * sent, responding(400)):
        first = batch.run("--concurrency", 1, "--timeout", 0.5, **dead)
        assert (first.code, len(batch.arrived)) == (code, sent)
        assert message in first.out + first.err
        assert first.err.count("; no more requests are sent") == (sent < 15)
        assert f"{unknown} unknown, 0 unfinished, {15 - unknown} not sent" in first.out
        kept = ("unknown", content if status else None)  # for a person to read
        assert batch.journal("state", "response") == [kept] * unknown
        again = batch.run()
        assert (again.code, len(batch.arrived)) == (3 if unknown else 4, sent + 15 - unknown)


def test_a_refusal_shows_that_the_requests_may_be_the_cause(batch: Batch) -> None:
    batch.write(*LAKES * 7)
    with batch.gateway(*[hang_up] * 9, responding(400), hang_up):
        run = batch.run("--concurrency", 1)
        assert len(batch.arrived) == 20  # ten unknown ones in a row, after the refusal
    assert "19 unknown, 0 unfinished, 2 not sent" in run.out


def test_resend_unknown_sends_each_unknown_line_once_more(batch: Batch) -> None:
    again, refusals = "--resend-unknown", [responding(400, ERROR)] * 2
    with batch.gateway(*[hang_up] * 3, *refusals, batch.forward):
        assert batch.run().code == 3
        shutil.copy(relay.VIDEO, batch.videos / "0002.mp4")  # found by a person
        assert batch.run(again).code == 3
        assert sorted(batch.prompts()[3:]) == ["lake 1", "lake 3"]
        assert batch.states() == {1: "unknown", 2: "done", 3: "unknown"}
        assert batch.run().code == 3
        assert len(batch.arrived) == 5
        assert batch.run(again).code == 0
        assert batch.run(again).code == 0
        assert sorted(batch.prompts()[5:]) == ["lake 1", "lake 3"]


FAILED = {"status": "FAILED", "error": {"code": "broken", "message": "No."}}
WITHHELD = {"status": "done", "video": {"respect_moderation": False}}
DONE = {"status": "done", "video": {"url": "/v.mp4"}}
PRICE, NO_PRICE = {"cost_in_usd_ticks": 10**9}, {"cost_in_usd_ticks": -1}
NO_PRICES: list[Any] = [None, 1, {}, NO_PRICE, {"cost_in_usd_ticks": "1"}]
# The last response of a job, and why its line failed.
JOBS: list[tuple[Body, str]] = [
    (FAILED | {"usage": PRICE}, "the job is failed: broken: No."),
    ({"status": "expired"}, "the job is expired"),
    (WITHHELD | {"usage": PRICE}, "moderation withheld the result"),
    (DONE | {"usage": PRICE}, ""),
    (DONE | {"usage": {"cost_in_usd_ticks": 10**30}}, ""),
    *((DONE | {"usage": usage}, "") for usage in NO_PRICES),
]


def test_a_job_that_ended_is_summed_up_and_not_tried_again(batch: Batch) -> None:
    batch.write(*[ONE] * len(JOBS))
    faults = [[OK, responding(200, job), *[responding(200, b"v")] * (not why)] for job, why in JOBS]
    with batch.gateway(*itertools.chain(*faults), hang_up):
        for _ in range(2):
            run = batch.run("--concurrency", 1)
            assert (run.code, len(batch.arrived)) == (1, sum(map(len, faults)))
            assert run.out.startswith("10 requests: 7 done, 3 failed, 0 unknown, 0 unfinished, ")
            assert "; $0.30 reported so far" in run.out
            (batch.videos / "0001.mp4").touch()  # is not the video of a line that failed
            for number, (_, why) in enumerate(JOBS, 1):
                assert not why or f"request {number} failed: {why}" in run.out
        assert sum(b"GET /v.mp4" in request for request in batch.arrived) == 7


# What a gateway says of a job that it does not have any more, or of one without a video.
LOST = [
    (404, ERROR, "the gateway does not find its job 1 \\(.*status 404.*can be forgotten"),
    (200, {"code": "gone", "message": "no job"}, "can be forgotten"),
    (200, {"status": "done"}, "can be forgotten"),
]


@pytest.mark.parametrize(("status", "content", "why"), LOST)
def test_a_lost_job_is_not_paid_for_again_and_ended_by_a_person(
    status: int, content: Any, why: str, batch: Batch
) -> None:
    batch.write(ONE)
    lost, other = responding(status, content), responding(403, ERROR)
    with batch.gateway(OK, lost, other, lost):
        first = batch.run()
        assert (first.code, batch.states()) == (4, {1: "created"})
        assert re.search(f"request 1 unfinished: .*{why}", first.out)
        assert "--forget NUMBER ends" in first.out
        message = "batch: request 2 cannot be forgotten: no job was created for it"
        assert_refused(batch, message, "--forget", 2)
        assert batch.run("--forget", 1).code == 4  # another error is no reason to end the line
        for words in (["--forget", 1], ["--forget", 1], ["--resend-unknown"]):
            ended = batch.run(*words)
            assert (ended.code, batch.states()) == (1, {1: "failed"})
            assert "request 1 failed: forgotten, job 1: " in ended.out
        assert batch.prompts() == ["lake 1"]


def test_a_file_that_is_not_the_video_is_kept_and_not_counted(batch: Batch) -> None:
    def forward_late(connection: socket.socket) -> None:
        file.write_bytes(b"of a person")
        batch.forward(connection)

    batch.write(ONE, TWO)
    file = batch.videos / "0001.mp4"
    with batch.gateway(batch.forward, batch.forward, forward_late, batch.forward):
        first = batch.run("--concurrency", 1)
        assert (first.code, file.read_bytes()) == (4, b"of a person")
        assert "is another file; move it away" in first.out
        assert batch.states() == {1: "created", 2: "done"}
        file.unlink()
        assert batch.run().code == 0
    assert file.read_bytes() == relay.VIDEO.read_bytes()


def test_the_next_run_follows_an_unfinished_job_and_keeps_a_video_that_was_saved(
    batch: Batch,
) -> None:
    batch.write(ONE, TWO)
    missing, pending = responding(404, ERROR), responding(200, {"status": "pending"})
    with batch.gateway(batch.forward, missing, batch.forward, pending, pending, batch.forward):
        first = batch.run("--timeout", 0.5, "--concurrency", 1)
        assert first.code == 4
        assert "request 1 unfinished: the gateway does not find its job " in first.out
        assert "request 2 unfinished: the job had not ended after 0.5 seconds" in first.out
        assert batch.states() == {1: "created", 2: "created"}
        shutil.copy(relay.VIDEO, batch.videos / "0001.mp4")  # and then the run was killed
        others = {"x.part", "0123456789abcdef.part", "x.0123456789abcdef.part"}
        left = _files.temporary_path(batch.videos / "v.mp4")
        for name in (left.name, ".0123456789abcdef.part", *others):
            (batch.videos / name).touch()
        second = batch.run("--forget", 1)  # the gateway has it again
        assert second.code == 0
        assert batch.prompts() == ["lake 1", "lake 2"]
    assert "2 done" in second.out
    assert "$0.40" in second.out
    videos = {"0001.mp4", "0002.mp4"}
    assert {path.name for path in batch.videos.iterdir()} == {*others, *videos, *JOURNAL}


JOURNAL = {"journal.sqlite", ".journal.lock"}


def assert_refused(batch: Batch, message: str, *words: object) -> None:
    refused = batch.run(*words)
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1)
    assert message in refused.err


def test_lines_and_gateways_are_not_mixed_up_after_lines_were_sent(batch: Batch) -> None:
    batch.write(ONE, TWO)
    assert batch.run().code == 0
    for number, lines in (
        (1, [as_line(TEXT), TWO, THREE]),
        (1, [TWO, ONE, THREE]),
        (1, [b"\n", ONE, TWO, THREE]),
        (2, [ONE, THREE]),
    ):
        batch.write(*lines)
        assert_refused(batch, f"batch: request {number} is not the one that was sent; ")
    batch.write(ONE, TWO, THREE)
    with batch.gateway(no_response) as server:
        assert_refused(batch, "the previous requests were sent to http://")
        assert not server.arrived
    assert len(batch.prompts()) == 2
    assert batch.run().code == 0


def test_a_folder_that_cannot_be_used_is_refused(batch: Batch) -> None:
    batch.videos.mkdir()
    with contextlib.closing(Journal(batch.videos)):
        assert_refused(batch, "another batch is running in videos; wait for it, or use another")
    (batch.videos / "0001.mp4").touch()
    assert_refused(batch, "0001.mp4 exists, and no run of this batch saved it")
    assert not batch.arrived


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
        Journal(tmp_path)
    assert file.read_bytes() == before


# Whether a response comes when the journal is lost, and what is printed about that request.
RESPONSES = {True: "2: its job is [0-9a-f-]{36}", False: "2: it may have been paid for"}


@pytest.mark.parametrize(("is_there", "said"), RESPONSES.items())
def test_a_lost_journal_stops_the_batch_and_its_jobs_are_printed(
    is_there: bool, said: str, batch: Batch
) -> None:
    def lose(connection: socket.socket) -> None:
        shutil.rmtree(batch.videos)
        (batch.forward if is_there else hang_up)(connection)

    batch.write(ONE)
    with batch.gateway(*[batch.forward] * 3, lose, batch.forward):
        assert batch.run().code == 0
        batch.write(ONE, TWO, THREE)
        run = batch.run("--concurrency", 1)
        assert (run.code, batch.prompts()) == (3, ["lake 1", "lake 2"])
    for each in ("1: its job is [0-9a-f-]{36}", said):
        assert re.search(f"^(grok-imagine-video batch: )?request {each}", run.err, re.MULTILINE)
    assert re.search(f"^request {said.replace(':', ' unknown:')}", run.out, re.MULTILINE)
    assert "journal.sqlite was removed, moved, cut or replaced; put it back, or the" in run.err


def test_a_journal_counts_each_line_once_and_when_it_is_opened_again(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.put(Entry(1, ""))
        journal.put(Entry(1, "", 1, "created", "job"))
        for cost in (0.5, 1):
            journal.put(Entry(1, "", 1, "done", "job", cost))
        failed = Entry(2, "", 1, "failed", "job", cost=2)
        journal.put(failed)
        journal.put(Entry(3, "", 1, "created", "job"))
        for before in (failed, None):
            entry = Entry(2 if before else 4, "", 2)
            journal.put(entry)
            journal.remove(entry, before)
            assert journal.entries.get(entry.number) == before
        journal.put(Entry(2, "", 2, "done", "job", cost=4, response=b"1" * 100))
    with Journal(tmp_path) as again, Journal(tmp_path, read_only=True) as reader:
        for each in (journal, again, reader):
            assert (+each.counts, each.cost) == ({"done": 2, "created": 1}, 7)
            assert [entry.response for entry in each.entries.values()] == [None] * 3


def test_a_commit_is_on_disk_before_it_counts(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        full = (2,)  # SQLite's number: a commit that has returned survives a crash of the machine
        assert journal._connection.execute("PRAGMA synchronous").fetchone() == full


def test_lines_are_sent_again_after_a_busy_gateway_and_before_the_others(batch: Batch) -> None:
    busy = responding(429, ERROR, Retry_After="0")
    with batch.gateway(busy, busy, batch.forward):
        run = batch.run("--concurrency", 1)
        assert batch.prompts() == ["lake 1", "lake 1", "lake 1", "lake 2", "lake 3"]
    assert run.code == 0
    assert run.err.count("waiting for the gateway, at most 900 seconds: status 429") == 1


# What the gateway says, and the seconds until the next line. At this rate they are 0.15 or more.
PAUSES = {
    None: 0.15,
    errors.APIConnectionError(): 10,
    errors.RateLimitError(headers={}): 10,
    errors.RateLimitError(headers={"Retry-After": "30"}): 30,
    errors.RateLimitError(headers={"Retry-After": "0"}): 1,
}


def test_lines_wait_for_the_rate_and_as_long_as_a_busy_gateway_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    async def skip(stopped: Any, seconds: float) -> None:
        stopped.close()
        waited.append(seconds)
        raise TimeoutError

    async def send_lines() -> None:
        limiter = RateLimiter(rate=400, patience=900)
        await limiter.acquire()
        for error in PAUSES:
            assert error is None or limiter.back_off(error)
            assert await limiter.acquire()

    monkeypatch.setattr(asyncio, "wait_for", skip)
    monkeypatch.setattr(_rate, "now", lambda: sum(waited))
    asyncio.run(send_lines())
    assert waited == pytest.approx(list(PAUSES.values()))


# The request that finds a full disk, the exit code, what is printed, and the state after that.
FULL_DISKS = [
    (1, 3, "request 1: its job is [0-9a-f-]{36}, which is not in the journal", "unknown"),
    (3, 4, ".*File too large.*; no more requests are sent", "created"),  # the video
]


@pytest.mark.parametrize(("number", "code", "message", "state"), FULL_DISKS)
def test_a_full_disk_stops_the_batch_and_a_job_is_printed(
    number: int, code: int, message: str, state: str, batch: Batch
) -> None:
    def fill_and_forward(connection: socket.socket) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        batch.forward(connection)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with batch.gateway(*[batch.forward] * (number - 1), fill_and_forward, batch.forward):
            run = batch.run("--concurrency", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (run.code, batch.prompts(), batch.states()) == (code, ["lake 1"], {1: state})
    assert re.search(message, run.err)


def test_a_batch_that_is_stopped_twice_leaves_its_requests_unknown(batch: Batch) -> None:
    may_end = threading.Event()

    def hold(_: socket.socket) -> None:
        may_end.wait(20)

    with batch.gateway(hold), batch.launch("--rate", 1) as process:
        while not batch.arrived:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        waiting = "waiting for 1 responses; stop again to leave them unknown\n"
        assert process.stderr.readline().endswith(waiting)
        process.send_signal(signal.SIGINT)
        run = ended(process)
        may_end.set()
    assert run.code == 130
    assert "3 requests: 0 done, 0 failed, 1 unknown, 0 unfinished, 2 not sent" in run.out
    assert "request 1 unknown: stopped before a response came" in run.out
    assert batch.states() == {1: "unknown"}
