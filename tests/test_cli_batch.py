"""The command `batch`: what it reads, sends and shows, in one run and in later runs."""

import re
import shutil
import signal
import socket
import threading
from typing import Any

import pytest

from bodies import TEXT, Body
from faults import OK, hang_up, responding
from grok_imagine_video_runtime import batch as library
from grok_imagine_video_runtime.batch import _limits
from scripts import LAKES, Batch, ended
from test_cli import DEFAULTS, FAULTS, MISTAKES, PNG, TYPED

LINE = '{"prompt": "A lake"}\n'
PRICE = {"cost_in_usd_ticks": 10**9}
PAID = responding(200, {"status": "done", "video": {"url": "/v.mp4"}, "usage": PRICE})
FAILED = responding(200, {"status": "FAILED", "error": {"code": "broken", "message": "No."}})
FILE = responding(200, b"v")
UUID = "[0-9a-f-]{36}"
RETRY = "grok-imagine-video batch retry videos"


@pytest.fixture
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Batch:
    monkeypatch.setattr(_limits, "SHORT_PAUSE", 0.01)
    return Batch(request)


def use_file(batch: Batch, name: str, content: str) -> None:
    """Use a file; "\\udcff" in it is the byte 0xff, which UTF-8 does not have."""
    batch.file = name
    path = batch.folder / name
    path.parent.mkdir(exist_ok=True)
    (path.parent / "lake.jpg").write_bytes(PNG)
    path.write_bytes(content.encode(errors="surrogateescape"))


@pytest.mark.parametrize(("name", "text", "sent"), TYPED["files"])
def test_each_kind_of_file_takes_the_same(
    name: str, text: str, sent: list[Body], batch: Batch
) -> None:
    use_file(batch, name, text)
    batch.stdin = text.encode()
    assert batch.run("--concurrency", 1, "--allow-extra").code == 0
    assert batch.sent() == [DEFAULTS | fields for fields in sent]
    assert len(list(batch.videos.glob("000?.mp4"))) == len(sent)


WRONG = [("prompts.csv", *row) for row in MISTAKES["tables"].items()]
WRONG += [("prompts.txt", "prompt,duration\nA lake,4", "prompts.txt:1: it looks like CSV")]
WRONG += [
    ("prompts.jsonl", f"{LINE}{line}\n\n{LINE}", f"prompts.jsonl:{told}")
    for line, told in (MISTAKES["lines"] | {"[" * 100_000: "2: "}).items()
]


@pytest.mark.parametrize(("name", "content", "message"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_file_is_refused(name: str, content: str, message: str, batch: Batch) -> None:
    use_file(batch, name, content)
    refused = batch.run()
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1)
    assert message in refused.err
    assert not batch.arrived
    assert not batch.videos.exists()


@pytest.mark.parametrize("session", TYPED["sessions"])
def test_a_session_shows_what_it_should(session: list[Any], batch: Batch) -> None:
    sent, *steps = session
    for typed, code, parts in steps:
        shown = batch.typed(typed)
        text = shown.out + shown.err
        assert (shown.code, [part for part in parts if part not in text]) == (code, [])
        assert code != 2 or "\n" not in text[:-1]
    assert len(batch.prompts()) == sent


@pytest.mark.parametrize(("status", "content", "sent", "code", "message"), MISTAKES["gateways"])
def test_what_the_gateway_responds_is_told_and_decides_the_exit_code(
    status: int | None, content: Any, sent: int, code: int, message: str, batch: Batch
) -> None:
    batch.write(*LAKES * 5)
    body = content.encode() if isinstance(content, str) else content
    fault = responding(status, body, Retry_After="60") if status else hang_up
    dead = {"GROK_BASE_URL": "http://127.0.0.1:9"} if status is None else {}
    with batch.gateway(*[fault] * sent, responding(400)):
        first = batch.run("--concurrency", 1, "--timeout", 0.5, **dead)
        assert (first.code, len(batch.arrived)) == (code, sent)
    assert message in first.out + first.err
    assert first.err.count("; no more requests are sent") == (sent < 15)
    state = "unknown" if code == 3 else "refused"
    assert (f"0 done, 0/15, {sent} {state}" in first.out) == (status not in (429, None))
    assert (f"{RETRY} --unknown" in first.out) == (code == 3)


def test_requests_are_sent_again_on_demand(batch: Batch) -> None:
    with batch.gateway(OK, FAILED, hang_up, OK, PAID, FILE) as server:
        first = batch.run("--concurrency", 1)
        assert (first.code, "1 done, 1 failed, 2/3, 1 unknown, $0.10\n" in first.out) == (3, True)
        for shown in (first, batch.typed("batch status videos")):
            assert f"To pay for another try of what failed: {RETRY} --failed\n" in shown.out
        moved = batch.typed("batch status videos", GROK_BASE_URL="https://other.example").out
        assert f" batch retry --base-url {server.base_url} videos --failed\n" in moved
        batch._patch.chdir("/")
        refused = batch.run("batch", "retry", batch.videos, "--failed", "--unknown")
        assert refused.err == "2 requests will be paid for again. Confirm it with --yes.\n"
        for words, code in (["--request", 1, "--budget", 9.5], 3), (["--unknown", "--yes"], 0):
            server._faults = OK, PAID, FILE
            server.arrived.clear()
            again = batch.run("batch", "retry", batch.videos, *words)
            assert (again.code, batch.prompts()) == (code, ["lake 1" if code else "lake 2"])
            assert (code == 3) == ("batch retry --budget 9.5 " in again.out)
    assert again.out == "3 done, 3/3, $0.30\n"
    (batch.folder / "prompts.jsonl").unlink()
    refused = batch.run("batch", "retry", batch.videos, "--failed")
    assert re.search("requests of .*videos cannot be read: put .*prompts.jsonl back", refused.err)


def test_requests_of_the_standard_input_must_be_kept_to_be_sent_again(batch: Batch) -> None:
    batch.stdin = b"failed\n"
    shown = batch.typed("batch - -o videos")
    advice = f"keep the requests in a file, start the batch from it, and then {RETRY} --failed\n"
    assert (shown.code, advice in shown.out) == (1, True)


def test_an_unfinished_request_is_sent_again_after_a_question(batch: Batch) -> None:
    batch.write(LAKES[0])
    retry = "batch", "retry", batch.videos, "--request", 1
    with batch.gateway(OK, responding(404), OK, PAID, FILE):
        first = batch.run()
        assert (first.code, "\nunfinished: request 1 (" in first.out) == (4, True)
        refused = batch.run(*retry)
        assert refused.err == "1 request will be paid for again. Confirm it with --yes.\n"
        assert (refused.code, len(batch.arrived)) == (2, 2)
        assert (batch.run(*retry, "--yes").code, batch.prompts()) == (0, ["lake 1"] * 2)


def test_what_has_a_job_meanwhile_is_not_sent_again(batch: Batch, monkeypatch: Any) -> None:
    def run_after_another(requests: Any, **options: Any) -> library.Summary:
        run(requests, **options)
        return run(requests, **options)

    batch.write(LAKES[0])
    run = library.run
    with batch.gateway(hang_up, OK, responding(404), PAID, FILE):
        assert batch.run().code == 3
        monkeypatch.setattr(library, "run", run_after_another)
        retry = batch.run("batch", "retry", batch.videos, "--unknown", "--yes")
        assert (retry.code, len(batch.prompts())) == (0, 2)


def test_machines_get_an_object_for_each_change(batch: Batch) -> None:
    batch.write(LAKES[0], TEXT | {"prompt": "failed"})
    *changes, summary = batch.run("--json", "--concurrency", 1).events()
    states = [(change["number"], change["state"]) for change in changes]
    assert states == [(1, "created"), (1, "done"), (2, "created"), (2, "failed")]
    assert (summary["code"], summary["done"], summary["finished"]) == (1, 1, 2)
    assert [problem["number"] for problem in summary["problems"]] == [2]
    assert batch.typed("batch status videos --json").events() == [summary | {"code": 0}]


def test_a_failure_is_told_once_and_without_files(batch: Batch) -> None:
    with batch.gateway(OK, FAULTS["away"]):
        assert batch.run("--timeout", 0.5, "--interval", 0.1).err.count("still trying") == 1
    with batch.gateway(OK, FAULTS["failed"]):
        shown = batch.typed("batch prompts.jsonl -o others --json --concurrency 1")
    assert (";base64,... here" in shown.out, "AA+/" in shown.out) == (True, False)


def test_a_terminal_gets_a_bar_and_the_output_the_summary(batch: Batch) -> None:
    shown = batch.on_terminal("-v", "--interval", 0.1, COLUMNS="40")
    assert (shown.code, "━" in shown.err, "3 done, 3/3" in shown.err) == (0, True, True)
    assert '"HTTP/1.1 200 OK"' in shown.err
    assert shown.out == "3 done, 3/3, $0.60\n"
    assert "━" not in shown.err.splitlines()[-1]


def test_a_lost_journal_stops_the_batch_and_its_jobs_are_printed(batch: Batch) -> None:
    def lose_and_forward(connection: socket.socket) -> None:
        shutil.rmtree(batch.videos)
        batch.forward(connection)

    batch.write(*LAKES[:2])
    with batch.gateway(*[batch.forward] * 3, lose_and_forward):
        run = batch.run("--concurrency", 1)
        assert (run.code, batch.prompts()) == (3, ["lake 1", "lake 2"])
    for number in (1, 2):
        assert re.search(f"^request {number}: its job is {UUID}", run.err, re.MULTILINE)
    assert "journal.sqlite" in run.err.splitlines()[-1]


@pytest.mark.parametrize("interrupt", [signal.SIG_IGN, signal.default_int_handler])
def test_a_batch_that_runs_can_be_watched_and_stopped(interrupt: Any, batch: Batch) -> None:
    def respond_later(connection: socket.socket) -> None:
        may_respond.wait(20)
        OK(connection)

    before = signal.signal(signal.SIGINT, interrupt)  # ignored as in the background of a script
    may_respond = threading.Event()
    with batch.gateway(respond_later), batch.launch("--rate", 1) as process:
        signal.signal(signal.SIGINT, before)
        while not batch.arrived:
            assert process.poll() is None
        shown = batch.typed("batch status videos")
        first, last = shown.out.splitlines()
        assert (shown.code, first) == (0, "0 done, 0/3, 1 running, 2 queued")
        assert last == "It is running now."
        refused = batch.run()
        assert (refused.code, "nother batch is running in videos" in refused.err) == (2, True)
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        waiting = "waiting for 1 responses; stop again to leave them unknown\n"
        assert process.stderr.readline().endswith(waiting)
        may_respond.set()
        run = ended(process)
    assert (run.code, run.out) == (143, "")
    assert run.err.splitlines()[-1] == "Interrupted. Start the batch again to go on."
