"""Rate a difference between two schemas by the bodies that it breaks or fixes.

What no body shows is no break if that is proven; else a person has to look.
"""

import json
from functools import cached_property
from typing import Any

from attrs import define, field

from .changes import LOOK, Changes, Impact, worst
from .probe import Validator

# A body that shows what a difference does, and the words of its refusal; neither if none was found.
Shown = tuple[Any, str | None]
UNKNOWN: Shown = (None, None)


@define
class Rating:
    """The ratings of the differences between two schemas."""

    changes: Changes
    label: str
    old: Validator
    new: Validator
    _worst: Impact = field(default="none", init=False)

    def add(
        self, impact: Impact, text: str, pointer: str, body: Any = None, why: str | None = None
    ) -> None:
        self._worst = worst([self._worst, impact])
        self.changes.add(impact, f"{self.label}: {text}", pointer, body, why)

    def rate(
        self, text: str, old_at: str, new_at: str, *, is_proof: bool = True, least: Impact = "patch"
    ) -> None:
        """Add one difference.

        Args:
            is_proof: Whether JSON Schema tells of all that it can break.
            least: Its impact if it makes no difference to any body.
        """
        part = self.new.spec.find(new_at)
        spec = self.old.spec.changed(old_at, part, self.new.spec)
        changed = Validator(spec, self.old.pointer, is_request=self.old.is_request)
        pointer = old_at if part is None else new_at
        broken = self._shown(changed, is_break=True)
        if broken or not is_proof:
            body, why = broken or UNKNOWN
            self.add("major", text, pointer, body, why or LOOK)
        elif fixed := self._shown(changed, is_break=False):
            self.add("minor", text, pointer, *fixed)
        else:
            beside = ", which makes no difference beside the other rules"
            self.add(least, text if least == "minor" else f"{text}{beside}", pointer)

    def rate_whole(self) -> None:
        """Add what all differences do together though none of them does it alone."""
        text, pointer = "all changes together", self.new.pointer
        if self._worst in ("patch", "minor") and (broken := self._shown(self.new, is_break=True)):
            self.add("major", text, pointer, broken[0], broken[1] or LOOK)
        elif self._worst == "patch" and (fixed := self._shown(self.new, is_break=False)):
            self.add("minor", text, pointer, *fixed)

    def _shown(self, changed: Validator, *, is_break: bool) -> Shown | None:
        """The smallest body that a change breaks, or fixes; None if it is proven that none is.

        A change of a request breaks a body that was accepted and is refused. A change of a response
        breaks one that was refused and is accepted: its readers did not expect it.
        """
        was_accepted = is_break == self.old.is_request
        for body in self._flipped[was_accepted]:
            if changed.accepts(body) != was_accepted:
                return body, (self.new if was_accepted else self.old).why(body)
        old, after = self.old, (self.new, changed)
        is_proven = any(x.covers(old) if was_accepted else old.covers(x) for x in after)
        return None if is_proven else UNKNOWN

    @cached_property
    def _flipped(self) -> dict[bool, list[Any]]:
        """The bodies that one schema alone accepts, by whether it is the old one."""
        by_text = {json.dumps(body): body for body in [*self.old.bodies, *self.new.bodies]}
        bodies = [by_text[text] for text in sorted(by_text, key=lambda text: (len(text), text))]
        is_fine = self.old.accepts
        apart = [body for body in bodies if is_fine(body) != self.new.accepts(body)]
        return {was: [body for body in apart if is_fine(body) == was] for was in (True, False)}
