"""The command `grok-imagine-video`, as it is typed, alone and in a process of its own."""

import inspect
import json
import os
import resource
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
from grok_imagine_video_runtime.cli.exits import ExitCode
from making import load
from scripts import ROOT, Cli, ended
from ways import Clock

PENDING = responding(200, {"status": "pending", "progress": 42})
FAILED, USAGE, UNKNOWN, UNFINISHED = map(ExitCode, (1, 2, 3, 4))


@pytest.fixture
def cli(request: pytest.FixtureRequest, clock: Clock) -> Cli:  # noqa: ARG001 - no sleeps
    return Cli(command.main, request)


IMAGE = {"url": "data:image/png;base64," + "cG5n" * 1000}
LINK = {"url": "https://images.example/b.png?signature=secret"}
DEFAULTS = TEXT | {"prompt": "A lake"}
OTHER_MODEL = "grok-imagine-video-1.5-preview"
# The options that are typed, and what they change in the request.
SENT: dict[str, dict[str, object]] = {
    "": {},
    "--resolution 720p --aspect-ratio 1:1": {"resolution": "720p", "aspect_ratio": "1:1"},
    f"--duration 15 --model {OTHER_MODEL}": {"duration": 15, "model": OTHER_MODEL},
    "--duration +05": {"duration": 5},
    "--image a.png": {"image": IMAGE},
    f"--image {LINK['url']}": {"image": LINK},
    f"--reference a.png --reference-images {LINK['url']}": {"reference_images": [IMAGE, LINK]},
    """--image '{"url": "u", "file_id": 1}'""": {"image": {"url": "u", "file_id": 1}},
    """--extra user=\\"me\\" --extra frames='[{"at": 1}]'""": {"user": "me", "frames": [{"at": 1}]},
}


@pytest.mark.parametrize("options", SENT)
def test_every_option_is_sent_and_the_video_is_saved(options: str, cli: Cli) -> None:
    (cli.folder / "a.png").write_bytes(b"png" * 1000)
    shown = cli.typed(f"create 'A lake' -o v.mp4 {options}")
    assert (shown.code, shown.out) == (0, "saved v.mp4\n")
    assert cli.sent() == [DEFAULTS | SENT[options]]
    assert (cli.folder / "v.mp4").read_bytes() == relay.VIDEO.read_bytes()


def test_machines_get_an_object_a_line(cli: Cli) -> None:
    with cli.gateway(OK, PENDING, DONE, responding(200, b"video")):
        events = cli.typed("create lake -o v.mp4 --json").events()
    assert [event["event"] for event in events] == ["created", "progress", "progress", "saved"]
    assert [events[0]["job_id"], events[1]["percent"], events[3]["bytes"]] == ["1", 42, 5]
    (wrong,) = cli.typed("create --json").events()
    assert (wrong["event"], wrong["next"]) == ("error", None)
    (left,) = cli.typed("create lake --no-wait --json").events()
    assert left["event"] == "created"
    assert left["next"].endswith(left["job_id"])
    assert cli.typed(f"get {left['job_id']} --json").events()[0]["job"]["status"] == "done"


def test_a_status_that_looks_like_markup_or_moves_the_cursor_breaks_nothing(cli: Cli) -> None:
    odd = responding(200, {"status": "[/x]\x1b[2J\x9b2J", "progress": "1" * 400})
    with cli.gateway(OK, odd, DONE, responding(200, b"video")):
        shown = cli.typed("create lake -o v.mp4")
    with cli.gateway(odd):
        got = cli.typed("get 1")
    assert (shown.code, got.code, "[/x]" in got.out) == (0, 0, True)
    assert not {"\x1b", "\x9b"} & set(shown.err + got.out)


def test_verbose_shows_requests_and_no_secrets(cli: Cli) -> None:
    (cli.folder / "a.png").write_bytes(b"png" * 1000)
    signed = responding(200, {"status": "done", "url": "/v.mp4?signature=secret"})
    with cli.gateway(responding(429), OK, signed, responding(200, b"video")):
        shown = cli.typed(f"create {TOKEN} -o v.mp4 -v --image a.png")
    with cli.gateway(OK, signed, responding(200, b"video")):
        linked = cli.typed(f"create lake -o w.mp4 -v --image https://me:secret@{LINK['url'][8:]}")
    with cli.gateway(OK, signed, responding(200, b"video")):
        quiet = cli.typed("create lake -o x.mp4")
    assert (shown.code, linked.code, quiet.code) == (0, 0, 0)
    assert '"image":{"url":"data:image/png;base64,..."}' in shown.err
    assert "< 429" in shown.err
    assert "* retry 1 of 2" in shown.err
    assert "/v.mp4\n" in shown.err
    assert '"url":"https://images.example/b.png"' in linked.err
    assert "secret" not in shown.err + linked.err
    assert "> " not in quiet.err


def test_config_shows_what_is_set_and_where_and_never_the_key(cli: Cli) -> None:
    shown = cli.typed("config --base-url https://me@gateway.example/v1?key=secret")
    assert (shown.code, "secret" in shown.out, "me@" in shown.out) == (2, False, False)
    shown = cli.typed("config")
    assert (shown.code, shown.err) == (0, "")
    assert "set, and not shown (GROK_API_KEY)" in shown.out
    assert f"{cli.relay} (GROK_BASE_URL)" in shown.out
    found = json.loads(cli.typed("config --json --base-url https://a.example --no-key").out)
    assert found["base_url"]["source"] == "--base-url"
    assert found["token"] == {"value": None, "is_set": False, "source": "--no-key"}
    unset = cli.typed("GROK_API_KEY= config")
    assert (unset.code, "not set (GROK_API_KEY)" in unset.out) == (2, True)
    assert not cli.arrived


def test_help_is_what_the_spec_says(cli: Cli) -> None:
    shown = " ".join(cli.typed("create --help").out.replace("|", " ").split())
    for text in (
        "--duration INT The length of the video in seconds, from 1 to 15 inclusive. [default: 4]",
        "[choices: 480p, 720p] [default: 480p]",
        "--image FILE_OR_URL The image that guides the video.",
        "Starts a job that makes a video from a prompt.",
    ):
        assert text in shown
    epilogue = cli.typed("--help").out.replace("|", " ")
    assert all(f" {code:<3} " in epilogue for code in ExitCode)
    table = "\n".join((inspect.getdoc(ExitCode) or "").splitlines()[2:])
    assert table in (ROOT / "docs" / "command.md").read_text()


MISTAKES = load(Path(__file__).with_name("mistakes.yaml"))


@pytest.mark.parametrize("typed", MISTAKES["typed"] | MISTAKES["asked"])
def test_one_line_says_what_is_wrong(typed: str, cli: Cli) -> None:
    failed = cli.typed(typed)
    lines = [line for line in failed.err.splitlines() if line.startswith("grok-imagine-video: ")]
    code = USAGE if typed in MISTAKES["typed"] else FAILED
    assert (failed.code, failed.out, len(lines)) == (code, "", 1), failed.err
    assert (MISTAKES["typed"] | MISTAKES["asked"])[typed] in lines[0]
    assert lines[0] == failed.err.splitlines()[-1]
    assert code != USAGE or not cli.arrived  # before it costs money
    assert not list(cli.folder.iterdir())


HALF = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=hang_up)
LOGIN = responding(200, b"<h1>Log in</h1>", Content_Type="text/html")
NO_ID = responding(200, {"note": "paid"})
NO_PLACE = responding(200, {"status": "done", "id": "1"})
DASH = responding(200, {"id": "-1"})
GO_ON = "to go on: grok-imagine-video wait -o v.mp4 1"
# What the gateway does, the exit code, a part of what is said, and what is said last.
OUTCOMES: list[tuple[list[Any], ExitCode, str, str]] = [
    ([hang_up], UNKNOWN, "look at the gateway before you send it again", ""),
    ([responding(500)], UNKNOWN, "look at the gateway before you send it again", ""),
    ([NO_ID], UNKNOWN, 'the response: {"note": "paid"}', ""),
    ([responding(429, retry_after="99")], FAILED, "try again in 99 s", ""),
    ([OK, NO_PLACE], UNKNOWN, "`get` shows the whole response", ""),
    ([OK, PENDING], UNFINISHED, "still running after", GO_ON),
    ([OK, responding(401)], UNFINISHED, "401", GO_ON),
    ([OK, responding(404)], UNFINISHED, "404", GO_ON),
    ([OK, DONE, HALF], UNFINISHED, "RemoteProtocolError", GO_ON),
    ([OK, DONE, responding(403)], UNFINISHED, "403", GO_ON),
    ([OK, DONE, LOGIN], UNFINISHED, "it is a page, not a file: text/html", GO_ON),
    ([OK, DONE, responding(200)], UNFINISHED, "the file is empty", GO_ON),
    ([DASH, PENDING], UNFINISHED, "still running after", f"{GO_ON[:-1]}-- -1"),
]


@pytest.mark.parametrize(("faults", "code", "message", "last"), OUTCOMES)
def test_what_the_gateway_did_decides_the_code_and_what_to_do_next(
    faults: list[Any], code: ExitCode, message: str, last: str, cli: Cli
) -> None:
    with cli.gateway(*faults):
        shown = cli.typed("create lake -o v.mp4")
    with cli.gateway(*faults):
        again = cli.typed("create lake -o v.mp4 --json")
    assert (shown.code, shown.out) == (code, "")
    assert message in shown.err
    assert ("created the job" in shown.err) == (len(faults) > 1)
    assert shown.err.count("pending  42%") == (PENDING in faults)  # once, however often it asked
    assert not last or shown.err.splitlines()[-1] == last
    assert not list(cli.folder.iterdir())
    event = again.events()[-1]
    assert (again.code, again.err, event["event"], event["code"]) == (code, "", "error", code)
    assert event["next"] == (last.removeprefix("to go on: ") or None)


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_a_full_disk_is_found_early_and_one_that_fills_can_be_changed(size: int, cli: Cli) -> None:
    """No file can be larger, as if the disk were full; the video has 3,000,000 bytes."""
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with cli.gateway(OK, DONE, responding(200, bytes(3_000_000))) as server:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            shown = cli.typed("create lake -o v.mp4")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    *_, message, last = ["", *shown.err.splitlines()]
    if server.arrived:
        assert (size, shown.code, last) == (2_000_000, UNFINISHED, GO_ON)
        assert message == "grok-imagine-video: v.mp4: File too large"
    else:
        assert (size, shown.code, "File too large" in last) == (100_000, USAGE, True)
    assert not list(cli.folder.iterdir())


def interrupted(cli: Cli, when: Callable[[Any], bool], *words: str) -> list[str]:
    """The last lines of the command when Ctrl-C comes right after such a request."""
    with cli.launch("create", "A lake", "-o", "v.mp4", *words) as process:
        while not any(map(when, cli.arrived)):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # Python drops one that is raised in a callback
            process.send_signal(signal.SIGINT)
        end = ended(process)
    assert end.code == ExitCode.INTERRUPTED
    return end.err.splitlines()


def test_ctrl_c_says_how_to_go_on(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(relay, "SECONDS_A_JOB_TAKES", 1e6)
        *_, message, last = interrupted(cli, lambda request: request.method == "GET")
    job_id = cli.arrived[-1].path.rpartition("/")[2]
    assert message == "grok-imagine-video: interrupted; the job goes on"
    assert last == f"to go on: grok-imagine-video wait -o v.mp4 {job_id}"
    assert cli.run(*shlex.split(last)[4:]).code == 0
    assert cli.prompts() == ["A lake"]
    assert (cli.folder / "v.mp4").exists()


def test_ctrl_c_before_the_response_says_that_the_video_may_exist(cli: Cli) -> None:
    with cli.gateway(no_response):
        (message,) = interrupted(cli, lambda _: True)
    assert message.startswith("grok-imagine-video: interrupted; the video may exist")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_the_video_is_saved_though_nothing_can_be_printed(cli: Cli) -> None:
    words = cli._command(("create", "A lake", "-o", "v.mp4"), {})
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as nobody_reads, Path("/dev/full").open("w") as full:
        for stream in (nobody_reads, full):
            shown = subprocess.run([sys.executable, *words], stdout=stream, stderr=stream)
            assert shown.returncode == 0
            (cli.folder / "v.mp4").unlink()
    closed = ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, *words]
    assert subprocess.run(closed).returncode == 0
    assert (cli.folder / "v.mp4").exists()


@pytest.mark.parametrize("colors", [True, False])
def test_a_terminal_gets_a_bar_and_the_output_the_result(colors: bool, cli: Cli) -> None:
    env = {"COLUMNS": "40", "NO_COLOR": "" if colors else "1"}
    shown = cli.on_terminal("create", "A lake", "-o", "v.mp4", **env)
    assert (shown.code, shown.out) == (0, "saved v.mp4\n")
    assert all(text in shown.err for text in ("created the job", "━", "100%"))
    assert ("\x1b[38;5;" in shown.err) == colors
    left = cli.on_terminal("create", "A lake", "--no-wait", **env)
    assert f"to go on: grok-imagine-video wait -o FILE {left.out.strip()}" in left.err
    assert json.loads(cli.typed(f"get {left.out}").out)["status"] == "done"
    saved = cli.typed(f"wait {left.out} -o v.mp4")
    assert (saved.code, saved.out) == (0, "saved v.mp4\n")
    assert cli.prompts() == ["A lake"] * 2


def test_without_the_extra_one_line_names_what_to_install() -> None:
    hidden = "import sys; sys.modules['cyclopts'] = None; "
    run = "from grok_imagine_video.__main__ import main; main()"
    shown = subprocess.run([sys.executable, "-c", hidden + run], capture_output=True, text=True)
    assert shown.returncode == 1
    assert shown.stderr.splitlines() == [
        'grok-imagine-video: the command needs more packages: pip install "grok-imagine-video[cli]"'
    ]
