"""The command `grok-imagine-video`, as it is typed, alone and in a process of its own."""

import base64
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import relay
from bodies import TEXT
from conftest import TOKEN
from faults import DONE, OK, hang_up, no_response, responding, saying
from grok_imagine_video import __main__ as command
from grok_imagine_video_runtime.cli.running import ExitCode
from making import load
from modes import Clock
from scripts import ROOT, Cli, ended

PENDING = responding(200, {"status": "pending", "progress": 42})
FAILED, USAGE, UNFINISHED = map(ExitCode, (1, 2, 4))
PNG = b"\x89PNG\r\n\x1a\n" + b"png" * 1000
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SAVED = re.compile(r"^saved v.mp4 \(4\.3 kB, \$0\.2[05]\)\r?\n\Z", re.MULTILINE)


@pytest.fixture
def cli(request: pytest.FixtureRequest, clock: Clock) -> Cli:  # noqa: ARG001 - no sleeps
    made = Cli(command.main, request)
    for name, content in FILES.items():
        (made.folder / name).write_bytes(content)
    os.mkfifo(made.folder / "pipe")
    return made


FILES = {"prompt.txt": b"A lake\n", "a lake.txt": b"", "lake.jpg": PNG, "empty.png": b""}
IMAGE = {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}
DEFAULTS = TEXT | {"prompt": "A lake"}
MISTAKES = load(Path(__file__).with_name("mistakes.yaml"))
TYPED: Any = json.dumps(load(Path(__file__).with_name("typed.yaml")))
TYPED = json.loads(TYPED.replace('"IMAGE"', json.dumps(IMAGE)))
SENT = TYPED["sent"]


@pytest.mark.parametrize("typed", SENT)
def test_what_is_typed_is_shown_and_sent_and_the_video_is_saved(typed: str, cli: Cli) -> None:
    cli.stdin = b"\xef\xbb\xbfof the standard input\n"
    line = f"create -o v.mp4 {typed.replace('$PWD', str(cli.folder))}"
    tried = cli.typed(line.replace("create", "create --dry-run"), HOME=str(cli.folder))
    assert (tried.code, json.loads(tried.out)) == (0, DEFAULTS | SENT[typed])
    assert tried.err == f"not sent: POST {cli.relay}/v1/videos/generations\n"
    assert not cli.arrived
    shown = cli.typed(line, HOME=str(cli.folder))
    assert (shown.code, shown.out, bool(SAVED.search(shown.err))) == (0, "v.mp4\n", True)
    assert cli.sent() == [DEFAULTS | SENT[typed]]
    assert (cli.folder / "v.mp4").read_bytes() == relay.VIDEO.read_bytes()


@pytest.mark.parametrize(("job_id", "typed", "path"), TYPED["places"])
def test_a_video_is_saved_where_it_should_be(job_id: str, typed: str, path: str, cli: Cli) -> None:
    (cli.folder / "folder").mkdir()
    with cli.gateway(DONE, responding(200, b"video")):
        shown = cli.typed(f"wait '{job_id}' {typed} --quiet")
        again = cli.typed(f"wait '{job_id}' {typed.replace('--force', '')}")
    assert (shown.code, shown.out, shown.err) == (0, f"{path}\n", "")
    assert (cli.folder / path).read_bytes() == b"video"
    assert (again.code, "it exists. Choose another name" in again.err) == (USAGE, True)


def test_a_video_can_go_to_the_standard_output_which_then_has_nothing_else(cli: Cli) -> None:
    typed = "create", "A lake", "-o", "-", "--interval", 0.1
    words = [sys.executable, *cli._command(typed, {})]
    shown = subprocess.run(words, capture_output=True)
    assert (shown.returncode, shown.stdout) == (0, relay.VIDEO.read_bytes())
    assert shown.stderr.endswith(b"saved to the standard output (4.3 kB, $0.20)\n")
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as nobody_reads:
        failed = subprocess.run(words, stdout=nobody_reads, stderr=subprocess.PIPE)
    *_, message, last = failed.stderr.decode().splitlines()
    assert (failed.returncode, message) == (4, "Cannot write to the standard output: broken pipe.")
    assert re.fullmatch(f"To resume: grok-imagine-video wait -o - {UUID}", last)


def test_machines_get_an_object_a_line(cli: Cli) -> None:
    with cli.gateway(OK, PENDING, DONE, responding(200, b"video")):
        events = cli.typed("create lake -o v.mp4 --json").events()
    assert [event["event"] for event in events] == ["created", "progress", "progress", "saved"]
    assert [events[0]["job_id"], events[1]["percent"], events[3]["bytes"]] == ["1", 42, 5]
    (left,) = cli.typed("create lake --no-wait --json").events()
    (job,) = cli.typed(f"get {left['job_id']} --json").events()
    assert (job["job"]["status"], job["cost"]) == ("done", 0.2)
    assert cli.typed(f"get {left['job_id']}").err == "the price is $0.20\n"
    (saved,) = (e for e in cli.typed(f"wait {left['job_id']} --json").events() if "path" in e)
    assert (saved["path"], saved["cost"]) == (f"{left['job_id']}.mp4", 0.2)
    (cli.folder / "lake.jpg").write_bytes(PNG + bytes(9_000_000))
    assert "the request has 12.0 MB" in cli.typed("create A --image lake.jpg --dry-run").err


def test_a_status_that_looks_like_markup_or_moves_the_cursor_breaks_nothing(cli: Cli) -> None:
    hostile = responding(200, {"status": "[/x]\x1b[2J\x9b2J", "progress": "1" * 400})
    with cli.gateway(OK, hostile, DONE, responding(200, b"video")):
        shown = cli.typed("create lake -o v.mp4")
    with cli.gateway(hostile):
        got = cli.typed("get 1")
    assert (shown.code, got.code, "[/x]" in got.out) == (0, 0, True)
    assert not {"\x1b", "\x9b"} & set(shown.err + got.out)


def test_verbose_shows_requests_and_no_secrets(cli: Cli) -> None:
    signed = responding(200, {"status": "done", "url": f"/{TOKEN}.mp4?signature=secret"})
    with cli.gateway(responding(429), OK, signed, responding(200, b"video")) as server:
        shown = cli.typed(f"create {TOKEN} -o v.mp4 -v --image lake.jpg")
    with cli.gateway(signed, responding(302, Location=f"/{TOKEN}"), responding(200, b"video")):
        logged = cli.typed("wait 1 -v --json").events()
    assert shown.code == 0
    assert f'POST {server.base_url}/v1/videos/generations "HTTP/1.1 429 ' in shown.err
    assert "retry 1 of 2" in shown.err
    assert f'GET {server.base_url}/[token].mp4 "HTTP/1.1 200 ' in shown.err
    assert "secret" not in shown.err
    assert [event["event"] for event in logged][:2] == ["log", "progress"]
    assert shown.err.count("created the job") == 1


@pytest.mark.parametrize(("typed", "code", "parts"), TYPED["shown"])
def test_what_is_typed_shows_this(typed: str, code: int, parts: list[str], cli: Cli) -> None:
    shown = cli.typed(typed, HOME=str(cli.folder))
    text = (shown.out + shown.err).replace(cli.relay, "RELAY")
    assert (shown.code, [part for part in parts if part not in text]) == (code, [])
    assert not re.search("secret|me@", text)
    assert not cli.arrived


@pytest.mark.parametrize("words", TYPED["helps"])
def test_help_has_examples_variables_and_a_link(words: str, cli: Cli) -> None:
    shown = cli.typed(f"{words} --help").out
    text = " ".join(shown.replace("|", " ").split())
    part, other = TYPED["helps"][words]
    assert (part in text, other in text) == (True, False)
    assert text.endswith("More: docs/command.md")
    examples = re.findall(f"^  grok-imagine-video {words}( .*)?$", shown, re.MULTILINE)
    assert len(examples) == 2


def test_the_help_leads_to_the_exit_codes(cli: Cli) -> None:
    assert cli.typed("--help").out.count("\nMore: docs/command.md\n") == 1
    text = (ROOT / "docs" / "command.md").read_text("utf-8")
    assert all(re.search(rf"^\| (.*, )?{code}\b.* \|$", text, re.MULTILINE) for code in ExitCode)


@pytest.mark.parametrize("typed", MISTAKES["typed"] | MISTAKES["asked"])
def test_one_line_says_what_is_wrong(typed: str, cli: Cli) -> None:
    failed = cli.typed(typed, HOME=str(cli.folder))
    lines = failed.err.splitlines()
    code = USAGE if typed in MISTAKES["typed"] else FAILED
    assert (failed.code, failed.out) == (code, ""), failed.err
    assert (MISTAKES["typed"] | MISTAKES["asked"])[typed] in lines[-1]
    assert code != USAGE or (len(lines) == 1 and not cli.arrived)  # before it costs money
    assert not re.search("Unused Tokens|unable to convert|Input\\(|base64", failed.err)
    assert {path.name for path in cli.folder.iterdir()} - {".local", "pipe"} == {*FILES}


FAULTS = {name: responding(*fault[:2], **fault[2]) for name, fault in MISTAKES["faults"].items()}
FAULTS["half"] = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=hang_up)
FAULTS["no response"] = hang_up
TO_RESUME = "To resume: grok-imagine-video wait -o v.mp4 1"


@pytest.mark.parametrize("name", MISTAKES["outcomes"])
def test_what_the_gateway_did_decides_the_code_and_what_to_do_next(name: str, cli: Cli) -> None:
    faults = [FAULTS[word] for word in name.split(", ")]
    code, message = MISTAKES["outcomes"][name]
    last = f"{TO_RESUME[:-1]}{'-- -1' if 'dash' in name else '1'}" if code == UNFINISHED else ""
    with cli.gateway(*faults):
        shown = cli.typed("create lake -o v.mp4")
    with cli.gateway(*faults):
        again = cli.typed("create lake -o v.mp4 --json")
    assert (shown.code, shown.out) == (code, "")
    assert message in f"\n{shown.err}"
    assert ("created the job" in shown.err) == (len(faults) > 1)
    assert shown.err.count("pending 42%") == ("pending" in name)
    assert shown.err.count("still trying") == ("ok, away" in name)  # once, however often it asked
    assert not last or shown.err.splitlines()[-1] == last
    assert {path.name for path in cli.folder.iterdir()} == {*FILES, "pipe"}
    event = again.events()[-1]
    assert (again.code, again.err, event["event"], event["code"]) == (code, "", "error", code)
    assert event["next"] == (last.removeprefix("To resume: ") or None)


def test_a_gateway_that_goes_away_while_we_wait_is_told(cli: Cli) -> None:
    dead = {"GROK_BASE_URL": "http://127.0.0.1:9"}
    waited = cli.typed("wait 1 -o v.mp4 --timeout 9", **dead)
    assert waited.code == UNFINISHED
    assert waited.err.splitlines() == [
        "cannot reach http://127.0.0.1:9 (connection refused), still trying",
        "gave up after 9 s: no response from the gateway (connection refused)",
        TO_RESUME,
    ]
    url = "--base-url http://127.0.0.1:9"
    first, last = cli.typed(f"wait 1 -o v.mp4 --timeout 9 --json {url}").events()
    assert (first["event"], first["job_id"], last["event"]) == ("poll_failed", "1", "error")
    assert last["next"] == f"grok-imagine-video wait -o v.mp4 {url} 1"


def stopped(cli: Cli, when: Callable[[Any], bool], number: int = signal.SIGINT) -> Any:
    """The end of the command when a signal comes right after such a request."""
    with cli.launch("create", "A lake", "-o", "v.mp4", "--interval", "0.1") as process:
        while not any(map(when, cli.arrived)):
            assert process.poll() is None
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # Python drops one that is raised in a callback
            process.send_signal(number)
        return ended(process)


SIGNALS: dict[int, int] = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_says_how_to_go_on(number: int, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
        end = stopped(cli, lambda request: request.method == "GET", number)
    job_id = cli.arrived[-1].path.rpartition("/")[2]
    *_, message, last = end.err.splitlines()
    assert (end.code, message) == (SIGNALS[number], "Interrupted. The job goes on.")
    assert last == f"To resume: grok-imagine-video wait -o v.mp4 {job_id}"
    assert cli.run(*shlex.split(last)[3:]).code == 0
    assert cli.prompts() == ["A lake"]
    assert (cli.folder / "v.mp4").exists()


def test_a_signal_says_what_it_leaves(cli: Cli) -> None:
    with cli.gateway(no_response):
        end = stopped(cli, lambda _: True)
    assert end.err.startswith("Interrupted; it may have been carried out: look for the job before")
    with cli.gateway(OK, DONE, no_response):
        end = stopped(cli, lambda request: b"/v.mp4" in request)
    message = "Interrupted while saving. The result is ready, and was not saved."
    assert end.err.endswith(f"{message}\n{TO_RESUME}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_the_video_is_saved_though_nothing_can_be_printed(cli: Cli) -> None:
    words = cli._command(("create", "A lake", "-o", "v.mp4", "--interval", "0.1"), {})
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as nobody_reads, Path("/dev/full").open("w") as full:
        for stream in (nobody_reads, full):
            shown = subprocess.run([sys.executable, *words], stdout=stream, stderr=stream)
            assert shown.returncode == 0
            (cli.folder / "v.mp4").unlink()
        left = [sys.executable, words[0], "create", "A lake", "--no-wait", "--json"]
        shown = subprocess.run(left, stdout=full, stderr=subprocess.PIPE)
        assert (shown.returncode, json.loads(shown.stderr)["event"]) == (4, "created")
    closed = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, *words]
    assert subprocess.run(closed).returncode == 0
    assert (cli.folder / "v.mp4").exists()


@pytest.mark.parametrize("env", [{"COLUMNS": "80"}, {"COLUMNS": "40", "NO_COLOR": "1"}])
def test_a_terminal_gets_a_bar_that_is_gone_in_the_end(env: dict[str, Any], cli: Cli) -> None:
    shown = cli.on_terminal("create", "A lake", "-o", "v.mp4", "--interval", "0.1", **env)
    assert (shown.code, shown.out) == (0, "v.mp4\n")
    assert all(text in shown.err for text in ("created the job", "━", "saving"))
    assert ("\x1b[36m" in shown.err) == ("NO_COLOR" not in env)
    assert SAVED.search(shown.err.replace("\x1b[2K", "\n"))
    failed = cli.on_terminal("create", "failed", "-o", "w.mp4", "--interval", "0.1", **env)
    *_, message = failed.err.splitlines()
    assert message == "\x1b[1A\x1b[2KThe job failed: internal_error: The prompt asked for it."
    plain = cli.on_terminal("create", "A lake", "--interval", 0.1, has_pipe=False, TERM="dumb")
    assert re.search(r"\nsaved \S+ \(4\.3 kB, \$0\.20\)\r\n\Z", plain.err)  # and nothing else
    assert "\x1b" not in plain.err


def test_without_the_extra_one_line_names_what_to_install() -> None:
    hidden = "import sys; sys.modules['cyclopts'] = None; "
    run = "from grok_imagine_video.__main__ import main; main()"
    shown = subprocess.run([sys.executable, "-c", hidden + run], capture_output=True, text=True)
    assert shown.returncode == 1
    assert shown.stderr.splitlines() == [
        "grok-imagine-video: it needs cyclopts and rich: pip install cyclopts rich"
    ]
