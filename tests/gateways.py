"""The responses that gateways.yaml lists."""

from pathlib import Path
from typing import Any

import pytest

from conftest import compact
from making import load

Row = dict[str, Any]
GATEWAYS = load(Path(__file__).with_suffix(".yaml"))


def content_of(row: Row) -> bytes:
    text = row["text"] if "text" in row else compact(row["body"]).decode()
    return str(text).encode(row.get("encoding", "utf-8"))


def each_row_of(rows: list[Row]) -> pytest.MarkDecorator:
    """Run a test with each row, or with each word as the status in the body of a row."""
    spread = [
        row | {"body": {"status": word} | row["body"]} if word else row
        for row in rows
        for word in row.get("words", [None])
    ]
    names = [row.get("what") or content_of(row).decode() for row in spread]
    return pytest.mark.parametrize("row", spread, ids=names)
