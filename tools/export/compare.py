"""Compare an export with a spec: what differs, and where to change it."""

import json
from os.path import commonprefix
from typing import Any

from .. import cut
from ..review.changes import Impact, worst
from ..review.documents import differences
from ..review.report import section
from ..review.spec import Spec
from .demands import demands, pointer_of

ASK = "They have no known form. Say in tools/export/words.yaml what they mean, or ask their author."


def compare(spec: Spec, export: Spec) -> tuple[Impact, list[str]]:
    """The impact on callers if the spec follows the export, and a line for each difference."""
    ours, lines = demands(spec), []
    changes = differences(ours, export)
    for change in changes:
        pair = _short_pair(export.find(change.pointer), ours.find(change.pointer))
        theirs, own = ("nothing" if text == "null" else _code(text) for text in pair)
        values = f"the export says {theirs}, openapi.yaml says {own}"
        lines.append(f"{_place(spec, change.pointer)}: {change.text}: {values}")
    return worst(change.impact for change in changes), lines


def report(spec: Spec, export: Spec, words: list[tuple[str, str]]) -> tuple[bool, str]:
    """Whether nothing is left to do, and the markdown, with the words that people must read."""
    impact, differences = compare(spec, export)
    quoted = dict.fromkeys(f"{_place(spec, at)}: {_code(text)}" for at, text in words)
    beside = ", and what the words do" if words else ""
    lines = ["# The export and openapi.yaml", "", f"| impact | {impact}{beside} |", "|---|---|"]
    lines += [f"| differences | {len(differences)} |", f"| words to read | {len(quoted)} |", ""]
    lines += section("What differs", differences)
    lines += section("Words for a person to read", [*quoted, "", ASK] if quoted else [])
    return not (differences or quoted), "\n".join(lines)


def _place(spec: Spec, pointer: str) -> str:
    ours = pointer_of(spec, pointer)
    return f"- line {spec.line(ours)}, `{ours}`"


def _short_pair(*values: Any) -> tuple[str, ...]:
    """Values as text, from shortly before the place where they begin to differ."""
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    start = max(0, len(commonprefix(texts)) - 40)  # noqa: RUF071 - of texts, not of paths
    return tuple(cut(f"{'…' if start else ''}{text[start:]}", 80) for text in texts)


def _code(text: str) -> str:
    return f"`{cut(' '.join(text.replace('`', chr(39)).split()), 300)}`"
