"""Compare two schemas: walk through both side by side, down to the keywords that differ."""

import json
from collections.abc import Iterator

from attrs import define, field

from ..pointers import join
from .changes import LOOK, Changes
from .keywords import LISTS, Effect, Keyword, places
from .meaning import NOTHING, Known
from .probe import Validator
from .rating import Rating
from .spec import Part, Spec
from .values import DEFAULTS, is_note, names_in, plain

INNER = ("items", "propertyNames", "contains", "additionalProperties")


def compare_schemas(changes: Changes, old: Part, new: Part, what: str, *, is_request: bool) -> None:
    """Compare the schemas that bodies of requests, or of responses, are held to."""
    before = Validator(old.spec, old.pointer, is_request=is_request)
    after = Validator(new.spec, new.pointer, is_request=is_request)
    rating = Rating(changes, what, before, after)
    _Walk(rating).walk(old.pointer, new.pointer, "")
    rating.rate_whole()


@define
class _Walk:
    """A walk through two schemas, which has each difference rated."""

    rating: Rating
    _seen: set[tuple[str, str, bool, Known]] = field(factory=set)

    @property
    def old(self) -> Spec:
        return self.rating.old.spec

    @property
    def new(self) -> Spec:
        return self.rating.new.spec

    def walk(
        self,
        old_at: str,
        new_at: str,
        path: str,
        *,
        is_flipped: bool = False,
        is_part: bool = False,
        known: Known = NOTHING,
    ) -> None:
        """Compare two schemas, of the field at a path, and then what is in them.

        Args:
            is_flipped: Whether the schemas say what bodies must not be.
            is_part: Whether there are other schemas that the same bodies are held to.
            known: What the schemas around both say of the same bodies.
        """
        if (old_at, new_at, is_flipped, known) in self._seen:
            return
        self._seen.add((old_at, new_at, is_flipped, known))
        old, new = self.old.at(old_at), self.new.at(new_at)
        if isinstance(old, dict) and isinstance(new, dict):
            self._references(old_at, new_at, path)
            known = known.with_both(self.old.flat(old), self.new.flat(new))
            for keyword in self._keywords(old_at, new_at, path, known, is_flipped=is_flipped):
                self._keyword(keyword, known, is_part=is_part)
        elif old != new:  # true accepts everything, false nothing
            text = f"{path or 'the schema'} differs"
            self.rating.rate("other", text, old_at, new_at, is_flipped=is_flipped)

    def _references(self, old_at: str, new_at: str, path: str) -> None:
        """Note a reference that leads elsewhere, or that is there in one of the specs alone."""
        olds, news = self.old.at(old_at), self.new.at(new_at)
        was = self.old.target(old_at).rpartition("/")[2] if "$ref" in olds else ""
        now = self.new.target(new_at).rpartition("/")[2] if "$ref" in news else ""
        if was != now:
            here = "a schema in place"
            text = f"{path or 'the schema'}: {now or here} instead of {was or here}"
            self.rating.note(text, new_at)
        if was and not now:
            self._write_in_place(old_at)

    def _write_in_place(self, at: str) -> None:
        """Replace a reference in the old spec: what it leads to does not change with it."""
        whole = self.old.at(self.old.target(at))
        beside = {key: value for key, value in self.old.at(at).items() if key != "$ref"}
        is_twice = any(key in whole for key in beside if not is_note(key))
        schema = {"allOf": [whole, beside]} if is_twice else {**whole, **beside}
        self.rating.old = self.rating.old.of(self.old.changed(at, schema, self.old))

    def _keywords(
        self, old_at: str, new_at: str, path: str, known: Known, *, is_flipped: bool
    ) -> Iterator[Keyword]:
        """The keywords that are in either schema."""
        olds, news = places(self.old, old_at), places(self.new, new_at)
        was = {name: self.old.at(at) for name, at in olds.items()}
        now = {name: self.new.at(at) for name, at in news.items()}
        same = known.same(was, now)
        schema, target = self.new.at(new_at), self.new.target(new_at)
        beside_reference = schema if "$ref" in schema else {}
        for name in names_in(olds, news):
            holder = old_at if name in beside_reference else self.old.target(old_at)
            yield Keyword(
                name,
                path,
                old=was.get(name, DEFAULTS.get(name)),
                new=now.get(name, DEFAULTS.get(name)),
                old_at=olds.get(name, f"{holder}/{name}"),
                new_at=news.get(name, f"{target}/{name}"),
                is_in_both=name in olds and name in news,
                is_same=name in same,
                is_flipped=is_flipped,
            )

    def _keyword(self, keyword: Keyword, known: Known, *, is_part: bool) -> None:
        """Compare what a keyword holds, or the keyword itself if it holds no schemas."""
        both = keyword.is_in_both
        is_schema = both and isinstance(keyword.old, dict) and isinstance(keyword.new, dict)
        is_list = both and keyword.name in LISTS
        is_moved = is_list and sorted(map(plain, keyword.old)) == sorted(map(plain, keyword.new))
        if keyword.name == "properties":
            self._properties(keyword, is_part=is_part)
        elif keyword.name in INNER and is_schema:
            path = f"{keyword.path}{'[]' if keyword.name == 'items' else '.*'}"
            self.walk(keyword.old_at, keyword.new_at, path, is_flipped=keyword.is_flipped)
        elif keyword.name == "not" and is_schema:
            path, is_flipped = f"{keyword.path}.not".lstrip("."), not keyword.is_flipped
            at = keyword.old_at, keyword.new_at
            self.walk(*at, path, is_flipped=is_flipped, is_part=True, known=known)
        elif is_moved and keyword.old != keyword.new:
            self._note(keyword, f"{keyword.name} has another order")
        elif is_list and len(keyword.old) == len(keyword.new):
            known = NOTHING if keyword.name == "prefixItems" else known
            for index in range(len(keyword.old)):  # what equal references lead to may differ
                below = f"{keyword.old_at}/{index}", f"{keyword.new_at}/{index}"
                is_flipped = keyword.is_flipped
                self.walk(*below, keyword.path, is_flipped=is_flipped, is_part=True, known=known)
        elif plain(keyword.old) != plain(keyword.new) and not keyword.is_same:
            self._value(keyword)
        elif json.dumps(keyword.old) != json.dumps(keyword.new) or not both:
            self._note(keyword, f"{keyword.name} is written differently")

    def _value(self, keyword: Keyword) -> None:
        impact = keyword.impact(is_request=self.rating.old.is_request)
        if impact is None:
            at = keyword.old_at, keyword.new_at
            effect, text = keyword.effect(), keyword.text()
            self.rating.rate(effect, text, *at, is_flipped=keyword.is_flipped)
        elif impact == "patch":
            self._note(keyword, f"{keyword.name} differs")
        else:
            self.rating.add(impact, keyword.text(), keyword.new_at)

    def _note(self, keyword: Keyword, text: str) -> None:
        self.rating.note(f"{keyword.where}: {text}", keyword.new_at)

    def _properties(self, keyword: Keyword, *, is_part: bool) -> None:
        olds, news = keyword.old or {}, keyword.new or {}
        holder = self.new.at(self.new.target(keyword.new_at.rpartition("/")[0]))
        is_map = self.new.flat(holder).get("additionalProperties", True) not in (True, False)
        for name in names_in(olds, news):
            at = join(keyword.old_at, name), join(keyword.new_at, name)
            path = f"{keyword.path}.{name}".lstrip(".")
            if name in olds and name in news:
                self.walk(*at, path, is_flipped=keyword.is_flipped)
            elif name in olds and is_map and not self.rating.old.is_request:
                self.rating.add("major", f"{path} is an entry of a map now", at[0], why=LOOK)
            else:
                is_known = not (is_map or is_part)  # that no other schema allows the field
                text = f"{path} is {'new' if name in news else 'gone'}"
                self.rating.rate(
                    self._effect_of_field(name in news) if is_known else "other",
                    text,
                    *at,
                    is_flipped=keyword.is_flipped,
                    field=name if keyword.is_in_both else None,
                )
        if list(olds) != list(news) and set(olds) == set(news):
            self._note(keyword, "the fields have another order")

    def _effect_of_field(self, is_new: bool) -> Effect:
        """What a described field does: senders may send it, readers know what is in it."""
        return "looser" if is_new == self.rating.old.is_request else "tighter"
