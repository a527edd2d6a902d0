"""The benchmark: what it counts, how it compares, and what becomes of a contender that fails."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from bench import processes, rows
from bench.__main__ import measured as measured_row
from bench.measuring import in_turns, worst_lag
from bench.table import Aim, Line, Sample, markdown, readable


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with processes.serving() as base_url:
        yield base_url


def test_contenders_take_turns_and_the_first_rounds_are_not_kept() -> None:
    called = []

    def one(name: str) -> dict[str, float]:
        called.append(name)
        return {"number": len(called)}

    measured = in_turns({"a": lambda: one("a"), "b": lambda: one("b")}, rounds=2, warm_up=1)
    assert called == ["a", "b"] * 3
    assert measured == {"a": [{"number": 3}, {"number": 5}], "b": [{"number": 4}, {"number": 6}]}


def test_a_contender_that_fails_says_why_and_the_others_go_on() -> None:
    numbers = iter(range(9))
    measured = in_turns({"a": lambda: {"x": 1 / 0}, "b": lambda: {"x": next(numbers)}}, rounds=2)
    assert measured == {"a": "ZeroDivisionError: division by zero", "b": [{"x": 0}, {"x": 1}]}


def test_the_lag_is_the_longest_silence_of_any_job_beyond_the_interval() -> None:
    assert worst_lag([[0.5, 5.5], [1.0, 8.0]], start=0, end=10, interval=5) == 2
    assert worst_lag([[1, 6], []], start=0, end=9, interval=5) == 4  # never asked for
    assert worst_lag([[1, 3]], start=0, end=9, interval=5) == 1  # never again
    assert worst_lag([[1, 4]], start=0, end=5, interval=5) == 0


def test_a_line_compares_medians_and_says_which_aims_are_met() -> None:
    samples: dict[str, Sample] = {
        "ours": [3.0, 1.0, 2.0],
        "a": [4.0],
        "b": [1.0, 1.9],
        "c": "broken | here",
    }
    aims = {"a": Aim(0.5), "b": Aim(1.5, at_least=True), "c": Aim(1), "ours": Aim(1.9)}
    table = markdown([Line("a call", "ms", samples, aims)]).splitlines()
    assert {line.count(" | ") for line in table[:2]} == {4}
    assert table[2] == (
        "| a call | 2 ms | a 4 ms (0.500), b 1.45 ms (1.38), c broken \\| here "
        "| ≤ 0.5 of a, ≥ 1.5 of b, ≤ 1 of c, ≤ 1.9 ms | yes, no, not measured, no |"
    )


def test_an_aim_is_about_what_is_shown() -> None:
    assert Aim(1.1).is_met(1.1049)
    assert not Aim(1.1).is_met(1.1051)
    shown = [readable(figure) for figure in (0, 0.0123, 0.5, 1, 12.34, 99.96, 1234.5)]
    assert shown == ["0", "0.0123", "0.500", "1", "12.3", "100.0", "1,234"]


def test_a_row_that_fails_becomes_a_line_that_says_why() -> None:
    def row() -> list[Line]:
        raise OSError("no room")

    (line,) = measured_row(row, "a row")
    assert line.cells() == ["a row", "OSError: no room", "", "", ""]


def test_nothing_is_compared_with_what_was_not_measured() -> None:
    line = Line("a", "s", {"ours": "Error", "a": [0.0]}, {"ours": Aim(1), "a": Aim(1)})
    assert line.cells()[1:3] == ["Error", "a 0 s"]
    assert line.cells()[4] == "not measured, not measured"
    assert Line("a", "s", {"ours": [1.0], "a": [0.0]}).cells()[2] == "a 0 s"


def test_every_post_that_goes_wrong_is_counted(server: str) -> None:
    for fault, error in (("no-answer", httpx.ReadTimeout), ("reset", httpx.ReadError)):
        with pytest.raises(error):
            httpx.post(f"{server}/{fault}/me/v1/videos", json={}, timeout=0.2)
    for status in (500, 429, 429):
        assert httpx.post(f"{server}/{status}/me", json={}).status_code == status
    assert httpx.post(f"{server}/v1/videos", json={}).is_success
    counts = httpx.get(f"{server}/posts").json()
    mine = {name: count for name, count in counts.items() if name.endswith("/me")}
    assert mine == {"no-answer/me": 1, "reset/me": 1, "500/me": 1, "429/me": 2}


def test_the_server_keeps_when_a_job_was_asked_for(server: str) -> None:
    for _ in range(2):
        assert httpx.get(f"{server}/v1/videos/mine").json()["status"] == "pending"
    first, second = httpx.get(f"{server}/polls").json()["mine"]
    assert 0 < second - first < 10


def test_bodies_and_files_arrive_whole(server: str) -> None:
    assert httpx.post(f"{server}/v1/videos", content=bytes(3_000_000)).is_success
    assert len(httpx.get(f"{server}/file/2500000").content) == 2_500_000


def test_the_server_ends_with_the_process_that_started_it() -> None:
    words = [sys.executable, "-m", "bench.server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=processes.ROOT, stdin=pipe, stdout=pipe) as server:
        assert server.stdout
        assert server.stdin
        assert int(server.stdout.readline())
        server.stdin.close()
        assert server.wait(timeout=10) == 0


def test_peers_that_are_missing_say_so_and_the_others_are_measured(server: str) -> None:
    called, built = rows.calls(server, rounds=2, times=1)
    assert called.samples["openai `client.post`"] == "ModuleNotFoundError: No module named 'openai'"
    for sample in (called.samples["ours"], called.samples["raw httpx"], built.samples["pydantic"]):
        assert len(sample) == 2


LOADS = {
    "async_calls": ("ours on aiohttp", 20, 0.2),
    "waits": ("ours", 5, 0.2, 3),
    "large_body": ("ours", 1_000_000),
    "large_file": ("ours", 1_000_000),
}


@pytest.mark.parametrize(("load", "words"), LOADS.items(), ids=LOADS)
def test_a_load_gives_figures(load: str, words: tuple[object, ...], server: str) -> None:
    name, *numbers = words
    measurement = processes.load(load, name, server, *numbers)
    assert all(measurement[each] > 0 for each in ("seconds", "per second") if each in measurement)


def test_our_posts_are_as_many_as_the_readme_says(server: str) -> None:
    counted = processes.load("posts", "ours", server, 5)
    assert counted == {"no-answer": 1, "reset": 1, "500": 1, "429": 3}


def test_a_process_that_fails_says_its_last_line() -> None:
    with pytest.raises(processes.ProcessError, match=r"^KeyError: 'no such load'$"):
        processes.load("no such load")
