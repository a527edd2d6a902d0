"""Batches: the outcome of each line, in one run and in later runs."""

import contextlib
import errno
import importlib.util
import itertools
import re
import shutil
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from attrs import frozen

import batch
import batch_limiter
import relay
from batch_journal import Entry, Journal
from batching import LAKES, as_line, forwarded, in_front_of, journaled, launch, posted, write
from bodies import TEXT
from conftest import TOKEN, Arrived
from faults import OK, Fault, hang_up, no_response, reset, responding, saying, serving
from grok_imagine_video import AuthenticatedClient

ERROR = {"error": {"message": "It did not work."}}
TICKS = "cost_in_usd_ticks"


@frozen
class Ended:
    code: int
    out: str
    err: str


Batch = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_limiter, "SHORT_PAUSE", 0.01)


@pytest.fixture
def start(
    tmp_path: Path,
    base_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Batch:
    """Run a batch over `prompts.jsonl` into `videos`, in this process."""

    def start(*words: object, url: str = base_url, key: str = TOKEN) -> Ended:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GROK_BASE_URL", url)
        monkeypatch.setenv("GROK_API_KEY", key)
        command = ["batch.py", "prompts.jsonl", "-o", "videos", *map(str, words)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            batch.main()
        out, err = capsys.readouterr()
        assert TOKEN not in out + err
        return Ended(ended.value.code, out, err)  # type: ignore[arg-type]

    return start


def test_each_line_becomes_a_video_and_is_sent_once(
    start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    first, second, third = map(as_line, LAKES)
    write(tmp_path, b"\xef\xbb\xbf" + first + b"\r\n  \n" + second)
    ended = start()
    counts = "2 lines: 2 done, 0 failed, 0 unknown, 0 unfinished, 0 not sent"
    assert (ended.code, ended.out) == (0, f"{counts}; $0.40 reported so far\n")
    assert "0 running, $0.40" in ended.err
    assert "2/2" in ended.err
    write(tmp_path, b"\xef\xbb\xbf" + first + b"\r\n  \n" + second + third)
    assert start().code == 0
    idle = start("--cluster", "tcp://127.0.0.1:9")
    assert (idle.code, idle.err) == (0, "")  # with nothing to do, it calls no cluster
    assert sorted(posted(arrived)) == ["lake 1", "lake 2", "lake 3"]
    videos = sorted(path for path in (tmp_path / "videos").iterdir() if path.suffix == ".mp4")
    assert [video.name for video in videos] == ["0001.mp4", "0004.mp4", "0005.mp4"]
    assert {video.read_bytes() for video in videos} == {relay.VIDEO.read_bytes()}


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


def test_bad_lines_are_named_up_to_a_limit_and_nothing_is_sent(
    start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, b"\n".join([as_line(TEXT), *(line.strip() for line, _ in BAD_LINES)]))
    ended = start()
    *named, rest = ended.err.splitlines()
    assert (ended.code, ended.out, rest) == (2, "", "prompts.jsonl: and 1 more")
    for number, (said, (_, why)) in enumerate(zip(named, BAD_LINES[:20], strict=True), 3):
        assert said.startswith(f"prompts.jsonl:{number}: {why}")
    write(tmp_path, b"\n \n")
    assert start().err == "prompts.jsonl: the file has no requests\n"
    assert not arrived
    assert not (tmp_path / "videos").exists()


ARGUMENTS: dict[str, tuple[list[str], str]] = {
    "no concurrency": (["--concurrency", "0"], "--concurrency must be 1 or more"),
    "no rate": (["--rate", "0"], "--rate: must be a number above 0"),
    "no time": (["--timeout", "nan"], "--timeout: must be a number above 0"),
    **{
        f"bad address: {address}": (["--cluster", address], "--cluster must be local or tcp")
        for address in ("", "8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "locals")
    },
    "file as folder": (["-o", "prompts.jsonl"], "--output must be a folder: prompts.jsonl"),
    "missing extra": (
        ["--cluster", "local"],
        'dask.distributed: pip install "grok-imagine-video[cluster]"',
    ),
}


@pytest.mark.parametrize(("words", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_invalid_arguments_are_refused_and_nothing_is_sent(
    words: list[str],
    message: str,
    start: Batch,
    arrived: list[Arrived],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    write(tmp_path, LAKES)
    ended = start(*words)
    assert ended.code == 2
    assert message in ended.err.splitlines()[-1]
    assert not arrived


UNUSABLE = {"taskId": "x1"}

# The gateway's reaction to a line, the exit code and the message. With code 5 a job may exist.
OUTCOMES: dict[str, tuple[Fault, int, str]] = {
    "400": (responding(400, ERROR), 1, "line 1 not sent: status 400: It did not work."),
    "401": (responding(401, ERROR), 3, "line 1 not sent: status 401: It did not work."),
    "404": (responding(404, ERROR), 1, "line 1 not sent: status 404"),
    "302": (responding(302, ERROR, Location="/"), 5, "line 1 unknown: status 302"),
    "408": (responding(408, ERROR), 5, "line 1 unknown: it may have been carried out"),
    "500": (responding(500, ERROR), 5, "line 1 unknown: status 500: It did not work."),
    "502": (responding(502, ERROR), 5, "line 1 unknown: it may have been carried out"),
    "reset": (reset, 5, "line 1 unknown: POST http"),
    "no response": (hang_up, 5, "line 1 unknown: POST http"),
    "half a response": (
        saying(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"request_id'),
        *(5, "line 1 unknown: POST http"),
    ),
    "not JSON": (responding(200, b"<html>"), 5, "line 1 unknown: the body is not what"),
    "no id": (responding(200, UNUSABLE), 5, "line 1 unknown: accepted, but the response has no"),
    "odd id": (responding(200, {"id": "\ud800"}), 5, "line 1 unknown: accepted, but the response"),
}


@pytest.mark.parametrize(("fault", "code", "message"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_line_is_sent_again_only_if_it_certainly_created_no_job(
    fault: Fault, code: int, message: str, start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:1])
    is_certain = code != 5
    with in_front_of(base_url, fault) as server:
        ended = start(url=server.base_url)
        assert ended.code == code
        assert ended.out.splitlines()[1].startswith(message)
        assert journaled(tmp_path) == ([] if is_certain else [(1, "unknown")])
        if is_certain:
            write(tmp_path, LAKES[1:2])  # a refused line can be corrected
        assert start(url=server.base_url).code == (0 if is_certain else 5)
        assert posted(server.arrived) == ["lake 1", *["lake 2"] * is_certain]


def test_an_unusable_response_is_kept_in_the_journal(start: Batch, tmp_path: Path) -> None:
    write(tmp_path, LAKES[:1])
    with serving(responding(200, UNUSABLE)) as server:
        start(url=server.base_url)
    with contextlib.closing(Journal(tmp_path / "videos")) as journal:
        assert journal.entries()[0].response == b'{"taskId": "x1"}'


def test_a_line_is_in_the_journal_before_it_is_sent(start: Batch, tmp_path: Path) -> None:
    seen: list[bool] = []

    def look(connection: socket.socket) -> None:
        seen.append(b"unknown" in (tmp_path / "videos" / "journal.sqlite").read_bytes())
        responding(400, ERROR)(connection)

    write(tmp_path, LAKES)
    with serving(look) as server:
        start(url=server.base_url)
    assert seen == [True] * 3


def test_resend_unknown_sends_each_unknown_line_once_more(
    start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    again = "--resend-unknown"
    with in_front_of(base_url, *[hang_up] * 3, *[responding(400, ERROR)] * 2) as server:
        assert start(url=server.base_url).code == 5
        shutil.copy(relay.VIDEO, tmp_path / "videos" / "0002.mp4")  # found by a person
        refused = start(again, url=server.base_url)
        assert (refused.code, sorted(posted(server.arrived)[3:])) == (5, ["lake 1", "lake 3"])
        assert journaled(tmp_path) == [(1, "unknown"), (2, "done"), (3, "unknown")]
        assert start(url=server.base_url).code == 5
        assert len(server.arrived) == 5
        assert start(again, url=server.base_url).code == 0
        assert start(again, url=server.base_url).code == 0
        assert sorted(posted(server.arrived)[5:]) == ["lake 1", "lake 3"]


def test_a_job_that_ended_without_a_video_is_not_tried_again(
    start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    prompts = ["failed", "expired", "withheld", "a gateway", "an empty", "a lake"]
    write(tmp_path, [TEXT | {"prompt": prompt} for prompt in prompts])
    for _ in range(2):
        ended = start()
        assert ended.code == 4
        assert "6 lines: 3 done, 3 failed, 0 unknown, 0 unfinished, 0 not sent; $0.80" in ended.out
        assert "line 1 failed: the job is failed: internal_error: The prompt asked" in ended.out
        assert "line 3 failed: the job is done, and moderation withheld the result" in ended.out
    assert len(posted(arrived)) == 6


@pytest.mark.parametrize("usage", [None, 1, {}, *({TICKS: x} for x in ("1", -1, 10**30))])
def test_an_invalid_price_is_not_counted(usage: object, start: Batch, tmp_path: Path) -> None:
    write(tmp_path, LAKES[:1])
    job = responding(200, {"status": "done", "video": {"url": "/v.mp4"}, "usage": usage})
    with serving(OK, job, responding(200, b"video")) as server:
        ended = start(url=server.base_url)
    assert ended.code == 0
    assert "$0.00 reported so far" in ended.out


UNFINISHED: dict[str, tuple[Fault, list[str], str]] = {
    "404": (responding(404, ERROR), [], "status 404: It did not work."),
    "timeout": (
        responding(200, {"status": "pending"}),
        *(["--timeout", "0.2"], "the job had not ended after 0.2 seconds"),
    ),
}


@pytest.mark.parametrize(("fault", "words", "message"), UNFINISHED.values(), ids=UNFINISHED)
def test_an_unfinished_job_is_followed_by_the_next_run(
    fault: Fault, words: list[str], message: str, start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:1])
    with in_front_of(base_url, None, fault) as server:
        ended = start(*words, url=server.base_url)
        assert ended.code == 1
        assert f"line 1 unfinished: {message}" in ended.out
        assert journaled(tmp_path) == [(1, "created")]
        assert start(url=server.base_url).code == 0
        assert posted(server.arrived) == ["lake 1"]


def test_a_killed_run_leaves_a_video_to_keep_and_temporary_files_to_remove(
    start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:1])
    with in_front_of(base_url, None, responding(404)) as server:
        start(url=server.base_url)
        shutil.copy(relay.VIDEO, (videos := tmp_path / "videos") / "0001.mp4")
        others = {".part", "x.part", "0123456789abcdef.part"}
        for name in (".0123456789abcdef.part", *others):
            (videos / name).touch()
        ended = start(url=server.base_url)
        assert (ended.code, len(server.arrived)) == (0, 3)  # the video is not downloaded again
    assert "1 done" in ended.out
    assert "$0.20" in ended.out
    assert {path.name for path in videos.iterdir()} == {*others, "0001.mp4", "journal.sqlite"}


MIXED_UP: dict[str, tuple[bytes, str]] = {
    "changed": (as_line(TEXT) + as_line(LAKES[1]), "prompts.jsonl:1: another request was sent"),
    "swapped": (as_line(LAKES[1]) + as_line(LAKES[0]), "prompts.jsonl:1: another request was sent"),
    "moved": (b"\n" + as_line(LAKES[0]) + as_line(LAKES[1]), "prompts.jsonl:1: another request"),
    "removed": (as_line(LAKES[0]), "prompts.jsonl:2: another request was sent for this line"),
}


@pytest.mark.parametrize(("lines", "message"), MIXED_UP.values(), ids=MIXED_UP)
def test_a_changed_line_is_refused_after_it_was_sent(
    lines: bytes, message: str, start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:2])
    assert start().code == 0
    write(tmp_path, lines + as_line(LAKES[2]))
    ended = start()
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert ended.err.startswith(f"batch: {message}")
    assert len(posted(arrived)) == 2
    write(tmp_path, LAKES)
    assert start().code == 0


def test_a_folder_that_cannot_be_used_is_refused(
    start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    (videos := tmp_path / "videos").mkdir()
    with contextlib.closing(Journal(videos)):
        refused = {"another batch is running in this folder": start()}
    (videos / "0001.mp4").touch()
    refused["0001.mp4 exists, and no run of this batch created it"] = start()
    (videos / "journal.sqlite").write_bytes(b"not a database" * 1000)
    refused["file is not a database"] = start()
    for message, ended in refused.items():
        assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
        assert message in ended.err
    assert not arrived


def test_jobs_of_one_gateway_are_not_looked_up_at_another(start: Batch, tmp_path: Path) -> None:
    write(tmp_path, LAKES)
    assert start().code == 0
    with serving(no_response) as server:
        ended = start(url=server.base_url)
        assert (ended.code, len(server.arrived)) == (2, 0)
    assert "the previous lines were sent to http://" in ended.err


# The requests until the batch stops, the exit code and the message.
STOPS: dict[str, tuple[Fault, int, int, str]] = {
    **{
        str(status): (
            responding(status, ERROR),
            1,
            3,
            f"line 1: status {status}: It did not work.;",
        )
        for status in (401, 402, 403)
    },
    "502": (
        responding(502, b"<title>Bad gateway</title>"),
        *(10, 5, "10 lines in a row have an unknown outcome: it may have been carried out"),
    ),
}


@pytest.mark.parametrize(("fault", "sent", "code", "message"), STOPS.values(), ids=STOPS)
def test_a_failure_of_all_lines_stops_the_batch(
    fault: Fault, sent: int, code: int, message: str, start: Batch, tmp_path: Path
) -> None:
    write(tmp_path, LAKES * 5)
    with serving(fault) as server:
        ended = start("--concurrency", 1, url=server.base_url)
        assert (ended.code, len(server.arrived)) == (code, sent)
    assert f"batch: {message}" in ended.err
    unknown = sent if code == 5 else 0
    assert f"{unknown} unknown, 0 unfinished, {15 - unknown} not sent" in ended.out


def test_a_video_that_cannot_be_saved_stops_the_batch(
    start: Batch, arrived: list[Arrived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tmp_path, LAKES)
    with monkeypatch.context() as patch:
        patch.setattr(AuthenticatedClient, "asyncio_download", full)
        ended = start("--concurrency", 1)
    assert (ended.code, posted(arrived)) == (1, ["lake 1"])
    assert "No space left on device; no more lines are sent" in ended.err
    assert start().code == 0


def noting(times: list[float], fault: Fault) -> Fault:
    def note(connection: socket.socket) -> None:
        times.append(time.monotonic())
        fault(connection)

    return note


def test_lines_wait_as_long_as_a_busy_gateway_asks(
    start: Batch, base_url: str, tmp_path: Path
) -> None:
    sent: list[float] = []
    busy = noting(sent, responding(429, ERROR, Retry_After="0.4"))
    write(tmp_path, LAKES)
    with in_front_of(base_url, busy, busy) as server:
        ended = start("--concurrency", 1, url=server.base_url)
        assert posted(server.arrived) == ["lake 1", "lake 1", "lake 1", "lake 2", "lake 3"]
    assert ended.code == 0
    assert ended.err.count("waiting for the gateway, at most 900 seconds: status 429") == 1
    assert sent[1] - sent[0] > 0.35


def test_a_gateway_that_accepts_nothing_stops_the_batch_after_the_timeout(
    start: Batch, tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    words = ["--timeout", "0.5", "--concurrency", "1"]
    dead = start(*words, url="http://127.0.0.1:9")
    with serving(responding(429, ERROR, Retry_After="60")) as server:
        busy = start(*words, url=server.base_url)
        assert len(server.arrived) == 1
    assert "(nothing was sent); no more lines are sent" in dead.err
    assert "status 429: It did not work.; no more lines are sent" in busy.err
    for ended in (dead, busy):
        assert ended.code == 1
        assert "3 not sent" in ended.out
    assert journaled(tmp_path) == []


def test_lines_are_sent_at_a_rate(start: Batch, tmp_path: Path) -> None:
    sent: list[float] = []
    write(tmp_path, LAKES * 2)
    with serving(noting(sent, responding(400))) as server:
        start("--rate", 400, url=server.base_url)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert len(gaps) == 5
    assert sum(gaps) > 5 * 0.14
    assert min(gaps) > 0.02


def test_at_most_as_many_lines_as_allowed_are_in_flight(
    start: Batch, base_url: str, tmp_path: Path
) -> None:
    in_flight: list[int] = []

    def count(connection: socket.socket) -> None:
        saved = len(list((tmp_path / "videos").glob("*.mp4")))
        in_flight.append(len(posted(server.arrived)) - saved)
        forwarded(session, server.latest[connection])(connection)

    write(tmp_path, LAKES * 4)
    with httpx.Client(base_url=base_url) as session, serving(count) as server:
        assert start("--concurrency", 3, url=server.base_url).code == 0
    assert max(in_flight) == 3


def test_a_job_that_cannot_be_recorded_is_printed(
    start: Batch, arrived: list[Arrived], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Journal.put

    def put_no_job(journal: Journal, entry: Entry) -> None:
        if entry.job:
            raise sqlite3.OperationalError("database or disk is full")
        put(journal, entry)

    write(tmp_path, LAKES)
    monkeypatch.setattr(Journal, "put", put_no_job)
    ended = start("--concurrency", 1)
    assert (ended.code, posted(arrived)) == (5, ["lake 1"])
    assert re.search(r"batch: line 1: its job is [0-9a-f-]{36}, which is not in", ended.err)
    assert "the journal cannot be written: database or disk is full; no more lines" in ended.err
    assert journaled(tmp_path) == [(1, "unknown")]


def test_nothing_is_sent_if_the_journal_cannot_be_written(
    base_url: str, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    (tmp_path / "videos").mkdir()
    Journal(tmp_path / "videos").close()

    full = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]
    with launch(tmp_path, base_url, within=full) as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the journal cannot be written: " in err
    assert "3 not sent" in out
    assert not arrived


@pytest.mark.parametrize(
    ("name", "is_twice"), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGINT, True)]
)
def test_a_stopped_batch_waits_for_responses_unless_it_is_stopped_twice(
    name: signal.Signals, is_twice: bool, base_url: str, tmp_path: Path
) -> None:
    may_respond = threading.Event()

    def forward_later(connection: socket.socket) -> None:
        may_respond.wait(20)
        forwarded(session, server.latest[connection])(connection)

    write(tmp_path, LAKES)
    with httpx.Client(base_url=base_url) as session, serving(forward_later) as server:
        with launch(tmp_path, server.base_url, "--concurrency", 1) as process:
            while not server.arrived:
                assert process.poll() is None
            process.send_signal(name)
            assert process.stderr
            assert process.stderr.readline().endswith("stop again to leave them unknown\n")
            if is_twice:
                process.send_signal(name)
            else:
                may_respond.set()
            out, _ = process.communicate(timeout=20)
        may_respond.set()
        assert process.returncode == 130
    if is_twice:
        assert "line 1 unknown: stopped before a response came" in out
        assert journaled(tmp_path) == [(1, "unknown")]
    else:
        assert "3 lines: 0 done, 0 failed, 0 unknown, 1 unfinished, 2 not sent" in out
        assert journaled(tmp_path) == [(1, "created")]


def test_a_summary_can_be_printed_in_any_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    write(tmp_path, LAKES[:1])
    refusal = responding(400, {"error": {"message": "额度不足"}})
    with serving(refusal) as server, launch(tmp_path, server.base_url) as process:
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert r"line 1 not sent: status 400: \u989d\u5ea6\u4e0d\u8db3" in out
