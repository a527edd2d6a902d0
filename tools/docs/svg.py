"""Elements of a drawing. Its colors are those of the page, so that it fits light and dark."""

from collections.abc import Sequence
from html import escape

BRAND = "var(--color-brand-primary)"
MUTED = "var(--color-foreground-muted)"
LINES = "var(--color-background-border)"

Point = tuple[float, float]


def drawing(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    """A whole drawing; `label` is for those who cannot see it."""
    head = (
        f'<div class="drawing"><svg role="img" aria-label="{escape(label)}"'
        f' viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg">'
    )
    return "\n".join([head, *parts, "</svg></div>\n"])


def text(x: float, y: float, words: str, anchor: str = "start", fill: str = "currentColor") -> str:
    """Words, of which (x, y) is the start, the middle or the end of the base line."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} style="fill: {fill}">{escape(words)}</text>'


def path(points: str, stroke: str, width: float = 1, opacity: float = 1) -> str:
    """A line; `points` is the path as SVG has it."""
    style = f"fill: none; stroke: {stroke}; stroke-width: {width:g}; opacity: {opacity:g}"
    return f'<path d="{points}" style="{style}"/>'


def polyline(points: Sequence[Point], stroke: str, width: float = 1) -> str:
    """A line through points."""
    joined = " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return path(f"M{joined}", stroke, width)


def box(x: float, y: float, width: float, height: float, style: str, title: str = "") -> str:
    """A rectangle; `title` is shown to those who point at it."""
    size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {size} rx="4" style="{style}"><title>{escape(title)}</title></rect>'
