"""JSON Schema's keywords as attrs validators, which hold a request to the spec.

Where a validator of attrs does the job, it is used. Ours are for keywords that mean something else
in JSON Schema than in Python, and for clear messages. A wrong type is a TypeError, everything else
a ValueError; the message names the field, the rule and the value.
"""

import functools
import json
import math
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date as _date
from datetime import datetime
from enum import Enum
from fractions import Fraction
from importlib import import_module
from typing import Any, NamedTuple
from uuid import UUID

import attrs
from attrs.validators import and_, deep_iterable, deep_mapping, ge, gt, le, lt, max_len, min_len

from .types import UNSET, File

Validator = Callable[[Any, Any, Any], None]


class Named(NamedTuple):
    """What a validator needs of an attribute, for what is none: an argument, or a part of one."""

    name: str


# A rule about a whole object: it is given the fields that are set, by their names in JSON.
Rule = Callable[[Mapping[str, Any]], None]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


def show(value: Any) -> str:
    """A value as a message shows it: shortened, because it may be huge."""
    return _short.repr(value)


def _typed(expected: str, is_one: Callable[[Any], bool], hint: str = "") -> Validator:
    def check(_: Any, attribute: Any, value: Any) -> None:
        if not is_one(value):
            what = f"must be {expected}, not {type(value).__name__}"
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
date = _typed("date", lambda value: isinstance(value, _date) and not isinstance(value, datetime))
date_time = _typed("datetime", lambda value: isinstance(value, datetime))
uuid = _typed("UUID", lambda value: isinstance(value, UUID))
file = _typed("File", lambda value: isinstance(value, File))
object_ = _typed("a model or dict", lambda value: isinstance(value, dict) or attrs.has(type(value)))
given = _typed("set", lambda value: value is not UNSET)

#: JSON Schema's integer: True and False are not integers, and 4.0 is one.
integer = _typed("int", _is_integer)

#: JSON has neither NaN nor infinities.
number = and_(
    _typed("float", _is_number),
    _ruled("be finite", lambda value: isinstance(value, int) or math.isfinite(value)),
)


def instance(cls: type[Enum]) -> Validator:
    """A member of an enumeration, and not what `_missing_` made of an unknown value."""
    return and_(
        _typed(cls.__name__, lambda value: isinstance(value, cls)),
        _ruled(
            f"be one of {', '.join(map(repr, cls))}",
            lambda value: any(value is member for member in cls),
        ),
    )


@functools.cache
def model(name: str) -> Validator:
    """An instance of a model, found by name since models may refer to each other in a circle."""

    def is_one(value: Any) -> bool:
        return isinstance(value, getattr(import_module(".models", __package__), name))

    check = _typed(name, is_one)
    check_dict = _typed(name, is_one, f" ({name}.from_dict makes one)")

    def check_either(instance: Any, attribute: Any, value: Any) -> None:
        (check_dict if isinstance(value, dict) else check)(instance, attribute, value)

    return check_either


#: What goes into a path: an empty text or dots would make it the path of something else.
segment = _ruled("not be empty or dots", lambda value: str(value) not in ("", ".", ".."))


_HEADER = re.compile(r"(?! )[\x20-\x7e\t]*(?<![ \t])")

#: What goes into a header or a cookie: a line break would begin another one.
header = _ruled(
    "be printable ASCII without blanks around it",
    lambda value: not isinstance(value, str) or bool(_HEADER.fullmatch(value)),
)


def array(*items: Validator) -> Validator:
    """A list of items that pass each of these."""
    is_list = _typed("list", lambda value: isinstance(value, list))
    return and_(is_list, deep_iterable(and_(*items))) if items else is_list


def each(*items: Validator) -> Validator:
    """Items that pass each of these."""
    return deep_iterable(and_(*items))


#: What holds the fields that the spec does not have.
extra = _typed("dict", lambda value: isinstance(value, dict))


def mapping(*values: Validator) -> Validator:
    """A dict with str keys whose values pass each of these."""
    return and_(extra, deep_mapping(string, and_(*values)))


def all_of(*rules: Validator) -> Validator:
    """Each of these."""
    return and_(*rules)


def _errors(alternatives: Iterable[Validator], *what: Any) -> list[Exception | None]:
    """What each alternative says of a value, None if it accepts the value."""
    errors: list[Exception | None] = []
    for alternative in alternatives:
        try:
            alternative(*what)
        except (TypeError, ValueError) as error:
            errors.append(error)
        else:
            errors.append(None)
    return errors


def _refuse(errors: Iterable[Exception | None]) -> None:
    """Raise the errors of the alternatives of the right type, or of all if none has that type."""
    found = [error for error in errors if error is not None]
    told = [error for error in found if isinstance(error, ValueError)] or found
    raise type(told[0])("; or ".join(map(str, told)))


def any_of(*alternatives: Validator) -> Validator:
    """At least one of these."""

    def check(*what: Any) -> None:
        errors = _errors(alternatives, *what)
        if None not in errors:
            _refuse(errors)

    return check


def one_of(*alternatives: Validator) -> Validator:
    """Exactly one of these."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        errors = _errors(alternatives, instance, attribute, value)
        if None not in errors:
            _refuse(errors)
        if errors.count(None) > 1:
            rule = "must fit one alternative of the spec, not several"
            msg = f"{attribute.name!r} {rule}: {show(value)}"
            raise ValueError(msg)

    return check


def if_set(*rules: Validator) -> Validator:
    """Each of these, for a field that may be left out."""
    rule = and_(*rules)

    def check(instance: Any, attribute: Any, value: Any) -> None:
        if value is not UNSET:
            rule(instance, attribute, value)

    return check


def when(kind: Validator, *rules: Validator) -> Validator:
    """Each of these, for values of a kind; JSON Schema's keywords let all others pass."""
    rule = and_(*rules)

    def check(*what: Any) -> None:
        try:
            kind(*what)
        except (TypeError, ValueError):
            return
        rule(*what)

    return check


def as_text(*rules: Validator) -> Validator:
    """Each of these, for the text that a date, a time or a UUID becomes in JSON."""
    rule = and_(*rules)

    def check(instance: Any, attribute: Any, value: Any) -> None:
        text = value.isoformat() if isinstance(value, _date) else str(value)
        rule(instance, attribute, text)

    return check


def _plain(value: Any) -> Any:
    """A value as JSON compares it: 1 equals 1.0 and not true, in any order of names."""
    if attrs.has(type(value)):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return {str(name): _plain(value[name]) for name in value}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def _key(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def in_(*values: Any) -> Validator:
    """One of these values."""
    texts = frozenset(value for value in values if isinstance(value, str))
    keys = frozenset(map(_key, values))

    def is_in(value: Any) -> bool:
        return value in texts if isinstance(value, str) else _key(value) in keys

    return _ruled(f"be one of {', '.join(map(repr, values))}", is_in)


def const(expected: Any) -> Validator:
    """Exactly this value."""
    key = _key(expected)
    return _ruled(f"be {expected!r}", lambda value: _key(value) == key)


def multiple_of(factor: float) -> Validator:
    """A whole multiple, as the decimal numbers are written: 0.3 is one of 0.1."""
    exact = Fraction(str(factor))
    return _ruled(f"be a multiple of {factor}", lambda value: Fraction(str(value)) % exact == 0)


def pattern(shown: str, regex: str | None = None) -> Validator:
    """A text that a pattern of the spec is found in; `regex` is it in Python, if it differs."""
    compiled = re.compile(shown if regex is None else regex, re.ASCII)
    return _ruled(f"match {shown!r}", lambda value: bool(compiled.search(value)))


def _are_unique(values: Iterable[Any]) -> bool:
    keys = [_key(value) for value in values]
    return len(set(keys)) == len(keys)


unique = _ruled("not have two equal items", _are_unique)


def not_together(*names: str) -> Rule:
    """Not all of these fields at once."""

    def check(fields: Mapping[str, Any]) -> None:
        if all(name in fields for name in names):
            values = ", ".join(show(fields[name]) for name in names)
            rule = "cannot be used together" if len(names) > 1 else "must be left out"
            msg = f"{' and '.join(map(repr, names))} {rule}: {values}"
            raise ValueError(msg)

    return check


def needs(*names: str) -> Rule:
    """All of these fields, which the spec requires and does not describe."""

    def check(fields: Mapping[str, Any]) -> None:
        for name in names:
            if name not in fields:
                msg = f"{name!r} is required, and missing in: {show(dict(fields))}"
                raise ValueError(msg)

    return check


def needs_with(first: str, *names: str) -> Rule:
    """All of these fields, if the first one is set."""

    def check(fields: Mapping[str, Any]) -> None:
        for name in names:
            if first in fields and name not in fields:
                msg = f"{name!r} is required with {first!r}, and missing in: {show(dict(fields))}"
                raise ValueError(msg)

    return check


def closed(*names: str) -> Rule:
    """No fields other than these."""

    def check(fields: Mapping[str, Any]) -> None:
        for name in fields:
            if name not in names:
                msg = f"{name!r} is not a field of the spec: {show(fields[name])}"
                raise ValueError(msg)

    return check


def min_properties(least: int) -> Rule:
    """At least this many fields."""
    return _counted(f"at least {least}", lambda count: count >= least)


def max_properties(most: int) -> Rule:
    """At most this many fields."""
    return _counted(f"at most {most}", lambda count: count <= most)


def _counted(rule: str, holds: Callable[[int], bool]) -> Rule:
    def check(fields: Mapping[str, Any]) -> None:
        if not holds(len(fields)):
            msg = f"{rule} fields must be set, not {len(fields)}: {show(dict(fields))}"
            raise ValueError(msg)

    return check


__all__ = [
    "Named",
    "Rule",
    "Validator",
    "all_of",
    "any_of",
    "array",
    "as_text",
    "boolean",
    "closed",
    "const",
    "date",
    "date_time",
    "each",
    "extra",
    "file",
    "ge",
    "given",
    "gt",
    "header",
    "if_set",
    "in_",
    "instance",
    "integer",
    "le",
    "lt",
    "mapping",
    "max_len",
    "max_properties",
    "min_len",
    "min_properties",
    "model",
    "multiple_of",
    "needs",
    "needs_with",
    "not_together",
    "null",
    "number",
    "object_",
    "one_of",
    "pattern",
    "segment",
    "show",
    "string",
    "unique",
    "uuid",
    "when",
]
