"""What all models share: read from JSON, written as JSON, and checked against the spec."""

import functools
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Generic, Self, TypeVar, cast

import attrs
from attrs.validators import get_disabled

from ._validators import Named, Validator, closed, show
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


class SentObject:
    """An object that is held to the spec, unless `unchecked` makes it."""

    __slots__ = ()

    def _is_plain(self) -> bool:
        """Whether a quick look shows that all rules hold; if not, the validators look."""
        return False

    @classmethod
    def unchecked(cls, **fields: Any) -> Self:
        """An object that is sent as it is, for a gateway that is ahead of the spec.

        Nothing in it is checked, now or later. Fields can be left out, can have any value, and can
        be some that the spec does not have. Nested objects can be dicts.

        Args:
            fields: The fields, by their names in Python.
        """
        made: Any = _unchecked_class(cast(Any, cls))
        return cast(Self, made(**fields))


class _Unchecked:
    """What is different in an object that is not checked."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    additional_properties: dict[str, Any]

    def __init__(self, **fields: Any) -> None:
        for attribute in _attributes(self).values():
            setattr(self, attribute, fields.pop(attribute, UNSET))
        self.additional_properties = fields

    def __reduce__(self) -> tuple[Any, tuple[Any, dict[str, Any]]]:
        fields = {name: getattr(self, name) for name in _attributes(self).values()}
        model = type(self).__mro__[2]  # a pickle finds it by its name
        return _unchecked_again, (model, fields | self.additional_properties)

    def to_dict(self) -> dict[str, Any]:
        return {name: to_json(value) for name, value in _fields_of(self).items()}


def _unchecked_again(model: Any, fields: dict[str, Any]) -> Any:
    return _unchecked_class(model)(**fields)


@functools.cache
def _unchecked_class(model: Any) -> type:
    slots = () if hasattr(model, "additional_properties") else ("additional_properties",)
    return type(model.__name__, (_Unchecked, model), {"__slots__": slots})


def _attributes(instance: Any) -> dict[str, str]:
    """The attributes of a model by their names in JSON."""
    return _attributes_of(instance.__class__)


@functools.cache
def _attributes_of(cls: type) -> dict[str, str]:
    names: Mapping[str, str] = getattr(cls, "_names", {})
    own = (each.name for each in attrs.fields(cls) if each.name != "additional_properties")
    return {names.get(name, name): name for name in own}


def _fields_of(instance: Any, **assigned: Any) -> dict[str, Any]:
    """The fields that are set, once `assigned` is, by their names in JSON."""
    attributes = _attributes(instance)
    fields = {}
    for name, attribute in attributes.items():
        value = assigned[attribute] if attribute in assigned else getattr(instance, attribute)
        if value is not UNSET:
            fields[name] = value
    extra: dict[str, Any] = getattr(instance, "additional_properties", {})
    extra = assigned.get("additional_properties", extra)
    for name in attributes.keys() & extra:
        msg = f"{name!r} must be set as a field, not among those that the spec does not have"
        raise ValueError(f"{msg}: {show(extra[name])}")
    return fields | extra


# Where the validator of a field is that attrs is not to call.
_VALIDATOR = "validator"


def checked_together(_: type, fields: list["attrs.Attribute[Any]"]) -> list["attrs.Attribute[Any]"]:
    """For `attrs.define(field_transformer=...)`: `check_all` checks the fields, and no other."""
    return [
        field.evolve(validator=None, metadata={**field.metadata, _VALIDATOR: field.validator})
        for field in fields
    ]


def check_all(instance: Any) -> None:
    """Check an object against its rules."""
    if not (instance._is_plain() or get_disabled()):
        for field in attrs.fields(type(instance)):
            _validate(instance, field, getattr(instance, field.name))
        _check_rules(instance)


def _validate(instance: Any, field: Any, value: Any) -> Any:
    if validator := field.metadata.get(_VALIDATOR):
        validator(instance, field, value)
    return value


def _check_rules(instance: Any, **assigned: Any) -> None:
    """Hold an object to the rules about all of it, as it is or will be once `assigned` is."""
    if rules := getattr(instance, "_rules", ()):
        fields = _fields_of(instance, **assigned)
        for rule in rules:
            rule(fields)


def on_assignment(instance: Any, field: "attrs.Attribute[Any]", value: Any) -> Any:
    """For `attrs.define(on_setattr=...)`: what an assignment to a field has to pass."""
    if not get_disabled():
        _validate(instance, field, value)
        _check_rules(instance, **{field.name: value})
    return value


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
    if isinstance(value, list):
        for item in value:
            _check_again(item)
    elif isinstance(value, dict):
        for item in value.values():
            _check_again(item)
    elif hasattr(type(value), "__attrs_attrs__") and not isinstance(value, _Unchecked):
        if isinstance(value, SentObject) and value._is_plain():
            return
        for field in attrs.fields(type(value)):
            part = _validate(value, field, getattr(value, field.name))
            if not isinstance(part, str):
                _check_again(part)
        fields = _fields_of(value)
        for rule in (*getattr(value, "_rules", ()), *getattr(value, "_rules_when_sent", ())):
            rule(fields)


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


def if_like(
    fixed: Mapping[str, tuple[Any, ...]], read: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """A reader of objects whose fields have one of these values, or are not there."""

    def read_if_like(source: Any) -> Any:
        for name, values in fixed.items():
            if source.get(name, values[0]) not in values:
                msg = f"{name!r} has another value"
                raise ValueError(msg)
        return read(source)

    return read_if_like


def most_like(*readers: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The reader whose model knows most of the fields of an object, or of a list of objects."""

    def read(source: Any) -> Any:
        found = []
        for reader in readers:
            with suppress(*UNREADABLE):
                found.append(reader(source))
        return min(found, key=lambda each: (_unknown(each), not _is_valid(each)))

    return read


def _is_valid(value: Any) -> bool:
    try:
        _check_again(value)
    except (TypeError, ValueError):
        return False
    return True


def _unknown(value: Any) -> int:
    """How many fields there are that the spec does not have."""
    if isinstance(value, list):
        return sum(map(_unknown, value))
    return len(getattr(value, "additional_properties", ()))


def tagged(
    name: str, readers: Mapping[str, Callable[[Any], Any]], otherwise: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    """A reader of objects that say what they are in a field; of all others if it is missing."""

    def read(source: Any) -> Any:
        if name not in source:
            return otherwise(source)
        return readers[source[name]](source)

    return read


def refuse_unknown(left: Mapping[str, Any]) -> None:
    """Refuse the fields that the spec does not have, where it allows no others."""
    closed()(left)


def to_multipart(instance: Any) -> RequestFiles:
    """An object as the parts of a multipart/form-data body."""
    fields = _fields_of(instance).items()
    return [part for name, value in fields for part in form_parts(name, value)]


def unchecked(cls: type[T], /, **values: Any) -> T:
    """An instance that is as a server described it: nothing in it is checked."""
    instance = cls.__new__(cls)
    for name, value in values.items():
        object.__setattr__(instance, name, value)
    return instance


__all__ = [
    "OpenObject",
    "SentObject",
    "as_dict",
    "check",
    "check_all",
    "checked_together",
    "if_like",
    "most_like",
    "on_assignment",
    "refuse_unknown",
    "tagged",
    "take",
    "take_if_set",
    "take_odd",
    "take_rest",
    "to_multipart",
    "unchecked",
]
