r"""Translate the regular expressions of JSON Schema into those of Python.

JSON Schema has those of ECMA-262 with the flag `u`. Most of them look the same in Python, but may
mean something else there: `$` also matches before a line break, `\s` knows other characters. What
Python cannot say is not translated, and what Python alone knows is none.
"""

import json
import re
from functools import cache
from itertools import count

from attrs import mutable

ANY = r"[^\n\r\u2028\u2029]"
# In a class: what `\s` is, and all that it is not. With `re.ASCII`, Python's has the first few.
SPACES = r"\s\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
OTHERS = (
    r"\0-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e"
    r"\u2060-\u2fff\u3001-\ufefe\uff00-\U0010ffff"
)
HEX = "[0-9A-Fa-f]"
# A character that is written with a backslash. With `u`, few signs may have one that need none, but
# a sign with one is that sign to everybody.
ESCAPED = (
    rf"\\(?:[fnrtv]|0(?![0-9])|[ -/:-@\[-`{{-~]|c[A-Za-z]|x{HEX}{{2}}"
    rf"|u[Dd][89ABab]{HEX}{{2}}\\u[Dd][C-Fc-f]{HEX}{{2}}|u{HEX}{{4}}"
    rf"|u\{{0*(?:10{HEX}{{4}}|{HEX}{{1,5}})\}})"
)
TOKEN = re.compile(
    rf"""(?P<escaped>{ESCAPED})
    | (?P<set>\\[dDsSwW])
    | (?P<assertion>[\^$]|\\[bB])
    | \\(?:(?P<number>[1-9][0-9]?(?![0-9]))|k<(?P<name_of>[^0-9>][^>]*)>)
    | \[(?P<negation>\^?)(?P<class>(?:\\.|[^\\\]])*)\]
    | (?P<open>\((?:\?(?:[:=!]|<[=!]|<(?P<name>[^>]+)>))?)
    | (?P<close>\))
    | (?P<branch>\|)
    | (?P<quantifier>(?:[*+?]|\{{[0-9]+(?:,[0-9]*)?\}})\??)
    | (?P<any>\.)
    | (?P<plain>[^\^$\\.*+?()\[\]{{}}|])""",
    re.DOTALL | re.VERBOSE,
)
ONE = rf"\\b|{ESCAPED}|[^\\]"
# What a class is made of. What is followed by `-` and more would be the start of a range.
ITEM = re.compile(rf"(?P<low>{ONE})-(?P<high>{ONE})|(?:\\[dDsSwW]|{ONE})(?!-.)", re.DOTALL)
AROUND = ("(?=", "(?!", "(?<=", "(?<!")
BEHIND = AROUND[2:]
NOWHERE = [0]
# What is longer or deeper would keep Python busy.
MOST_CHARACTERS = 5_000
MOST_LEVELS = 100


class _UnknownError(Exception):
    """This is no pattern, or one without an equal in Python."""


@cache
def to_python(pattern: str) -> str | None:
    """What a pattern is in Python with `re.ASCII`; None if it is none, or nothing in Python."""
    if len(pattern) > MOST_CHARACTERS:
        return None
    try:
        translated = _Translation(pattern).text
        re.compile(translated, re.ASCII)
    except (_UnknownError, re.error, OverflowError, RecursionError):
        return None
    return translated


@mutable
class _Open:
    """A group that is not complete."""

    kind: str
    first: int  # the number of the group, or of the next one if it has none
    branch: int  # another one in each alternative


class _Translation:
    """A pattern in Python, and what is known of its groups.

    In ECMA-262 a reference to a group that took no part matches the empty text, and each turn of a
    repeat begins without the groups of the turn before. In Python the groups stay, so a group in a
    repeat can only be referred to from where it surely took part.
    """

    def __init__(self, pattern: str) -> None:
        self._open = [_Open("", 1, 1)]
        self._branches = count(2)
        self._groups = 0
        self._numbers: dict[str, int] = {}  # of groups, by what refers to them
        self._places: dict[int, list[int]] = {}  # of complete groups, the branches around
        self._wanted: set[str] = set()  # what refers to a group
        self._unsure: set[int] = set()  # groups that are referred to and may have taken no part
        self._unlike: set[int] = set()  # groups that Python may remember otherwise
        self._atom: range | None = None  # the groups in what can be repeated here, if anything can
        self.text = ""
        at = 0
        while at < len(pattern):
            token = TOKEN.match(pattern, at)
            if token is None:
                raise _UnknownError
            self.text += self._translated(token)
            at = token.end()
        if self._wanted - self._numbers.keys() or self._unsure & self._unlike:
            raise _UnknownError

    def _translated(self, token: re.Match[str]) -> str:
        kind, text = token.lastgroup, token[0]
        atom, self._atom = self._atom, None
        if kind == "quantifier":
            return self._repeat(atom, text)
        if kind == "assertion":
            return {"$": r"\Z", r"\B": r"(?!\b)"}.get(text, text)  # before 3.14 "" has no \B
        if kind == "open":
            return self._begin(text, token["name"])
        if kind == "branch":
            self._open[-1].branch = next(self._branches)
            return text
        if kind == "close":
            self._end()
            return text
        self._atom = range(0)
        if kind in ("number", "name_of"):
            return self._reference(token[kind])
        if kind == "class":
            return _class(token["negation"], token["class"])
        if kind == "set":
            return {r"\s": f"[{SPACES}]", r"\S": f"[^{SPACES}]"}.get(text, text)
        return ANY if kind == "any" else _character(text)

    def _repeat(self, atom: range | None, quantifier: str) -> str:
        if atom is None:
            raise _UnknownError
        for number in atom:
            self._places[number] = NOWHERE
        if quantifier.strip("?"):
            self._unlike.update(atom)
        return quantifier

    def _begin(self, kind: str, name: str | None) -> str:
        if len(self._open) > MOST_LEVELS:
            raise _UnknownError
        self._open.append(_Open(kind, self._groups + 1, next(self._branches)))
        if name or kind == "(":
            self._groups += 1
            self._numbers |= {key: self._groups for key in (str(self._groups), name) if key}
        return f"(?P<{name}>" if name else kind

    def _end(self) -> None:
        if len(self._open) == 1:
            raise _UnknownError
        group = self._open.pop()
        inside = range(group.first, self._groups + 1)
        if group.kind in AROUND:
            self._unlike.update(inside)
            return
        self._atom = inside
        if group.kind != "(?:":
            self._places[group.first] = self._branches_here()

    def _reference(self, key: str) -> str:
        if any(group.kind in BEHIND for group in self._open):  # which are read backwards
            raise _UnknownError
        self._wanted.add(key)
        number = self._numbers.get(key)
        if number not in self._places:
            return "(?:)"
        text = f"\\{key}" if key.isdigit() else f"(?P={key})"
        place = self._places[number]
        if self._branches_here()[: len(place)] == place:
            return text
        self._unsure.add(number)
        return f"(?({key}){text}|)"

    def _branches_here(self) -> list[int]:
        return [group.branch for group in self._open]


def _class(negation: str, inside: str) -> str:
    if not inside:
        return r"[\s\S]" if negation else r"[^\s\S]"
    items = []
    at = 0
    while at < len(inside):
        item = ITEM.match(inside, at)
        if item is None:
            raise _UnknownError
        items.append(item)
        at = item.end()
    texts = [item[0] for item in items]
    sets = {} if {r"\s", r"\S"} <= {*texts} else {r"\s": SPACES, r"\S": OTHERS}
    return f"[{negation}{''.join(sets.get(item[0]) or _item(item) for item in items)}]"


def _item(item: re.Match[str]) -> str:
    if item["low"]:
        return "-".join(_in_class(item, part) for part in ("low", "high"))
    return _in_class(item, 0)


def _in_class(item: re.Match[str], part: str | int) -> str:
    """A character in a class, where Python keeps `[` and some signs for sets of sets."""
    text, beside = item[part], item.string[max(item.start(part) - 1, 0) : item.end(part) + 1]
    is_kept = text == "[" or (text in "-&|~" and text * 2 in beside)
    return f"\\{text}" if is_kept else _character(text)


def _character(text: str) -> str:
    """A character as Python writes it: of those with a backslash, most are the same."""
    if text.startswith(r"\c"):
        return f"\\x{ord(text[2]) % 32:02x}"
    if text.startswith(r"\u{"):
        return f"\\U{int(text[3:-1], 16):08x}"
    if len(text) == len(r"\ud83d\ude00"):  # JSON has such pairs too
        pair = ord(json.loads(f'"{text}"'))
        return f"\\U{pair:08x}"
    return text
