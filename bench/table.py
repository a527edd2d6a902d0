"""How the rows of the table are measured and shown."""

import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any

# A figure, or the reason why there is none.
Figure = float | str


@dataclass(frozen=True)
class Row:
    what: str
    unit: str
    load: Callable[..., float]
    contenders: Mapping[str, Any]
    words: tuple[object, ...] = ()
    rounds: int = 1

    def measure(self, base_url: str) -> dict[str, list[Figure]]:
        """Measure the contenders in turns, so that other load on the machine affects them all."""
        samples: dict[str, list[Figure]] = {name: [] for name in self.contenders}
        for name in [*samples] * self.rounds:
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                samples[name].append(pool.submit(self.figure, name, base_url).result())
        return samples

    def figure(self, name: str, base_url: str) -> Figure:
        if sys.platform == "linux":
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        try:
            return self.load(self.contenders[name], base_url, *self.words)
        except Exception as error:
            return " ".join(f"{type(error).__name__}: {error}".split())[:80]

    def line(self, samples: Mapping[str, list[Figure]]) -> str:
        """A line of the table: medians, and our figure divided by theirs."""
        figures = {name: middle(sample) for name, sample in samples.items()}
        ours = figures.pop("ours")
        others = [f"{name} {self._shown(figure, ours)}" for name, figure in figures.items()]
        return f"| {self.what} | {self._shown(ours)} | {', '.join(others)} |"

    def _shown(self, figure: Figure, ours: Figure = "") -> str:
        if isinstance(figure, str):
            return figure
        ratio = "" if isinstance(ours, str) else f"({readable(ours / figure)})"
        return " ".join(filter(None, [readable(figure), self.unit, ratio]))


def middle(sample: list[Figure]) -> Figure:
    figures = [figure for figure in sample if not isinstance(figure, str)]
    return median(figures) if figures else sample[0]


def readable(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
