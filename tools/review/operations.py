"""Compare two operations: who may call them, and their parameters, request bodies and responses.

The schemas in them are compared in `schemas`.
"""

import re
from operator import itemgetter

from .changes import Changes, Impact
from .schemas import compare_schemas
from .spec import Part
from .values import plain, rules

Scopes = frozenset[tuple[str, str]]


def compare_operation(changes: Changes, old: Part, new: Part, what: str) -> None:
    if old.parent.pointer != new.parent.pointer:
        text = f"{what}: a parameter of the path has another name"
        changes.add("patch", text, new.parent.pointer)
    known = {"parameters", "requestBody", "responses", "security", "deprecated"}
    known |= {"operationId", "tags"}
    changes.add_differing(f"{what}: ", old, new, known=known)
    for key in ("operationId", "tags"):
        if old.node.get(key) != new.node.get(key):
            text = f"{what}: {key} differs; requests are the same"
            changes.add("patch", text, new.child(key).pointer)
    _compare_deprecated(changes, old, new, what)
    _compare_security(changes, old, new, what)
    _compare_parameters(changes, old, new, what)
    _compare_request_bodies(changes, old, new, f"{what}: the body of the request")
    _compare_responses(changes, old.child("responses"), new.child("responses"), what)


def _compare_deprecated(changes: Changes, old: Part, new: Part, what: str) -> None:
    if bool(old.node.get("deprecated")) != bool(new.node.get("deprecated")):
        changes.add("minor", f"{what}: deprecated differs", new.child("deprecated").pointer)


# Security


def _compare_security(changes: Changes, old: Part, new: Part, what: str) -> None:
    own = new.child("security").pointer
    if plain(old.node.get("security")) != plain(new.node.get("security")):
        changes.add("patch", f"{what}: security differs", own)
    pointer = own if "security" in new.node else "/security"
    olds, news = _accepted_scopes(old), _accepted_scopes(new)
    for scopes in olds:
        if not any(now <= scopes for now in news):
            changes.add("major", f"{what}: {_in_words(scopes)} is not enough now", pointer)
    for scopes in news:
        if not any(was <= scopes for was in olds):
            changes.add("minor", f"{what}: {_in_words(scopes)} is enough now", pointer)


def _accepted_scopes(operation: Part) -> list[Scopes]:
    """The alternatives that authorize a call, each as its schemes with their scopes."""
    default = operation.spec.document.get("security", [])
    return [
        frozenset((name, scope) for name in schemes for scope in ["", *schemes[name]])
        for schemes in operation.node.get("security", default) or [{}]
    ]


def _in_words(scopes: Scopes) -> str:
    words = sorted(f"{name} {scope}".strip() for name, scope in scopes)
    return " and ".join(words) or "no authorization"


# Parameters and request bodies


def _compare_parameters(changes: Changes, old: Part, new: Part, operation: str) -> None:
    olds, news = _parameters(old), _parameters(new)
    for key, part in sorted({**olds, **news}.items(), key=itemgetter(0)):
        what = f"{operation}: the {key[0]} parameter {part.node['name']}"
        if key in olds and key in news:
            _compare_parameter(changes, olds[key], news[key], what)
        else:
            _add_input(changes, news.get(key), what, new.child("parameters"))


def _parameters(operation: Part) -> dict[tuple[str, str], Part]:
    """An operation's parameters, by place and name; those of the path by their order."""
    found = {}
    order = re.findall(r"\{([^}]*)\}", operation.parent.name)
    for holder in (operation.parent, operation):
        for index in range(len(holder.node.get("parameters", []))):
            part = holder.child("parameters", index).target()
            place, name = part.node["in"], part.node["name"]
            has_order = place == "path" and name in order
            found[place, str(order.index(name)) if has_order else name] = part
    return found


def _add_input(changes: Changes, new: Part | None, what: str, gone_from: Part) -> None:
    """Note an input that only one of the operations has: the new one, or else the old one."""
    if new is None:
        changes.add("major", f"{what} is gone", gone_from.pointer)
    elif new.target().node.get("required"):
        changes.add("major", f"{what} is new and required", new.pointer)
    else:
        changes.add("minor", f"{what} is new", new.pointer)


def _compare_parameter(changes: Changes, old: Part, new: Part, what: str) -> None:
    _compare_required(changes, old, new, what)
    _compare_deprecated(changes, old, new, what)
    known = {"name", "in", "required", "schema", "deprecated"}
    changes.add_differing(f"{what}: ", old, new, known=known)
    if "schema" in old.node and "schema" in new.node:
        compare_schemas(changes, old.child("schema"), new.child("schema"), what, is_request=True)


def _compare_required(changes: Changes, old: Part, new: Part, what: str) -> None:
    was, now = bool(old.node.get("required")), bool(new.node.get("required"))
    if was != now:
        text = f"{what} is {'required' if now else 'optional'} now"
        changes.add("major" if now else "minor", text, new.child("required").pointer)


def _compare_request_bodies(changes: Changes, old: Part, new: Part, what: str) -> None:
    was, now = old.child("requestBody"), new.child("requestBody")
    there = ["requestBody" in old.node, "requestBody" in new.node]
    if all(there):
        _compare_request_body(changes, was.target(), now.target(), what)
    elif any(there):
        _add_input(changes, now if there[1] else None, what, was)


def _compare_request_body(changes: Changes, old: Part, new: Part, what: str) -> None:
    _compare_required(changes, old, new, what)
    known = {"required", "content"}
    changes.add_differing(f"{what}: ", old, new, known=known)
    _compare_content(changes, old, new, what, is_request=True)


# Responses


def _compare_responses(changes: Changes, old: Part, new: Part, operation: str) -> None:
    for status in sorted(old.node.keys() | new.node.keys()):
        what, was, now = f"{operation}: the response {status}", old.child(status), new.child(status)
        # Readers count on each success that is described, and expect no other one.
        impact: Impact = "major" if status.startswith("2") else "minor"
        if status in old.node and status in new.node:
            _compare_response(changes, was.target(), now.target(), what, if_new=impact)
        elif status in new.node:
            changes.add(impact, f"{what} is new", now.pointer)
        else:
            changes.add(impact, f"{what} is gone", was.pointer)


def _compare_response(changes: Changes, old: Part, new: Part, what: str, *, if_new: Impact) -> None:
    known = {"content"}
    for key in ("headers", "links"):
        was, now = rules(old.node.get(key)), rules(new.node.get(key))
        changes.add_named(f"{what}: the {key[:-1]}", was or {}, now or {}, new.child(key).pointer)
        known |= {key} if plain(was) != plain(now) else set()
    notes = {"headers", "links"}  # only what describes them differs
    changes.add_differing(f"{what}: ", old, new, known=known, notes=notes)
    is_first = not old.node.get("content")
    if_new = "minor" if is_first else if_new
    _compare_content(changes, old, new, what, is_request=False, if_new=if_new)


# What both have: media types


def _compare_content(
    changes: Changes,
    old: Part,
    new: Part,
    what: str,
    *,
    is_request: bool,
    if_new: Impact = "minor",
) -> None:
    olds, news = old.node.get("content", {}), new.node.get("content", {})
    pointer = new.child("content").pointer
    changes.add_names(f"{what}: the media type", olds, news, pointer, if_new=if_new)
    for media in sorted(olds.keys() & news.keys()):
        was, now = old.child("content", media), new.child("content", media)
        known = {"schema"}
        changes.add_differing(f"{what}: ", was, now, known=known)
        there = ["schema" in was.node, "schema" in now.node]
        if all(there):
            schemas = was.child("schema"), now.child("schema")
            compare_schemas(changes, *schemas, what, is_request=is_request)
        elif any(there):
            is_break = there[1] == is_request
            changes.add("major" if is_break else "minor", f"{what}: schema differs", now.pointer)
