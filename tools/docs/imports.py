"""A drawing of the package: what imports what."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from .svg import BRAND, MUTED, box, path, text
from .svg import drawing as draw

Graph = dict[str, set[str]]
Place = tuple[float, float, float]

WIDTH, ROW, HEIGHT, MAX_GAP = 760.0, 76.0, 28.0, 70.0
FROM_SPEC = f"fill: var(--color-background-secondary); stroke: {BRAND}; stroke-width: 1.5"
PLAIN = f"fill: var(--color-background-secondary); stroke: {MUTED}"


def module_of(parts: tuple[str, ...]) -> str:
    """The module or package at the top level of the package."""
    return parts[0] if parts else "__init__"


def imported(tree: ast.Module, package: tuple[str, ...]) -> Iterator[str]:
    """What a module imports of its own package when it is imported itself."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            named = tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                yield module_of(base + named or (alias.name,))


def graph(package: Path) -> Graph:
    """For each module, the modules that it imports."""
    found: Graph = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        own = tuple(part for part in parts if part != "__init__")
        names = imported(ast.parse(file.read_text("utf-8")), parts[:-1])
        found.setdefault(module_of(own), set()).update(names)
    return {name: {each for each in names if each != name} for name, names in found.items()}


def layers(modules: Graph) -> dict[str, int]:
    """For each module, a layer above those of all modules that it imports.

    Raises:
        graphlib.CycleError: Modules import each other.
    """
    found: dict[str, int] = {}
    for name in TopologicalSorter(modules).static_order():
        found[name] = 1 + max((found[each] for each in modules[name]), default=-1)
    return found


def direct(modules: Graph) -> Graph:
    """The same without the imports that follow from others."""

    def reach(name: str) -> set[str]:
        return {name}.union(*(reach(each) for each in modules[name]))

    return {
        name: {each for each in names if not any(each in reach(other) for other in names - {each})}
        for name, names in modules.items()
    }


def places(modules: Graph) -> dict[str, Place]:
    """For each module, the left edge, the top and the width of its box."""
    layer, edges = layers(modules), direct(modules)
    top = max(layer.values())
    rows = [sorted(name for name in layer if layer[name] == n) for n in range(top + 1)]
    found: dict[str, Place] = {}
    for _ in range(8):  # each time, a module moves towards those that it is joined to
        for n, row in enumerate(rows):
            row.sort(key=lambda name: middle(name, edges, found))
            widths = [8.2 * len(name) + 18 for name in row]
            gap = min(MAX_GAP, (WIDTH - sum(widths)) / max(1, len(row) - 1))
            left = (WIDTH - sum(widths) - gap * (len(row) - 1)) / 2
            for name, width in zip(row, widths, strict=True):
                found[name] = left, (top - n) * ROW + 8, width
                left += width + gap
    return found


def middle(name: str, edges: Graph, found: dict[str, Place]) -> float:
    """Where a module should be, as far as those it is joined to have a place."""
    joined = edges[name] | {other for other, names in edges.items() if name in names}
    known = [found[other][0] + found[other][2] / 2 for other in joined if other in found]
    return sum(known) / len(known) if known else WIDTH / 2


def drawing(package: Path, runtime: Path) -> str:
    """The modules, each above those that it imports, without imports that follow from others."""
    modules = graph(package)
    found = places(modules)
    joined = [(name, each) for name, names in direct(modules).items() for each in sorted(names)]
    parts = [curve(found[name], found[other]) for name, other in joined]
    for name, (x, y, width) in found.items():
        is_runtime = (runtime / f"{name}.py").exists() or (runtime / name).is_dir()
        style = PLAIN if is_runtime else FROM_SPEC
        parts.append(box(x, y, width, HEIGHT, style, about(package, name)))
        parts.append(text(x + width / 2, y + 19, name, "middle"))
    height = max(y for _, y, _ in found.values()) + HEIGHT + 8
    return draw(WIDTH, height, "The modules of the package and what they import", parts)


def curve(upper: Place, lower: Place) -> str:
    """A line from the bottom of a box to the top of another."""
    (x, y, width), (a, b, other_width) = upper, lower
    x, y, a = x + width / 2, y + HEIGHT, a + other_width / 2
    bend = (b - y) / 2
    line = f"M{x:.1f},{y:.1f} C{x:.1f},{y + bend:.1f} {a:.1f},{b - bend:.1f} {a:.1f},{b:.1f}"
    return path(line, MUTED, 1.2, 0.6)


def about(package: Path, name: str) -> str:
    """The first line of a module's docstring."""
    file = package / f"{name}.py"
    file = file if file.exists() else package / name / "__init__.py"
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0]
