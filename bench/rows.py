"""The rows of the table: the clients, each with its own defaults, and what they have to do."""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from timeit import repeat, timeit
from typing import Any
from unittest import mock

import httpx

import grok_imagine_video as grok
from bench.server import FAULTS
from bench.table import Row
from grok_imagine_video import batch

Call = Callable[..., Any]

PATH = "/v1/videos/generations"
TOKEN = "a-token-of-the-benchmark"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
IN_FLIGHT = 50  # of a batch
REQUEST = grok.CreateVideoRequest(
    model="grok-imagine-video", prompt="A lake", resolution="480p", aspect_ratio="16:9", duration=4
)
BODY = REQUEST.to_dict()


def ours(base_url: str) -> Call:
    client = grok.AuthenticatedClient(base_url=base_url, token=TOKEN)
    return lambda: grok.create_video.sync(client=client, body=REQUEST)


def raw_httpx(base_url: str) -> Call:
    client = httpx.Client(base_url=base_url, headers=HEADERS)
    return lambda: client.post(PATH, json=BODY).raise_for_status().json()


CALLS = {"ours": ours, "raw httpx": raw_httpx}


def sync_call(make: Callable[..., Call], base_url: str, count: int) -> float:
    """Microseconds of a call on an open connection."""
    call = make(base_url)
    call()
    return median(repeat(call, number=1, repeat=count)) * 1e6


def async_ours(base_url: str, timeout: float) -> Call:
    client = grok.AuthenticatedClient(base_url=base_url, token=TOKEN, timeout=timeout)
    return lambda: grok.create_video.asyncio(client=client, body=REQUEST)


def async_httpx(base_url: str, timeout: float) -> Call:
    client = httpx.AsyncClient(base_url=base_url, headers=HEADERS, timeout=timeout)
    return lambda: client.post(PATH, json=BODY)


# A peer is imported in its function, so that a missing one fails alone.
def openai(base_url: str, timeout: float) -> Call:
    """Its `videos.create` sends a form. Its methods that send JSON do it like this."""
    from openai import AsyncOpenAI
    from openai.types import Video

    client = AsyncOpenAI(base_url=base_url, api_key=TOKEN, timeout=timeout)
    return lambda: client.post(PATH, body=BODY, cast_to=Video)


def fal(base_url: str, timeout: float) -> Call:
    from fal_client import AsyncClient, client

    client.QUEUE_URL_FORMAT = f"{base_url}/"  # its setting is only a host, always with https
    session = AsyncClient(key=TOKEN, default_timeout=timeout)
    return lambda: session.submit("owner/application", BODY)


ASYNC_CALLS = {"ours": async_ours, "raw httpx": async_httpx, "openai": openai, "fal-client": fal}


def posts(make: Callable[..., Call], base_url: str, fault: str) -> float:
    """How many requests reach the server for one call, with pauses between two of them skipped."""
    call = make(f"{base_url}/{fault}", 0.5)
    before = httpx.get(f"{base_url}/posts").json()
    with mock.patch("asyncio.sleep"), suppress(Exception):
        asyncio.run(call())
    sent = httpx.get(f"{base_url}/posts").json() - before
    if not sent:
        asyncio.run(call())  # raises what went wrong
    return float(sent)


def async_calls(make: Callable[..., Call], base_url: str, in_flight: int, count: int) -> float:
    """Calls per second of `in_flight` tasks, each with one call after another."""

    async def call_all() -> float:
        call, numbers = make(base_url, 60), iter(range(count))

        async def work() -> None:
            for _ in numbers:
                await call()

        await call()
        start = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(in_flight)))
        return count / (time.perf_counter() - start)

    return asyncio.run(call_all())


def download_ours(base_url: str) -> Call:
    return grok.AuthenticatedClient(base_url=base_url, token=TOKEN).download


def download_raw_httpx(base_url: str) -> Call:
    client = httpx.Client(base_url=base_url, headers=HEADERS)

    def download(url: str, path: Path) -> None:
        with client.stream("GET", url) as response, path.open("wb") as file:
            file.writelines(response.iter_bytes())

    return download


def async_download_ours(base_url: str) -> Call:
    client, runner = grok.AuthenticatedClient(base_url=base_url, token=TOKEN), asyncio.Runner()
    return lambda url, path: runner.run(client.asyncio_download(url, path))


def async_download_raw_httpx(base_url: str) -> Call:
    client, runner = httpx.AsyncClient(base_url=base_url, headers=HEADERS), asyncio.Runner()

    async def download(url: str, path: Path) -> None:
        with path.open("wb") as file:
            async with client.stream("GET", url) as response:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)

    return lambda url, path: runner.run(download(url, path))


DOWNLOADS = {"ours": download_ours, "raw httpx": download_raw_httpx}
ASYNC_DOWNLOADS = {"ours": async_download_ours, "raw httpx": async_download_raw_httpx}


def download(make: Callable[..., Call], base_url: str, megabytes: int) -> float:
    """Megabytes per second."""
    save = make(base_url)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        save(f"{base_url}/file/1", path)
        return megabytes / timeit(
            lambda: save(f"{base_url}/file/{megabytes}000000", path), number=1
        )


def batch_ours(base_url: str, count: int, folder: Path) -> None:
    client = grok.AuthenticatedClient(base_url=base_url, token=TOKEN)
    batch.run([REQUEST] * count, client=client, folder=folder, concurrency=IN_FLIGHT)


def batch_loop(base_url: str, count: int, folder: Path) -> None:
    client = grok.AuthenticatedClient(base_url=base_url, token=TOKEN)
    free = asyncio.Semaphore(IN_FLIGHT)

    async def save(number: int) -> None:
        async with free:
            job = await grok.create_video.asyncio(client=client, body=REQUEST)
            ended = await grok.get_video.asyncio_wait(job, client=client)
            await client.asyncio_download(grok.get_video.result(ended), folder / f"{number}.mp4")

    async def save_all() -> None:
        await asyncio.gather(*(save(number) for number in range(count)))

    asyncio.run(save_all())


BATCHES = {"ours": batch_ours, "a loop that creates, waits and saves": batch_loop}


def whole_batch(run: Callable[..., None], base_url: str, count: int) -> float:
    """Seconds of a batch whose jobs end at once."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = timeit(lambda: run(base_url, count, Path(folder)), number=1)
        if len([*Path(folder).rglob("*.mp4")]) < count:
            raise RuntimeError("a video is missing")
        return seconds


# fal-client opens its session later.
IMPORTS = {
    "ours": "from grok_imagine_video import AuthenticatedClient, create_video; "
    "AuthenticatedClient('https://a.example', 'a-token').get_httpx_client()",
    "httpx": "import httpx; httpx.Client()",
    "openai": "import openai; openai.OpenAI(api_key='a-token')",
}


def importing(statement: str, _: str) -> float:
    """Milliseconds in a new process, which has imported nothing before."""
    timed = f"from time import time; start = time(); {statement}; print(time() - start)"
    return float(subprocess.check_output([sys.executable, "-c", timed])) * 1e3


ROWS = [
    *(Row(f"POSTs for one call: {fault}", "", posts, ASYNC_CALLS, (fault,)) for fault in FAULTS),
    Row("async calls per second, 1 in flight", "/s", async_calls, ASYNC_CALLS, (1, 2000), 3),
    Row("async calls per second, 50 in flight", "/s", async_calls, ASYNC_CALLS, (50, 2000), 3),
    Row("async calls per second, 500 in flight", "/s", async_calls, ASYNC_CALLS, (500, 2000), 3),
    Row("import, and a client made", "ms", importing, IMPORTS, (), 9),
    Row("one sync call", "µs", sync_call, CALLS, (2000,), 7),
    Row("a download of 200 MB", "MB/s", download, DOWNLOADS, (200,), 7),
    Row("a download of 200 MB in asyncio", "MB/s", download, ASYNC_DOWNLOADS, (200,), 7),
    Row("a batch of 2,000 requests, 50 at a time", "s", whole_batch, BATCHES, (2000,), 3),
]
