"""Hold what an export demands against a spec, and say what differs and where to change it."""

import json
from os.path import commonprefix
from typing import Any

from .. import cut
from ..review.changes import Impact, worst
from ..review.documents import differences
from ..review.report import section
from ..review.spec import Spec
from .demands import demands, place

ASK = "They have no known form. Say in tools/export/words.yaml what they mean, or ask their author."


def compare(spec: Spec, export: Spec) -> tuple[Impact, list[str]]:
    """The impact on callers once the spec follows, and a line about each difference."""
    ours, lines = demands(spec), []
    changes = differences(ours, export)
    for change in changes:
        pair = _short_pair(export.find(change.pointer), ours.find(change.pointer))
        said, own = ("nothing" if text == "null" else _code(text) for text in pair)
        says = f"the export says {said}, openapi.yaml says {own}"
        lines.append(f"{_place(spec, change.pointer)}: {change.text}: {says}")
    return worst(change.impact for change in changes), lines


def report(spec: Spec, export: Spec, words: list[tuple[str, str]]) -> tuple[bool, str]:
    """Whether nothing is left to do, and the markdown, with the words that people must read."""
    impact, differences = compare(spec, export)
    quoted = dict.fromkeys(f"{_place(spec, at)}: {_code(each)}" for at, each in words)
    beside = ", and what the words do" if words else ""
    lines = ["# The export and openapi.yaml", "", f"| impact | {impact}{beside} |", "|---|---|"]
    lines += [f"| differences | {len(differences)} |", f"| words to read | {len(quoted)} |", ""]
    lines += section("What differs", differences)
    lines += section("Words for a person to read", [*quoted, "", ASK] if quoted else [])
    return not (differences or quoted), "\n".join(lines)


def _place(spec: Spec, pointer: str) -> str:
    ours = place(spec, pointer)
    return f"- line {spec.line(ours)}, `{ours}`"


def _short_pair(one: Any, other: Any) -> tuple[str, str]:
    """Two values as text, from shortly before the place where they begin to differ."""
    texts = [json.dumps(each, ensure_ascii=False) for each in (one, other)]
    start = max(0, len(commonprefix(texts)) - 40)  # noqa: RUF071 - of texts, not of paths
    first, second = (f"{'…' if start else ''}{text[start:]}" for text in texts)
    return cut(first, 80), cut(second, 80)


def _code(text: str) -> str:
    return f"`{cut(' '.join(text.replace('`', chr(39)).split()), 300)}`"
