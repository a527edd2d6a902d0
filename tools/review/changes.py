"""The differences between two specs, each with its rating."""

from collections.abc import Container, Iterable
from typing import Any, Literal

from attrs import define, field, frozen

from .spec import Part, Spec
from .values import differing, is_note, plain, rules

Impact = Literal["major", "minor", "patch", "none"]
RANK: dict[str, int] = {"none": 0, "patch": 1, "minor": 2, "major": 3}
# The impacts of keywords that are not compared any closer; all others may break callers.
IMPACTS: dict[str, Impact] = {"deprecated": "minor", "operationId": "patch", "tags": "patch"}
IMPACTS |= {"openapi": "patch", "bearerFormat": "patch"}
IMPACTS |= {"callbacks": "patch", "webhooks": "patch"}  # what servers send
IMPACTS |= {"contact": "patch", "license": "patch", "termsOfService": "patch"}

LOOK = "no body was found that shows it; a person has to look"


@frozen
class Change:
    """One difference between two specs.

    Attributes:
        pointer: Where it is in the new spec, or in the old one if it was removed.
        line: The nearest line in the new spec.
        impact: major if what worked may fail, minor if more works, patch if nothing is different.
        text: What is different, in words.
        body: A body that tells the specs apart, if one was found.
        why: The message of the validator about it.
    """

    pointer: str
    line: int
    impact: Impact
    text: str
    body: Any = None
    why: str | None = None


def worst(impacts: Iterable[Impact]) -> Impact:
    highest: Impact = max(impacts, key=lambda impact: RANK[impact], default="none")
    return highest


@define
class Changes:
    """Two specs, the differences that were found so far, and the schemas that were compared."""

    old: Spec
    new: Spec
    noted: list[Change] = field(factory=list)
    met: set[str] = field(factory=set)

    def add(
        self, impact: Impact, text: str, pointer: str, body: Any = None, why: str | None = None
    ) -> None:
        self.noted.append(Change(pointer, self.new.line(pointer), impact, text, body, why))

    def add_names(
        self,
        label: str,
        old: Iterable[str],
        new: Iterable[str],
        pointer: str,
        if_new: Impact = "minor",
    ) -> None:
        """Note the names that are in one of the specs alone."""
        for name in sorted(set(old) - set(new)):
            self.add("major", f"{label} {name} is gone", pointer)
        for name in sorted(set(new) - set(old)):
            self.add(if_new, f"{label} {name} is new", pointer)

    def add_differing(
        self, prefix: str, old: Part, new: Part, *, known: Container[str] = ()
    ) -> None:
        """Note each name whose value differs, except for those that are compared elsewhere."""
        for name in differing(old.node, new.node):
            if name not in known:
                was, now = (plain(rules(part.node).get(name)) for part in (old, new))
                is_same = is_note(name) or was == now
                impact: Impact = "patch" if is_same else IMPACTS.get(name, "major")
                self.add(impact, f"{prefix}{name} differs", new.child(name).pointer)
