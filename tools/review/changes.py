"""The differences between two specs, each with its rating."""

from collections.abc import Container, Iterable
from typing import Any, Literal

from attrs import define, field, frozen

from .spec import Node, Part, Spec
from .values import differing, is_note, plain

Impact = Literal["major", "minor", "patch", "none"]
RANK: dict[str, int] = {"none": 0, "patch": 1, "minor": 2, "major": 3}

LOOK = "no body was found that shows it; a person has to look"


@frozen
class Change:
    """One difference between two specs.

    Attributes:
        pointer: Where it is: in the new spec, or in the old one if it is gone there.
        line: The line in the new spec, of what is nearest.
        impact: major if what worked may fail, minor if more works, patch if nothing is different.
        text: What is different, in words.
        body: A body that tells the specs apart, if one was found.
        why: The validator's words about it.
    """

    pointer: str
    line: int
    impact: Impact
    text: str
    body: Any = None
    why: str | None = None


def worst(impacts: Iterable[Impact]) -> Impact:
    found: Impact = max(impacts, key=lambda impact: RANK[impact], default="none")
    return found


@define
class Changes:
    """Two specs, and the differences between them that were found so far."""

    old: Spec
    new: Spec
    found: list[Change] = field(factory=list)

    def add(
        self, impact: Impact, text: str, pointer: str, body: Any = None, why: str | None = None
    ) -> None:
        self.found.append(Change(pointer, self.new.line(pointer), impact, text, body, why))

    def add_names(
        self,
        what: str,
        old: Iterable[str],
        new: Iterable[str],
        pointer: str,
        *,
        if_new: Impact = "minor",
    ) -> None:
        """Note the names that are in one of the specs alone."""
        for name in sorted(set(old) - set(new)):
            self.add("major", f"{what} {name} is gone", pointer)
        for name in sorted(set(new) - set(old)):
            self.add(if_new, f"{what} {name} is new", pointer)

    def add_named(self, what: str, old: Node, new: Node, pointer: str) -> None:
        """Note the names that are in one of the specs alone, or whose values differ."""
        self.add_names(what, old, new, pointer)
        for name in sorted(old.keys() & new.keys()):
            if plain(old[name]) != plain(new[name]):
                self.add("major", f"{what} {name} differs", pointer, why=LOOK)

    def add_differing(
        self,
        prefix: str,
        old: Part,
        new: Part,
        *,
        known: Container[str] = (),
        notes: Container[str] = (),
    ) -> None:
        """Note each name whose value differs, except for those that are compared elsewhere."""
        for name in differing(old.node, new.node):
            if name not in known:
                is_harmless = is_note(name) or name in notes
                text, pointer = f"{prefix}{name} differs", new.child(name).pointer
                self.add("patch" if is_harmless else "major", text, pointer)
