"""Plots of the benchmark's table."""

import re
from itertools import pairwise
from math import log10

from .svg import BRAND, LINES, MUTED, Point, box, drawing, polyline, text

CALLS = re.compile(r"async calls per second, ([\d,]+) in flight")
POSTS = "POSTs for one call: "
# "raw httpx 749 /s (4.54)", without the ratio.
THEIRS = re.compile(r"(?:^|, )([^,]+?) ([\d,]+(?:\.\d+)?)(?: [^\s(]+)? \(")
COLORS = {"ours": BRAND}

Figures = dict[str, float]


def rows(table: str) -> dict[str, Figures]:
    """For each quantity in the table, the figure of each client, ours first."""
    found: dict[str, Figures] = {}
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        ours = re.match(r"[\d,]+(?:\.\d+)?", cells[2]) if len(cells) == 5 else None
        if ours:
            theirs = {name: number(figure) for name, figure in THEIRS.findall(cells[3])}
            found[cells[1]] = {"ours": number(ours[0])} | theirs
    return found


def number(figure: str) -> float:
    return float(figure.replace(",", ""))


def rates(table: str) -> dict[str, dict[int, float]]:
    """For each client, the calls per second by the number of requests in flight."""
    series: dict[str, dict[int, float]] = {}
    for what, figures in rows(table).items():
        if of_calls := CALLS.fullmatch(what):
            for name, figure in figures.items():
                series.setdefault(name, {})[int(number(of_calls[1]))] = figure
    return series


def calls(table: str) -> str:
    """Calls per second over requests in flight, both on logarithmic scales."""
    series = rates(table)
    width, height, left, right, top, bottom = 760.0, 400.0, 52.0, 250.0, 34.0, 44.0
    counts = sorted({count for points in series.values() for count in points})
    decades = [10.0**power for power in range(1, 5)]

    def place(count: float, rate: float) -> Point:
        x = log10(count / counts[0]) / log10(counts[-1] / counts[0])
        y = log10(rate / decades[0]) / log10(decades[-1] / decades[0])
        return left + x * (width - left - right), height - bottom - y * (height - top - bottom)

    parts = [text(0, 14, "calls per second", fill=MUTED)]
    for rate in decades:
        start, end = place(counts[0], rate), place(counts[-1], rate)
        parts += [
            polyline([start, end], LINES),
            text(left - 8, start[1] + 4, f"{rate:,.0f}", "end"),
        ]
    for count in counts:
        parts.append(text(place(count, decades[0])[0], height - 22, f"{count:,}", "middle"))
    middle = (left + width - right) / 2
    parts.append(text(middle, height - 4, "requests in flight", "middle", MUTED))
    ends: list[tuple[float, str]] = []
    for name, points in series.items():
        line = [place(count, rate) for count, rate in sorted(points.items())]
        parts.append(polyline(line, COLORS.get(name, MUTED), 3 if name in COLORS else 1.5))
        ends.append((line[-1][1], name))
    for y, name in apart(sorted(ends)):
        plain = name.replace("`", "")
        parts.append(text(width - right + 10, y + 4, plain, fill=COLORS.get(name, "currentColor")))
    return drawing(width, height, "Calls per second over requests in flight", parts)


def apart(labels: list[tuple[float, str]], least: float = 17) -> list[tuple[float, str]]:
    """Labels from top to bottom, moved down where two would overlap."""
    placed = labels[:1]
    for _, (y, name) in pairwise(labels):
        placed.append((max(y, placed[-1][0] + least), name))
    return placed


def posts(table: str) -> str:
    """How many POSTs each client sends for one call, by what goes wrong."""
    by_fault = {
        what.removeprefix(POSTS): figures
        for what, figures in rows(table).items()
        if what.startswith(POSTS)
    }
    width, left, step = 760.0, 120.0, 20.0
    most = max(figure for figures in by_fault.values() for figure in figures.values())
    scale, y, parts = (width - left - 50) / most, 0.0, []
    for fault, figures in by_fault.items():
        y += 24
        parts.append(text(0, y, fault, fill=MUTED))
        for name, figure in figures.items():
            y += step
            color = COLORS.get(name, MUTED)
            parts += [
                text(left - 8, y, name, "end"),
                box(left, y - 11, figure * scale, 13, f"fill: {color}"),
                text(left + figure * scale + 6, y, f"{figure:g}"),
            ]
        y += 8
    return drawing(width, y + 4, "POSTs for one call", parts)
