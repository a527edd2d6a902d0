# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The constraints that the spec can put on a request, as attrs validators.

Those of attrs itself where they do the job; ours where JSON Schema means something else than Python
does, or where attrs' message is no plain sentence. A wrong type is a TypeError, all else a
ValueError; the message names the field, the rule and the value.
"""

import functools
import json
import math
import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date as Date
from datetime import datetime
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

import attrs
from attrs.validators import (
    and_,
    deep_iterable,
    deep_mapping,
    ge,
    get_disabled,
    gt,
    le,
    lt,
    max_len,
    min_len,
)

from .types import UNSET, File

T = TypeVar("T")
Validator = Callable[[Any, Any, Any], None]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


def _show(value: Any) -> str:
    return _short.repr(value)


def _typed(expected: str, is_one: Callable[[Any], bool], hint: str = "") -> Validator:
    def check(_: Any, attribute: Any, value: Any) -> None:
        if not is_one(value):
            what = f"must be {expected}, not {type(value).__name__}"
            msg = f"{attribute.name!r} {what}: {_show(value)}{hint}"
            raise TypeError(msg)

    return check


def _ruled(rule: str, holds: Callable[[Any], bool]) -> Validator:
    def check(_: Any, attribute: Any, value: Any) -> None:
        if not holds(value):
            msg = f"{attribute.name!r} must {rule}: {_show(value)}"
            raise ValueError(msg)

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


string = _typed("str", lambda value: isinstance(value, str))
boolean = _typed("bool", lambda value: isinstance(value, bool))
null = _typed("None", lambda value: value is None)
date = _typed("date", lambda value: isinstance(value, Date) and not isinstance(value, datetime))
date_time = _typed("datetime", lambda value: isinstance(value, datetime))
uuid = _typed("UUID", lambda value: isinstance(value, UUID))
file = _typed("File", lambda value: isinstance(value, File))
object_ = _typed("a model or dict", lambda value: isinstance(value, dict) or attrs.has(type(value)))
given = _typed("set", lambda value: value is not UNSET)

#: JSON Schema's integer: a bool is none, and 4.0 is one.
integer = _typed("int", _is_integer)

#: JSON has no NaN and no infinities.
number = and_(
    _typed("float", _is_number),
    _ruled("be finite", lambda value: isinstance(value, int) or math.isfinite(value)),
)


def instance(cls: type[Enum]) -> Validator:
    """A member of an enumeration; what `_missing_` made of an unknown value is none."""
    return and_(
        _typed(cls.__name__, lambda value: isinstance(value, cls)),
        _ruled(
            f"be one of {', '.join(map(repr, cls))}",
            lambda value: any(value is member for member in cls),
        ),
    )


@functools.cache
def model(name: str) -> Validator:
    """An instance of a model, by name, for models may refer to each other in a circle."""

    def is_one(value: Any) -> bool:
        from . import models

        return isinstance(value, getattr(models, name))

    check = _typed(name, is_one)
    check_dict = _typed(name, is_one, f" ({name}.from_dict makes one)")

    def check_either(instance: Any, attribute: Any, value: Any) -> None:
        (check_dict if isinstance(value, dict) else check)(instance, attribute, value)

    return check_either


#: What goes into a path: an empty text or dots would make it the path of something else.
segment = _ruled("be no empty text and no dots", lambda value: str(value) not in ("", ".", ".."))


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


def _faults(alternatives: Iterable[Validator], *what: Any) -> list[Exception | None]:
    faults: list[Exception | None] = []
    for alternative in alternatives:
        try:
            alternative(*what)
        except (TypeError, ValueError) as fault:
            faults.append(fault)
        else:
            faults.append(None)
    return faults


def _refuse(faults: Iterable[Exception | None]) -> None:
    """Tell what the alternatives of the right type found; of all of them if none had the type."""
    found = [fault for fault in faults if fault is not None]
    told = [fault for fault in found if isinstance(fault, ValueError)] or found
    raise type(told[0])("; or ".join(map(str, told)))


def any_of(*alternatives: Validator) -> Validator:
    """At least one of these."""

    def check(*what: Any) -> None:
        faults = _faults(alternatives, *what)
        if None not in faults:
            _refuse(faults)

    return check


def one_of(*alternatives: Validator) -> Validator:
    """Exactly one of these."""

    def check(instance: Any, attribute: Any, value: Any) -> None:
        faults = _faults(alternatives, instance, attribute, value)
        if None not in faults:
            _refuse(faults)
        if faults.count(None) > 1:
            msg = f"{attribute.name!r} must fit one alternative of the spec, not several: {_show(value)}"
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
    """Each of these, on the text that a date, a time or a UUID becomes in JSON."""
    rule = and_(*rules)

    def check(instance: Any, attribute: Any, value: Any) -> None:
        text = value.isoformat() if isinstance(value, Date) else str(value)
        rule(instance, attribute, text)

    return check


def _plain(value: Any) -> Any:
    """A value as JSON compares it: 1 is 1.0 and is not true, and the order of names is nothing."""
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
    """This value alone."""
    key = _key(expected)
    return _ruled(f"be {expected!r}", lambda value: _key(value) == key)


def multiple_of(factor: float) -> Validator:
    """A whole multiple, as the decimal numbers are written: 0.3 is one of 0.1."""
    exact = Fraction(str(factor))
    return _ruled(f"be a multiple of {factor}", lambda value: Fraction(str(value)) % exact == 0)


def pattern(regex: str) -> Validator:
    """A text in which the regular expression finds something, as JSON Schema's dialect has it.

    There `$` does not match before a line break at the end, and `\\d` and `\\w` are ASCII.
    """
    ours = re.sub(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|\$", lambda m: m[1] or r"\Z", regex)
    compiled = re.compile(ours, re.ASCII)
    return _ruled(f"match {regex!r}", lambda value: bool(compiled.search(value)))


def _are_unique(values: Iterable[Any]) -> bool:
    keys = [_key(value) for value in values]
    return len(set(keys)) == len(keys)


unique = _ruled("have no two equal items", _are_unique)

# A rule about a whole object: the names that are present in it, and the object.
Rule = Callable[[Mapping[str, Any]], None]


def not_together(*names: str) -> Rule:
    """Not all of these fields at once."""

    def check(fields: Mapping[str, Any]) -> None:
        if all(name in fields for name in names):
            values = ", ".join(_show(fields[name]) for name in names)
            rule = "cannot be used together" if len(names) > 1 else "must be left out"
            msg = f"{' and '.join(map(repr, names))} {rule}: {values}"
            raise ValueError(msg)

    return check


def needs(*names: str) -> Rule:
    """All of these names, which the spec requires and does not describe."""

    def check(fields: Mapping[str, Any]) -> None:
        for name in names:
            if name not in fields:
                msg = f"{name!r} is required, and missing in: {_show(dict(fields))}"
                raise ValueError(msg)

    return check


def closed(*names: str) -> Rule:
    """No field but these."""

    def check(fields: Mapping[str, Any]) -> None:
        for name in fields:
            if name not in names:
                msg = f"{name!r} is no field that the spec has: {_show(fields[name])}"
                raise ValueError(msg)

    return check


def min_properties(least: int) -> Rule:
    """At least so many fields."""
    return _counted(f"at least {least}", lambda count: count >= least)


def max_properties(most: int) -> Rule:
    """At most so many fields."""
    return _counted(f"at most {most}", lambda count: count <= most)


def _counted(rule: str, holds: Callable[[int], bool]) -> Rule:
    def check(fields: Mapping[str, Any]) -> None:
        if not holds(len(fields)):
            msg = f"{rule} fields must be set, not {len(fields)}: {_show(dict(fields))}"
            raise ValueError(msg)

    return check


def present(instance: Any, **assigned: Any) -> dict[str, Any]:
    """The fields that are set, and those that will be when `assigned` has been, as JSON has them."""
    own_names = _own_names(instance.__class__)
    fields = {}
    for name, own in own_names.items():
        value = assigned[own] if own in assigned else getattr(instance, own)
        if value is not UNSET:
            fields[name] = value
    extra_values: dict[str, Any] = getattr(instance, "additional_properties", {})
    extra_values = assigned.get("additional_properties", extra_values)
    for name in own_names.keys() & extra_values:
        msg = f"{name!r} must be set as a field, not among those that the spec does not have"
        raise ValueError(f"{msg}: {_show(extra_values[name])}")
    return fields | extra_values


@functools.cache
def _own_names(cls: type) -> dict[str, str]:
    """The attributes of a model by their names in JSON."""
    names: Mapping[str, str] = getattr(cls, "_names", {})
    own = (each.name for each in attrs.fields(cls) if each.name != "additional_properties")
    return {names.get(name, name): name for name in own}


def _own_name(instance: Any, key: str) -> str | None:
    """The attribute that has a name in JSON, if there is one."""
    return _own_names(instance.__class__).get(key)


def get_item(instance: Any, key: str) -> Any:
    """A field by its name in JSON, whether the spec has it or not."""
    name = _own_name(instance, key)
    value = UNSET if name is None else getattr(instance, name)
    return instance.additional_properties[key] if value is UNSET else value


def set_item(instance: Any, key: str, value: Any) -> None:
    """Set a field by its name in JSON: one that the spec has is held to its constraints."""
    if name := _own_name(instance, key):
        setattr(instance, name, value)
    else:
        instance.additional_properties[key] = value


def delete_item(instance: Any, key: str) -> None:
    """Leave out a field by its name in JSON."""
    get_item(instance, key)
    if name := _own_name(instance, key):
        setattr(instance, name, UNSET)
    else:
        del instance.additional_properties[key]


def check_rules(instance: Any, **assigned: Any) -> None:
    """Hold an object to its rules, as it is or as it will be."""
    if not get_disabled():
        fields = present(instance, **assigned)
        for rule in type(instance)._rules:
            rule(fields)


def _keep_rules(instance: Any, attribute: Any, value: Any) -> Any:
    check_rules(instance, **{attribute.name: value})
    return value


#: For `attrs.define(on_setattr=...)`: what an assignment to a field has to pass.
on_assignment: list[Callable[[Any, "attrs.Attribute[Any]", Any], Any]]
on_assignment = [attrs.setters.convert, attrs.setters.validate, _keep_rules]


class _Name(NamedTuple):
    """What validators need of an attribute, for a parameter."""

    name: str


def check(name: str, value: Any, *rules: Validator) -> None:
    """Check an argument of an operation and all that is in it, right before it is sent."""
    if not get_disabled():
        for rule in rules:
            rule(None, _Name(name), value)
        try:
            _check_again(value)
        except RecursionError:
            msg = f"{name!r} must not contain itself"
            raise ValueError(msg) from None


def _check_again(value: Any) -> None:
    """Find what was changed in place since the checks at construction and assignment."""
    if isinstance(value, list):
        for item in value:
            _check_again(item)
    elif isinstance(value, dict):
        for item in value.values():
            _check_again(item)
    elif hasattr(type(value), "__attrs_attrs__"):
        for attribute in attrs.fields(type(value)):
            part = getattr(value, attribute.name)
            if attribute.validator:
                attribute.validator(value, attribute, part)
            if not isinstance(part, str):
                _check_again(part)
        fields = present(value)
        for rule in (*getattr(value, "_rules", ()), *getattr(value, "_rules_when_sent", ())):
            rule(fields)


def as_dict(
    source: Any, required: tuple[str, ...] = (), absent_if_null: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A copy of a JSON object, which must have the required names."""
    if not isinstance(source, Mapping):
        msg = f"a JSON object is needed, not {type(source).__name__}: {_show(source)}"
        raise TypeError(msg)
    for name in required:
        if name not in source:
            msg = f"{name!r} is required, and missing in: {_show(dict(source))}"
            raise ValueError(msg)
    null = {name for name in absent_if_null if source.get(name, UNSET) is None}
    return {name: value for name, value in source.items() if name not in null}


def take_odd(source: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Take those values out of an answer that should be objects and are none."""
    return {
        name: source.pop(name)
        for name in names
        if name in source and not isinstance(source[name], Mapping)
    }


def items_of(source: Any) -> list[Any]:
    """A JSON array, for a text is no list of its letters."""
    if not isinstance(source, list):
        msg = f"a JSON array is needed, not {type(source).__name__}: {_show(source)}"
        raise TypeError(msg)
    return source


class within:
    """A block that reads one field: what goes wrong in it is told with the field's name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: Any
    ) -> None:
        if isinstance(error, AttributeError | LookupError | TypeError | ValueError):
            wanted = ValueError if isinstance(error, ValueError) else TypeError
            msg = f"in {self._name!r}: {error}"
            raise wanted(msg) from error


def refuse_unknown(left: Mapping[str, Any]) -> None:
    """Refuse the fields that the spec does not have, where it allows no others."""
    closed()(left)


def read(parse: Callable[[str], Any], source: Any) -> Any:
    """What a text stands for, or what came in its place: a request is refused for it later."""
    try:
        return parse(source)
    except (AttributeError, TypeError, ValueError):
        return source


def reads(parse: Callable[[str], Any], source: Any) -> bool:
    """Whether a text stands for something: how alternatives are told apart."""
    return isinstance(source, str) and read(parse, source) is not source


def to_json(value: Any) -> Any:
    """A date, a time or a UUID as JSON has it; what an answer had in its place stays as it is."""
    if isinstance(value, Date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def text_of(value: Any) -> str:
    """A value as the text that it is in JSON, a path or a cookie."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return text_of(value.value)
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return str(to_json(value))


def unchecked(cls: type[T], **values: Any) -> T:
    """An instance that is as a server described it: nothing in it is checked."""
    instance = cls.__new__(cls)
    for name, value in values.items():
        object.__setattr__(instance, name, value)
    return instance


__all__ = [
    "Rule",
    "Validator",
    "all_of",
    "any_of",
    "array",
    "as_dict",
    "as_text",
    "boolean",
    "cast",
    "check",
    "check_rules",
    "closed",
    "const",
    "date",
    "date_time",
    "delete_item",
    "each",
    "extra",
    "file",
    "ge",
    "get_item",
    "given",
    "gt",
    "header",
    "if_set",
    "in_",
    "instance",
    "integer",
    "items_of",
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
    "not_together",
    "null",
    "number",
    "object_",
    "on_assignment",
    "one_of",
    "pattern",
    "present",
    "read",
    "reads",
    "refuse_unknown",
    "segment",
    "set_item",
    "string",
    "take_odd",
    "text_of",
    "to_json",
    "unchecked",
    "unique",
    "uuid",
    "when",
    "within",
]
