"""Compare two specs as a whole: their servers, their paths, and the components that nothing uses.

Operations and what is in them are compared in `operations`.
"""

import json
import re
from operator import itemgetter

from ..pointers import join
from .changes import LOOK, RANK, Change, Changes
from .operations import compare_operation
from .spec import Part, Spec
from .values import differing, is_note, plain, rules

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def compare_documents(old: Spec, new: Spec) -> list[Change]:
    """All that differs, the gravest first."""
    changes = Changes(old, new)
    _compare_root(changes)
    _compare_servers(changes)
    _compare_paths(changes)
    _compare_components(changes)
    if not changes.found and _without_version(old) != _without_version(new):
        changes.add("major", "something differs", "", why=LOOK)
    unique = {(change.pointer, change.text): change for change in reversed(changes.found)}
    return sorted(unique.values(), key=lambda change: (-RANK[change.impact], change.line))


def _without_version(spec: Spec) -> str:
    """The spec without its version, which follows from everything else."""
    info = {key: value for key, value in spec.document["info"].items() if key != "version"}
    return json.dumps({**spec.document, "info": info})


def _compare_root(changes: Changes) -> None:
    old, new = Part(changes.old, ""), Part(changes.new, "")
    known = {"components", "paths", "security", "servers", "info"}
    changes.add_differing("", old, new, known=known, notes={"openapi", "tags"})
    notes = {"termsOfService", "contact", "license"}
    info = old.child("info"), new.child("info")
    changes.add_differing("info.", *info, known={"version"}, notes=notes)
    if plain(old.node.get("security")) != plain(new.node.get("security")):
        changes.add("patch", "security differs", "/security")


def _compare_servers(changes: Changes) -> None:
    old, new = (
        {server["url"]: rules(server) for server in spec.document.get("servers", [])}
        for spec in (changes.old, changes.new)
    )
    changes.add_named("server", old, new, "/servers")


def _compare_paths(changes: Changes) -> None:
    olds, news = _paths(changes.old), _paths(changes.new)
    for shape, path in sorted({**olds, **news}.items(), key=itemgetter(0)):
        old, new = olds.get(shape), news.get(shape)
        if old and new:
            known = {"parameters", *METHODS}
            changes.add_differing(f"{new.pointer}: ", old, new, known=known)
        for method in METHODS:
            what = f"{method.upper()} {path.name}"
            _compare_method(changes, _child(old, method), _child(new, method), what)


def _paths(spec: Spec) -> dict[str, Part]:
    """The paths, each known by what it is without the names of its parameters."""
    return {
        re.sub(r"\{[^}]*\}", "{}", path): Part(spec, join("/paths", path))
        for path in spec.document["paths"]
    }


def _child(part: Part | None, key: str) -> Part | None:
    return part.child(key) if part and key in part.node else None


def _compare_method(changes: Changes, old: Part | None, new: Part | None, what: str) -> None:
    if old and new:
        compare_operation(changes, old, new, what)
    elif old:
        changes.add("major", f"the operation {what} is gone", old.pointer)
    elif new:
        changes.add("minor", f"the operation {what} is new", new.pointer)


def _compare_components(changes: Changes) -> None:
    """Note what differs in the components and was not met on the way through the paths."""
    olds, news = (spec.document.get("components", {}) for spec in (changes.old, changes.new))
    used = _referred(changes.old) | _referred(changes.new)
    for kind in sorted(olds.keys() | news.keys()):
        old, new = olds.get(kind, {}), news.get(kind, {})
        for name in differing(old, new):
            pointer = join("/components", kind, name)
            if kind == "securitySchemes" and name in old:
                schemes = Part(changes.old, pointer), Part(changes.new, pointer)
                prefix = f"the security scheme {name}: "
                changes.add_differing(prefix, *schemes, notes={"bearerFormat"})
            elif any(f"{each.pointer}/".startswith(f"{pointer}/") for each in changes.found):
                continue  # met, and rated there
            elif name in old and name in new and pointer in used and not is_note(kind):
                changes.add("major", f"{kind}: {name} differs", pointer, why=LOOK)
            else:
                changes.add("patch", f"{kind}: {name} differs; nothing else does", pointer)


def _referred(spec: Spec) -> set[str]:
    """Where the references in the paths lead to, and those that are there, and so on."""
    found: set[str] = set()
    queue = [spec.document["paths"]]
    while queue:
        node = queue.pop()
        if isinstance(node, dict):
            target = str(node.get("$ref", "")).removeprefix("#")
            if target.startswith("/") and target not in found:
                found.add(target)
                queue.append(spec.at(target))
            queue += node.values()
        elif isinstance(node, list):
            queue += node
    return found
