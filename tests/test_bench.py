"""Each row of the benchmark can be measured, and the docs say what it says."""

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.__main__ import serving
from bench.rows import ROWS, async_calls, download, posts, sync_call, whole_batch
from bench.table import Row

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "docs" / "comparison.md").read_text("utf-8")
FEW = {async_calls: (3, 9), sync_call: (3,), download: (1,), whole_batch: (3,)}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as base_url:
        yield base_url


def shown(what: str, client: str = "") -> str:
    """The figure of a client in the table of the docs; the first one is ours."""
    found = re.search(rf"^\| {re.escape(what)} \|.*?{client} ([\d,.]+)", TABLE, re.MULTILINE)
    assert found, what
    return found[1]


def briefly(row: Row, *names: str) -> Row:
    few = {name: row.contenders[name] for name in names}
    return dataclasses.replace(row, words=FEW.get(row.load, row.words), rounds=1, contenders=few)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_our_client_is_measured(row: Row, server: str) -> None:
    (figure,) = briefly(row, "ours").measure(server)["ours"]
    assert isinstance(figure, float), figure
    assert float(shown(row.what).replace(",", "")) == figure if row.load is posts else figure > 0


def test_the_cell_of_a_peer_that_is_missing_says_so(server: str) -> None:
    row = briefly(ROWS[0], "ours", "openai")
    missing = "openai ModuleNotFoundError: No module named 'openai'"
    assert row.line(row.measure(server)) == f"| {row.what} | 1 | {missing} |"


def test_the_readme_has_the_figures_of_the_table() -> None:
    paid, calls = "POSTs for one call: timeout", "async calls per second, 500 in flight"
    figures = {shown(paid), shown(paid, "openai"), shown(paid, "fal-client")}
    figures |= {shown(calls), shown(calls, "raw httpx")}
    for name in ("README.md", "README.zh-CN.md"):
        why = (ROOT / name).read_text("utf-8").split("\n## ")[1]
        assert figures <= {*re.findall(r"(?<!\w)\d[\d,.]*\d|\d(?=\D)", why)}, name
