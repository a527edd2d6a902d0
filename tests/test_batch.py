"""Batches: what comes of each line, in one run and in those after it."""

import contextlib
import errno
import importlib.util
import itertools
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from attrs import frozen

import batch
import batch_gate
import relay
from batch_journal import Entry, Journal
from batching import LAKES, answer_of, as_line, in_front_of, journaled, launch, posted, write
from bodies import BAD, TEXT
from conftest import TOKEN, Arrived
from faults import OK, Fault, Server, answering, hang_up, no_answer, reset, saying, serving
from grok_imagine_video import AuthenticatedClient

ERROR = {"error": {"message": "It did not work."}}
TICKS = "cost_in_usd_ticks"
LATER = answering(429, ERROR, Retry_After="0")


@frozen
class Ended:
    code: int
    out: str
    err: str


Batch = Callable[..., Ended]


@pytest.fixture(autouse=True)
def _nothing_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e-6)
    monkeypatch.setattr(batch_gate, "SHORT_PAUSE", 0.01)


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


def test_each_line_becomes_a_video_and_is_never_sent_again(
    start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    first, second, third = map(as_line, LAKES)
    write(tmp_path, b"\xef\xbb\xbf" + first + b"\r\n  \n" + second)
    ended = start()
    counts = "2 lines: 2 done, 0 failed, 0 unknown, 0 unfinished, 0 not sent; $0.40 so far"
    assert (ended.code, ended.out.splitlines()) == (0, [f"{counts}, where answers tell it"])
    assert "0 running, $0.40" in ended.err
    assert "2/2" in ended.err
    write(tmp_path, b"\xef\xbb\xbf" + first + b"\r\n  \n" + second + third)
    assert start().code == 0
    idle = start("--cluster", "tcp://127.0.0.1:9")
    assert (idle.code, idle.err) == (0, "")  # with nothing to do no cluster is asked
    assert sorted(posted(arrived)) == ["lake 1", "lake 2", "lake 3"]
    videos = sorted(path for path in (tmp_path / "videos").iterdir() if path.suffix == ".mp4")
    assert [video.name for video in videos] == ["0001.mp4", "0004.mp4", "0005.mp4"]
    assert {video.read_bytes() for video in videos} == {relay.VIDEO.read_bytes()}


BAD_LINES = {
    "nothing": (b"\n \n", "prompts.jsonl: there is no request in it"),
    "no JSON": (b"{", "prompts.jsonl:1: no JSON: Expecting property name"),
    "no UTF-8": (b'{"prompt": "\xff"}', "prompts.jsonl:1: no UTF-8"),
    "half a character": (as_line(TEXT | {"prompt": "\ud800"}), "prompts.jsonl:1: no UTF-8"),
    "no object": (b"[]", "prompts.jsonl:1: a JSON object is needed"),
    "no number": (as_line(TEXT | {"x": float("nan")}), "prompts.jsonl:1: JSON has no NaN"),
    "too large a number": (as_line(TEXT)[:-2] + b', "x": 1e999}', "prompts.jsonl:1: Out of range"),
    "too deep": (b"[" * 100_000, "prompts.jsonl:1: nested too deeply"),
    "a field twice": (b'{"prompt": 1, "prompt": 2}', "prompts.jsonl:1: 'prompt' is there twice"),
    "too long": (
        as_line(TEXT) + b"\n" + as_line(TEXT | {"duration": 99}),
        "prompts.jsonl:3: 'duration' must be <= 15: 99",
    ),
    **{
        name: (as_line(body), f"'{param.rpartition('.')[2]}'")
        for name, (param, body) in BAD.items()
        if not param[-1].isdigit()
    },
}


@pytest.mark.parametrize(("lines", "told"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_named_before_anything_is_sent(
    lines: bytes, told: str, start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, lines)
    ended = start()
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert told in ended.err
    assert not arrived
    assert not (tmp_path / "videos").exists()


def test_all_bad_lines_are_named_up_to_a_limit(start: Batch, tmp_path: Path) -> None:
    write(tmp_path, b"{}\n" * 19 + as_line(TEXT) + b"{}\n" * 4)
    named = start().err.splitlines()
    assert [line.split(":")[1] for line in named[:-1]] == [*map(str, range(1, 20)), "21"]
    assert named[-1] == "prompts.jsonl: and 3 more"


ARGUMENTS: dict[str, tuple[list[str], str]] = {
    "no concurrency": (["--concurrency", "0"], "--concurrency must be 1 or more"),
    "no rate": (["--rate", "0"], "--rate: must be a number above 0"),
    "no time": (["--timeout", "nan"], "--timeout: must be a number above 0"),
    **{
        f"no address: {address}": (
            ["--cluster", address],
            "--cluster must be local, or such as tcp",
        )
        for address in ("", "8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "locals")
    },
    "a file for a folder": (["-o", "prompts.jsonl"], "--output must be a folder: prompts.jsonl"),
}


@pytest.mark.parametrize(("words", "told"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_that_make_no_sense_are_refused(
    words: list[str], told: str, start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    ended = start(*words)
    assert ended.code == 2
    assert told in ended.err.splitlines()[-1]
    assert not arrived


# What the relay does with a line: the exit code, and what is said; 5 if a job may have come of it.
OUTCOMES: dict[str, tuple[Fault, int, str]] = {
    "400": (answering(400, ERROR), 1, "line 1 not sent: status 400: It did not work."),
    "401": (answering(401, ERROR), 3, "line 1 not sent: status 401: It did not work."),
    "404": (answering(404, ERROR), 1, "line 1 not sent: status 404"),
    "302": (answering(302, ERROR, Location="/"), 5, "line 1 unknown: status 302"),
    "408": (answering(408, ERROR), 5, "line 1 unknown: look before"),
    "500": (answering(500, ERROR), 5, "line 1 unknown: status 500: It did not work."),
    "502": (answering(502, ERROR), 5, "line 1 unknown: look before"),
    "a reset": (reset, 5, "line 1 unknown: POST http"),
    "no answer": (hang_up, 5, "line 1 unknown: POST http"),
    "half an answer": (
        saying(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"request_id'),
        *(5, "line 1 unknown: POST http"),
    ),
    "no JSON": (answering(200, b"<html>"), 5, "line 1 unknown: the body is not what"),
    "no id": (answering(200, {"ok": 1}), 5, "line 1 unknown: accepted, with nothing to"),
    "an odd id": (answering(200, {"id": "\ud800"}), 5, "line 1 unknown: accepted, with"),
}


@pytest.mark.parametrize(("fault", "code", "told"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_line_is_sent_again_only_if_it_is_certain_that_no_job_came_of_it(
    fault: Fault, code: int, told: str, start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:1])
    is_certain = code != 5
    with in_front_of(base_url, fault) as server:
        ended = start(url=server.base_url)
        assert ended.code == code
        assert ended.out.splitlines()[1].startswith(told)
        assert journaled(tmp_path) == ([] if is_certain else [(1, "unknown")])
        assert start(url=server.base_url).code == (0 if is_certain else 5)
        assert posted(server.arrived) == ["lake 1"] * (1 + is_certain)


def test_an_answer_without_a_job_is_kept_for_a_person(start: Batch, tmp_path: Path) -> None:
    write(tmp_path, LAKES[:1])
    with serving(answering(200, {"taskId": "x1"})) as server:
        start(url=server.base_url)
    with contextlib.closing(Journal(tmp_path / "videos")) as journal:
        assert journal.entries()[0].answer == b'{"taskId": "x1"}'


def test_a_line_is_in_the_journal_before_it_is_sent(start: Batch, tmp_path: Path) -> None:
    seen: list[bool] = []

    def look(connection: socket.socket) -> None:
        seen.append(b"unknown" in (tmp_path / "videos" / "journal.sqlite").read_bytes())
        answering(400, ERROR)(connection)

    write(tmp_path, LAKES)
    with serving(look) as server:
        start(url=server.base_url)
    assert seen == [True] * 3


def test_lines_of_unknown_outcome_are_sent_again_once_if_a_person_says_so(
    start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    again = "--resend-unknown"
    with in_front_of(base_url, *[hang_up] * 3, *[answering(400, ERROR)] * 2) as server:
        assert start(url=server.base_url).code == 5
        shutil.copy(relay.VIDEO, tmp_path / "videos" / "0002.mp4")  # a person has found it
        refused = start(again, url=server.base_url)
        assert (refused.code, sorted(posted(server.arrived)[3:])) == (5, ["lake 1", "lake 3"])
        assert journaled(tmp_path) == [(1, "unknown"), (2, "done"), (3, "unknown")]
        assert start(url=server.base_url).code == 5
        assert len(server.arrived) == 5
        assert start(again, url=server.base_url).code == 0
        assert start(again, url=server.base_url).code == 0
        assert sorted(posted(server.arrived)[5:]) == ["lake 1", "lake 3"]


def test_a_job_that_ends_without_a_video_is_final(
    start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    prompts = ["failed", "expired", "withheld", "a gateway", "an empty", "a lake"]
    write(tmp_path, [TEXT | {"prompt": prompt} for prompt in prompts])
    for _ in range(2):
        ended = start()
        assert ended.code == 4
        assert "6 lines: 3 done, 3 failed, 0 unknown, 0 unfinished, 0 not sent; $0.80" in ended.out
        assert "line 1 failed: the job is failed: internal_error: The prompt asked" in ended.out
        assert "line 3 failed: the job is done and moderation withheld what it made" in ended.out
    assert len(posted(arrived)) == 6


@pytest.mark.parametrize("usage", [None, 1, {}, *({TICKS: x} for x in ("1", -1, 10**30))])
def test_an_odd_price_is_none(usage: object, start: Batch, tmp_path: Path) -> None:
    write(tmp_path, LAKES[:1])
    job = answering(200, {"status": "done", "video": {"url": "/v.mp4"}, "usage": usage})
    with serving(OK, job, answering(200, b"video")) as server:
        ended = start(url=server.base_url)
    assert ended.code == 0
    assert "$0.00 so far" in ended.out


LEFT: dict[str, tuple[Fault, list[str], str]] = {
    "refused to tell": (answering(404, ERROR), [], "status 404: It did not work."),
    "not in time": (
        answering(200, {"status": "pending"}),
        *(["--timeout", "0.2"], "the job had not ended after 0.2 seconds"),
    ),
}


@pytest.mark.parametrize(("fault", "words", "told"), LEFT.values(), ids=LEFT)
def test_a_job_that_is_left_is_followed_by_the_next_run(
    fault: Fault, words: list[str], told: str, start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:1])
    with in_front_of(base_url, None, fault) as server:
        ended = start(*words, url=server.base_url)
        assert ended.code == 1
        assert f"line 1 unfinished: {told}" in ended.out
        assert journaled(tmp_path) == [(1, "created")]
        assert start(url=server.base_url).code == 0
        assert posted(server.arrived) == ["lake 1"]


def test_a_video_that_was_saved_before_a_kill_is_not_fetched_again(
    start: Batch, base_url: str, tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:1])
    with in_front_of(base_url, None, answering(404)) as server:
        start(url=server.base_url)
        shutil.copy(relay.VIDEO, tmp_path / "videos" / "0001.mp4")
        ended = start(url=server.base_url)
        assert (ended.code, len(server.arrived)) == (0, 3)
        assert "1 done" in ended.out
        assert "$0.20" in ended.out


def test_what_a_killed_download_leaves_is_removed_and_nothing_else(
    start: Batch, tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:1])
    (videos := tmp_path / "videos").mkdir()
    for name in (".0123456789abcdef.part", ".part", "x.part", "0123456789abcdef.part"):
        (videos / name).touch()
    assert start().code == 0
    left = {path.name for path in videos.iterdir()}
    assert left == {".part", "x.part", "0123456789abcdef.part", "0001.mp4", "journal.sqlite"}


MIXED_UP: dict[str, tuple[bytes, str]] = {
    "changed": (as_line(TEXT) + as_line(LAKES[1]), "prompts.jsonl:1: another request was sent"),
    "swapped": (as_line(LAKES[1]) + as_line(LAKES[0]), "prompts.jsonl:1: another request was sent"),
    "moved": (b"\n" + as_line(LAKES[0]) + as_line(LAKES[1]), "prompts.jsonl:1: another request"),
    "taken out": (as_line(LAKES[0]), "prompts.jsonl:2: another request was sent for this line"),
}


@pytest.mark.parametrize(("lines", "told"), MIXED_UP.values(), ids=MIXED_UP)
def test_lines_that_were_sent_must_stay_as_they_are(
    lines: bytes, told: str, start: Batch, arrived: list[Arrived], tmp_path: Path
) -> None:
    write(tmp_path, LAKES[:2])
    assert start().code == 0
    write(tmp_path, lines + as_line(LAKES[2]))
    ended = start()
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert ended.err.startswith(f"batch: {told}")
    assert len(posted(arrived)) == 2
    write(tmp_path, LAKES)
    assert start().code == 0


def test_a_line_that_was_refused_can_be_mended(start: Batch, base_url: str, tmp_path: Path) -> None:
    write(tmp_path, LAKES[:1])
    with in_front_of(base_url, answering(400, ERROR)) as server:
        start(url=server.base_url)
        write(tmp_path, LAKES[1:2])
        assert start(url=server.base_url).code == 0


def in_another_batch(folder: Path) -> contextlib.AbstractContextManager[object]:
    return contextlib.closing(Journal(folder))


def with_a_file(name: str) -> Callable[[Path], contextlib.AbstractContextManager[object]]:
    def make(folder: Path) -> contextlib.AbstractContextManager[object]:
        (folder / name).write_bytes(b"no video, and no database" * 1000)
        return contextlib.nullcontext()

    return make


FOLDERS = {
    "another batch": (in_another_batch, 2, "another batch is at work in this folder"),
    "no journal": (with_a_file("journal.sqlite"), 2, "file is not a database"),
    "a video": (with_a_file("0001.mp4"), 2, "0001.mp4 is there, and no run of this batch made it"),
}


@pytest.mark.parametrize(("make", "code", "told"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_that_cannot_be_used_is_refused(
    make: Callable[[Path], contextlib.AbstractContextManager[object]],
    code: int,
    told: str,
    start: Batch,
    arrived: list[Arrived],
    tmp_path: Path,
) -> None:
    write(tmp_path, LAKES)
    (tmp_path / "videos").mkdir()
    with make(tmp_path / "videos"):
        ended = start()
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1)
    assert told in ended.err
    assert not arrived


def test_jobs_of_one_relay_are_not_asked_for_at_another(start: Batch, tmp_path: Path) -> None:
    write(tmp_path, LAKES)
    assert start().code == 0
    with serving(no_answer) as server:
        ended = start(url=server.base_url)
        assert (ended.code, len(server.arrived)) == (2, 0)
    assert "the lines so far were sent to http://" in ended.err


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refusal_that_the_next_line_would_get_too_stops_the_batch(
    status: int, start: Batch, tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    with serving(answering(status, ERROR)) as server:
        ended = start("--concurrency", 1, url=server.base_url)
        assert (ended.code, len(server.arrived)) == (3, 1)
    assert f"batch: line 1: status {status}: It did not work.; no more lines" in ended.err
    assert "3 not sent" in ended.out


def test_many_unknown_outcomes_in_a_row_stop_the_batch(start: Batch, tmp_path: Path) -> None:
    write(tmp_path, LAKES * 5)
    with serving(answering(502, b"<title>Bad gateway</title>")) as server:
        ended = start("--concurrency", 1, url=server.base_url)
        assert (ended.code, len(server.arrived)) == (5, 10)
    assert "batch: 10 lines in a row have an unknown outcome: look before" in ended.err
    assert "10 unknown, 0 unfinished, 5 not sent" in ended.out


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


def test_a_busy_relay_is_waited_for(start: Batch, base_url: str, tmp_path: Path) -> None:
    write(tmp_path, LAKES)
    with in_front_of(base_url, *[LATER] * 5) as server:
        ended = start(url=server.base_url)
        assert sorted(posted(server.arrived)[5:]) == ["lake 1", "lake 2", "lake 3"]
    assert ended.code == 0
    assert ended.err.count("waiting for the relay, at most 900 seconds: status 429") == 1


def test_a_relay_that_takes_nothing_is_waited_for_as_long_as_it_is_said(
    start: Batch, tmp_path: Path
) -> None:
    write(tmp_path, LAKES)
    words = ["--timeout", "0.5", "--concurrency", "1"]
    dead = start(*words, url="http://127.0.0.1:9")
    with serving(answering(429, ERROR, Retry_After="60")) as server:
        busy = start(*words, url=server.base_url)
        assert len(server.arrived) == 1
    assert "(nothing was sent); no more lines are sent" in dead.err
    assert "status 429: It did not work.; no more lines are sent" in busy.err
    for ended in (dead, busy):
        assert ended.code == 1
        assert "3 not sent" in ended.out
    assert journaled(tmp_path) == []


def noting(times: list[float], fault: Fault) -> Fault:
    def note(connection: socket.socket) -> None:
        times.append(time.monotonic())
        fault(connection)

    return note


def test_all_lines_wait_as_long_as_a_busy_relay_asks(start: Batch, tmp_path: Path) -> None:
    sent: list[float] = []
    write(tmp_path, LAKES[:2])
    busy, wrong = answering(429, Retry_After="0.4"), answering(400)
    with serving(noting(sent, busy), noting(sent, wrong)) as server:
        start("--concurrency", 1, url=server.base_url)
    assert len(sent) == 3
    assert sent[1] - sent[0] > 0.35


def test_lines_are_sent_at_a_rate(start: Batch, tmp_path: Path) -> None:
    sent: list[float] = []
    write(tmp_path, LAKES * 2)
    with serving(noting(sent, answering(400))) as server:
        start("--rate", 400, url=server.base_url)
    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert len(gaps) == 5
    assert sum(gaps) > 5 * 0.14
    assert min(gaps) > 0.02


def test_no_more_lines_are_under_way_at_once_than_allowed(
    start: Batch, base_url: str, tmp_path: Path
) -> None:
    under_way: list[int] = []

    def count(connection: socket.socket) -> None:
        saved = len(list((tmp_path / "videos").glob("*.mp4")))
        under_way.append(len(posted(server.arrived)) - saved)
        answer_of(session, server.latest[connection])(connection)

    write(tmp_path, LAKES * 4)
    with httpx.Client(base_url=base_url) as session, serving(count) as server:
        assert start("--concurrency", 3, url=server.base_url).code == 0
    assert max(under_way) == 3


def test_a_job_that_the_journal_cannot_take_is_told(
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
    assert re.search(r"batch: line 1: its job is [0-9a-f-]{36}, which the journal does", ended.err)
    assert "the journal cannot be written: database or disk is full; no more lines" in ended.err
    assert journaled(tmp_path) == [(1, "unknown")]


def test_nothing_is_sent_that_the_journal_cannot_say(
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


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_batch_that_is_stopped_waits_for_answers_and_sums_up(
    name: signal.Signals, base_url: str, tmp_path: Path
) -> None:
    answer = threading.Event()

    def pass_on_later(connection: socket.socket) -> None:
        answer.wait(20)
        answer_of(session, server.latest[connection])(connection)

    write(tmp_path, LAKES)
    with httpx.Client(base_url=base_url) as session, serving(pass_on_later) as server:
        with launch(tmp_path, server.base_url, "--concurrency", 1) as process:
            stop(process, name, server)
            answer.set()
            out, _ = process.communicate(timeout=20)
        assert process.returncode == 130
        assert "3 lines: 0 done, 0 failed, 0 unknown, 1 unfinished, 2 not sent" in out
        assert journaled(tmp_path) == [(1, "created")]


def stop(process: subprocess.Popen[str], name: signal.Signals, server: Server) -> None:
    """Stop a batch as soon as it has sent a line, and wait until it says so."""
    while not server.arrived:
        assert process.poll() is None
    process.send_signal(name)
    assert process.stderr
    assert process.stderr.readline().endswith("stop again to leave them unknown\n")


def test_a_batch_that_is_stopped_twice_leaves_what_was_sent_unknown(tmp_path: Path) -> None:
    write(tmp_path, LAKES)
    with serving(no_answer) as server:
        with launch(tmp_path, server.base_url, "--concurrency", 1) as process:
            stop(process, signal.SIGINT, server)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=20)
        assert process.returncode == 130
        assert "line 1 unknown: it ended before an answer came" in out
        assert journaled(tmp_path) == [(1, "unknown")]


def test_a_summary_can_be_printed_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    write(tmp_path, LAKES[:1])
    refusal = answering(400, {"error": {"message": "额度不足"}})
    with serving(refusal) as server, launch(tmp_path, server.base_url) as process:
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert r"line 1 not sent: status 400: \u989d\u5ea6\u4e0d\u8db3" in out


def test_a_missing_extra_gets_one_line(
    start: Batch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, LAKES)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    ended = start("--cluster", "local")
    assert ended.code == 2
    assert 'dask.distributed: pip install "grok-imagine-video[cluster]"\n' in ended.err
