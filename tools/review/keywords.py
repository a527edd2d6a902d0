"""A keyword of a schema in both specs: what differs, and its impact if no body can show it."""

from typing import Any

from attrs import frozen
from jsonschema import Draft202012Validator

from ..pointers import join
from .changes import Impact
from .spec import Spec, target_of
from .values import FLAGS, is_note, short

# Keywords with lists of schemas that the same value is held to.
LISTS = ("allOf", "anyOf", "oneOf")
# What JSON Schema tells bodies by; it says nothing of all other keywords.
PROOF = frozenset(Draft202012Validator.VALIDATORS)
RULES = PROOF - {"$ref", "allOf"}


@frozen
class Keyword:
    """A keyword, the field that its schema is of, and its values; None where it is not there."""

    name: str
    path: str
    old: Any
    new: Any
    old_at: str
    new_at: str

    @property
    def text(self) -> str:
        """What differs, in words."""
        old, new, where = self.old, self.new, self.path or "the schema"
        if self.name == "required":
            old, new = old or [], new or []
        if isinstance(old, list) and isinstance(new, list) and self.name not in LISTS:
            removed, added = [x for x in old if x not in new], [x for x in new if x not in old]
            parts = [f"without {', '.join(map(str, removed))}"] if removed else []
            parts += [f"with {', '.join(map(str, added))}"] if added else []
            return f"{where}: {self.name} {' and '.join(parts) or 'in another order'}"
        if old is None or new is None:
            value = short(old if new is None else new)
            return f"{where}: {self.name} {value} is {'gone' if new is None else 'new'}"
        return f"{where}: {self.name} {short(new)} instead of {short(old)}"

    def impact(self, *, is_request: bool) -> Impact | None:
        """The rating of a keyword that no body can break; None for all others."""
        if self.name in ("default", "x-file") and is_request:
            return "minor" if self.old is None else "major"
        if self.name in FLAGS and not (self.old or self.new):
            return "patch"
        if self.name == "deprecated":
            return "minor"
        if self.name == "x-job":
            was, now = _facts(self.old), _facts(self.new)
            return "minor" if was <= now and _ends(now) <= _ends(was) else "major"
        return "patch" if is_note(self.name) or self.name == "default" else None


def _facts(job: Any) -> set[tuple[str, str]]:
    """The single facts of an `x-job`."""
    facts = job.items() if isinstance(job, dict) else ()
    lists = [(name, value if isinstance(value, list) else [value]) for name, value in facts]
    return {(name, str(value)) for name, values in lists for value in values}


def _ends(facts: set[tuple[str, str]]) -> set[str]:
    """The statuses that end a job without a result, in lower case, as jobs are read."""
    return {status.lower() for name, status in facts if name in ("failed", "expired")}


def pointers_of(spec: Spec, pointer: str) -> dict[str, str]:
    """Where each keyword of a schema is, behind references too."""
    node = spec.at(pointer)
    if not isinstance(node, dict):
        return {}
    inner = {"$ref": target_of(node)} if "$ref" in node else {}
    if len(node.get("allOf", [])) == 1 and not node.keys() & RULES:
        inner["allOf"] = join(pointer, "allOf", 0)
    referred = [pointers_of(spec, pointer) for pointer in inner.values()]
    own = {key: join(pointer, key) for key in node if key not in inner}
    return {key: pointer for pointers in [*referred, own] for key, pointer in pointers.items()}
