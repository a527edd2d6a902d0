"""What the command `batch` has beyond a run: tables, trying, looking, sending again, JSON."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bodies import TEXT
from conftest import TOKEN
from faults import OK, hang_up, responding
from scripts import LAKES, Batch, as_line
from test_cli import DEFAULTS
from test_cli_processes import read_all

LINK = "https://images.example/a.png"
FAILED = responding(200, {"status": "failed"})
DONE, FILE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}}), responding(200, b"v")


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> Batch:
    return Batch(request)


def table(batch: Batch, content: str) -> None:
    """Use a table; "\\udcff" in it is the byte 0xff, which UTF-8 does not have."""
    batch._words = ("batch", "prompts.csv", "-o", "videos")
    (batch.folder / "prompts.csv").write_bytes(content.encode(errors="surrogateescape"))


# A table, and what is different from the defaults in each request.
TABLES: list[tuple[str, list[dict[str, Any]]]] = [
    ("prompt\nA lake\n", [{}]),
    ("\ufeffprompt,duration\r\nA lake,15\r\nA lake,\r\n", [{"duration": 15}, {}]),
    (
        'duration,prompt\n5,"A ""lake""\nat night"\n',
        [{"duration": 5, "prompt": 'A "lake"\nat night'}],
    ),
    (f"prompt,image\nA lake,{LINK}\n", [{"image": {"url": LINK}}]),
    ("prompt,image\nA lake,a.png\n", [{"image": {"url": "data:image/png;base64,cG5n"}}]),
    (f"prompt,reference\nA lake,{LINK}\n", [{"reference_images": [{"url": LINK}]}]),
    (
        f'prompt,reference_images\nA lake,"[""{LINK}"", ""a.png""]"\n',
        [{"reference_images": [{"url": LINK}, {"url": "data:image/png;base64,cG5n"}]}],
    ),
    (
        f'prompt,reference\nA lake,"[{{""url"": ""{LINK}""}}]"\n',
        [{"reference_images": [{"url": LINK}]}],
    ),
    ("prompt,resolution\nA lake,720p\n\nA lake,480p\n", [{"resolution": "720p"}, {}]),
]


@pytest.mark.parametrize(("content", "sent"), TABLES)
def test_a_row_of_a_table_is_what_would_be_typed(
    content: str, sent: list[dict[str, Any]], batch: Batch
) -> None:
    (batch.folder / "a.png").write_bytes(b"png")
    table(batch, content)
    assert batch.run("--concurrency", 1).code == 0
    assert batch.sent() == [DEFAULTS | each for each in sent]
    assert len(list(batch.videos.glob("000?.mp4"))) == len(sent)


# A table, and what is wrong with it.
ODD_TABLES = [
    ("prompt,duration\nA lake,99\n", "prompts.csv:1: 'duration' must be <= 15: 99"),
    ("prompt,duration\nA lake,4\nA lake,four\n", "prompts.csv:2: --duration: not an integer"),
    ("prompt,duration\nA lake,5.0\n", "prompts.csv:1: --duration: not an integer"),
    ("prompt,duration\nA lake, 5\n", "prompts.csv:1: --duration: not an integer"),
    ("prompt,duration\nA lake,5\n \u3000,5\n", "prompts.csv:2: 'prompt' must not be blank: ' "),
    ("prompt,resolution\nA lake,1080p\n", "prompts.csv:1: 'resolution' must be"),
    ("prompt,image\nA lake,no.png\n", "prompts.csv:1: --image: cannot be read: No such file"),
    ("prompt,promt\nA lake,b\n", "prompts.csv:1: the spec has no 'promt' (did you mean 'prompt'?)"),
    ("prompt\nA lake,5\n", "prompts.csv: row 1: more cells than the header has"),
    ('prompt\nA lake\n"A lake\n', "prompts.csv: after row 1: unexpected end of data"),
    ("prompt,prompt\nA,B\n", "prompts.csv: row 0: two columns are 'prompt'"),
    ("reference,reference_images,prompt\n,,A\n", "two columns are 'reference_images'"),
    ("prompt,\nA,B\n", "prompts.csv: row 0: a column has no name"),
    (
        "prompt;duration\nA;4\n",
        "'prompt' is required, and the row has no such cell: {'prompt;durat",
    ),
    ("prompt\n\udcff\n", "prompts.csv: after row 0: 'utf-8' codec can't decode"),
    ("duration\n4\n", "prompts.csv:1: 'prompt'"),
    ("prompt\n", "prompts.csv: the file has no requests"),
    ("", "prompts.csv: the file has no requests"),
]


@pytest.mark.parametrize(("content", "message"), ODD_TABLES)
def test_an_odd_table_is_refused(content: str, message: str, batch: Batch) -> None:
    table(batch, content)
    refused = batch.run()
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert not batch.arrived
    assert not batch.videos.exists()


def test_columns_that_the_spec_lacks_are_sent_if_they_are_meant(batch: Batch) -> None:
    table(batch, "prompt,seed,user\nA lake,7,me\n")
    assert batch.run("--extra").code == 0
    assert batch.sent() == [DEFAULTS | {"seed": 7, "user": "me"}]


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


def test_the_status_is_shown_also_while_it_runs(batch: Batch) -> None:
    may_respond = threading.Event()

    def respond_later(connection: socket.socket) -> None:
        may_respond.wait(20)
        OK(connection)

    with batch.gateway(respond_later, DONE, FILE), batch.launch("--concurrency", 1) as process:
        while not batch.arrived:
            assert process.poll() is None
        shown = batch.about("status", "videos")
        assert shown.code == 0
        assert shown.out.startswith("3 requests: 0 done, 0 failed, 1 unknown, 0 unfinished, 2 not")
        assert "it is running now, so some of the unknown are in flight" in shown.out
        busy = batch.run()
        assert (busy.code, busy.out) == (2, "")
        assert "another batch is running in videos; wait for it" in busy.err
        process.send_signal(signal.SIGINT)
        may_respond.set()
        assert process.wait(20) == 130
    ended = batch.about("status", "videos")
    assert ended.out.startswith("3 requests: 0 done, 0 failed, 0 unknown, 1 unfinished, 2 not sent")
    assert "running" not in ended.out
    assert batch.about("status", "nowhere").code == 2


def test_a_request_is_sent_again_on_demand(batch: Batch) -> None:
    with batch.gateway(OK, FAILED, hang_up, OK, DONE, FILE) as server:
        first = batch.run("--concurrency", 1)
        assert first.code == 3
        assert "batch retry videos --line NUMBER" in first.out
        (batch.folder / "elsewhere").mkdir()
        batch._patch.chdir(batch.folder / "elsewhere")
        folder = batch.videos
        for number, states in (
            (1, {1: "done", 2: "unknown", 3: "done"}),
            (2, {1: "done", 2: "done", 3: "done"}),
        ):
            server._faults = OK, DONE, FILE
            server.arrived.clear()
            retried = batch.about("retry", folder, "--line", number)
            assert retried.code == (3 if "unknown" in states.values() else 0), retried
            assert batch.states() == states
            assert batch.prompts() == [f"lake {number}"]
        server.arrived.clear()
        done = batch.about("retry", folder, "--line", 1, "--line", 2)
        assert (done.code, done.out) == (2, "")
        assert "--line 1: its result is saved" in done.err
        missing = batch.about("retry", folder, "--line", 9)
        assert "--line 9: it was not sent: start the batch" in missing.err
        (batch.folder / "prompts.jsonl").unlink()
        lost = batch.about("retry", folder, "--line", 9)
        assert lost.code == 2
        assert "prompts.jsonl: No such file, from which the batch was made; put it back" in lost.err
        nowhere = batch.about("retry", "nowhere", "--line", 9)
        assert (nowhere.code, "nowhere: there is no batch here" in nowhere.err) == (2, True)
        assert not Path("nowhere").exists()
        assert not server.arrived


EVENTS = {
    "request": {"number", "state", "job_id", "cost", "error", "done", "total"},
    "summary": {
        *("total", "done", "failed", "unknown", "unfinished", "not_sent", "cost", "problems"),
        *("stopped", "is_running", "code"),
    },
    "error": {"code", "message", "advice", "job_id", "next"},
}
SCHEMA = re.findall(
    r"\| `(request|summary)` \| (.*) \|",
    (Path(__file__).parent.parent / "docs/command.md").read_text("utf-8"),
)


def events(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    for event in found:
        assert event.keys() == {"event", *EVENTS[event["event"]]}
    return found


def test_machines_get_an_object_for_each_change(batch: Batch) -> None:
    batch.write(LAKES[0], TEXT | {"prompt": "failed"})
    run = batch.run("--json", "--concurrency", 1)
    *changes, summary = events(run.out)
    states = [(each["number"], each["state"]) for each in changes]
    assert states == [(1, "created"), (1, "done"), (2, "created"), (2, "failed")]
    assert (run.code, summary["code"], summary["done"]) == (1, 1, 1)
    assert [each["number"] for each in summary["problems"]] == [2]
    (shown,) = events(batch.about("status", "videos", "--json").out)
    assert shown | {"code": 1} == summary
    (refused,) = events(batch.about("status", "nowhere", "--json").out)
    assert refused["code"] == 2
    assert {name: {*re.findall("`([a-z_]+)`", text)} for name, text in SCHEMA} == {
        name: EVENTS[name] for name in ("request", "summary")
    }


@pytest.mark.parametrize("columns", ["80", "40"])
def test_a_terminal_gets_a_bar_and_the_summary(
    columns: str, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", columns)
    ours, theirs = pty.openpty()
    words = batch._command(("-v",), {})
    with subprocess.Popen([sys.executable, *words], stderr=theirs, stdout=theirs) as process:
        os.close(theirs)
        seen = read_all(ours)
    assert (process.returncode, "━" in seen, "3/3" in seen) == (0, True, True)
    assert "< 200 OK in" in seen
    assert TOKEN not in seen
    assert seen.rstrip().endswith("0 not sent; $0.60 reported so far")


def test_a_folder_that_cannot_be_made_is_refused(batch: Batch) -> None:
    (batch.folder / "videos").touch()
    refused = batch.run()
    assert (refused.code, batch.arrived) == (2, [])
    assert "-o videos: exists and is not a folder" in refused.err
    missing = batch.run(GROK_BASE_URL="")
    assert (missing.code, "base_url is missing" in missing.err) == (2, False)


# What becomes of the file after the requests were checked, the exit code, and what is said.
EDITS: list[tuple[list[Any], int, str]] = [
    ([LAKES[2], *LAKES], 4, "request 1 has changed since it was checked; restore it"),
    ([TEXT | {"x": 1}], 4, "prompts.jsonl:1: the spec has no 'x'"),
    ([*LAKES, *LAKES], 0, "2 requests: 2 done"),
]


@pytest.mark.parametrize(("lines", "code", "said"), EDITS)
def test_what_is_sent_is_what_was_checked(
    lines: list[Any], code: int, said: str, batch: Batch
) -> None:
    def rewrite(connection: socket.socket) -> None:
        file = batch.folder / "prompts.jsonl"
        (new := file.with_name("new")).write_bytes(b"".join(map(as_line, lines)))
        new.replace(file)  # as editors do
        DONE(connection)

    batch.write(LAKES[0])
    with batch.gateway(OK, responding(404), rewrite, FILE, OK, DONE, FILE):
        assert batch.run().code == 4
        batch.write(*LAKES[:2])
        run = batch.run("--concurrency", 1)
        assert batch.prompts() == ["lake 1", *["lake 2"] * (code == 0)]
    assert (run.code, said in run.out + run.err) == (code, True)


def test_what_can_be_read_only_once_is_refused(batch: Batch) -> None:
    (batch.folder / "prompts.jsonl").unlink()
    os.mkfifo(batch.folder / "prompts.jsonl")
    refused = batch.run()
    assert (refused.code, refused.out) == (2, "")
    assert "prompts.jsonl is not a file that can be read more than once" in refused.err


def test_a_file_that_is_not_there_is_named(batch: Batch) -> None:
    (batch.folder / "prompts.jsonl").unlink()
    refused = batch.run()
    assert (refused.code, refused.out) == (2, "")
    assert "prompts.jsonl: No such file or directory" in refused.err
    batch.write(as_line(TEXT))
    assert "base_url is missing" in batch.run(GROK_BASE_URL="").err
    assert not batch.videos.exists()
