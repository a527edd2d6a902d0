"""Compare two specs as a whole: their paths, and the components that were not met on the way.

Operations and what is in them are compared in `operations`.
"""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from ..openapi31 import METHODS
from ..pointers import join
from .changes import LOOK, RANK, Change, Changes
from .operations import compare_operation, name_in
from .spec import Part, Spec
from .values import differing, is_note


def compare_documents(old: Spec, new: Spec) -> list[Change]:
    """All differences, the worst first, also where the same is only written differently."""
    changes = differences(old, new)
    known = [f"{change.pointer}/" for change in changes]
    for pointer in _apart({**old.document, "info": None}, {**new.document, "info": None}):
        if not any(
            path.startswith(f"{pointer}/") or f"{pointer}/".startswith(path) for path in known
        ):
            text = "this is written differently, elsewhere or in another order"
            changes.append(Change(pointer, new.line(pointer), "patch", text))
    return changes


def differences(old: Spec, new: Spec) -> list[Change]:
    """All differences in meaning."""
    changes = Changes(old, new)
    known = {"components", "paths", "info", "security"}
    changes.add_differing("", Part(old, ""), Part(new, ""), known=known)
    changes.add_differing("info.", Part(old, "/info"), Part(new, "/info"), known={"version"})
    _compare_operations(changes)
    _compare_components(changes)
    unique = {(change.pointer, change.text): change for change in reversed(changes.noted)}
    return sorted(unique.values(), key=lambda change: (-RANK[change.impact], change.line))


def _apart(old: Any, new: Any, pointer: str = "") -> Iterator[str]:
    """Where two parts are written differently."""
    both = isinstance(old, dict) and isinstance(new, dict)
    pairs = itertools.zip_longest(new, old) if both else ()
    if names := [name or other for name, other in pairs if name != other]:
        yield join(pointer, names[0])
    elif both:
        for name in new:
            yield from _apart(old[name], new[name], join(pointer, name))
    elif json.dumps(old) != json.dumps(new):
        yield pointer


def _compare_operations(changes: Changes) -> None:
    before, after = _operations(changes.old), _operations(changes.new)
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        label = f"{key[1].upper()} {(new or before[key]).parent.name}"
        if old and new:
            compare_operation(changes, old, new, label)
        elif old:
            changes.add("major", f"the operation {label} is gone", old.pointer)
        elif new:
            changes.add("minor", f"the operation {label} is new", new.pointer)


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
    before, after = (spec.document.get("components", {}) for spec in (changes.old, changes.new))
    for kind in sorted(before.keys() | after.keys()):
        old, new = before.get(kind, {}), after.get(kind, {})
        for name in differing(old, new):
            pointer = join("/components", kind, name)
            if kind == "securitySchemes" and name in old:
                now = join("/components", kind, name_in(changes.new, name, changes.old))
                schemes = Part(changes.old, pointer), Part(changes.new, now)
                changes.add_differing(f"the security scheme {name}: ", *schemes)
            elif name in old and name in new and not is_note(kind):
                pointers = [*changes.met, *(change.pointer for change in changes.noted)]
                if not any(f"{met}/".startswith(f"{pointer}/") for met in pointers):
                    changes.add("major", f"{kind}: {name} differs", pointer, why=LOOK)
