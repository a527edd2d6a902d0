"""Every load of the benchmark runs, and our client sends as many POSTs as the docs say."""

from collections.abc import Iterator

import pytest

from bench import processes


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with processes.serving() as base_url:
        yield base_url


LOADS: dict[str, tuple[object, ...]] = {
    "async_calls": ("ours on aiohttp", 20, 0.2),
    "waits": ("ours", 5, 0.2, 3),
    "large_body": ("ours", 1_000_000),
    "large_file": ("ours", 1_000_000),
    "async_files": ("ours on aiohttp", 3, 1_000_000),
    "batches": ("ours", 20, 5),
}


@pytest.mark.parametrize(("load", "words"), LOADS.items(), ids=LOADS)
def test_a_load_measures_our_client(load: str, words: tuple[object, ...], server: str) -> None:
    name, *numbers = words
    measurement = processes.load(load, name, server, *numbers)
    assert all(measurement[each] > 0 for each in ("seconds", "per second") if each in measurement)


def test_missing_peers_are_named_and_the_others_are_measured(server: str) -> None:
    measured = processes.load("sync_calls", server, 2, 1)
    assert measured["openai `client.post`"] == "ModuleNotFoundError: No module named 'openai'"
    built = processes.load("builds", 2, 1)
    assert [len(measured["ours"]), len(measured["raw httpx"]), len(built["ours"])] == [2, 2, 2]


def test_our_posts_are_as_many_as_the_docs_say(server: str) -> None:
    counted = processes.load("posts", "ours", server, 5)
    assert counted == {"no-response": 1, "reset": 1, "500": 1, "429": 3}
