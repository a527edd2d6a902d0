"""Compare one keyword of a schema: what its new value does to bodies, and how to say so."""

from collections.abc import Iterator
from typing import Any, Literal

from attrs import frozen

from ..pointers import join
from .changes import Impact
from .spec import Spec
from .values import is_missing, is_note, plain, short

Effect = Literal["tighter", "looser", "other", "none"]

LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
LOWER = {"exclusiveMinimum", "minContains", "minItems", "minLength", "minProperties", "minimum"}
UPPER = {"exclusiveMaximum", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum"}
# What the bodies that are tried can tell of in full; of all else they can only show that it breaks.
TOLD_BY_BODIES = {"$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "items", "not"}
TOLD_BY_BODIES |= {"oneOf", "properties", "required", "type"}
TOLD_BY_BODIES |= LOWER | UPPER


@frozen
class Keyword:
    """A keyword of a schema in both specs; where one does not have it, its value is the default.

    Attributes:
        path: The field that the schema is of, in words.
        is_same: Whether it is written differently at most, and accepts the same.
        is_flipped: Whether the schema says what bodies must not be.
    """

    name: str
    path: str
    old: Any
    new: Any
    old_at: str
    new_at: str
    is_in_both: bool
    is_same: bool
    is_flipped: bool

    @property
    def where(self) -> str:
        return self.path or "the schema"

    def text(self) -> str:
        """What differs, in words."""
        old, new = self.old, self.new
        if isinstance(old, list) and isinstance(new, list) and self.name not in LISTS:
            gone, more = [x for x in old if x not in new], [x for x in new if x not in old]
            parts = [
                f"{word} {', '.join(map(str, each))}"
                for word, each in (("without", gone), ("with", more))
                if each
            ]
            return f"{self.where}: {self.name} {' and '.join(parts)}"
        if old is None or new is None:
            shown = short(old if new is None else new)
            return f"{self.where}: {self.name} {shown} is {'gone' if new is None else 'new'}"
        return f"{self.where}: {self.name} {short(new)} instead of {short(old)}"

    def impact(self, *, is_request: bool) -> Impact | None:
        """The rating of a keyword that no body can break; None for all others."""
        if self.name == "default" and is_request:
            return "minor" if self.old is None else "major"
        if self.name == "deprecated":
            return "minor"
        if self.name == "x-job":
            is_break = is_missing(self.old, self.new) or bool(_ends(self.new) - _ends(self.old))
            return "major" if is_break else "minor"
        return "patch" if is_note(self.name) or self.name == "default" else None

    def effect(self) -> Effect:
        """What the new value does to the bodies that the schema accepts."""
        old, new = self.old, self.new
        if self.name in ("readOnly", "writeOnly", "patternProperties", "discriminator"):
            return "other"
        if old is None or new is None:
            return "tighter" if old is None else "looser"
        if self.name in ("type", "enum", "required"):
            return self._effect_of_values()
        if self.name == "additionalProperties":
            before, after = _openness(old), _openness(new)
            if before == after != 1:
                return "none"
            return "tighter" if after < before else "looser"
        if self.name in ("anyOf", "allOf"):
            if is_missing(old, new) and is_missing(new, old):
                return "other"
            return "looser" if is_missing(old, new) == (self.name == "allOf") else "tighter"
        if self.name in LOWER | UPPER:
            return "tighter" if (new > old) == (self.name in LOWER) else "looser"
        return "other"

    def _effect_of_values(self) -> Effect:
        old, new = self._values(self.old), self._values(self.new)
        gained, gone = (old - new, new - old) if self.name == "required" else (new - old, old - new)
        if gained and gone:
            return "other"
        return "looser" if gained else "tighter" if gone else "none"

    def _values(self, value: Any) -> set[str]:
        found = set(map(plain, value if isinstance(value, list) else [value]))
        if self.name == "type" and plain("number") in found:  # which an integer is too
            found.add(plain("integer"))
        return found


def _ends(job: Any) -> set[str]:
    """The statuses that end a job without a result, in lower case, as jobs are read."""
    lists = [job.get(name) or [] for name in ("failed", "expired")] if isinstance(job, dict) else []
    return {str(status).lower() for statuses in lists for status in statuses}


def _openness(more_fields: Any) -> int:
    """How much `additionalProperties` allows: nothing, what a schema says, or everything."""
    return {plain(False): 0, plain(True): 2, plain({}): 2}.get(plain(more_fields), 1)


def places(spec: Spec, pointer: str) -> dict[str, str]:
    """Where each keyword of a schema is, behind references too."""
    node = spec.at(pointer)
    if not isinstance(node, dict):
        return {}
    referred = places(spec, node["$ref"].removeprefix("#")) if "$ref" in node else {}
    return {**referred, **{key: join(pointer, key) for key in node if key != "$ref"}}


def beyond_bodies(spec: Spec, pointer: str, depth: int = 0) -> Iterator[str]:
    """The rules in a schema, and in what it refers to, that bodies cannot tell of in full."""
    node = spec.at(pointer)
    if isinstance(node, dict) and "$ref" in node and depth < 20:
        yield from beyond_bodies(spec, node["$ref"].removeprefix("#"), depth + 1)
    for key, value in node.items() if isinstance(node, dict) else ():
        below = join(pointer, key)
        if key == "properties" or key in LISTS:
            for part in value if key == "properties" else range(len(value)):
                yield from beyond_bodies(spec, join(below, part), depth + 1)
        elif key in ("items", "not", "additionalProperties"):
            yield from beyond_bodies(spec, below, depth + 1)
        elif not is_note(key) and key not in TOLD_BY_BODIES:
            yield f"{key}: {plain(value)}"
