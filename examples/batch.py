"""Create a video for each line of a file, and continue where the previous run ended.

    python examples/batch.py prompts.jsonl -o videos/

Each line is a request as JSON, {"model": "grok-imagine-video", "prompt": "A lake", ...}, and line 7
becomes videos/0007.mp4. All lines are checked before the first one is sent. Fields that the spec
does not have are refused, because a misspelt one would be paid for; `--extra` sends them.

videos/journal.sqlite records the outcome of each line, so you can kill a run at any moment and
start it again. Finished lines are skipped, and lines with a job are followed. Lines that were sent
and got no usable response may have been paid for: they are listed, and not sent again.
`--resend-unknown` sends them again, except those whose video you have found and saved under its
name. `--forget 7` ends line 7 without a video if the gateway has forgotten its job. Add new lines
at the end of the file.

With GROK_BASE_URL and GROK_API_KEY set, it calls that gateway and costs money. Without them it
starts a local relay, whose videos are all the same.

With --cluster, the workers of a Dask cluster wait for the jobs and save the videos. "local" starts
two workers on this machine. Other workers need this package, the same version of Python, and the
folder of -o under the same path. The lines are always sent from here, because Dask repeats the work
of a lost worker. The API key is sent to the workers: use a tls:// address on a network that you
share with others.

Exit codes: 0 all done, 1 some unfinished or not sent (start it again), 2 wrong arguments or lines,
3 refused, 4 all finished, some without a video, 5 some with an unknown outcome, 130 stopped.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import io
import os
import re
import secrets
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import evolve

import batch_lines
from batch_journal import Journal
from batch_limiter import one_line, say
from batch_lines import Line
from batch_run import Run
from batch_videos import tidy, video_of
from grok_imagine_video import AuthenticatedClient

MOST_NAMED = 20  # of the bad lines

# The summary's names for the states of the journal; None is a line that is not in the journal.
STATES = {
    "done": "done",
    "failed": "failed",
    "unknown": "unknown",
    "created": "unfinished",
    None: "not sent",
}
HINTS = {
    "unknown": "unknown: it may have been paid for; look for it at the gateway and save its video"
    " under its name, or send all such lines again with --resend-unknown",
    "failed": "failed: to try again, add the line to the end of the file",
    "unfinished": "unfinished: start the batch again to continue",
    "not sent": "not sent: start the batch again to send the rest",
}


def above_zero(text: str) -> float:
    if not 0 < (number := float(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0: {text}")
    return number


@contextlib.contextmanager
def gateway_to_use() -> Iterator[tuple[str, str]]:
    """The address and the key of the configured gateway, or else of a local relay."""
    base_url, token = os.environ.get("GROK_BASE_URL"), os.environ.get("GROK_API_KEY")
    if bool(base_url) != bool(token):
        raise ValueError("set both GROK_BASE_URL and GROK_API_KEY, or neither")
    if base_url and token:
        yield base_url, token
        return
    import relay  # it needs development dependencies

    os.environ["NO_PROXY"] = "127.0.0.1"  # a proxy does not reach the loopback of this machine
    (jobs := Path(__file__).parents[1] / "build" / "jobs.sqlite").parent.mkdir(exist_ok=True)
    app = relay.create_app(token := secrets.token_hex(), str(jobs))
    with relay.running(app) as base_url:
        yield base_url, token


def parse_arguments() -> argparse.Namespace:
    options = (parser := build_parser()).parse_args()
    if not options.prompts.is_file():
        parser.error(f"no such file: {options.prompts}")
    if options.output.exists() and not options.output.is_dir():
        parser.error(f"--output must be a folder: {options.output}")
    if options.concurrency < 1:
        parser.error(f"--concurrency must be 1 or more: {options.concurrency}")
    is_address = re.compile(r"local|(tcp|tls)://\S+:\d+").fullmatch
    if options.cluster is not None and not is_address(options.cluster):
        parser.error(f"--cluster must be local or tcp://host:8786: {options.cluster}")
    if options.cluster and not importlib.util.find_spec("distributed"):
        parser.error('--cluster needs dask.distributed: pip install "grok-imagine-video[cluster]"')
    return options


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Create a video for each line of a file.")
    parser.add_argument("prompts", type=Path, metavar="FILE", help="one JSON request per line")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--concurrency", type=int, default=20, metavar="LINES", help="at once")
    parser.add_argument("--rate", type=above_zero, metavar="LINES", help="sent per minute")
    wait = "how long to wait for a job, and for a gateway that accepts no lines"
    parser.add_argument("--timeout", type=above_zero, default=900.0, metavar="SECONDS", help=wait)
    again = "send the lines again that may have been paid for"
    parser.add_argument("--resend-unknown", action="store_true", help=again)
    lost = "end these lines without a video, if the gateway still does not find their jobs"
    forget: dict[str, Any] = {"type": int, "nargs": "+", "action": "extend", "default": []}
    parser.add_argument("--forget", **forget, metavar="LINE", help=lost)
    extra = "send the fields that the spec does not have"
    parser.add_argument("--extra", action="store_true", help=extra)
    workers = 'let a Dask cluster wait and save: "local", or the address of its scheduler'
    parser.add_argument("--cluster", metavar="ADDRESS", help=workers)
    return parser


def read_lines(path: Path, allow_extra: bool) -> list[Line]:
    lines, bad = batch_lines.read(path, allow_extra)
    problems = [f"{path}:{number}: {why}" for number, why in bad.items()][:MOST_NAMED]
    if len(bad) > MOST_NAMED:
        problems.append(f"{path}: and {len(bad) - MOST_NAMED} more")
    if not lines and not bad:
        problems.append(f"{path}: the file has no requests")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        sys.exit(2)
    return lines


def check(lines: list[Line], journal: Journal, gateway: str, options: argparse.Namespace) -> None:
    """Refuse to mix up lines, gateways or files, so that no paid video is lost."""
    instead = "or use another folder with -o"
    unsent = {line.number: line.digest for line in lines}
    for entry in journal.entries.values():
        if unsent.pop(entry.number, None) != entry.digest:
            what = f"{options.prompts}:{entry.number}: another request was sent for this line"
            raise ValueError(f"{what}; restore it, add new lines at the end, {instead}")
        if entry.gateway != gateway:
            what = f"the previous lines were sent to {entry.gateway}, not to {gateway}"
            raise ValueError(f"{what}; set GROK_BASE_URL back, {instead}")
    for number in unsent:
        if (video := video_of(options.output, number)).exists():
            what = f"{video} exists, and no run of this batch created it"
            raise ValueError(f"{what}; move it away, {instead}")
    for number in options.forget:
        if number in unsent or number not in journal.entries or not journal.entries[number].job:
            raise ValueError(f"--forget {number}: no job was created for this line")


def count_found(journal: Journal, folder: Path) -> None:
    """Count the videos of unknown lines that a person has found."""
    for entry in list(journal.entries.values()):
        if entry.state == "unknown" and video_of(folder, entry.number).exists():
            journal.put(evolve(entry, state="done", error=None))


def summarize(lines: list[Line], journal: Journal, reasons: dict[int, str]) -> Counter[str]:
    """Print the number of lines in each state, and the lines that need attention."""
    counts = Counter(dict.fromkeys(STATES.values(), 0))
    shown: list[str] = []
    for line in lines:
        entry = journal.entries.get(line.number)
        state = STATES[entry.state if entry else None]
        counts[state] += 1
        why = entry.error if entry and entry.error else reasons.get(line.number)
        if why or state == "unknown":
            shown.append(f"line {line.number} {state}: {why or 'stopped before a response came'}")
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    print(f"{len(lines)} lines: {states}; ${journal.dollars():.2f} reported so far")
    for text in [*shown, *(hint for state, hint in HINTS.items() if counts[state])]:
        print(text)
    return counts


def is_lost(journal: Journal) -> bool:
    """Whether the journal is lost; then its jobs are printed, because nothing else has them."""
    try:
        journal.check()
    except sqlite3.Error as error:
        say(f"{error}; put it back, or the next run sends all lines again, and pays for them")
        for entry in journal.entries.values():
            if entry.job:
                say(f"line {entry.number}: its job is {entry.job}")
        return True
    return False


def execute(lines: list[Line], journal: Journal, run: Run, folder: Path) -> int:
    """Run the batch, print a summary however it ends, and return the exit code."""
    is_interrupted = False
    tidy(folder)
    try:
        count_found(journal, folder)
        asyncio.run(run.all())
    except (KeyboardInterrupt, asyncio.CancelledError):
        is_interrupted = True
    except (OSError, sqlite3.Error) as error:
        say(one_line(error))
    tidy(folder)  # a lost worker leaves temporary files too
    must_be_put_back = is_lost(journal)
    counts = summarize(lines, journal, run.reasons)
    codes = {
        130: is_interrupted,
        5: counts["unknown"],
        3: run.is_refused,
        1: counts["unfinished"] + counts["not sent"] or must_be_put_back,
        4: counts["failed"],
    }
    return next((code for code, is_so in codes.items() if is_so), 0)


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # a message may not fit the terminal's encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parse_arguments()
    gateway = os.environ.get("GROK_BASE_URL", "").rstrip("/") or "the local relay"
    try:
        lines = read_lines(options.prompts, options.extra)
        with gateway_to_use() as (url, key):
            client = AuthenticatedClient(url, key)
            options.output.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(Journal(options.output)) as journal:
                check(lines, journal, gateway, options)
                run = Run(lines, journal, client, gateway, options)
                sys.exit(execute(lines, journal, run, options.output))
    except (OSError, ValueError, sqlite3.Error) as error:
        say(one_line(error))
        sys.exit(2 if isinstance(error, ValueError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
