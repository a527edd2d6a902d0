"""Patterns that mean the same in Python and in JavaScript, whose patterns JSON Schema uses.

The two differ in what `.`, `\\s` and `\\b` match, in flags, in look-arounds and in much else, and
some patterns take for ever to refuse a text. So only these are taken: characters, classes, and
groups that are not in each other, where a group that repeats always has the same length.
"""

import re

ESCAPE = r"\\[dw^$.*+?()\[\]{}|/\\]"
ONE = rf"(?:{ESCAPE}|[\w :/.,@%#=~!\"'<>;&+*?$(){{}}|])"
CLASS = rf"\[\^?-?(?:{ONE}(?:-\w)?)+-?\]"
ATOM = rf"(?:{CLASS}|{ESCAPE}|[\w \-/:,@%#=~!\"'<>;&])"
REPEAT = r"(?:[*+?]|\{\d{1,4}(?:,\d{0,4})?\})"
ATOMS = rf"(?:{ATOM}{REPEAT}?)*"
OF_ONE_LENGTH = rf"\((?:\?:)?(?:{ATOM}(?:\{{\d{{1,4}}\}})?)+\){REPEAT}?"
OF_ANY_LENGTH = rf"\((?:\?:)?{ATOMS}(?:\|{ATOMS})*\)\??"
PARTS = rf"(?>{ATOM}{REPEAT}?|{OF_ONE_LENGTH}|{OF_ANY_LENGTH})*+"
PATTERN = re.compile(rf"\^?({PARTS}(?:\|{PARTS})*)(\$?)", re.ASCII)
# Of repeats without an end: each multiplies the time by the length of the text.
MAX_REPEATS = 2


def to_python(pattern: str) -> str | None:
    """A pattern for `re.search` with `re.ASCII`; None if it is refused.

    `$` is the end of a text, and in Python also the place before a line break at its end.
    """
    match = PATTERN.fullmatch(pattern)
    if not match:
        return None
    repeats = re.sub(f"{CLASS}|{ESCAPE}", "", match[1], flags=re.ASCII)
    if len(re.findall(r"[*+]|,\}", repeats)) > MAX_REPEATS:
        return None
    try:
        re.compile(pattern, re.ASCII)
    except re.error:  # such as a range from z to a
        return None
    return rf"{pattern[:-1]}\Z" if match[2] else pattern
