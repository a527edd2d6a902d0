"""The rows of the table: the quantities, the contenders and the aims."""

import dataclasses
import sys
from collections.abc import Iterable
from functools import partial

from bench import loads, processes
from bench.contenders import BODY
from bench.measuring import Measured, Measurement, in_turns, timed
from bench.table import Aim, Line, Sample

AT_LEAST_RAW = {"raw httpx": Aim(1, at_least=True)}
ON_AIOHTTP = "ours on aiohttp"
OURS = {"ours": "", ON_AIOHTTP: ', `async_transport="aiohttp"`'}

IMPORTS = {
    "ours": f"import grok_imagine_video; grok_imagine_video.CreateVideoRequest(**{BODY})",
    "httpx + attrs": "import attrs, httpx",
    "openai": "import openai",
    "xai-sdk": "import xai_sdk",
    "upstream": "from upstream_client.api.videos import create_video, get_video; "
    f"create_video.CreateVideoRequest.from_dict({BODY})",
}
# Our package imports httpx only when a client is created.
CLIENTS = {
    "ours": "from grok_imagine_video import AuthenticatedClient, create_video; "
    "AuthenticatedClient('https://a.example', 'a-token').get_httpx_client()",
    "httpx + attrs": "import attrs, httpx; httpx.Client()",
    "openai": "import openai; openai.OpenAI(api_key='a-token')",
    "upstream": "from upstream_client import AuthenticatedClient; "
    "from upstream_client.api.videos import create_video; "
    "AuthenticatedClient('https://a.example', 'a-token').get_httpx_client()",
}
# It imports nothing else first, because modules that are loaded already would not be measured.
IMPORTING = """
from time import perf_counter
start = perf_counter()
{}
print(perf_counter() - start)
from bench.measuring import peak_memory
print(peak_memory())
"""


def imports(rounds: int = 11) -> list[Line]:
    def measure(statement: str) -> Measurement:
        output = processes.run(sys.executable, "-c", IMPORTING.format(statement)).split()
        return {"seconds": float(output[-2]), "bytes": float(output[-1])}

    lines = []
    for made, statements in {"a request": IMPORTS, "a client": CLIENTS}.items():
        contenders = {name: partial(measure, each) for name, each in statements.items()}
        measured = in_turns(contenders, rounds, warm_up=1)
        aims = {"httpx + attrs": Aim(1.03)}
        aims |= {"openai": Aim(0.20)} if statements is IMPORTS else {}
        what = f"import, and {made} made, in a fresh process"
        lines += [
            Line(f"{what}: time", "ms", _of(measured, "seconds", 1e3), aims),
            Line(f"{what}: memory", "MB", _of(measured, "bytes", 1e-6), aims),
        ]
    return lines


def calls(base_url: str, rounds: int = 400, times: int = 5) -> list[Line]:
    called = _of(processes.load("sync_calls", base_url, rounds, times), "seconds", 1e6)
    built = _of(processes.load("builds", rounds, 50 * times), "seconds", 1e6)
    call, aims = "one sync call of ours", {"pydantic": Aim(1)}
    return [
        Line("one sync call, warm connection", "µs", called, {"raw httpx": Aim(1)}),
        Line("build and check a request", "µs", built | {call: called["ours"]}, aims),
    ]


def concurrency(base_url: str, rounds: int = 3, seconds: float = 1.5) -> list[Line]:
    rates = {
        in_flight: _of(
            _loads(rounds, loads.ASYNC, "async_calls", base_url, in_flight, seconds), "per second"
        )
        for in_flight in (1, 50, 500, 2000)
    }
    bare, openai = {"aiohttp": Aim(0.6, at_least=True)}, "openai `client.post`"
    aims = {
        (ON_AIOHTTP, 50): bare,
        (ON_AIOHTTP, 500): bare,
        (ON_AIOHTTP, 2000): bare,
        ("ours", 50): {openai: Aim(1.5, at_least=True)},
        ("ours", 500): {openai: Aim(2, at_least=True)},
        ("ours", 2000): {openai: Aim(2, at_least=True)},
    }
    lines = [
        Line(
            f"async calls per second, {in_flight:,} in flight{how}",
            "/s",
            _led_by(ours, samples),
            aims.get((ours, in_flight), {}),
        )
        for in_flight, samples in rates.items()
        for ours, how in OURS.items()
    ]
    both = {ON_AIOHTTP: rates[2000][ON_AIOHTTP], "500 in flight": rates[500][ON_AIOHTTP]}
    what = f"the same, 2,000 in flight against 500{OURS[ON_AIOHTTP]}"
    return [*lines, Line(what, "/s", both, {"500 in flight": Aim(1, at_least=True)})]


def waiting(base_url: str, jobs: int = 2000, interval: float = 5, intervals: int = 3) -> list[Line]:
    measured = _loads(1, loads.WAITS, "waits", base_url, jobs, interval, intervals)
    polls = _of(measured, "per second")
    lag = _of(measured, "lag")
    memory = _of(measured, "bytes", 1e-3)
    lines = []
    for ours, how in OURS.items():
        what = f"{jobs:,} waits on one core{how}"
        lines += [
            Line(f"{what}: polls, {jobs / interval:g} /s due", "/s", _led_by(ours, polls)),
            Line(f"{what}: worst lag, without jitter", "s", _led_by(ours, lag), {ours: Aim(1)}),
            Line(f"{what}: memory a wait", "kB", _led_by(ours, memory), {ours: Aim(50)}),
        ]
    return lines


def large_bodies(base_url: str, size: int = 20_000_000, rounds: int = 7) -> list[Line]:
    contenders = ("ours", "raw httpx")
    measured = _loads(rounds, contenders, "large_body", base_url, size)
    what = f"an image of {size / 1e6:,.0f} MB as a data URI"
    return [
        Line(f"{what}: time", "ms", _of(measured, "seconds", 1e3), {"raw httpx": Aim(1.1)}),
        Line(f"{what}: memory", "MB", _of(measured, "bytes", 1e-6), {"raw httpx": Aim(1.2)}),
    ]


def large_files(base_url: str, size: int = 200_000_000, rounds: int = 7) -> list[Line]:
    measured = _loads(rounds, loads.DOWNLOADS, "large_file", base_url, size)
    what = f"a download of {size / 1e6:,.0f} MB"
    speed = _of(measured, "per second", 1e-6)
    return [
        Line(f"{what}: speed", "MB/s", speed, AT_LEAST_RAW),
        Line(f"{what}: memory", "MB", _of(measured, "bytes", 1e-6), {"ours": Aim(5)}),
    ]


def async_files(base_url: str, rounds: int = 3) -> list[Line]:
    lines = []
    for count, size in ((1, 200_000_000), (50, 20_000_000)):
        measured = _loads(rounds, loads.ASYNC_DOWNLOADS, "async_files", base_url, count, size)
        speed = _of(measured, "per second", 1e-6)
        held = _of(measured, "held", 1e3)
        number = "a download" if count == 1 else f"{count} downloads at once"
        for ours, how in OURS.items():
            what = f"{number} of {size / 1e6:,.0f} MB in asyncio{how}"
            lines.append(Line(f"{what}: speed", "MB/s", _led_by(ours, speed), AT_LEAST_RAW))
            hold = Line(f"{what}: longest hold of the loop", "ms", _led_by(ours, held))
            lines.append(dataclasses.replace(hold, aims={ours: Aim(20)}) if count > 1 else hold)
    return lines


def batches(base_url: str, few: int = 1000, many: int = 10_000, in_flight: int = 50) -> list[Line]:
    measured = _loads(1, loads.BATCHES, "batches", base_url, many, in_flight)
    what = f"a batch of {many:,} requests, {in_flight} at a time"
    aims = dict.fromkeys([name for name in loads.BATCHES if name != "ours"], Aim(2))
    smaller = processes.load("batches", "ours", base_url, few, in_flight)
    memory = _of(measured, "bytes", 1e-6)
    both = {"ours": memory["ours"], f"{few:,} requests": [smaller["bytes"] / 1e6]}
    return [
        Line(f"{what}: time", "s", _of(measured, "seconds"), aims),
        Line(f"{what}: memory", "MB", both),
    ]


def posts(base_url: str, timeout: float = 8) -> list[Line]:
    measured = _loads(1, loads.POSTS, "posts", base_url, timeout)
    faults = {
        f"no response, counted for {timeout:g} s": ("no-response", 1),
        "reset": ("reset", 1),
        "500": ("500", 1),
        "429": ("429", 3),
    }
    return [
        Line(f"POSTs for one call: {what}", "", _of(measured, fault), {"ours": Aim(most)})
        for what, (fault, most) in faults.items()
    ]


def generation(rounds: int = 5) -> list[Line]:
    command = [processes.TOOLS / "python", "-m", "tools.generator"]
    ours = [*command, "--output", processes.BUILD / "ours"]
    contenders = {
        "ours": partial(timed, partial(processes.run, *ours)),
        "upstream": partial(
            timed, partial(processes.generate_upstream, processes.BUILD / "upstream")
        ),
    }
    seconds = _of(in_turns(contenders, rounds, warm_up=1), "seconds")
    return [Line("`make generate`, whole", "s", seconds, {"upstream": Aim(1.5)})]


def _loads(rounds: int, names: Iterable[str], load: str, *words: object) -> Measured:
    """Measure each contender with a load, each time in a new process."""
    contenders = {name: partial(processes.load, load, name, *words) for name in names}
    return in_turns(contenders, rounds)


def _of(measured: Measured, quantity: str, scale: float = 1) -> dict[str, Sample]:
    return {
        name: sample if isinstance(sample, str) else [each[quantity] * scale for each in sample]
        for name, sample in measured.items()
    }


def _led_by(ours: str, samples: dict[str, Sample]) -> dict[str, Sample]:
    """One of our clients first, then the contenders that are not ours."""
    return {ours: samples[ours]} | {
        name: sample for name, sample in samples.items() if name not in OURS
    }
