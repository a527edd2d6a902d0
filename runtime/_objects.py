"""What all models share: read from JSON, written as JSON, and checked against the spec."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import attrs
from attrs.validators import get_disabled

from ._validators import Named, Validator, show
from ._values import UNREADABLE, form_parts, to_json
from .types import UNSET, RequestFiles, Unset

T = TypeVar("T")


class OpenObject(Generic[T]):
    """An object that may have more fields than the spec has: `object["name"]` reaches them all.

    The names are those in JSON, which may differ from those in Python.
    """

    __slots__ = ()
    additional_properties: dict[str, T]

    @property
    def additional_keys(self) -> list[str]:
        """The names of the fields that the spec does not have."""
        return list(self.additional_properties)

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        return {name: to_json(value) for name, value in _fields_of(self).items()}

    def __contains__(self, key: object) -> bool:
        return key in _fields_of(self)

    def __getitem__(self, key: str) -> T:
        name = _attributes(self).get(key)
        value: T | Unset = UNSET if name is None else getattr(self, name)
        return self.additional_properties[key] if isinstance(value, Unset) else value

    def __setitem__(self, key: str, value: T) -> None:
        if name := _attributes(self).get(key):
            setattr(self, name, value)
        else:
            self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        name = _attributes(self).get(key)
        if name is not None and getattr(self, name) is not UNSET:
            setattr(self, name, UNSET)
        else:
            del self.additional_properties[key]


class SentObject(OpenObject[Any]):
    """An object that is held to the spec, unless its `unchecked` makes it."""

    __slots__ = ()


class Unchecked:
    """What is different in an object that is sent as it is."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    additional_properties: dict[str, Any]

    def __init__(self, **fields: Any) -> None:
        for attribute in _attributes(self).values():
            setattr(self, attribute, fields.pop(attribute, UNSET))
        self.additional_properties = fields


def _attributes(instance: Any) -> dict[str, str]:
    """The attributes of a model by their names in JSON."""
    return _attributes_of(instance.__class__)


@functools.cache
def _attributes_of(cls: type) -> dict[str, str]:
    names: Mapping[str, str] = getattr(cls, "_names", {})
    own = (each.name for each in attrs.fields(cls) if each.name != "additional_properties")
    return {names.get(name, name): name for name in own}


def _fields_of(instance: Any) -> dict[str, Any]:
    """The fields that are set, by their names in JSON."""
    values = {name: getattr(instance, field) for name, field in _attributes(instance).items()}
    extra: dict[str, Any] = instance.additional_properties
    return {name: value for name, value in values.items() if value is not UNSET} | extra


def extra(instance: Any, _: Any, value: Any) -> None:
    """A validator of the fields that the spec does not have: none of them is one that it has."""
    if not isinstance(value, dict):
        msg = f"'additional_properties' must be dict, not {type(value).__name__}: {show(value)}"
        raise TypeError(msg)
    for name in _attributes(instance).keys() & value:
        msg = f"{name!r} must be set as a field, not among those that the spec does not have"
        raise ValueError(f"{msg}: {show(value[name])}")


def no_extra(_: Any, __: Any, value: Any) -> None:
    """A validator of the fields that the spec does not have, where it allows none."""
    for name in value:
        msg = f"{name!r} is not a field of the spec: {show(value[name])}"
        raise ValueError(msg)


def check(name: str, value: Any, *rules: Validator) -> None:
    """Check an argument of an operation and all that is in it, right before it is sent."""
    if not get_disabled():
        for rule in rules:
            rule(None, Named(name), value)
        try:
            _check_again(value)
        except RecursionError:
            msg = f"{name!r} must not contain itself"
            raise ValueError(msg) from None


def _check_again(value: Any) -> None:
    """Find what was changed in place since the checks at construction and assignment."""
    is_model = isinstance(value, OpenObject) and not isinstance(value, Unchecked)
    if is_model:
        attrs.validate(value)
        value = [getattr(value, field.name) for field in attrs.fields(type(value))]
    if isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            _check_again(part)


def as_dict(
    source: Any, required: tuple[str, ...] = (), absent_if_null: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A copy of a JSON object, which must have the required names."""
    if not isinstance(source, Mapping):
        msg = f"a JSON object is needed, not {type(source).__name__}: {show(source)}"
        raise TypeError(msg)
    for name in required:
        if name not in source:
            msg = f"{name!r} is required, and missing in: {show(dict(source))}"
            raise ValueError(msg)
    null = {name for name in absent_if_null if source.get(name, UNSET) is None}
    return {name: value for name, value in source.items() if name not in null}


def take_odd(source: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Take those values out of a response that should be objects and are not."""
    return {
        name: source.pop(name)
        for name in names
        if name in source and not isinstance(source[name], Mapping)
    }


def take(source: dict[str, Any], name: str, read: Callable[[Any], T]) -> T:
    """Take a field out of a JSON object; an error names the field."""
    return _read_field(name, read, source.pop(name))


def take_if_set(source: dict[str, Any], name: str, read: Callable[[Any], T]) -> T | Unset:
    """Take a field out of a JSON object, if it is there; an error names the field."""
    return _read_field(name, read, source.pop(name)) if name in source else UNSET


def take_rest(source: dict[str, Any], read: Callable[[Any], T]) -> dict[str, T]:
    """Take the fields that are left in a JSON object."""
    return {name: _read_field(name, read, value) for name, value in source.items()}


def _read_field(name: str, read: Callable[[Any], T], value: Any) -> T:
    try:
        return read(value)
    except UNREADABLE as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        msg = f"in {name!r}: {error}"
        raise kind(msg) from error


def to_multipart(instance: OpenObject[Any]) -> RequestFiles:
    """An object as the parts of a multipart/form-data body."""
    fields = _fields_of(instance).items()
    return [part for name, value in fields for part in form_parts(name, value)]


def received(cls: type[T], /, **values: Any) -> T:
    """An instance that is as a server described it: nothing in it is checked."""
    instance = cls.__new__(cls)
    for name, value in values.items():
        object.__setattr__(instance, name, value)
    return instance


__all__ = [
    "OpenObject",
    "SentObject",
    "Unchecked",
    "as_dict",
    "check",
    "extra",
    "no_extra",
    "received",
    "take",
    "take_if_set",
    "take_odd",
    "take_rest",
    "to_multipart",
]
