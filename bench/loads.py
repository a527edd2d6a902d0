"""The loads, each measured in a new process: `python -m bench.loads` with a name and arguments."""

import asyncio
import functools
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import httpx

from bench import contenders
from bench.contenders import BODY, AsyncCall, Call, Download, Wait
from bench.measuring import (
    Measured,
    Measurement,
    allow_connections,
    in_turns,
    peak_memory,
    stay_on,
    timed,
    worst_lag,
)
from bench.server import FAULTS

SYNC: dict[str, Callable[..., Call]] = {
    "ours": contenders.ours,
    "raw httpx": contenders.raw_httpx,
    "openai `client.post`": contenders.openai,
    "upstream": contenders.upstream,
}
BUILDS = {
    "ours": contenders.build_ours,
    "upstream": contenders.build_upstream,
    "pydantic": contenders.build_pydantic,
}
ASYNC: dict[str, Callable[[str], AsyncCall]] = {
    "ours": contenders.async_ours,
    "ours on aiohttp": partial(contenders.async_ours, async_transport="aiohttp"),
    "raw httpx": contenders.async_raw_httpx,
    "openai `client.post`": contenders.async_openai,
    "aiohttp": contenders.async_aiohttp,
}
WAITS: dict[str, Callable[[str, float], Coroutine[Any, Any, tuple[Wait, float]]]] = {
    "ours": contenders.wait_ours,
    "ours on aiohttp": partial(contenders.wait_ours, async_transport="aiohttp"),
    "a loop on raw httpx": contenders.wait_raw_httpx,
}
ASYNC_DOWNLOADS: dict[str, Callable[[str], Coroutine[Any, Any, Download]]] = {
    "ours": contenders.async_download_ours,
    "ours on aiohttp": partial(contenders.async_download_ours, async_transport="aiohttp"),
    "raw httpx": contenders.async_download_raw_httpx,
}
BATCHES: dict[str, Callable[..., Call]] = {
    "ours": contenders.batch_ours,
    "a loop that creates, waits and saves": contenders.batch_loop,
    "a loop that creates": partial(contenders.batch_loop, is_saved=False),
}
DOWNLOADS = {"ours": contenders.download_ours, "raw httpx": contenders.download_raw_httpx}
POSTS: dict[str, Callable[..., Call]] = {
    "ours": contenders.ours,
    "openai": contenders.openai,
    "fal-client": contenders.fal_client,
    "replicate": contenders.replicate,
    "upstream": contenders.upstream,
}


def sync_calls(base_url: str, rounds: int, times: int) -> Measured:
    """One call after another on an open connection."""
    makes = {name: partial(make, base_url, BODY) for name, make in SYNC.items()}
    return _in_turns(makes, rounds, times)


def builds(rounds: int, times: int) -> Measured:
    """Build a request, and check it where the contender does."""
    return _in_turns(BUILDS, rounds, times)


def _in_turns(makes: Mapping[str, Callable[[], Call]], rounds: int, times: int) -> Measured:
    def measure(make: Callable[[], Call]) -> Measurement:
        call = make()
        return timed(call, times)

    contenders = {name: partial(measure, functools.cache(make)) for name, make in makes.items()}
    return in_turns(contenders, rounds, warm_up=1)


def async_calls(name: str, base_url: str, in_flight: int, seconds: float) -> Measurement:
    """`in_flight` tasks at once, each with one call after another."""
    completed = 0

    async def prepare() -> AsyncCall:
        call = ASYNC[name](base_url)
        await call()
        return call

    async def keep_calling() -> None:
        nonlocal completed
        while True:
            with suppress(Exception):
                await call()
                completed += 1

    loop = _loop_in_background()
    call = asyncio.run_coroutine_threadsafe(prepare(), loop).result()
    asyncio.run_coroutine_threadsafe(_all(keep_calling() for _ in range(in_flight)), loop)
    time.sleep(in_flight / 1000)  # until most of them have sent a request
    before, start = completed, time.perf_counter()
    time.sleep(seconds)
    return {"per second": (completed - before) / (time.perf_counter() - start)}


def waits(name: str, base_url: str, jobs: int, interval: float, intervals: int) -> Measurement:
    """Wait for `jobs` jobs at once, measured at the server and in this process."""
    loop = _loop_in_background()
    prepare = WAITS[name](base_url, interval)
    wait, longest_pause = asyncio.run_coroutine_threadsafe(prepare, loop).result()
    ids = [f"{os.getpid()}-{number}" for number in range(jobs)]
    before, start = peak_memory(), time.monotonic()
    asyncio.run_coroutine_threadsafe(_all(wait(each) for each in ids), loop)
    time.sleep(interval * intervals)
    end, after = time.monotonic(), peak_memory()
    polls = httpx.get(f"{base_url}/polls").json()
    seen = [[moment for moment in polls.get(each, []) if moment <= end] for each in ids]
    settled = sum(moment > start + interval for each in seen for moment in each)
    return {
        "per second": settled / (end - start - interval),
        "lag": worst_lag(seen, start, end, longest_pause),
        "bytes": (after - before) / jobs,
    }


def _loop_in_background() -> asyncio.AbstractEventLoop:
    """An event loop in a thread, so that a busy loop cannot delay the end of the measurement."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


async def _all(calls: Iterable[Awaitable[object]]) -> None:
    await asyncio.gather(*calls)


def large_body(name: str, base_url: str, size: int) -> Measurement:
    """One call with an image in it."""
    image = {"url": "data:image/png;base64,".ljust(size, "A")}
    call = SYNC[name](base_url, BODY | {"image": image})
    return _seconds_and_bytes(call)


def large_file(name: str, base_url: str, size: int) -> Measurement:
    """One download."""
    with tempfile.TemporaryDirectory() as folder:
        call = DOWNLOADS[name](base_url, f"/file/{size}", Path(folder, "file"))
        measurement = _seconds_and_bytes(call)
        return measurement | {"per second": size / measurement["seconds"]}


def async_files(name: str, base_url: str, count: int, size: int) -> Measurement:
    """Downloads at the same time, and the longest time that the event loop was held meanwhile."""

    async def save(folder: Path) -> float:
        download = await ASYNC_DOWNLOADS[name](base_url)
        await download("/file/1", folder / "warm-up")
        held: list[float] = []
        watch = asyncio.create_task(_watch(held))
        await asyncio.gather(
            *(download(f"/file/{size}", folder / str(number)) for number in range(count))
        )
        watch.cancel()
        return max(held)

    with tempfile.TemporaryDirectory() as path:
        start = time.perf_counter()
        held = asyncio.run(save(Path(path)))
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "per second": count * size / seconds, "held": held}


async def _watch(held: list[float], pause: float = 0.001) -> None:
    """Note how much longer than a pause the event loop was held each time."""
    while True:
        start = time.perf_counter()
        await asyncio.sleep(pause)
        held.append(time.perf_counter() - start - pause)


def batches(name: str, base_url: str, count: int, in_flight: int) -> Measurement:
    """A batch of requests whose jobs end at once."""
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        call = BATCHES[name](f"{base_url}/at-once", count, in_flight, folder)
        return _seconds_and_bytes(call)


def _seconds_and_bytes(call: Call) -> Measurement:
    before = peak_memory()
    return timed(call) | {"bytes": peak_memory() - before}


def posts(name: str, base_url: str, timeout: float) -> Measurement:
    """How many requests reach the server for one call, for each fault.

    Pauses between two attempts are skipped, because some clients pause for a minute.
    """
    with mock.patch("time.sleep"):
        for fault in FAULTS:
            call = POSTS[name](f"{base_url}/{fault}/{name}", BODY, timeout=0.5)
            thread = threading.Thread(target=_tried, args=[call], daemon=True)
            thread.start()
            thread.join(timeout)
    counts = httpx.get(f"{base_url}/posts").json()
    return {fault: counts[f"{fault}/{name}"] for fault in FAULTS}


def _tried(call: Call) -> None:
    with suppress(Exception):
        call()


LOADS: dict[str, Callable[..., Any]] = {
    load.__name__: load
    for load in (
        *(sync_calls, builds, async_calls, waits, large_body, large_file),
        *(async_files, batches, posts),
    )
}


def main() -> None:
    stay_on(0)
    allow_connections()
    print(json.dumps(LOADS[sys.argv[1]](*json.loads(sys.argv[2]))), flush=True)
    os._exit(0)  # without cancelling the calls in flight: httpx takes minutes for thousands


if __name__ == "__main__":
    main()
