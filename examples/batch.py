"""Create a video for each line of a file, and go on wherever the run before this one ended.

    python examples/batch.py prompts.jsonl -o videos/

Each line is a request as JSON, {"model": "grok-imagine-video", "prompt": "A lake", ...}, and line 7
becomes videos/0007.mp4. All lines are checked before one is sent. videos/journal.sqlite says what
became of each, so this can be killed at any moment and started again: a line that is done is
skipped, one with a job is followed, and one that may have been paid for, though no answer said so,
is listed and not sent again by itself. `--resend-unknown` sends those again, but for the ones whose
video you have found and saved under its name. New lines go to the end of the file.

With GROK_BASE_URL and GROK_API_KEY set, it goes to that relay and costs money. Without them it goes
to a relay of our own on this machine, whose videos are all the same.

With --cluster, workers of Dask wait for the jobs and save the videos; "local" starts two of them on
this machine. Others need this package, this version of Python, and the folder of -o under the same
path. The lines are sent from here all the same, for Dask does again what a lost worker had done.
The API key travels to the workers: take a tls:// address where others could listen.

Exit codes: 0 all done, 1 not all at their end, so start it again, 2 wrong arguments or lines,
3 refused, 4 all at their end, some without a video, 5 some with an unknown outcome, 130 stopped.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import io
import logging
import os
import re
import sqlite3
import sys
from collections import Counter
from pathlib import Path

from attrs import evolve

import batch_lines
from batch_gate import one_line, say
from batch_journal import Journal
from batch_lines import Line, video_of
from batch_run import Run
from create_video import above_zero, relay_to_use
from grok_imagine_video import AuthenticatedClient

MOST_NAMED = 20  # of the bad lines
LITTER = re.compile(r"\.[0-9a-f]{16}\.part")  # a download that was killed

# What the summary calls the states of the journal; a line that is not in it has none.
STATES = {
    "done": "done",
    "failed": "failed",
    "unknown": "unknown",
    "created": "unfinished",
    None: "not sent",
}
HINTS = {
    "unknown": "unknown: it may have been paid for; look for it at the relay and save its video"
    " under its name, or send all such lines again with --resend-unknown",
    "failed": "failed: to try again, add the line to the end of the file",
    "unfinished": "unfinished: start it again to go on",
    "not sent": "not sent: start it again to send the rest",
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Create a video for each line of a file.")
    parser.add_argument("prompts", type=Path, metavar="FILE", help="one JSON request a line")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--concurrency", type=int, default=20, metavar="LINES", help="at once")
    parser.add_argument("--rate", type=above_zero, metavar="LINES", help="sent in a minute")
    wait = "how long to wait for a job, and for a relay that takes no lines"
    parser.add_argument("--timeout", type=above_zero, default=900.0, metavar="SECONDS", help=wait)
    again = "send lines again that may have been paid for"
    parser.add_argument("--resend-unknown", action="store_true", help=again)
    workers = 'let a Dask cluster wait and save: "local", or the address of its scheduler'
    parser.add_argument("--cluster", metavar="ADDRESS", help=workers)
    options = parser.parse_args()
    if not options.prompts.is_file():
        parser.error(f"no such file: {options.prompts}")
    if options.output.exists() and not options.output.is_dir():
        parser.error(f"--output must be a folder: {options.output}")
    if options.concurrency < 1:
        parser.error(f"--concurrency must be 1 or more: {options.concurrency}")
    is_address = re.compile(r"local|(tcp|tls)://\S+:\d+").fullmatch
    if options.cluster is not None and not is_address(options.cluster):
        parser.error(f"--cluster must be local, or such as tcp://host:8786: {options.cluster}")
    if options.cluster and not importlib.util.find_spec("distributed"):
        parser.error('--cluster needs dask.distributed: pip install "grok-imagine-video[cluster]"')
    return options


def read_lines(path: Path) -> list[Line]:
    lines, bad = batch_lines.read(path)
    told = [f"{path}:{number}: {why}" for number, why in bad.items()][:MOST_NAMED]
    if len(bad) > MOST_NAMED:
        told.append(f"{path}: and {len(bad) - MOST_NAMED} more")
    if not lines and not bad:
        told.append(f"{path}: there is no request in it")
    for text in told:
        print(text, file=sys.stderr)
    if told:
        sys.exit(2)
    return lines


def check(lines: list[Line], journal: Journal, relay: str, options: argparse.Namespace) -> None:
    """Refuse to mix up lines, relays or files: nothing that was paid for may be lost."""
    instead = "or take another folder with -o"
    unsent = {line.number: line.digest for line in lines}
    for entry in journal.entries():
        if unsent.pop(entry.number, None) != entry.digest:
            what = f"{options.prompts}:{entry.number}: another request was sent for this line"
            raise ValueError(f"{what}; put it back, add new ones at the end, {instead}")
        if entry.relay != relay:
            what = f"the lines so far were sent to {entry.relay}, not to {relay}"
            raise ValueError(f"{what}; set GROK_BASE_URL as it was, {instead}")
    for number in unsent:
        if (video := video_of(options.output, number)).exists():
            what = f"{video} is there, and no run of this batch made it"
            raise ValueError(f"{what}; move it away, {instead}")


def tidy(journal: Journal, folder: Path) -> None:
    """Count the videos that were found by hand, and remove what killed downloads have left."""
    for entry in journal.entries():
        has_ended_without = entry.state in ("failed", "unknown")
        if has_ended_without and video_of(folder, entry.number).exists():
            journal.put(evolve(entry, state="done", error=None))
    for path in folder.iterdir():
        if LITTER.fullmatch(path.name):
            path.unlink(missing_ok=True)


def summarize(lines: list[Line], journal: Journal, reasons: dict[int, str]) -> Counter[str]:
    """Print how many lines came to what, and which of them need somebody."""
    entries = {entry.number: entry for entry in journal.entries()}
    counts = Counter(dict.fromkeys(STATES.values(), 0))
    shown: list[str] = []
    for line in lines:
        entry = entries.get(line.number)
        state = STATES[entry.state if entry else None]
        counts[state] += 1
        why = entry.error if entry and entry.error else reasons.get(line.number)
        if why or state == "unknown":
            shown.append(f"line {line.number} {state}: {why or 'it ended before an answer came'}")
    told = ", ".join(f"{number} {state}" for state, number in counts.items())
    print(f"{len(lines)} lines: {told}; ${journal.dollars():.2f} so far, where answers tell it")
    for text in [*shown, *(hint for state, hint in HINTS.items() if counts[state])]:
        print(text)
    return counts


def go_on(lines: list[Line], journal: Journal, run: Run, folder: Path) -> int:
    """Do what is left to do, and say in the end what came of it, whatever that end is."""
    is_interrupted = False
    tidy(journal, folder)
    try:
        asyncio.run(run.all())
    except (KeyboardInterrupt, asyncio.CancelledError):
        is_interrupted = True
    except (OSError, sqlite3.Error) as error:
        say(one_line(error))
    tidy(journal, folder)  # a worker that was lost leaves something too
    counts = summarize(lines, journal, run.reasons)
    codes = {
        130: is_interrupted,
        5: counts["unknown"],
        3: run.is_refused,
        1: counts["unfinished"] + counts["not sent"],
        4: counts["failed"],
    }
    return next((code for code, is_so in codes.items() if is_so), 0)


def main() -> None:
    logging.basicConfig(level=logging.ERROR)  # a download that is started over is a warning
    if isinstance(sys.stdout, io.TextIOWrapper):  # a relay may say what this cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    options = parse_arguments()
    relay = os.environ.get("GROK_BASE_URL", "").rstrip("/") or "the relay on this machine"
    try:
        lines = read_lines(options.prompts)
        with relay_to_use() as (url, key):
            client = AuthenticatedClient(url, key)
            options.output.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(Journal(options.output)) as journal:
                check(lines, journal, relay, options)
                run = Run(lines, journal, client, relay, options)
                sys.exit(go_on(lines, journal, run, options.output))
    except (OSError, ValueError, sqlite3.Error) as error:
        say(one_line(error))
        sys.exit(2 if isinstance(error, ValueError) else 1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
