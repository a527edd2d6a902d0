"""The command `grok-imagine-video`, as it is typed."""

import inspect
import json
import resource
from pathlib import Path
from typing import Any

import pytest

import relay
from conftest import TOKEN
from faults import OK, hang_up, responding, saying
from grok_imagine_video import __main__ as command
from grok_imagine_video._cli.exits import ExitCode
from scripts import Cli
from ways import Clock

ROOT = Path(__file__).parent.parent
EVENTS = {
    "created": {"job_id"},
    "progress": {"status", "percent", "seconds"},
    "saved": {"job_id", "path", "bytes"},
    "error": {"code", "message", "advice", "job_id", "next"},
}


@pytest.fixture
def cli(request: pytest.FixtureRequest, clock: Clock) -> Cli:  # noqa: ARG001 - no sleeps
    return Cli(command.main, request)


IMAGE = {"url": "data:image/png;base64," + "cG5n" * 1000}
LINK = {"url": "https://images.example/b.png?signature=secret"}
DEFAULTS = {
    "model": "grok-imagine-video",
    "prompt": "A lake",
    "resolution": "480p",
    "aspect_ratio": "16:9",
    "duration": 4,
}
# The options that are typed, and what they change in the request.
SENT: dict[str, dict[str, object]] = {
    "": {},
    "--duration 15 --resolution 720p --aspect-ratio 1:1 --model grok-imagine-video-1.5-preview": {
        "duration": 15,
        "resolution": "720p",
        "aspect_ratio": "1:1",
        "model": "grok-imagine-video-1.5-preview",
    },
    "--image a.png": {"image": IMAGE},
    f"--image {LINK['url']}": {"image": LINK},
    f"--reference a.png --reference-images {LINK['url']}": {"reference_images": [IMAGE, LINK]},
    """--image '{"url": "u", "file_id": 1}'""": {"image": {"url": "u", "file_id": 1}},
    """--extra user=\\"me\\" --extra keyframes='[{"at": 1}]'""": {
        "user": "me",
        "keyframes": [{"at": 1}],
    },
}


@pytest.mark.parametrize("options", SENT)
def test_every_option_is_sent_and_the_video_is_saved(options: str, cli: Cli) -> None:
    (cli.folder / "a.png").write_bytes(b"png" * 1000)
    shown = cli.typed(f"create 'A lake' -o v.mp4 {options}")
    assert (shown.code, shown.out) == (0, "saved v.mp4\n")
    assert cli.sent() == [DEFAULTS | SENT[options]]
    assert (cli.folder / "v.mp4").read_bytes() == relay.VIDEO.read_bytes()


# What is typed, the exit code and a part of the line that says what is wrong.
FAILURES: dict[str, tuple[ExitCode, str]] = {
    "GROK_API_KEY=wrong create lake -o v.mp4": (ExitCode.FAILED, "`config` shows where"),
    "GROK_API_KEY= create lake -o v.mp4": (ExitCode.USAGE, "set GROK_API_KEY, or pass --no-key"),
    "GROK_BASE_URL= create lake -o v.mp4": (
        ExitCode.USAGE,
        "set GROK_BASE_URL, or pass --base-url",
    ),
    "GROK_BASE_URL=http://127.0.0.1:9 create lake -o v.mp4": (ExitCode.FAILED, "refused"),
    "GROK_BASE_URL=gateway.example create lake -o v.mp4": (ExitCode.USAGE, "gateway.example"),
    "create lake -o v.mp4 --base-url http://a.example": (ExitCode.USAGE, "--allow-plain-http"),
    "create lake -o v.mp4 --no-key": (ExitCode.FAILED, "401"),
    "create lake -o v.mp4 --duration 16": (ExitCode.USAGE, "'duration' must be <= 15: 16"),
    "create lake -o v.mp4 --duration x": (ExitCode.USAGE, "--duration"),
    "create lake -o v.mp4 --resolution 999p": (ExitCode.USAGE, '"480p", "720p"'),
    "create lake -o v.mp4 --image https://a.example --reference https://b.example": (
        *(ExitCode.USAGE, "cannot be used together"),
    ),
    "create lake -o v.mp4 --image none.png": (ExitCode.USAGE, "--image: cannot be read: No such"),
    "create lake -o v.mp4 --image=": (ExitCode.USAGE, "--image: neither a URL nor a file"),
    f"create lake -o v.mp4 --reference {__file__}": (ExitCode.USAGE, "--reference: neither a URL"),
    "create lake -o v.mp4 --extra user=me": (ExitCode.USAGE, "--extra user: not JSON"),
    "create lake -o v.mp4 --extra user": (ExitCode.USAGE, "--extra needs NAME=JSON"),
    "create lake -o v.mp4 --extra duration=20": (ExitCode.USAGE, "has an option of its own"),
    "create lake -o v.mp4 --timeout 0": (ExitCode.USAGE, "'timeout' must be a number of seconds"),
    "create lake -o v.mp4 --sound": (ExitCode.USAGE, "Unknown option: --sound"),
    "create lake": (ExitCode.USAGE, "-o FILE, or do not wait for it: --no-wait"),
    "create -o v.mp4": (ExitCode.USAGE, "PROMPT requires"),
    "create lake -o missing/v.mp4": (ExitCode.USAGE, "nothing can be written in"),
    "create lake -o /proc/v.mp4": (ExitCode.USAGE, "nothing can be written in"),
    "create lake -o .": (ExitCode.USAGE, "exists and is not a file"),
    "creat lake": (ExitCode.USAGE, 'Did you mean "create"'),
    "create failed -o v.mp4": (ExitCode.FAILED, "internal_error: The prompt asked for it"),
    "create withheld -o v.mp4": (ExitCode.FAILED, "may have been billed"),
    "create expired -o v.mp4": (ExitCode.FAILED, "expired"),
    "wait none -o v.mp4": (ExitCode.FAILED, "no such job; is the id right"),
    "wait 1": (ExitCode.USAGE, "-o FILE"),
    "get none": (ExitCode.FAILED, "no such job; is the id right"),
}


@pytest.mark.parametrize("typed", FAILURES)
def test_one_line_says_what_is_wrong(typed: str, cli: Cli) -> None:
    code, message = FAILURES[typed]
    failed = cli.typed(typed)
    lines = [line for line in failed.err.splitlines() if line.startswith("grok-imagine-video: ")]
    assert (failed.code, failed.out, len(lines)) == (code, "", 1), failed.err
    assert message in lines[0]
    assert lines[0] == failed.err.splitlines()[-1]
    assert code != ExitCode.USAGE or not cli.arrived  # before it costs money
    assert not list(cli.folder.iterdir())


PENDING = responding(200, {"status": "pending", "progress": 42})
DONE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}})
HALF = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=hang_up)
NO_ID = responding(200, {"note": "paid"})
NO_PLACE = responding(200, {"status": "done", "id": "1"})
GO_ON = "to go on: grok-imagine-video wait -o v.mp4 1"
# What the gateway does, the exit code, a part of what is said, and what is said last.
OUTCOMES: list[tuple[list[Any], ExitCode, str, str]] = [
    ([hang_up], ExitCode.UNKNOWN, "look at the gateway before you send it again", ""),
    ([responding(500)], ExitCode.UNKNOWN, "look at the gateway before you send it again", ""),
    ([NO_ID], ExitCode.UNKNOWN, 'the response: {"note": "paid"}', ""),
    ([responding(429, retry_after="99")], ExitCode.FAILED, "try again in 99 s", ""),
    ([OK, NO_PLACE], ExitCode.UNKNOWN, "`get` shows the whole response", ""),
    ([OK, PENDING], ExitCode.UNFINISHED, "had not ended", GO_ON),
    ([OK, responding(401)], ExitCode.UNFINISHED, "401", GO_ON),
    ([OK, responding(404)], ExitCode.UNFINISHED, "404", GO_ON),
    ([OK, DONE, HALF], ExitCode.UNFINISHED, "RemoteProtocolError", GO_ON),
    ([OK, DONE, responding(403)], ExitCode.UNFINISHED, "403", GO_ON),
    (
        [responding(200, {"id": "-1"}), PENDING],
        *(ExitCode.UNFINISHED, "had not ended", f"{GO_ON[:-1]}-- -1"),
    ),
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
    assert not last or shown.err.splitlines()[-1] == last
    assert not list(cli.folder.iterdir())
    event = json.loads(again.out.splitlines()[-1])
    assert (again.code, again.err, event["event"], event["code"]) == (code, "", "error", code)
    assert event["next"] == (last.removeprefix("to go on: ") or None)


def test_waiting_goes_on_where_it_stopped(cli: Cli) -> None:
    created = cli.typed("create 'A lake' --no-wait")
    job_id = created.out.strip()
    assert cli.arrived[-1].method == "POST"
    assert created.err == f"to go on: grok-imagine-video wait -o FILE {job_id}\n"
    got = cli.typed(f"get {job_id}")
    assert json.loads(got.out)["status"] == "done"
    saved = cli.typed(f"wait {job_id} -o v.mp4")
    assert (saved.code, saved.out) == (0, "saved v.mp4\n")
    assert cli.prompts() == ["A lake"]


def test_machines_get_an_object_a_line(cli: Cli) -> None:
    with cli.gateway(OK, PENDING, DONE, responding(200, b"video")):
        shown = cli.typed("create lake -o v.mp4 --json")
    events = [json.loads(line) for line in shown.out.splitlines()]
    assert [event["event"] for event in events] == ["created", "progress", "progress", "saved"]
    assert all(event.keys() == {"event", *EVENTS[event["event"]]} for event in events)
    assert [events[0]["job_id"], events[1]["percent"], events[3]["bytes"]] == ["1", 42, 5]
    wrong = json.loads(cli.typed("create --json").out)
    assert wrong.keys() == {"event", *EVENTS["error"]}
    left = json.loads(cli.typed("create lake --no-wait --json").out)
    assert left["event"] == "created"
    assert left["next"].endswith(left["job_id"])
    assert json.loads(cli.typed(f"get {left['job_id']} --json").out)["job"]["status"] == "done"


def test_a_status_that_looks_like_markup_or_moves_the_cursor_breaks_nothing(cli: Cli) -> None:
    odd = {"status": "[/x]\x1b[2J", "progress": "1" * 400}
    with cli.gateway(OK, responding(200, odd), DONE, responding(200, b"video")):
        shown = cli.typed("create lake -o v.mp4")
        assert (shown.code, "\x1b" in shown.err) == (0, False)
        assert "\x1b" not in cli.typed("get 1").out


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


def test_a_full_disk_is_found_before_anything_is_sent(cli: Cli) -> None:
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # as good as a disk of 100 kB
    try:
        shown = cli.typed("create lake -o v.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (shown.code, cli.arrived) == (ExitCode.USAGE, [])
    assert "File too large" in shown.err
    assert not list(cli.folder.iterdir())


def test_help_is_what_the_spec_says(cli: Cli) -> None:
    shown = " ".join(cli.typed("create --help").out.replace("│", "").split())
    for text in (
        "--duration INT The length of the video in seconds, from 1 to 15 inclusive. [default: 4]",
        "[choices: 480p, 720p] [default: 480p]",
        "--image FILE_OR_URL The image that guides the video.",
        "Starts a job that makes a video from a prompt.",
    ):
        assert text in shown
    epilogue = cli.typed("--help").out
    assert all(f" {code:<3} " in epilogue for code in ExitCode)
    table = "\n".join((inspect.getdoc(ExitCode) or "").splitlines()[2:])
    assert table in (ROOT / "docs" / "command.md").read_text()


def test_completion_knows_commands_and_options(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(cli.folder))
    assert cli.typed("--install-completion --shell bash").code == 0
    assert str(cli.folder) in (cli.folder / ".bashrc").read_text()
    (script,) = cli.folder.rglob("*grok-imagine-video*")
    assert all(word in script.read_text() for word in ("create", "--aspect-ratio", "720p"))
