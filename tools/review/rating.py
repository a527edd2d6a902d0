"""Rate a difference between two schemas by its kind, and by the bodies that it breaks or fixes.

What no body can show keeps the rating that its kind has, so that nothing is rated too low.
"""

from typing import Any

from attrs import define

from .changes import LOOK, Changes, Impact, worst
from .keywords import Effect, beyond_bodies
from .probe import Probe, Validator

FLIPPED: dict[Effect, Effect] = {"tighter": "looser", "looser": "tighter"}


@define
class Rating:
    """The ratings of the differences between the two schemas that some bodies are held to."""

    changes: Changes
    what: str
    old: Validator
    new: Validator
    _worst: Impact = "none"

    def add(
        self, impact: Impact, text: str, pointer: str, body: Any = None, why: str | None = None
    ) -> None:
        self._worst = worst([self._worst, impact])
        self.changes.add(impact, f"{self.what}: {text}", pointer, body, why)

    def note(self, text: str, pointer: str) -> None:
        self.add("patch", text, pointer)

    def rate(
        self,
        effect: Effect,
        text: str,
        old_at: str,
        new_at: str,
        *,
        is_flipped: bool,
        field: str | None = None,
    ) -> None:
        """Add one difference, whose effect on the schema is known.

        Args:
            is_flipped: Whether the schema says what bodies must not be.
            field: The only field of bodies that it can make a difference to, if there is one.
        """
        if effect == "none":
            self.note(text, new_at)
            return
        effect = FLIPPED.get(effect, effect) if is_flipped else effect
        may_break = effect == "other" or (effect == "tighter") == self.old.is_request
        probe = self._probe(old_at, new_at, field, may_break=may_break)
        pointer = new_at if self.new.spec.find(new_at) is not None else old_at
        if probe.broken:
            self.add("major", text, pointer, *probe.broken)
        elif may_break and not (probe.seems_broken and self._is_told_by_bodies()):
            self.add("major", text, pointer, why=LOOK)
        elif probe.fixed or not (may_break or probe.seems_fixed):
            self.add("minor", text, pointer, *(probe.fixed or ()))
        else:
            self.note(f"{text}, which makes no difference beside the other rules", pointer)

    def _probe(self, old_at: str, new_at: str, field: str | None, *, may_break: bool) -> Probe:
        """Try the one difference alone: in the old spec and, if need be, in the new one."""
        old, new = self.old, self.new
        before, after = old.spec.find(old_at), new.spec.find(new_at)
        changed = old.of(old.spec.changed(old_at, after, new.spec))
        probe = Probe(old, new, old, changed, field)
        if may_break and not probe.seems_broken:  # something else may hide it in the old spec
            changed = new.of(new.spec.changed(new_at, before, old.spec))
            probe = Probe(old, new, changed, new, field)
        return probe

    def _is_told_by_bodies(self) -> bool:
        """Whether both schemas have the same rules, except for those that bodies can tell of."""
        old, new = (sorted(beyond_bodies(each.spec, each.pointer)) for each in (self.old, self.new))
        return old == new

    def rate_whole(self) -> None:
        """Add what all differences do together though none of them does it alone."""
        if self._worst in ("patch", "minor"):
            probe = Probe(self.old, self.new, self.old, self.new)
            if probe.broken:
                self.add("major", "all changes together", self.new.pointer, *probe.broken)
            elif probe.fixed and self._worst == "patch":
                self.add("minor", "all changes together", self.new.pointer, *probe.fixed)
