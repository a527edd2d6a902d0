"""Tell whether a regular expression can backtrack without end.

Python tries all ways in which a pattern can match a text, one after the other. If what repeats can
match the same text in two ways, as in `(a+)+` or `(a|a)*`, a text of n characters has up to 2**n
ways, and all of them are tried before the text is refused.

So the pattern is turned into an automaton whose positions are the characters in it (Glushkov's
construction), and each repeat is searched for two ways from one position back to the same one.
Repeats that follow each other, as in `.*.*x`, cost a power of n alone, and pass.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations, product
from re import _compiler, _parser  # type: ignore[attr-defined]
from typing import Any

from attrs import field, frozen

# A repeat of at least so many different lengths is taken for one without an end.
MANY = 10
# What is repeated a fixed number of times is written out as far as this; more is taken as `+`.
MOST_COPIES = 200
MOST_POSITIONS = 2_000
MOST_PAIRS = 500_000
REPEATS = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")


class TooLargeError(Exception):
    """The pattern has more positions than can be searched."""


@frozen
class Part:
    """Where a part of a pattern begins and ends, and whether it can match nothing.

    Each is a number of ways: by position, and for nothing at all.
    """

    first: Counter[int] = field(factory=Counter)
    last: Counter[int] = field(factory=Counter)
    empty: int = 1


def is_endless(pattern: str) -> bool:
    """Whether a text can keep a pattern busy for ever, or the pattern is too large to tell."""
    try:
        parsed = _parser.parse(pattern)
        return _Automaton(parsed).is_ambiguous
    except (TooLargeError, RecursionError):
        return True
    except (re.error, OverflowError):  # this is not a pattern, which others tell
        return False


class _Automaton:
    """The positions of a pattern, and in how many ways one leads to another."""

    def __init__(self, parsed: Any) -> None:
        self.is_ambiguous = False
        self._state = parsed.state
        self._characters = sorted({*map(chr, range(0x250)), *_characters(parsed)})
        self._masks: list[int] = []  # by position, the characters that it matches
        self._ways: Counter[tuple[int, int]] = Counter()
        self._loops = 0  # how many repeats without an end are around
        self._sequence(parsed, parsed.state.flags)

    def _sequence(self, items: Iterable[Any], flags: int) -> Part:
        found = Part()
        for item in items:
            found = self._then(found, self._part(item, flags))
        return found

    def _part(self, item: Any, flags: int) -> Part:
        name, value = str(item[0]), item[1]
        if name == "SUBPATTERN":
            _, added, removed, inner = value
            return self._sequence(inner, (flags | added) & ~removed)
        if name == "BRANCH":
            return _either([self._sequence(each, flags) for each in value[1]])
        if name == "GROUPREF_EXISTS":
            return _either([self._sequence(each or (), flags) for each in value[1:]])
        if name in REPEATS:
            low, high, inner = value
            return self._repeat(low, high, inner, flags)
        if name == "ATOMIC_GROUP":
            return self._sequence(value, flags)
        if name in ("ASSERT", "ASSERT_NOT"):  # a pattern of its own, which takes nothing
            self._sequence(value[1], flags)
            return Part()
        return Part() if name == "AT" else self._character(item, flags)

    def _character(self, item: Any, flags: int) -> Part:
        if str(item[0]) == "GROUPREF":
            mask = (1 << len(self._characters)) - 1
        else:
            regex = _compiler.compile(_parser.SubPattern(self._state, [item]), flags)
            matching = (at for at, each in enumerate(self._characters) if regex.match(each))
            mask = sum(1 << at for at in matching)
        at = len(self._masks)
        if at == MOST_POSITIONS:
            raise TooLargeError
        self._masks.append(mask)
        return Part(Counter([at]), Counter([at]), 0)

    def _then(self, one: Part, other: Part) -> Part:
        self._link(one.last, other.first)
        first = one.first + _times(other.first, one.empty)
        last = other.last + _times(one.last, other.empty)
        return Part(first, last, min(one.empty * other.empty, 2))

    def _link(self, lasts: Counter[int], firsts: Counter[int]) -> None:
        for (last, one), (first, other) in product(lasts.items(), firsts.items()):
            self._ways[last, first] += one * other

    def _repeat(self, low: int, high: Any, inner: Any, flags: int) -> Part:
        is_fixed = low == high and len(set(inner.getwidth())) == 1
        is_counted = high < MANY or (is_fixed and high * len(inner) <= MOST_COPIES)
        if is_counted and (high > 1 or not low):
            return self._counted(low, high, inner, flags)
        return self._loop(low, inner, flags) if high > 1 else self._sequence(inner, flags)

    def _counted(self, low: int, high: int, inner: Any, flags: int) -> Part:
        """So many copies: those that may be left out are only there if the ones before are."""
        found = Part()
        if high >= MANY:  # all copies are as long, so each has its ways, and nothing else has any
            around, self._loops = self._loops, 0
            self._loop(1, inner, flags)
            self._loops = around
        copies = [self._sequence(inner, flags) for _ in range(high)]
        for number, each in reversed([*enumerate(copies)]):
            found = self._then(each, found)
            if number >= low:
                found = Part(found.first, found.last, min(found.empty + 1, 2))
        return found

    def _loop(self, low: int, inner: Any, flags: int) -> Part:
        start = len(self._masks)
        self._loops += 1
        part = self._sequence(inner, flags)
        self._loops -= 1
        self._link(part.last, part.first)
        self.is_ambiguous |= low >= MANY and part.empty > 0  # which of them match nothing?
        if not self._loops:  # all that is in it leads to all that is in it
            self.is_ambiguous |= self._has_two_ways(range(start, len(self._masks)))
        return part if low else Part(part.first, part.last, min(part.empty + 1, 2))

    def _has_two_ways(self, positions: range) -> bool:
        """Whether a text leads in two ways from one of the positions back to the same one."""
        next_: dict[int, set[int]] = {at: set() for at in positions}
        for (one, other), ways in self._ways.items():
            if one in positions and self._masks[one] and self._masks[other]:
                next_[one].add(other)
                if ways > 1:
                    return True
        waiting = [pair for each in {*map(frozenset, next_.values())} for pair in self._pairs(each)]
        seen = set(waiting)
        for one, other in self._steps(waiting):
            if next_[one] & next_[other]:
                return True
            more = {*self._both(next_[one], next_[other])} - seen
            seen |= more
            waiting += more
        return False

    def _pairs(self, positions: Iterable[int]) -> Iterator[tuple[int, int]]:
        """The pairs of positions that a character can match both of."""
        pairs = combinations(sorted(positions), 2)
        return ((one, other) for one, other in pairs if self._masks[one] & self._masks[other])

    def _both(self, ones: set[int], others: set[int]) -> Iterator[tuple[int, int]]:
        for one, other in product(ones, others):
            if self._masks[one] & self._masks[other]:
                yield min(one, other), max(one, other)

    def _steps(self, waiting: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        """All pairs that are waiting, and those that are added meanwhile, but not for ever."""
        for number, pair in enumerate(waiting):
            if number > MOST_PAIRS:
                raise TooLargeError
            yield pair


def _either(parts: list[Part]) -> Part:
    first: Counter[int] = sum((part.first for part in parts), Counter())
    last: Counter[int] = sum((part.last for part in parts), Counter())
    return Part(first, last, min(sum(part.empty for part in parts), 2))


def _times(ways: Counter[int], number: int) -> Counter[int]:
    return Counter({at: min(count * number, 2) for at, count in ways.items() if number})


def _characters(node: Any) -> Iterator[str]:
    """The characters that a pattern names, and those beside them, where its sets may end."""
    if isinstance(node, int):
        yield from (chr(code) for code in (node - 1, node, node + 1) if 0 <= code < 0x110000)
    elif isinstance(node, list | tuple | _parser.SubPattern):
        for each in node:
            yield from _characters(each)
