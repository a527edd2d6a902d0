"""The command `grok-imagine-video`, as it is typed."""

import inspect
import json
from pathlib import Path

import pytest

import relay
from conftest import TOKEN
from faults import OK, responding
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
    "--duration +05": {"duration": 5},
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


PENDING = responding(200, {"status": "pending", "progress": 42})
DONE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}})


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


def test_completion_knows_commands_and_options(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(cli.folder))
    assert cli.typed("--install-completion --shell bash").code == 0
    assert str(cli.folder) in (cli.folder / ".bashrc").read_text()
    (script,) = cli.folder.rglob("*grok-imagine-video*")
    assert all(word in script.read_text() for word in ("create", "--aspect-ratio", "720p"))
