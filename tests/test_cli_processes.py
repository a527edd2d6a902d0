"""The command `grok-imagine-video` in a process of its own: signals, pipes, terminals."""

import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import relay
from faults import no_response
from grok_imagine_video import __main__ as command
from grok_imagine_video._cli.exits import ExitCode
from scripts import Cli, ended
from ways import Clock


@pytest.fixture
def cli(request: pytest.FixtureRequest, clock: Clock) -> Cli:  # noqa: ARG001 - no sleeps
    return Cli(command.main, request)


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


def test_a_name_that_cannot_be_encoded_is_saved(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    with cli.launch("create", "A lake", "-o", "湖.mp4") as process:
        end = ended(process)
    assert (end.code, end.out) == (0, "saved \\u6e56.mp4\n")
    assert (cli.folder / "湖.mp4").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_the_video_is_saved_though_the_log_is_on_a_full_disk(cli: Cli) -> None:
    words = cli._command(("create", "A lake", "-o", "v.mp4"), {})
    with Path("/dev/full").open("w") as full:
        assert subprocess.call([sys.executable, *words], stdout=full, stderr=full) == 0
    assert (cli.folder / "v.mp4").exists()


def test_the_video_is_saved_though_nobody_reads_what_is_printed(cli: Cli) -> None:
    with cli.launch("create", "A lake", "-o", "v.mp4", "--json") as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr
        assert process.stderr.read() == ""
    assert (cli.folder / "v.mp4").exists()


@pytest.mark.parametrize("colors", [True, False])
def test_a_terminal_gets_a_bar(colors: bool, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colors:
        monkeypatch.setenv("NO_COLOR", "1")
    words = cli._command(("create", "A lake", "-o", "v.mp4"), {})
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, *words], stderr=theirs, stdout=theirs) as process:
        os.close(theirs)
        seen = read_all(ours)
    assert (process.returncode, "━" in seen, "100%" in seen) == (0, True, True)
    assert ("\x1b[38;5;" in seen) == colors
    assert seen.index("created the job") < seen.index("saved v.mp4")


def read_all(descriptor: int) -> str:
    """What a terminal shows until nobody writes to it any more."""
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(descriptor)
    return b"".join(parts).decode()


def test_without_the_extra_one_line_names_what_to_install() -> None:
    hidden = "import sys; sys.modules['cyclopts'] = None; "
    run = "from grok_imagine_video.__main__ import main; main()"
    shown = subprocess.run([sys.executable, "-c", hidden + run], capture_output=True, text=True)
    assert shown.returncode == 1
    assert shown.stderr.splitlines() == [
        'grok-imagine-video: the command needs more packages: pip install "grok-imagine-video[cli]"'
    ]
