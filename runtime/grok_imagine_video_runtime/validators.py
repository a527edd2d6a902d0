"""The keywords of the spec as attrs validators.

They are those of attrs where possible. Ours are for keywords that mean something else in JSON
Schema than in Python, and for clear messages. A wrong type is a TypeError, everything else a
ValueError; the message names the field, the rule and the value.
"""

import math
import re
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import attrs
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
    """Stands for an attribute of attrs where a validator is given something else."""

    name: str


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


def show(value: Any) -> str:
    """A value for a message: shortened, because it may be huge, and without the data of a file."""
    return re.sub(r"(;base64,)[^'\"]+", r"\1…", _short.repr(value))


def _validator(
    kind: type[Exception], rule: str, is_valid: Callable[[Any], bool], hints: Mapping[Any, str] = {}
) -> Validator:
    def validate(_: Any, attribute: Any, value: Any) -> None:
        if not is_valid(value):
            found = f", not {type(value).__name__}" if kind is TypeError else ""
            hint = hints.get(type(value), "")
            raise kind(f"{attribute.name!r} must {rule}{found}: {show(value)}{hint}")

    return validate


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


string = _validator(TypeError, "be str", lambda value: isinstance(value, str))
boolean = _validator(TypeError, "be bool", lambda value: isinstance(value, bool))
null = _validator(TypeError, "be None", lambda value: value is None)
file = _validator(TypeError, "be File", lambda value: isinstance(value, File))
given = _validator(TypeError, "be set", lambda value: value is not UNSET)

#: JSON Schema's integer: 4.0 is one, True and False are not.
integer = _validator(TypeError, "be int", lambda value: _is_number(value) and value % 1 == 0)

#: JSON has neither NaN nor infinities.
number = all_of(
    _validator(TypeError, "be float", _is_number),
    _validator(ValueError, "be finite", lambda value: abs(value) < math.inf),
)


def model(cls: type) -> Validator:
    """An instance of a model."""
    name, fields = cls.__name__, [field.name for field in attrs.fields(cls) if field.init]
    hints = {dict: f"; {name}.from_dict makes one", type(cls): f"; write {name}(...)"}
    hints[str] = f"; write {name}({fields[0]}=...)" if fields else ""
    hints[str] += f", or {name}.from_file(...)" if hasattr(cls, "from_file") else ""
    return _validator(TypeError, f"be {name}", lambda value: isinstance(value, cls), hints)


#: A segment of a path: an empty one or dots would make it another path.
segment = _validator(ValueError, "not be empty or dots", lambda x: str(x) not in ("", ".", ".."))


def header(_: Any, attribute: Any, value: Any) -> None:
    """The value of a header. It may be a secret, so no message shows it."""
    if not isinstance(value, str):
        msg = f"{attribute.name} must be str, not {type(value).__name__}"
        raise TypeError(msg)
    if not re.fullmatch(r"(?![ \t])[\t\x20-\x7e]*(?<![ \t])", value):
        msg = f"{attribute.name} must be printable ASCII, without line breaks or blanks around it"
        raise ValueError(msg)


def array(*items: Validator) -> Validator:
    """A list whose items pass all of these validators."""
    is_list = _validator(TypeError, "be list", lambda value: isinstance(value, list))
    return deep_iterable(all_of(*items), is_list)


def mapping(*values: Validator) -> Validator:
    """A dict whose values pass all of these validators."""
    is_dict = _validator(TypeError, "be dict", lambda value: isinstance(value, dict))
    return deep_mapping(string, all_of(*values), is_dict)


def any_of(*alternatives: Validator) -> Validator:
    """At least one of these; the message skips those of the wrong type, unless all are."""

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        errors: list[Exception] = []
        for alternative in alternatives:
            try:
                return alternative(instance, attribute, value)
            except (TypeError, ValueError) as error:
                errors.append(error)
        shown = [error for error in errors if isinstance(error, ValueError)] or errors
        raise type(shown[0])("; or ".join(map(str, shown)))

    return validate


def if_set(*validators: Validator) -> Validator:
    """All of these validators, for a field that may be left out."""
    validator = all_of(*validators)

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        if value is not UNSET:
            validator(instance, attribute, value)

    return validate


def in_(*values: Any) -> Validator:
    """One of these values."""
    allowed = ", ".join(map(repr, values))
    return _validator(ValueError, f"be one of {allowed}", lambda value: value in values)


def pattern(regex: str, python_regex: str | None = None) -> Validator:
    """A string that a regex of the spec matches; `python_regex` is given if Python's differs."""
    compiled = re.compile(regex if python_regex is None else python_regex, re.ASCII)
    return _validator(ValueError, f"match {regex!r}", lambda value: bool(compiled.search(value)))


def not_together(*names: str) -> Validator:
    """Not all of these fields at once; a validator for each of the fields."""
    rule = "cannot be used together" if len(names) > 1 else "must be left out"

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        values = [value if name == attribute.name else getattr(instance, name) for name in names]
        if all(item is not UNSET for item in values):
            msg = f"{' and '.join(map(repr, names))} {rule}"
            raise ValueError(msg)

    return validate
