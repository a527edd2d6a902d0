"""The measurements as a Markdown table."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import floor, log10
from statistics import median

# All measurements of a contender, or the reason why there are none.
Sample = list[float] | str


@dataclass(frozen=True)
class Aim:
    """The limit that a figure should not exceed, or should reach."""

    limit: float
    at_least: bool = False

    def is_met(self, figure: float) -> bool:
        rounded = float(f"{figure:.3g}")  # as it is shown
        return rounded >= self.limit if self.at_least else rounded <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True)
class Line:
    """One quantity of all contenders, ours first.

    An aim under our own name applies to our figure. An aim under another name applies to the ratio
    of our figure to theirs.
    """

    what: str
    unit: str
    samples: dict[str, Sample]
    aims: dict[str, Aim] = field(default_factory=dict)

    def figure(self, name: str) -> float | None:
        sample = self.samples[name]
        return None if isinstance(sample, str) else median(sample)

    def ratio(self, name: str) -> float | None:
        mine, other = self.figure(self.ours), self.figure(name)
        return None if mine is None or not other else mine / other

    @property
    def ours(self) -> str:
        return next(iter(self.samples))

    def cells(self) -> list[str]:
        others = [self._against(name) for name in self.samples if name != self.ours]
        aims = [self._aim(name) for name in self.aims]
        verdicts = [self._verdict(name) for name in self.aims]
        return [self.what, self._shown(self.ours), *map(", ".join, (others, aims, verdicts))]

    def _shown(self, name: str) -> str:
        figure, sample = self.figure(name), self.samples[name]
        return str(sample) if figure is None else f"{readable(figure)} {self.unit}".strip()

    def _against(self, name: str) -> str:
        ratio = self.ratio(name)
        return f"{name} {self._shown(name)}" + ("" if ratio is None else f" ({readable(ratio)})")

    def _aim(self, name: str) -> str:
        of = self.unit if name == self.ours else f"of {name}"
        return f"{self.aims[name]} {of}".strip()

    def _verdict(self, name: str) -> str:
        figure = self.figure(name) if name == self.ours else self.ratio(name)
        if figure is None:
            return "not measured"
        return "yes" if self.aims[name].is_met(figure) else "no"


def readable(figure: float) -> str:
    """Three significant digits, or more if the integer part is longer."""
    if figure == int(figure):
        return f"{figure:,.0f}"
    return f"{figure:,.{max(0, 2 - floor(log10(abs(figure))))}f}"


def markdown(lines: Iterable[Line]) -> str:
    rows = [["what", "ours", "others (ours / theirs)", "aim", "met?"], ["---"] * 5]
    rows += [line.cells() for line in lines]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)
