"""Batches: the outcome of each line, in one run and in later runs."""

import contextlib
import errno
import importlib.util
import io
import itertools
import re
import resource
import shutil
import signal
import socket
import sys
import threading

import pytest

import batch_limiter
import relay
from batch_journal import Journal
from bodies import TEXT
from faults import OK, Fault, hang_up, no_response, responding
from grok_imagine_video import AuthenticatedClient
from scripts import LAKES, Batch, as_line, ended

ERROR = {"error": {"message": "It did not work."}}
ONE, TWO, THREE = map(as_line, LAKES)


@pytest.fixture
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(batch_limiter, "SHORT_PAUSE", 0.01)
    return Batch(request)


def test_each_line_becomes_a_video_and_is_sent_once(batch: Batch) -> None:
    batch.write(two_lines := b"\xef\xbb\xbf" + ONE + b"\r\n  \n" + TWO)
    first = batch.run()
    counts = "2 lines: 2 done, 0 failed, 0 unknown, 0 unfinished, 0 not sent"
    assert (first.code, first.out) == (0, f"{counts}; $0.40 reported so far\n")
    assert "0 running, $0.40" in first.err
    assert "2/2" in first.err
    batch.write(two_lines, THREE)
    assert batch.run().code == 0
    idle = batch.run("--cluster", "tcp://127.0.0.1:9")
    assert (idle.code, idle.err) == (0, "")  # with nothing to do, it calls no cluster
    assert sorted(batch.prompts()) == ["lake 1", "lake 2", "lake 3"]
    videos = {path.name: path.read_bytes() for path in batch.videos.glob("*.mp4")}
    assert videos == dict.fromkeys(["0001.mp4", "0004.mp4", "0005.mp4"], relay.VIDEO.read_bytes())


BAD_LINES = [
    (b"{", "not JSON: Expecting property name"),
    (b'{"prompt": "\xff"}', "not UTF-8"),
    (as_line(TEXT | {"prompt": "\ud800"}), "not UTF-8"),  # half a surrogate pair
    (b"[]", "a JSON object is needed"),
    (as_line(TEXT | {"x": float("nan")}), "JSON has no NaN"),
    (as_line(TEXT)[:-2] + b', "x": 1e999}', "Out of range"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"prompt": 1, "prompt": 2}', "'prompt' occurs twice"),
    (as_line(TEXT | {"duration": 99}), "'duration' must be <= 15: 99"),
    (as_line(TEXT | {"duration": "4"}), "'duration'"),
    *[(b"{}", "'model'")] * 11,
]


def test_bad_lines_are_named_up_to_a_limit_and_nothing_is_sent(batch: Batch) -> None:
    batch.write(ONE, *(line.strip() + b"\n" for line, _ in BAD_LINES))
    refused = batch.run()
    *named, rest = refused.err.splitlines()
    assert (refused.code, refused.out, rest) == (2, "", "prompts.jsonl: and 1 more")
    for number, (said, (_, why)) in enumerate(zip(named, BAD_LINES[:20], strict=True), 2):
        assert said.startswith(f"prompts.jsonl:{number}: {why}")
    batch.write(b"\n \n")
    assert batch.run().err == "prompts.jsonl: the file has no requests\n"
    assert not batch.arrived
    assert not batch.videos.exists()


ADDRESSES = ("", "8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "locals")
ARGUMENTS = {
    "--concurrency=0": "--concurrency must be 1 or more",
    "--rate=0": "--rate: must be a number above 0",
    "--timeout=nan": "--timeout: must be a number above 0",
    **{f"--cluster={address}": "--cluster must be local or tcp" for address in ADDRESSES},
    "--output=prompts.jsonl": "--output must be a folder: prompts.jsonl",
    "--cluster=local": 'dask.distributed: pip install "grok-imagine-video[cluster]"',
}


@pytest.mark.parametrize("word", ARGUMENTS)
def test_invalid_arguments_are_refused_and_nothing_is_sent(
    word: str, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    refused = batch.run(word)
    assert refused.code == 2
    assert ARGUMENTS[word] in refused.err.splitlines()[-1]
    assert not batch.arrived


UNUSABLE = responding(200, {"taskId": "x1"})
ACCEPTED = "the job was accepted, but no known place has its id"

# The gateway's reaction to a line, and the outcome. Only a line that is not sent has no job.
OUTCOMES: dict[str, tuple[Fault, str]] = {
    "400": (responding(400, ERROR), "not sent: status 400: It did not work."),
    "302": (responding(302, ERROR, Location="/"), "unknown: status 302"),
    "408": (responding(408, ERROR), "unknown: it may have been carried out"),
    "500": (responding(500, ERROR), "unknown: it may have been carried out"),
    "no response": (hang_up, "unknown: POST http"),
    "not JSON": (responding(200, b"<html>"), "unknown: the body is not what"),
    "no id": (UNUSABLE, f"unknown: {ACCEPTED}"),
    "odd id": (responding(200, {"id": "\ud800"}), f"unknown: {ACCEPTED}"),
}


@pytest.mark.parametrize(("fault", "outcome"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_line_is_sent_again_only_if_it_certainly_created_no_job(
    fault: Fault, outcome: str, batch: Batch
) -> None:
    batch.write(ONE)
    is_certain = outcome.startswith("not sent")
    with batch.gateway(fault, batch.forward):
        first = batch.run()
        assert first.code == (1 if is_certain else 5)
        assert first.out.splitlines()[1].startswith(f"line 1 {outcome}")
        assert batch.states() == ({} if is_certain else {1: "unknown"})
        if is_certain:
            batch.write(TWO)  # a refused line can be corrected
        assert batch.run().code == (0 if is_certain else 5)
        assert batch.prompts() == ["lake 1", *["lake 2"] * is_certain]


def test_a_line_is_in_the_journal_before_it_is_sent_and_an_unusable_response_after_that(
    batch: Batch,
) -> None:
    seen: list[bool] = []

    def look(connection: socket.socket) -> None:
        seen.append(b"unknown" in (batch.videos / "journal.sqlite").read_bytes())
        UNUSABLE(connection)

    batch.write(ONE)
    with batch.gateway(look):
        batch.run()
    assert seen == [True]
    assert batch.journal("state", "response") == [("unknown", b'{"taskId": "x1"}')]


def test_resend_unknown_sends_each_unknown_line_once_more(batch: Batch) -> None:
    again, refusals = "--resend-unknown", [responding(400, ERROR)] * 2
    with batch.gateway(*[hang_up] * 3, *refusals, batch.forward):
        assert batch.run().code == 5
        shutil.copy(relay.VIDEO, batch.videos / "0002.mp4")  # found by a person
        assert batch.run(again).code == 5
        assert sorted(batch.prompts()[3:]) == ["lake 1", "lake 3"]
        assert batch.states() == {1: "unknown", 2: "done", 3: "unknown"}
        assert batch.run().code == 5
        assert len(batch.arrived) == 5
        assert batch.run(again).code == 0
        assert batch.run(again).code == 0
        assert sorted(batch.prompts()[5:]) == ["lake 1", "lake 3"]


def test_a_job_that_ended_without_a_video_is_not_tried_again(batch: Batch) -> None:
    prompts = ["failed", "expired", "withheld", "failed gateway", "a gateway", "a lake"]
    batch.write(*(TEXT | {"prompt": prompt} for prompt in prompts))
    for _ in range(2):
        run = batch.run()
        assert run.code == 4
        assert "6 lines: 2 done, 4 failed, 0 unknown, 0 unfinished, 0 not sent; $0.60" in run.out
        assert "line 1 failed: the job is failed: internal_error: The prompt asked" in run.out
        assert "line 2 failed: the job is expired" in run.out
        assert "line 3 failed: moderation withheld the result" in run.out
        assert "line 4 failed: the job is failure: internal_error: The prompt asked" in run.out
    assert len(batch.prompts()) == 6


def test_an_invalid_price_is_not_counted(batch: Batch) -> None:
    usages = [None, 1, {}, *({"cost_in_usd_ticks": ticks} for ticks in ("1", -1, 10**30))]
    job = {"status": "done", "video": {"url": "/v.mp4"}}
    jobs = [responding(200, job | {"usage": usage}) for usage in usages]
    batch.write(*LAKES * 2)
    with batch.gateway(*(fault for job in jobs for fault in (OK, job, responding(200, b"video")))):
        run = batch.run("--concurrency", 1)
    assert "6 done" in run.out
    assert "$0.00 reported so far" in run.out


def test_the_next_run_follows_an_unfinished_job_and_keeps_a_video_that_was_saved(
    batch: Batch,
) -> None:
    batch.write(ONE, TWO)
    missing, pending = responding(404, ERROR), responding(200, {"status": "pending"})
    with batch.gateway(batch.forward, missing, batch.forward, pending, pending, batch.forward):
        first = batch.run("--timeout", 0.5, "--concurrency", 1)
        assert first.code == 1
        assert "line 1 unfinished: status 404: It did not work." in first.out
        assert "line 2 unfinished: the job had not ended after 0.5 seconds" in first.out
        assert batch.states() == {1: "created", 2: "created"}
        shutil.copy(relay.VIDEO, batch.videos / "0001.mp4")  # and then the run was killed
        others = {".part", "x.part", "0123456789abcdef.part"}
        for name in (".0123456789abcdef.part", *others):
            (batch.videos / name).touch()
        second = batch.run()
        assert (second.code, len(batch.arrived)) == (0, 5 + 3)  # one video is not downloaded again
        assert batch.prompts() == ["lake 1", "lake 2"]
    assert "2 done" in second.out
    assert "$0.40" in second.out
    videos = {"0001.mp4", "0002.mp4"}
    assert {path.name for path in batch.videos.iterdir()} == {*others, *videos, "journal.sqlite"}


def assert_refused(batch: Batch, message: str) -> None:
    refused = batch.run()
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
        assert_refused(batch, f"batch: prompts.jsonl:{number}: another request was sent for this")
    batch.write(ONE, TWO, THREE)
    with batch.gateway(no_response) as server:
        assert_refused(batch, "the previous lines were sent to http://")
        assert not server.arrived
    assert len(batch.prompts()) == 2
    assert batch.run().code == 0


def test_a_folder_that_cannot_be_used_is_refused(batch: Batch) -> None:
    batch.videos.mkdir()
    with contextlib.closing(Journal(batch.videos)):
        assert_refused(batch, "another batch is running in this folder")
    (batch.videos / "0001.mp4").touch()
    assert_refused(batch, "0001.mp4 exists, and no run of this batch created it")
    (batch.videos / "journal.sqlite").write_bytes(b"not a database" * 1000)
    assert_refused(batch, "file is not a database")
    assert not batch.arrived


# What the gateway does, the requests until the batch stops, the exit code and the message.
STOPS: dict[str, tuple[Fault | None, int, int, str]] = {
    **{
        str(status): (responding(status, ERROR), 1, 3, f"batch: line 1: status {status}: It did")
        for status in (401, 402, 403)
    },
    "502": (
        responding(502),
        *(10, 5, "batch: 10 lines in a row have an unknown outcome: it may have been carried out"),
    ),
    "busy": (responding(429, ERROR, Retry_After="60"), 1, 1, "batch: status 429: It did not work."),
    "dead": (None, 0, 1, "(nothing was sent)"),
}


@pytest.mark.parametrize(("fault", "sent", "code", "message"), STOPS.values(), ids=STOPS)
def test_a_gateway_that_accepts_nothing_stops_the_batch(
    fault: Fault | None, sent: int, code: int, message: str, batch: Batch
) -> None:
    dead = {} if fault else {"GROK_BASE_URL": "http://127.0.0.1:9"}
    batch.write(*LAKES * 5)
    with batch.gateway(fault or no_response):
        run = batch.run("--concurrency", 1, "--timeout", 0.5, **dead)
        assert (run.code, len(batch.arrived)) == (code, sent)
    assert message in run.err
    assert run.err.count("; no more lines are sent") == 1
    unknown = sent if code == 5 else 0
    assert f"{unknown} unknown, 0 unfinished, {15 - unknown} not sent" in run.out
    assert len(batch.states()) == unknown


def test_a_video_that_cannot_be_saved_stops_the_batch(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(AuthenticatedClient, "asyncio_download", full)
        run = batch.run("--concurrency", 1)
    assert (run.code, batch.prompts()) == (1, ["lake 1"])
    assert "No space left on device; no more lines are sent" in run.err
    assert batch.run().code == 0


def test_lines_wait_as_long_as_a_busy_gateway_asks(batch: Batch) -> None:
    busy = responding(429, ERROR, Retry_After="0.4")
    with batch.gateway(busy, busy, batch.forward) as server:
        run = batch.run("--concurrency", 1)
        assert batch.prompts() == ["lake 1", "lake 1", "lake 1", "lake 2", "lake 3"]
    assert run.code == 0
    assert run.err.count("waiting for the gateway, at most 900 seconds: status 429") == 1
    assert server.times[1] - server.times[0] > 0.35


def test_lines_are_sent_at_a_rate(batch: Batch) -> None:
    batch.write(*LAKES * 2)
    with batch.gateway(responding(400)) as server:
        batch.run("--rate", 400)
    gaps = [later - earlier for earlier, later in itertools.pairwise(server.times)]
    assert len(gaps) == 5
    assert sum(gaps) > 5 * 0.14
    assert min(gaps) > 0.02


def test_at_most_as_many_lines_as_allowed_are_in_flight(batch: Batch) -> None:
    in_flight: list[int] = []

    def count(connection: socket.socket) -> None:
        in_flight.append(len(batch.prompts()) - len(list(batch.videos.glob("*.mp4"))))
        batch.forward(connection)

    batch.write(*LAKES * 4)
    with batch.gateway(count):
        assert batch.run("--concurrency", 3).code == 0
    assert max(in_flight) == 3


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_full_disk_stops_the_batch_and_a_job_is_printed(is_sent: bool, batch: Batch) -> None:
    batch.videos.mkdir()
    Journal(batch.videos).close()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_and_forward(connection: socket.socket) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        batch.forward(connection)

    resource.setrlimit(resource.RLIMIT_FSIZE, before if is_sent else (0, before[1]))
    try:
        with batch.gateway(fill_and_forward):
            run = batch.run("--concurrency", 1)
            assert batch.prompts() == ["lake 1"] * is_sent
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert run.code == (5 if is_sent else 1)
    assert re.search("the journal cannot be written: .*; no more lines are sent", run.err)
    job = re.search(r"batch: line 1: its job is [0-9a-f-]{36}, which is not in", run.err)
    assert bool(job) == is_sent
    assert batch.states() == ({1: "unknown"} if is_sent else {})


@pytest.mark.parametrize("signals", [["SIGINT"], ["SIGTERM"], ["SIGINT"] * 2], ids="+".join)
def test_a_stopped_batch_waits_for_responses_unless_it_is_stopped_twice(
    signals: list[str], batch: Batch
) -> None:
    may_respond = threading.Event()

    def forward_later(connection: socket.socket) -> None:
        may_respond.wait(20)
        if not second:  # or it would reach the relay in the middle of another test
            batch.forward(connection)

    first, *second = (signal.Signals[name] for name in signals)
    with batch.gateway(forward_later), batch.launch("--concurrency", 1) as process:
        while not batch.arrived:
            assert process.poll() is None
        process.send_signal(first)
        assert process.stderr
        assert process.stderr.readline().endswith("stop again to leave them unknown\n")
        if second:
            process.send_signal(*second)
            process.wait(20)
        may_respond.set()
        run = ended(process)
    assert run.code == 130
    if second:
        assert "line 1 unknown: stopped before a response came" in run.out
        assert batch.states() == {1: "unknown"}
    else:
        assert "3 lines: 0 done, 0 failed, 0 unknown, 1 unfinished, 2 not sent" in run.out
        assert batch.states() == {1: "created"}


def test_a_summary_can_be_printed_in_any_encoding(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out := io.BytesIO(), "ascii"))
    batch.write(ONE)
    with batch.gateway(responding(400, {"error": {"message": "额度不足"}})):
        assert batch.run().code == 1
    sys.stdout.flush()
    assert rb"line 1 not sent: status 400: \u989d\u5ea6\u4e0d\u8db3" in out.getvalue()
