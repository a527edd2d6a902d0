"""Compare two schemas: walk through both side by side, down to the keywords that differ."""

import json

from attrs import define, field

from ..pointers import join
from .changes import Changes
from .keywords import LISTS, PROOF, Keyword, pointers_of
from .probe import Validator
from .rating import Rating
from .spec import Part, Spec
from .values import names_in, plain

# Keywords with a schema, and how to call what it is about.
INNER = {"items": "[]", "propertyNames": ".*", "contains": ".*", "additionalProperties": ".*"}
INNER |= {"not": ".not"}


def compare_schemas(
    changes: Changes, old: Part, new: Part, label: str, *, is_request: bool
) -> None:
    """Compare the schemas of the bodies of requests, or of responses."""
    before = Validator(old.spec, old.pointer, is_request=is_request)
    after = Validator(new.spec, new.pointer, is_request=is_request)
    rating = Rating(changes, label, before, after)
    _Walk(rating, old.spec, new.spec).walk(old.pointer, new.pointer, "")
    rating.rate_whole()


@define
class _Walk:
    """A walk through two schemas, which has each difference rated."""

    rating: Rating
    old: Spec
    new: Spec
    _seen: set[tuple[str, str]] = field(factory=set)

    def walk(self, old_at: str, new_at: str, path: str) -> None:
        """Compare two schemas, of the field at a path, and then what is in them."""
        if (old_at, new_at) in self._seen:
            return
        self._seen.add((old_at, new_at))
        self.rating.changes.met.add(self.new.target(new_at))
        old, new = self.old.at(old_at), self.new.at(new_at)
        if isinstance(old, dict) and isinstance(new, dict):
            self._keywords(old_at, new_at, path)
        elif old != new:  # true accepts everything, false nothing
            self.rating.rate(f"{path or 'the schema'} differs", old_at, new_at)

    def _keywords(self, old_at: str, new_at: str, path: str) -> None:
        before, after = pointers_of(self.old, old_at), pointers_of(self.new, new_at)
        for name in names_in(before, after):
            was = before.get(name, join(self.old.target(old_at), name))
            now = after.get(name, join(self.new.target(new_at), name))
            self._keyword(Keyword(name, path, self.old.find(was), self.new.find(now), was, now))

    def _keyword(self, keyword: Keyword) -> None:
        """Compare what a keyword holds, or the keyword itself if it holds no schemas."""
        name, old, new = keyword.name, keyword.old, keyword.new
        if name == "properties":
            self._properties(keyword)
        elif isinstance(old, dict) and isinstance(new, dict) and name in INNER:
            path = f"{keyword.path}{INNER[name]}".lstrip(".")
            self.walk(keyword.old_at, keyword.new_at, path)
        elif name in LISTS and _has_same_places(old, new):
            for index in range(len(old)):  # what equal references lead to may differ
                below = join(keyword.old_at, index), join(keyword.new_at, index)
                self.walk(*below, keyword.path)
        elif json.dumps(old) == json.dumps(new):
            return
        elif impact := keyword.impact(is_request=self.rating.old.is_request):
            self.rating.add(impact, keyword.text, keyword.new_at)
        else:
            self.rating.rate(keyword.text, keyword.old_at, keyword.new_at, is_proof=name in PROOF)

    def _properties(self, keyword: Keyword) -> None:
        before, after = keyword.old or {}, keyword.new or {}
        for name in names_in(before, after):
            pointers = join(keyword.old_at, name), join(keyword.new_at, name)
            path = f"{keyword.path}.{name}".lstrip(".")
            if name in before and name in after:
                self.walk(*pointers, path)
            elif name in after:
                self.rating.rate(f"{path} is new", *pointers, least="minor")
            else:  # readers count on it, whatever may come in its place
                self.rating.rate(f"{path} is gone", *pointers, is_proof=self.rating.old.is_request)


def _has_same_places(old: object, new: object) -> bool:
    """Whether two lists of schemas can be compared one by one."""
    if not (isinstance(old, list) and isinstance(new, list) and len(old) == len(new)):
        return False
    return old == new or sorted(map(plain, old)) != sorted(map(plain, new))
