"""Patterns of JSON Schema in Python: the verdicts are those of Node, with the flag `u`."""

import re

import pytest

from tools.ecma import to_python

ZS = "\t\v\f \xa0\ufeff\u1680\u2000\u200a\u202f\u205f\u3000\n\r\u2028\u2029"
# A pattern, texts that it is found in, and texts that it is not found in.
VERDICTS = [
    (r"^a+$", ["a", "aa"], ["ba", "a\n", "a\r", "b\na", "a\nb"]),
    (r"^.$", ["a", "\x85", "\v", "😀"], ["\n", "\r", "\u2028", "\u2029", ""]),
    (r"^\s$", [*ZS], ["\x1c", "\x1f", "\x85", "\u180e", "\u200b", "a"]),
    (r"^[\s]$", [*ZS], ["\x1c", "\x85", "\u180e", "a"]),
    (r"^\S$", ["\x1c", "\x85", "\u180e", "\u200b", "a", "😀"], [*ZS]),
    (r"^[\S]$", ["\0", "\x1c", "!", "\x85", "\u180e", "\u200b", "\u2060", "\ufefe", "😀"], [*ZS]),
    (r"^[^\S\n]$", ["\xa0", "\r"], ["\n", "a"]),
    (r"^[\s\S]$", [*ZS, "a", "😀"], [""]),
    (r"^[^\s,]$", ["a", "\x85"], [*ZS, ","]),
    (r"^[\w.-]+$", ["a_0.-"], ["é", "a b"]),
    (r"^\d\D\w\W$", ["1٣aé"], ["٣aaé", "1aéé", "1aaa"]),
    (r"é\b", ["éa"], ["é", "aé"]),
    (r"^\B$", [""], ["a"]),
    (r"^[^]$", ["\n", "😀"], ["", "ab"]),
    (r"[]|a", ["a"], ["", "b"]),
    (r"^\cJ\ca\0\x41\u0041\/$", ["\n\x01\0AA/"], ["cJ"]),
    (r"^\uD83D\uDE00\u{1F600}\u{61}$", ["😀😀a"], ["😀😀"]),
    (r"^[\uD83D\uDE00-\u{1F602}\b\-\cJ]$", ["😀", "😁", "😂", "\b", "-", "\n"], ["😃", "a"]),
    (r"^\u{10FFFF}\u{0041}$", ["\U0010ffffA"], ["A"]),
    (r"^\ud83d$", ["\ud83d"], ["😀"]),
    (r"^[[&&||~~]$", [*"[&|~"], ["]", "a"]),
    (r"^[+--]$", [*"+,-"], ["."]),
    (r"^[--/]$", [*"-./"], [","]),
    (r"^[a-z--]$", [*"amz-"], [","]),
    (r"^[a-z-9]$", [*"az-9"], ["8"]),
    (r"^(?<q>['`]).*\k<q>$", ["'a'", "`a`"], ["'a`"]),
    (r"^(a)?\1b$", ["b", "aab"], ["ab"]),
    (r"^(?:(?<n>a)|b)\k<n>$", ["aa", "b"], ["a", "ba"]),
    (r"^(?:(a)|\1b)$", ["a", "b"], ["ab"]),
    (r"^\1(a)\1$", ["aa"], ["a", "aaa"]),
    (r"^(a\1)$", ["a"], ["aa"]),
    (r"^(?:(.)\1)+$", ["aabb"], ["aab", "abab"]),
    (r"^(?!.*(.)\1)", ["abab"], ["abb"]),
    (r"(?<=a)b(?<!c)(?=d)(?!de)", ["abd"], ["bd", "abde"]),
    (r"^a{2,3}?b{02}$", ["aabb", "aaabb"], ["aab", "aaaabb"]),
]
# The last one is none to Node, since these signs need no backslash; nobody reads it otherwise.
SAME = [
    *("", "^a+", r"^[a-z0-9]+(?:-[a-z0-9]+)*", r"^https?:\/\/", r"\d{4}\b", r"[\s\S]", r"(a)\1"),
    r"\-\_\"",
]
REFUSED = [
    *(r"\A", r"\Z", r"\z", r"\a", r"\8", r"\01", r"\x4", r"\u{110000}", r"\c1", r"\N{DIGIT ONE}"),
    *("(?P<n>a)", "(?<n>a)(?P=n)", "(?#a)", "(?i)a", "(?>a)", "(?(1)a)", "a*+", "a?+", "a{1}+"),
    *(
        "a{,3}",
        "a{2,1}",
        "{",
        "}",
        "]",
        "*a",
        "a**",
        "^*",
        "(?=a)*",
        r"\b+",
        "(",
        ")|a",
        "[",
        "a\\",
    ),
    *("[b-a]", r"[\d-z]", r"[\s-\uffff]", r"[a-\d]", r"[\B]", r"[\1]"),
    *(r"\1", r"\k", r"\k<n>", r"(a)\k<1>", "(?<n>a)(?<n>b)"),
]
KNOWN_TO_NODE = [
    *(r"\p{L}", r"[\p{L}]", "(?i:a)", "(?<=a*)b", "(?<=a|bc)d", "(?<$>a)", "a{4294967296}"),
    *(r"(?:(a)|b)*\1", r"(?:(?:(a)|b)\1)*", r"(?=(a))\1", r"(?<=\1(a))", "(a)" * 100 + r"\100"),
    *("(" * 200 + ")" * 200, "a" * 6_000),
]


@pytest.mark.parametrize(
    ("pattern", "found", "not_found"), VERDICTS, ids=lambda each: str(each)[:20]
)
def test_a_pattern_finds_in_python_what_it_finds_in_javascript(
    pattern: str, found: list[str], not_found: list[str]
) -> None:
    regex = to_python(pattern)
    assert regex is not None
    texts = [*found, *not_found]
    assert [text for text in texts if re.search(regex, text, re.ASCII)] == found


@pytest.mark.parametrize("pattern", SAME)
def test_a_pattern_that_means_the_same_stays_as_it_is(pattern: str) -> None:
    assert to_python(pattern) == pattern


@pytest.mark.parametrize("pattern", REFUSED + KNOWN_TO_NODE, ids=lambda pattern: pattern[:20])
def test_what_is_no_pattern_or_has_no_equal_is_refused(pattern: str) -> None:
    assert to_python(pattern) is None
