"""Compare two specs as a whole: their paths, and the components that were not met on the way.

Operations and what is in them are compared in `operations`.
"""

import json
import re

from ..openapi31 import METHODS
from ..pointers import join
from .changes import LOOK, RANK, Change, Changes
from .operations import compare_operation
from .spec import Part, Spec
from .values import differing, is_note


def compare_documents(old: Spec, new: Spec) -> list[Change]:
    """All that differs, the gravest first."""
    changes = Changes(old, new)
    roots = Part(old, ""), Part(new, "")
    changes.add_differing("", *roots, known={"components", "paths", "info"})
    infos = Part(old, "/info"), Part(new, "/info")
    changes.add_differing("info.", *infos, known={"version"})
    _compare_operations(changes)
    _compare_components(changes)
    rest = [json.dumps({**spec.document, "info": None}) for spec in (old, new)]
    if not changes.found and rest[0] != rest[1]:
        changes.add("major", "something differs", "", why=LOOK)
    unique = {(change.pointer, change.text): change for change in reversed(changes.found)}
    return sorted(unique.values(), key=lambda change: (-RANK[change.impact], change.line))


def _compare_operations(changes: Changes) -> None:
    olds, news = _operations(changes.old), _operations(changes.new)
    for key in sorted(olds.keys() | news.keys()):
        old, new = olds.get(key), news.get(key)
        what = f"{key[1].upper()} {(new or olds[key]).parent.name}"
        if old and new:
            compare_operation(changes, old, new, what)
        elif old:
            changes.add("major", f"the operation {what} is gone", old.pointer)
        elif new:
            changes.add("minor", f"the operation {what} is new", new.pointer)


def _operations(spec: Spec) -> dict[tuple[str, str], Part]:
    """The operations, each by its method and its path without the names of parameters."""
    return {
        (re.sub(r"\{[^}]*\}", "{}", path), method): Part(spec, join("/paths", path, method))
        for path, item in spec.document["paths"].items()
        for method in METHODS
        if method in item
    }


def _compare_components(changes: Changes) -> None:
    """Note what differs in the components and was not met on the way through the paths."""
    olds, news = (spec.document.get("components", {}) for spec in (changes.old, changes.new))
    for kind in sorted(olds.keys() | news.keys()):
        old, new = olds.get(kind, {}), news.get(kind, {})
        for name in differing(old, new):
            pointer = join("/components", kind, name)
            is_in_both = name in old and name in new
            if kind == "securitySchemes" and name in old:
                schemes = Part(changes.old, pointer), Part(changes.new, pointer)
                changes.add_differing(f"the security scheme {name}: ", *schemes)
            elif any(f"{each.pointer}/".startswith(f"{pointer}/") for each in changes.found):
                continue  # met, and rated there
            elif is_in_both and not is_note(kind):
                changes.add("major", f"{kind}: {name} differs", pointer, why=LOOK)
            else:
                changes.add("patch", f"{kind}: {name} differs; nothing else does", pointer)
