"""The command `batch`: what it reads, sends and shows, in one run and in later runs."""

import itertools
import os
import re
import resource
import shutil
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import relay
from bodies import TEXT, URL, Body
from conftest import compact
from faults import OK, hang_up, no_response, responding
from grok_imagine_video_runtime import _files
from grok_imagine_video_runtime.batch import _rate
from scripts import LAKES, Batch, as_line, ended
from test_cli import DEFAULTS, MISTAKES

ERROR = {"error": {"message": "额度不足"}}
ERROR_SHOWN = r"\u989d\u5ea6\u4e0d\u8db3"  # on a terminal that has ASCII alone
ONE, TWO, THREE = map(as_line, LAKES)
PRICE = {"cost_in_usd_ticks": 10**9}
FAILED = {"status": "FAILED", "error": {"code": "broken", "message": "No."}, "usage": PRICE}
DONE = {"status": "done", "video": {"url": "/v.mp4"}}
FILE = responding(200, b"v")
UUID = "[0-9a-f-]{36}"


@pytest.fixture
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(_rate, "SHORT_PAUSE", 0.01)
    return Batch(request)


def assert_refused(batch: Batch, message: str, *words: object) -> None:
    refused = batch.run(*words)
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1)
    assert message in refused.err


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
    (b'{"prompt": "\xff"}', "it is not UTF-8; save it as UTF-8"),
    # half a surrogate pair
    (as_line(TEXT | {"prompt": "\ud800"}), "request 4 cannot be sent: 'utf-8' codec"),
    (b"[]", "a JSON object is needed"),
    (as_line(TEXT | {"x": float("nan")}), "JSON has no NaN"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"prompt": 1, "prompt": 2}', "'prompt' occurs twice"),
    (as_line(TEXT | {"duration": 99}), "'duration' must be <= 15: 99"),
    (as_line(TEXT | {"duration": "4"}), "'duration'"),
    (as_line(TEXT | {"duratoin": 4}), MISSPELT.format("duratoin", "duration")),
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


def table(batch: Batch, content: str) -> None:
    """Use a table; "\\udcff" in it is the byte 0xff, which UTF-8 does not have."""
    batch.file = "prompts.csv"
    (batch.folder / batch.file).write_bytes(content.encode(errors="surrogateescape"))


PNG = {"url": "data:image/png;base64,cG5n"}
COLUMNS = "\ufeffduration,prompt,image,reference,resolution,seed,user"  # the spec lacks two
# A row of a table, and what is different from the defaults in its request.
ROWS: dict[str, Body] = {
    ",A lake": {},
    "15,A lake,,,720p,,": {"duration": 15, "resolution": "720p"},
    '5,"A ""lake""\nat night",,,,,': {"duration": 5, "prompt": 'A "lake"\nat night'},
    f",A lake,{URL},,,,": {"image": {"url": URL}},
    ",A lake,a.png,,,,": {"image": PNG},
    f",A lake,,{URL},,,": {"reference_images": [{"url": URL}]},
    f',A lake,,"[""{URL}"", ""a.png""]",,,': {"reference_images": [{"url": URL}, PNG]},
    f',A lake,,"[{{""url"": ""{URL}""}}]",,,': {"reference_images": [{"url": URL}]},
    ",A lake,,,,7,me": {"seed": 7, "user": "me"},
}


def test_a_row_of_a_table_is_what_would_be_typed(batch: Batch) -> None:
    (batch.folder / "a.png").write_bytes(b"png")
    table(batch, "\r\n\r\n".join([COLUMNS, *ROWS, ""]))
    assert batch.run("--concurrency", 1, "--extra").code == 0
    assert batch.sent() == [DEFAULTS | each for each in ROWS.values()]
    assert len(list(batch.videos.glob("000?.mp4"))) == len(ROWS)


@pytest.mark.parametrize(("content", "message"), MISTAKES["tables"].items())
def test_an_odd_table_is_refused(content: str, message: str, batch: Batch) -> None:
    table(batch, content)
    refused = batch.run()
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert not batch.arrived
    assert not batch.videos.exists()


def test_what_cannot_be_read_or_written_is_refused(batch: Batch) -> None:
    assert "base_url is missing" in batch.run(GROK_BASE_URL="").err
    assert not batch.videos.exists()

    def save_another_file() -> None:
        batch.videos.unlink()
        batch.videos.mkdir()
        (batch.videos / "0001.mp4").touch()

    file = batch.folder / "prompts.jsonl"
    steps: list[tuple[Callable[[], object], str]] = [
        (batch.videos.touch, "-o videos: exists and is not a folder"),
        (save_another_file, "0001.mp4 exists, and no run of this batch saved it"),
        (file.unlink, "prompts.jsonl: No such file or directory"),
        (lambda: os.mkfifo(file), "prompts.jsonl is not a file that can be read more than once"),
    ]
    for spoil, message in steps:
        spoil()
        assert_refused(batch, message)
    assert not batch.arrived


def test_trying_sends_nothing_and_needs_no_gateway(batch: Batch) -> None:
    nowhere = {"GROK_BASE_URL": "", "GROK_API_KEY": ""}
    tried = batch.run("--dry-run", **nowhere)
    assert (tried.code, tried.err) == (0, "all requests are right, and nothing was sent\n")
    assert tried.out.startswith("3 requests: 0 done, 0 failed, 0 unknown, 0 unfinished, 3 not sent")
    assert not batch.videos.exists()
    assert batch.run().code == 0
    batch.write(*LAKES, LAKES[0])
    again = batch.run("--dry-run", **nowhere)
    assert again.out.startswith("4 requests: 3 done, 0 failed, 0 unknown, 0 unfinished, 1 not sent")
    batch.write(*reversed(LAKES))
    assert "request 1 is not the one that was sent" in batch.run("--dry-run", **nowhere).err
    batch.write(*LAKES, TEXT | {"duration": 99})
    assert batch.run("--dry-run").code == 2
    assert len(batch.sent()) == 3


UNCLEAR = "request 1 unknown: it may have been carried out"
NO_ID = "request 1 unknown: the job was accepted, but the response has no id where we look"
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
    (200, b'{"jobId": "x1"}'): (10, 3, NO_ID),
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
        assert ("1 running, 1 unknown, $0.00" in first.err) == (unknown > 0)
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


# The last response of a job, and why its line failed.
JOBS: list[tuple[Body, str]] = [
    (FAILED, "the job is failed: broken: No."),
    ({"status": "expired"}, "the job is expired"),
    (
        {"status": "done", "video": {"respect_moderation": False}, "usage": PRICE},
        "moderation withheld the result",
    ),
    (DONE | {"usage": PRICE}, ""),
    (DONE, ""),
]


def test_a_job_that_ended_is_summed_up_and_not_tried_again(batch: Batch) -> None:
    batch.write(*[ONE] * len(JOBS))
    faults = [[OK, responding(200, job), *[FILE] * (not why)] for job, why in JOBS]
    with batch.gateway(*itertools.chain(*faults), hang_up):
        for _ in range(2):
            run = batch.run("--concurrency", 1)
            assert (run.code, len(batch.arrived)) == (1, sum(map(len, faults)))
            assert run.out.startswith("5 requests: 2 done, 3 failed, 0 unknown, 0 unfinished, ")
            assert "; $0.30 reported so far" in run.out
            (batch.videos / "0001.mp4").touch()  # is not the video of a line that failed
            for number, (_, why) in enumerate(JOBS, 1):
                assert not why or f"request {number} failed: {why}" in run.out


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


def test_the_next_run_follows_an_unfinished_job_and_keeps_a_saved_video(batch: Batch) -> None:
    batch.write(ONE, TWO)
    missing, pending = responding(404, ERROR), responding(200, {"status": "pending"})
    with batch.gateway(batch.forward, missing, batch.forward, pending, pending, batch.forward):
        first = batch.run("--timeout", 0.5, "--concurrency", 1)
        assert first.code == 4
        assert "request 1 unfinished: the gateway does not find its job " in first.out
        assert "request 2 unfinished: still running after 0.5 s" in first.out
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
    kept = {"0001.mp4", "0002.mp4", "journal.sqlite", ".journal.lock"}
    assert {path.name for path in batch.videos.iterdir()} == kept | others


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


def test_a_lost_journal_stops_the_batch_and_its_jobs_are_printed(batch: Batch) -> None:
    def lose_and_forward(connection: socket.socket) -> None:
        shutil.rmtree(batch.videos)
        batch.forward(connection)

    batch.write(ONE)
    with batch.gateway(*[batch.forward] * 3, lose_and_forward):
        assert batch.run().code == 0
        batch.write(ONE, TWO, THREE)
        run = batch.run("--concurrency", 1)
        assert (run.code, batch.prompts()) == (3, ["lake 1", "lake 2"])
    for number in (1, 2):
        assert re.search(f"^(.*: )?request {number}: its job is {UUID}", run.err, re.MULTILINE)
    assert re.search(f"^request 2 unknown: its job is {UUID}", run.out, re.MULTILINE)
    assert "journal.sqlite was removed, moved, cut or replaced; put it back, or the" in run.err


def test_lines_are_sent_again_after_a_busy_gateway_and_before_the_others(batch: Batch) -> None:
    busy = responding(429, ERROR, Retry_After="0")
    with batch.gateway(busy, busy, batch.forward):
        run = batch.run("--concurrency", 1)
        assert batch.prompts() == ["lake 1", "lake 1", "lake 1", "lake 2", "lake 3"]
    assert run.code == 0
    assert run.err.count("waiting for the gateway, at most 900 seconds: status 429") == 1


# The request that finds a full disk, whether a response comes, the exit code, what is printed, and
# the state after that.
FULL_DISKS = [
    (1, True, 3, f"request 1: its job is {UUID}, which is not in the journal", "unknown"),
    (1, False, 3, "request 1: it may have been paid for", "unknown"),
    (3, True, 4, ".*File too large.*; no more requests are sent", "created"),  # the video
]


@pytest.mark.parametrize(("number", "is_there", "code", "message", "state"), FULL_DISKS)
def test_a_full_disk_stops_the_batch_and_a_job_is_printed(
    number: int, is_there: bool, code: int, message: str, state: str, batch: Batch
) -> None:
    def fill_and_forward(connection: socket.socket) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        response = batch.forwarded(connection)
        (response if is_there else hang_up)(connection)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with batch.gateway(*[batch.forward] * (number - 1), fill_and_forward, batch.forward):
            run = batch.run("--concurrency", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (run.code, batch.prompts(), batch.states()) == (code, ["lake 1"], {1: state})
    assert re.search(message, run.err)


# Whether it is stopped once more, and the states after that.
STOPS = [(False, "0 unknown, 1 unfinished"), (True, "1 unknown, 0 unfinished")]


@pytest.mark.parametrize(("again", "left"), STOPS)
def test_a_batch_that_runs_can_be_watched_and_stopped(again: bool, left: str, batch: Batch) -> None:
    def respond_later(connection: socket.socket) -> None:
        may_respond.wait(20)
        OK(connection)

    may_respond = threading.Event()
    with batch.gateway(respond_later), batch.launch("--rate", 1) as process:
        while not batch.arrived:
            assert process.poll() is None
        shown = batch.typed("batch status videos")
        assert shown.code == 0
        assert shown.out.startswith("3 requests: 0 done, 0 failed, 1 unknown, 0 unfinished, 2 not")
        assert "it is running now, so some of the unknown are in flight" in shown.out
        assert_refused(batch, "another batch is running in videos; wait for it")
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        waiting = "waiting for 1 responses; stop again to leave them unknown\n"
        assert process.stderr.readline().endswith(waiting)
        if again:
            process.send_signal(signal.SIGINT)
        else:
            may_respond.set()
        run = ended(process)
        may_respond.set()
    assert run.code == 130
    assert f"3 requests: 0 done, 0 failed, {left}, 2 not sent" in run.out
    assert ("request 1 unknown: stopped before a response came" in run.out) == again
    shown = batch.typed("batch status videos")
    assert (left in shown.out, "running" in shown.out) == (True, False)
    assert batch.typed("batch status nowhere").code == 2


def test_a_request_is_sent_again_on_demand_and_both_jobs_are_counted(batch: Batch) -> None:
    failed, done = responding(200, FAILED), responding(200, DONE | {"usage": PRICE})
    with batch.gateway(OK, failed, hang_up, OK, done, FILE) as server:
        first = batch.run("--concurrency", 1)
        assert first.code == 3
        assert "batch retry videos --line NUMBER" in first.out
        (batch.folder / "elsewhere").mkdir()
        batch._patch.chdir(batch.folder / "elsewhere")
        (batch.videos / "0001.mp4").touch()
        refused = batch.run("batch", "retry", batch.videos, "--line", 1)
        assert (refused.code, "0001.mp4 exists, and no run" in refused.err) == (2, True)
        (batch.videos / "0001.mp4").unlink()
        for number, code, second in ((1, 3, "unknown"), (2, 0, "done")):
            server._faults = OK, done, FILE
            server.arrived.clear()
            again = batch.run("batch", "retry", batch.videos, "--line", number)
            assert (again.code, batch.prompts()) == (code, [f"lake {number}"])
            assert batch.states() == {1: "done", 2: second, 3: "done"}
    assert "; $0.40 reported so far" in again.out


def test_what_is_not_to_be_sent_again_is_refused(batch: Batch) -> None:
    assert batch.run().code == 0
    batch.arrived.clear()

    def refusal(*words: object) -> str:
        refused = batch.run("batch", "retry", *words)
        assert (refused.code, refused.out, batch.arrived) == (2, "", [])
        return refused.err

    assert "--line 1: its result is saved" in refusal("videos", "--line", 1, "--line", 2)
    assert "--line 9: it was not sent: start the batch" in refusal("videos", "--line", 9)
    (batch.folder / "prompts.jsonl").unlink()
    lost = "prompts.jsonl: No such file, from which the batch was made; put it back"
    assert lost in refusal("videos", "--line", 9)
    assert "nowhere: there is no batch here" in refusal("nowhere", "--line", 9)
    assert not Path("nowhere").exists()


def test_machines_get_an_object_for_each_change(batch: Batch) -> None:
    batch.write(LAKES[0], TEXT | {"prompt": "failed"})
    run = batch.run("--json", "--concurrency", 1)
    *changes, summary = run.events()
    states = [(each["number"], each["state"]) for each in changes]
    assert states == [(1, "created"), (1, "done"), (2, "created"), (2, "failed")]
    assert (run.code, summary["code"], summary["done"]) == (1, 1, 1)
    assert [each["number"] for each in summary["problems"]] == [2]
    (shown,) = batch.typed("batch status videos --json").events()
    assert shown | {"code": 1} == summary
    (refused,) = batch.typed("batch status nowhere --json").events()
    assert refused["code"] == 2


def test_a_terminal_gets_a_bar_and_the_output_the_summary(batch: Batch) -> None:
    shown = batch.on_terminal("-v", COLUMNS="40")
    assert (shown.code, "━" in shown.err, "3/3" in shown.err) == (0, True, True)
    assert "< 200 OK in" in shown.err
    assert shown.out.endswith("0 not sent; $0.60 reported so far\n")


# What becomes of the file after the requests were checked, the exit code, and what is said.
EDITS: list[tuple[list[Any], int, str]] = [
    ([LAKES[2], *LAKES], 4, "request 1 has changed since it was checked; restore it"),
    ([TEXT | {"x": 1}], 4, "prompts.jsonl:1: the spec has no 'x'"),
    ([*LAKES, *LAKES], 0, "2 requests: 2 done"),
]


@pytest.mark.parametrize(("lines", "code", "said"), EDITS)
def test_what_is_sent_is_what_was_checked(lines: Any, code: int, said: str, batch: Batch) -> None:
    def rewrite(connection: socket.socket) -> None:
        file = batch.folder / "prompts.jsonl"
        (new := file.with_name("new")).write_bytes(b"".join(map(as_line, lines)))
        new.replace(file)  # as editors do
        responding(200, DONE)(connection)

    batch.write(LAKES[0])
    with batch.gateway(OK, responding(404), rewrite, FILE, OK, responding(200, DONE), FILE):
        assert batch.run().code == 4
        batch.write(*LAKES[:2])
        run = batch.run("--concurrency", 1)
        assert batch.prompts() == ["lake 1", *["lake 2"] * (code == 0)]
    assert (run.code, said in run.out + run.err) == (code, True)
