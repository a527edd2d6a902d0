"""Hold what an export demands against a spec, and say what differs and where to change it."""

from typing import Any

from ..review.changes import Impact, worst
from ..review.documents import compare_documents
from ..review.spec import Spec, join, parts_of
from ..review.values import differing, short
from .demands import demands
from .reading import Reading

ASK = "They have no known form. Say in tools/export/words.yaml what they mean, or ask their author."


def compare(spec: Spec, export: Spec) -> tuple[Impact, list[str]]:
    """What differs, each on one line, and the impact on callers once the spec follows."""
    ours, lines = demands(spec), []
    changes = compare_documents(ours, export)
    told = [change.pointer for change in changes]
    for change in changes:
        if change.text.endswith(": security differs") and told.count(change.pointer) > 1:
            continue  # another line says how
        said, own = _apart(export.find(change.pointer), ours.find(change.pointer))
        says = f"the export says {_code(said)}, openapi.yaml says {_code(own)}"
        lines.append(f"{_place(spec, change.pointer)}: {change.text}: {says}")
    return worst(change.impact for change in changes), lines


def report(spec: Spec, reading: Reading) -> tuple[bool, str]:
    """Whether nothing is left to do, and the markdown for people."""
    impact, differences = compare(spec, reading.demands)
    quoted = [(at, f"`{' '.join(words.split())[:300]}`") for at, words in reading.unread]
    unread = list(dict.fromkeys(f"{_place(spec, at)}: {words}" for at, words in quoted))
    beside = ", and what the words do" if unread else ""
    lines = ["# The export and openapi.yaml", "", f"| impact | {impact}{beside} |", "|---|---|"]
    lines += [f"| differences | {len(differences)} |", f"| words to read | {len(unread)} |", ""]
    lines += ["## What differs", "", *differences, ""] if differences else []
    lines += ["## Words for a person to read", "", *unread, "", ASK, ""] if unread else []
    return not (differences or unread), "\n".join(lines)


def _place(spec: Spec, pointer: str) -> str:
    """Where a part of the demands is written in a spec."""
    place = ""
    for part in parts_of(pointer):
        place = join(spec.target(place) if spec.find(place) is not None else place, part)
    if pointer.endswith("/security") and spec.find(place) is None:
        place = "/security"
    return f"- line {spec.line(place)}, `{place}`"


def _apart(one: Any, other: Any) -> tuple[Any, Any]:
    """What is different in two values."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return one, other
    names = differing(one, other)
    pairs = {name: _apart(one.get(name), other.get(name)) for name in names}
    said = {name: pairs[name][0] for name in names if name in one}
    own = {name: pairs[name][1] for name in names if name in other}
    return (said, own) if pairs else (list(one), list(other))  # only the order is different


def _code(value: Any) -> str:
    return "nothing" if value is None else f"`{short(value).replace('`', chr(39))}`"
