"""Patterns of JSON Schema: few are taken, and those mean the same in Python and JavaScript."""

import re

import pytest

from tools.patterns import to_python

# A pattern, and texts that it matches and that it does not, in JavaScript with the flag `u`.
TAKEN = {
    "^[a-z]+$": (["a", "abc"], ["", "a\n", "A", "é"]),
    "^a": (["a\n", "ab"], ["", "ba"]),
    "b+$": (["ab", "b"], ["b\n", "ba"]),
    r"^\d{4}-\d\d$": (["2026-01"], ["2026-1", "\uff12\uff10\uff12\uff16-01"]),
    r"^\w+$": (["a_1"], ["é", "a "]),
    "^(red|blue)$": (["red", "blue"], ["redblue", "red\n"]),
    "^a|b$": (["ac", "cb"], ["c", "b\n"]),
    r"^https?://[^ ]+$": (["https://a/b\n"], ["ftp://a", "https://a b"]),
    r"^[\w-]+(/[\w-]+)?$": (["a-b/c"], ["a/", "/a"]),
    r"^[$\]a]+[^$]?$": (["]$", "a🌅"], ["", "a$🌅🌅"]),
    r"^\$\.\{$": (["$.{"], ["$.", "$.{\n"]),
}


@pytest.mark.parametrize("pattern", TAKEN)
def test_a_pattern_that_is_taken_means_the_same_in_python(pattern: str) -> None:
    regex = to_python(pattern)
    assert regex is not None
    matched, others = TAKEN[pattern]
    assert [text for text in matched if not re.search(regex, text, re.ASCII)] == []
    assert [text for text in others if re.search(regex, text, re.ASCII)] == []


REFUSED = [
    # What means something else, or nothing, in Python.
    *(".", r"\s", r"\bx", r"\p{L}", "(?i)a", "(?=a)", "(?<n>a)", r"(a)\1", r"\u0041", "é", "a$b"),
    *("[z-a]", r"[\w-a]", "a{2,1}", "a**", "a+?", "a++", "(", "a)", "["),
    *("[]a]", "{", "a\\", "a{,2}"),
    # What can take for ever.
    *("^(a+)+$", "(a|a)*b", r"^(\w+-?)*$", "^(a?){30}a$", "^((a{9}){9}){9}$", "^a*a*a*a*b$"),
    *("(" * 5_000, "(a)" * 5_000 + "`", "(a|" * 5_000, "[a" * 5_000),
]


@pytest.mark.parametrize("pattern", REFUSED, ids=lambda pattern: pattern[:20])
def test_every_other_pattern_is_refused(pattern: str) -> None:
    assert to_python(pattern) is None
