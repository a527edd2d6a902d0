"""What goes wrong with the command `grok-imagine-video`: its exit codes, and what it says."""

import contextlib
import json
import resource
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from faults import OK, hang_up, responding, saying
from grok_imagine_video import __main__ as command
from grok_imagine_video._cli.exits import ExitCode
from scripts import Cli
from ways import Clock


@pytest.fixture
def cli(request: pytest.FixtureRequest, clock: Clock) -> Cli:  # noqa: ARG001 - no sleeps
    return Cli(command.main, request)


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
    "NO_PROXY= HTTP_PROXY=http://host:abc create lake -o v.mp4": (
        *(ExitCode.USAGE, "HTTP_PROXY is not the URL of a proxy"),
    ),
    "SSL_CERT_FILE=/none create lake -o v.mp4": (ExitCode.USAGE, "SSL_CERT_FILE cannot be used"),
    "create lake -o v.mp4 --base-url http://a.example": (ExitCode.USAGE, "--allow-plain-http"),
    "create lake -o v.mp4 --no-key": (ExitCode.FAILED, "401"),
    "create lake -o v.mp4 --duration 16": (ExitCode.USAGE, "'duration' must be <= 15: 16"),
    **{
        f"create lake -o v.mp4 --duration={shlex.quote(text)}": (
            ExitCode.USAGE,
            f"--duration: not an integer; write it in digits, such as 4: {text!r}",
        )
        for text in ("x", "5.5", "4.0", "5e0", "٣", "0x8", "1_0", " 5", "5\n", "null", "")
    },
    "batch retry videos --line 1.5": (ExitCode.USAGE, "--line: not an integer; write it in digits"),
    "batch lakes.jsonl -o videos --concurrency ٣": (
        ExitCode.USAGE,
        "--concurrency: not an integer",
    ),
    "batch lakes.jsonl -o videos --forget 0x1": (ExitCode.USAGE, "--forget: not an integer"),
    "create lake -o v.mp4 --resolution 999p": (ExitCode.USAGE, '"480p", "720p"'),
    "create lake -o v.mp4 --image https://a.example --reference https://b.example": (
        *(ExitCode.USAGE, "cannot be used together"),
    ),
    "create lake -o v.mp4 --image none.png": (ExitCode.USAGE, "--image: cannot be read: No such"),
    "create lake -o v.mp4 --image=": (ExitCode.USAGE, "--image: neither a URL nor a file"),
    f"create lake -o v.mp4 --reference {shlex.quote(__file__)}": (
        ExitCode.USAGE,
        "--reference: neither a URL",
    ),
    "create lake -o v.mp4 --extra user=me": (ExitCode.USAGE, "--extra user: not JSON"),
    "create lake -o v.mp4 --extra user": (ExitCode.USAGE, "--extra needs NAME=JSON"),
    "create lake -o v.mp4 --extra duration=20": (ExitCode.USAGE, "has an option of its own"),
    "create lake -o v.mp4 --timeout 0": (ExitCode.USAGE, "'timeout' must be a number of seconds"),
    "create lake -o v.mp4 --sound": (ExitCode.USAGE, "Unknown option: --sound"),
    "create lake": (ExitCode.USAGE, "-o FILE, or do not wait for it: --no-wait"),
    "create -o v.mp4": (ExitCode.USAGE, "PROMPT requires"),
    "create '' -o v.mp4": (ExitCode.USAGE, "'prompt' must not be blank: ''"),
    "create ' \t\u3000' --no-wait": (ExitCode.USAGE, "'prompt' must not be blank: ' "),
    "create lake -o v.mp4 --resolution null": (ExitCode.USAGE, '"480p", "720p"'),
    "create lake -o missing/v.mp4": (ExitCode.USAGE, "nothing can be written in"),
    "create lake -o /proc/v.mp4": (ExitCode.USAGE, "nothing can be written in"),
    "create lake -o .": (ExitCode.USAGE, "exists and is not a file"),
    "creat lake": (ExitCode.USAGE, 'Did you mean "create"'),
    "create failed -o v.mp4": (ExitCode.FAILED, "internal_error: The prompt asked for it"),
    "create withheld -o v.mp4": (ExitCode.FAILED, "may have been billed"),
    "create expired -o v.mp4": (ExitCode.FAILED, "expired"),
    "wait none -o v.mp4": (ExitCode.FAILED, "no such job; is the id right"),
    "wait 1": (ExitCode.USAGE, "-o FILE"),
    "wait 1 -o v.mp4 --base-url http://a.example": (ExitCode.USAGE, "--allow-plain-http"),
    "GROK_BASE_URL=https://a.example?key=1 get 1": (ExitCode.USAGE, "a query"),
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


PENDING = responding(200, {"status": "pending"})
DONE = responding(200, {"status": "done", "video": {"url": "/v.mp4"}})
HALF = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then=hang_up)
LOGIN = responding(200, b"<h1>Log in</h1>", Content_Type="text/html")
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
    ([OK, DONE, LOGIN], ExitCode.UNFINISHED, "it is a page, not a file: text/html", GO_ON),
    ([OK, DONE, responding(200)], ExitCode.UNFINISHED, "the file is empty", GO_ON),
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


@contextlib.contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file can be larger, as if the disk were full."""
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_found_before_anything_is_sent(cli: Cli) -> None:
    with disk_of(100_000):
        shown = cli.typed("create lake -o v.mp4")
    assert (shown.code, cli.arrived) == (ExitCode.USAGE, [])
    assert "File too large" in shown.err
    assert not list(cli.folder.iterdir())


def test_a_disk_that_fills_up_later_can_be_exchanged(cli: Cli) -> None:
    with cli.gateway(OK, DONE, responding(200, bytes(3_000_000))), disk_of(2_000_000):
        shown = cli.typed("create lake -o v.mp4")
    *_, message, last = shown.err.splitlines()
    assert (shown.code, last) == (ExitCode.UNFINISHED, GO_ON)
    assert message == "grok-imagine-video: v.mp4: File too large"
    assert not list(cli.folder.iterdir())
