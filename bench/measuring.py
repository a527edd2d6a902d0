"""Measure time and memory of this process, and give all contenders equal conditions."""

import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path

# Quantities by name, in seconds, bytes and numbers.
Measurement = dict[str, float]

# One measurement per round for each contender, or the reason why there is none.
Measured = dict[str, list[Measurement] | str]


def in_turns(
    contenders: Mapping[str, Callable[[], Measurement]], rounds: int, warm_up: int = 0
) -> Measured:
    """Measure every contender once per round, so that other load on the machine affects them all.

    A contender that fails is skipped from then on. The warm-up rounds are not kept.
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
    """The error in at most 80 characters."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 80 else f"{text[:79]}…"


def peak_memory() -> int:
    """The peak memory of this process in bytes.

    On Linux getrusage cannot be used: its value starts at the memory of the parent process.
    """
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def stay_on(core: int) -> None:
    """Run this process on one core, by its index: 0 is the first, -1 the last."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


def allow_connections(number: int = 8192) -> None:
    """Raise the limit of open files to `number`, or as far as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def worst_lag(polls: list[list[float]], start: float, end: float, interval: float) -> float:
    """How much the longest time without a poll of a job exceeds the interval."""
    longest = 0.0
    for times in polls:
        moments = [start, *times, end]
        longest = max(longest, *(b - a for a, b in pairwise(moments)))
    return max(0.0, longest - interval)
