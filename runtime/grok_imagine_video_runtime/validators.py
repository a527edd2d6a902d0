"""The spec's keywords as attrs validators, which hold a request to the spec.

Where a validator of attrs does the job, it is used. Ours are for keywords that mean something else
in JSON Schema than in Python, and for clear messages. A wrong type is a TypeError, everything else
a ValueError; the message names the field, the rule and the value.
"""

import math
import re
import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

from attrs.validators import and_, deep_iterable, deep_mapping
from attrs.validators import ge as ge
from attrs.validators import gt as gt
from attrs.validators import le as le
from attrs.validators import lt as lt
from attrs.validators import max_len as max_len
from attrs.validators import min_len as min_len

from .types import UNSET, File

Validator = Callable[[Any, Any, Any], None]

all_of = and_


class Named(NamedTuple):
    """What a validator needs of an attribute, for an argument, which is none."""

    name: str


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


def show(value: Any) -> str:
    """A value as a message shows it: shortened, because it may be huge."""
    return _short.repr(value)


def _typed(expected: str, is_one: Callable[[Any], bool], about_dict: str = "") -> Validator:
    def check(_: Any, attribute: Any, value: Any) -> None:
        if not is_one(value):
            what = f"must be {expected}, not {type(value).__name__}"
            hint = about_dict if isinstance(value, dict) else ""
            msg = f"{attribute.name!r} {what}: {show(value)}{hint}"
            raise TypeError(msg)

    return check


def _ruled(rule: str, holds: Callable[[Any], bool]) -> Validator:
    def check(_: Any, attribute: Any, value: Any) -> None:
        if not holds(value):
            msg = f"{attribute.name!r} must {rule}: {show(value)}"
            raise ValueError(msg)

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


string = _typed("str", lambda value: isinstance(value, str))
boolean = _typed("bool", lambda value: isinstance(value, bool))
null = _typed("None", lambda value: value is None)
file = _typed("File", lambda value: isinstance(value, File))
given = _typed("set", lambda value: value is not UNSET)

#: JSON Schema's integer: True and False are not integers, and 4.0 is one.
integer = _typed("int", _is_integer)

#: JSON has neither NaN nor infinities.
number = all_of(
    _typed("float", _is_number),
    _ruled("be finite", lambda value: isinstance(value, int) or math.isfinite(value)),
)


def model(cls: type) -> Validator:
    """An instance of a model."""
    name = cls.__name__
    return _typed(name, lambda value: isinstance(value, cls), f" ({name}.from_dict makes one)")


#: What goes into a path: an empty text or dots would make it the path of something else.
segment = _ruled("not be empty or dots", lambda value: str(value) not in ("", ".", ".."))


_HEADER = re.compile(r"(?! )[\x20-\x7e\t]*(?<![ \t])")

#: What goes into a header: a line break would begin another one.
header = _ruled(
    "be printable ASCII without blanks around it",
    lambda value: not isinstance(value, str) or bool(_HEADER.fullmatch(value)),
)


_is_list = _typed("list", lambda value: isinstance(value, list))


def array(*items: Validator) -> Validator:
    """A list of items that pass each of these."""
    return all_of(_is_list, deep_iterable(all_of(*items))) if items else _is_list


def mapping(*values: Validator) -> Validator:
    """A dict whose values pass each of these."""
    return deep_mapping(string, all_of(*values))


def any_of(*alternatives: Validator) -> Validator:
    """At least one of these; the error is that of the alternatives of the right type, if any."""

    def check(*what: Any) -> None:
        errors: list[Exception] = []
        for alternative in alternatives:
            try:
                return alternative(*what)
            except (TypeError, ValueError) as error:
                errors.append(error)
        told = [error for error in errors if isinstance(error, ValueError)] or errors
        raise type(told[0])("; or ".join(map(str, told)))

    return check


def if_set(*rules: Validator) -> Validator:
    """Each of these, for a field that may be left out."""
    rule = all_of(*rules)

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if value is not UNSET:
            rule(instance, attribute, value)

    return check


def in_(*values: Any) -> Validator:
    """One of these values."""
    return _ruled(f"be one of {', '.join(map(repr, values))}", lambda value: value in values)


def pattern(shown: str, regex: str | None = None) -> Validator:
    """A text that a pattern of the spec is found in; `regex` is it in Python, if it differs."""
    compiled = re.compile(shown if regex is None else regex, re.ASCII)
    return _ruled(f"match {shown!r}", lambda value: bool(compiled.search(value)))


def not_together(*names: str) -> Validator:
    """Not all of these fields at once, as a validator of each of them."""
    rule = "cannot be used together" if len(names) > 1 else "must be left out"
    what = f"{' and '.join(map(repr, names))} {rule}"

    def check(instance: Any, attribute: Any, value: Any) -> None:
        values = [value if name == attribute.name else getattr(instance, name) for name in names]
        if all(each is not UNSET for each in values):
            msg = f"{what}: {', '.join(map(show, values))}"
            raise ValueError(msg)

    return check
