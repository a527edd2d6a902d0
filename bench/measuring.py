"""What a process can tell of itself, and how contenders take turns."""

import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

# Quantities by name, in seconds, bytes and numbers.
Measurement = dict[str, float]

# One measurement a round for each contender, or why it has none.
Measured = dict[str, list[Measurement] | str]


def in_turns(
    contenders: Mapping[str, Callable[[], Measurement]], rounds: int, warm_up: int = 0
) -> Measured:
    """Every contender once a round, so that whatever else the machine does befalls them all.

    One that fails is left out from there on, and the others go on. What comes before the first
    round is not kept.
    """
    measured: Measured = {name: [] for name in contenders}
    for number in range(rounds + warm_up):
        for name, measure in contenders.items():
            sample = measured[name]
            if isinstance(sample, str):
                continue
            try:
                measurement = measure()
            except Exception as error:
                measured[name] = reason(error)
                continue
            if number >= warm_up:
                sample.append(measurement)
    return measured


def timed(call: Callable[[], object], times: int = 1) -> Measurement:
    start = time.perf_counter()
    for _ in range(times):
        call()
    return {"seconds": (time.perf_counter() - start) / times}


def reason(error: Exception) -> str:
    """An error in a few words."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def peak_memory() -> int:
    """The most bytes that this process ever held.

    On Linux what getrusage says is never below what the parent held when it started the process.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def stay_on(core: int) -> None:
    """Run on one core alone, counted from the first or the last, where there are two or more."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


def allow_connections(number: int = 8192) -> None:
    """Let this process hold so many files open, or as many as the machine lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def worst_lag(polls: list[list[float]], start: float, end: float, interval: float) -> float:
    """By how much the longest time in which a job was not asked for is above the interval."""
    longest = 0.0
    for times in polls:
        moments = [start, *times, end]
        longest = max(longest, *(b - a for a, b in pairwise(moments)))
    return max(0.0, longest - interval)
