"""Compare two operations: who may call them, and their parameters, request bodies and responses.

The schemas in them are compared in `schemas`.
"""

import re

from ..openapi31 import METHODS, OF_CLIENT, header_of, media_type
from .changes import Changes, Impact
from .schemas import compare_schemas
from .spec import Part, Spec
from .values import is_note, plain, rules

# Who is let in without authorization.
EVERYBODY = "nothing"


def compare_operation(changes: Changes, old: Part, new: Part, label: str) -> None:
    for was, now in ((old.parent, new.parent), (old, new)):
        known = {"parameters", "requestBody", "responses", "security", *METHODS}
        changes.add_differing(f"{label}: ", was, now, known=known)
    _compare_authorization(changes, old, new, label)
    _compare_inputs(changes, old, new, label)
    _compare_responses(changes, old.child("responses"), new.child("responses"), label)


def _compare_authorization(changes: Changes, old: Part, new: Part, label: str) -> None:
    before, after = (_authorizations(operation, old.spec) for operation in (old, new))
    pointer = new.child("security").pointer if "security" in new.node else "/security"
    if EVERYBODY in before & after and before != after:
        changes.add("patch", f"{label}: authorization, which is not needed, differs", pointer)
    both = before | after
    before, after = (both if EVERYBODY in names else names for names in (before, after))
    changes.add_names(f"{label}: authorization by", before, after, pointer)


def _authorizations(operation: Part, base: Spec) -> set[str]:
    """The alternatives that authorize a call, each as the names of its schemes and scopes."""
    spec = operation.spec
    schemes = operation.node.get("security", spec.document.get("security")) or [{}]
    renamed = [{name_in(base, name, spec): row[name] for name in row} for row in schemes]
    alternatives = [sorted(" ".join([name, *row[name]]) for name in row) for row in renamed]
    return {" and ".join(names) or EVERYBODY for names in alternatives}


def name_in(other: Spec, name: str, spec: Spec) -> str:
    """The name that a security scheme of a spec has in another one."""
    ours, theirs = (x.find("/components/securitySchemes") or {} for x in (spec, other))
    same = [key for key in theirs if plain(rules(theirs[key])) == plain(rules(ours.get(name)))]
    return name if name in theirs or not same else str(same[0])


def _compare_inputs(changes: Changes, old: Part, new: Part, operation: str) -> None:
    before, after = _inputs(old), _inputs(new)
    for name in sorted(before.keys() | after.keys()):
        label, was, now = f"{operation}: {name}", before.get(name), after.get(name)
        is_required = bool(now and now.node.get("required"))
        if was and now:
            if bool(was.node.get("required")) != is_required:
                text = f"{label} is {'required' if is_required else 'optional'} now"
                pointer = now.child("required").pointer
                changes.add("major" if is_required else "minor", text, pointer)
            _compare_values(changes, was, now, label, is_request=True)
        elif was:
            changes.add("major", f"{label} is gone", was.pointer)
        elif now:
            text = f"{label} is new{' and required' if is_required else ''}"
            changes.add("major" if is_required else "minor", text, now.pointer)


def _inputs(operation: Part) -> dict[str, Part]:
    """What an operation takes, each by how to call it; parameters of the path by their order."""
    body = operation.child("requestBody")
    inputs = {"the body of the request": body.target()} if body.node else {}
    order = re.findall(r"\{([^}]*)\}", operation.parent.name)
    for holder in (operation.parent, operation):
        for index in range(len(holder.node.get("parameters", []))):
            part = holder.child("parameters", index).target()
            location, name = part.node["in"], header_of(part.node).title() or part.node["name"]
            if header_of(part.node) in OF_CLIENT:
                continue
            has_order = location == "path" and name in order
            inputs[f"the {location} parameter {order.index(name) + 1 if has_order else name}"] = (
                part
            )
    return inputs


def _compare_responses(changes: Changes, old: Part, new: Part, operation: str) -> None:
    statuses = [key for key in sorted(old.node.keys() | new.node.keys()) if not is_note(key)]
    changes.add_differing(f"{operation}: the response ", old, new, known=statuses)
    for status in statuses:
        label = f"{operation}: the response {status}"
        was, now = old.child(status), new.child(status)
        # Readers count on each success that is described, and expect no other one.
        impact: Impact = "major" if status.startswith("2") else "minor"
        if was.node and now.node:
            _compare_values(changes, was.target(), now.target(), label, is_request=False)
        elif was.node:
            changes.add(impact, f"{label} is gone", was.pointer)
        else:
            changes.add(impact, f"{label} is new", now.pointer)


def _compare_values(
    changes: Changes, old: Part, new: Part, label: str, *, is_request: bool
) -> None:
    """Compare what has a schema, or a media type with one."""
    known = {"name", "in", "required", "schema", "content"}
    changes.add_differing(f"{label}: ", old, new, known=known)
    was, now = old.child("schema"), new.child("schema")
    if "schema" in old.node and "schema" in new.node:
        compare_schemas(changes, was, now, label, is_request=is_request)
    elif "schema" in old.node or "schema" in new.node:
        is_break = ("schema" in new.node) == is_request
        changes.add("major" if is_break else "minor", f"{label}: schema differs", new.pointer)
    before, after = (
        {media_type(key, is_request=is_request): key for key in part.node.get("content", {})}
        for part in (old, new)
    )
    if_new: Impact = "minor" if is_request else "major"
    changes.add_names(
        f"{label}: the media type", before, after, new.child("content").pointer, if_new
    )
    for media in sorted(before.keys() & after.keys()):
        parts = old.child("content", before[media]), new.child("content", after[media])
        _compare_values(changes, *parts, label, is_request=is_request)
