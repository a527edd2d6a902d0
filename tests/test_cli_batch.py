"""What the command `batch` has beyond a run: tables, trying, looking, sending again, JSON."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bodies import TEXT
from faults import OK, hang_up, responding
from scripts import LAKES, Batch, as_line
from test_cli import DEFAULTS, DONE

LINK = "https://images.example/a.png"
FAILED = responding(200, {"status": "failed"})
FILE = responding(200, b"v")


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
    ("prompt,seed,user\nA lake,7,me\n", [{"seed": 7, "user": "me"}]),  # the spec lacks two
]


@pytest.mark.parametrize(("content", "sent"), TABLES)
def test_a_row_of_a_table_is_what_would_be_typed(
    content: str, sent: list[dict[str, Any]], batch: Batch
) -> None:
    (batch.folder / "a.png").write_bytes(b"png")
    table(batch, content)
    assert batch.run("--concurrency", 1, "--extra").code == 0
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
        for number, code, second in ((1, 3, "unknown"), (2, 0, "done")):
            server._faults = OK, DONE, FILE
            server.arrived.clear()
            assert batch.about("retry", batch.videos, "--line", number).code == code
            assert batch.states() == {1: "done", 2: second, 3: "done"}
            assert batch.prompts() == [f"lake {number}"]


def test_what_is_not_to_be_sent_again_is_refused(batch: Batch) -> None:
    assert batch.run().code == 0
    batch.arrived.clear()

    def refusal(*words: object) -> str:
        refused = batch.about("retry", *words)
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
    (shown,) = batch.about("status", "videos", "--json").events()
    assert shown | {"code": 1} == summary
    (refused,) = batch.about("status", "nowhere", "--json").events()
    assert refused["code"] == 2


@pytest.mark.parametrize("columns", ["80", "40"])
def test_a_terminal_gets_a_bar_and_the_output_the_summary(columns: str, batch: Batch) -> None:
    shown = batch.on_terminal("-v", COLUMNS=columns)
    assert (shown.code, "━" in shown.err, "3/3" in shown.err) == (0, True, True)
    assert "< 200 OK in" in shown.err
    assert shown.out.endswith("0 not sent; $0.60 reported so far\n")


def test_what_cannot_be_read_or_written_is_refused(batch: Batch) -> None:
    assert "base_url is missing" in batch.run(GROK_BASE_URL="").err
    assert not batch.videos.exists()
    file = batch.folder / "prompts.jsonl"
    steps: list[tuple[Callable[[], object], str]] = [
        (batch.videos.touch, "-o videos: exists and is not a folder"),
        (file.unlink, "prompts.jsonl: No such file or directory"),
        (lambda: os.mkfifo(file), "prompts.jsonl is not a file that can be read more than once"),
    ]
    for spoil, message in steps:
        spoil()
        refused = batch.run()
        batch.videos.unlink(missing_ok=True)
        assert (refused.code, refused.out, message in refused.err) == (2, "", True)
    assert not batch.arrived


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
