"""What all models share: read from JSON, written as JSON, and checked against the spec."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, cast

import attrs

from .types import UNSET, File, FileTypes, RequestFiles
from .validators import Named, Validator, show

T = TypeVar("T")
Reader = Callable[[Any], Any]

# What a reader raises for a value that is not what the spec says.
_UNREADABLE = (AttributeError, LookupError, TypeError, ValueError)

# Beyond it a float is not an exact integer.
_MOST_EXACT = 2**53


class _Field(NamedTuple):
    """A field of a model: its attribute, its name in JSON, and how it is read from there."""

    attribute: str
    name: str
    is_required: bool
    reader: Any


def _read_field(name: str, reader: Any, value: Any) -> Any:
    """Read a value; an error names the field."""
    try:
        read: Reader = getattr(reader, "from_dict", reader)
        return read(value)
    except _UNREADABLE as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        msg = f"in {name!r}: {error}"
        raise kind(msg) from error


def _read_others(reader: Any, left: dict[str, Any]) -> dict[str, Any]:
    """Read the fields that the spec does not have."""
    if reader is None:
        return left
    return {name: _read_field(name, reader, value) for name, value in left.items()}


class OpenObject(Generic[T]):
    """An object that may have more fields than the spec has: `object["name"]` reaches them all.

    The names are those in JSON, which may differ from those in Python.
    """

    __slots__ = ()
    additional_properties: dict[str, T]

    # What the spec says of the fields: those with another name in Python, how they are read by
    # their names in JSON (a model, or a function), which can be null, and how all others are read.
    _names: ClassVar[Mapping[str, str]] = {}
    _readers: ClassVar[Mapping[str, Any]] = {}
    _nullable: ClassVar[tuple[str, ...]] = ()
    _other_reader: ClassVar[Any] = None

    @classmethod
    @functools.cache
    def _fields(cls) -> list[_Field]:
        model: Any = cls
        fields = [field for field in attrs.fields(model) if field.name != "additional_properties"]
        names = [cls._names.get(field.name, field.name) for field in fields]
        return [
            _Field(field.name, name, field.default is attrs.NOTHING, cls._readers.get(name))
            for field, name in zip(fields, names, strict=True)
        ]

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response: unknown values and fields are kept, null is a field left out.

        Where a field should be an object and is not, its value is in `additional_properties`.

        Raises:
            TypeError: It is not a JSON object, or a part of it cannot be read.
            ValueError: A field that every response has is missing.
        """
        left, kept = _as_dict(src_dict), dict[str, Any]()
        instance = cls.__new__(cls)
        for attribute, name, is_required, reader in cls._fields():
            value = left.pop(name, UNSET)
            if is_required and value is UNSET:
                raise _missing(name, src_dict)
            if value is None and not is_required and name not in cls._nullable:
                value = UNSET
            if isinstance(reader, type) and not is_required and not isinstance(value, Mapping):
                kept |= {} if value is UNSET else {name: value}
                value = UNSET
            if reader is not None and value is not UNSET:
                value = _read_field(name, reader, value)
            object.__setattr__(instance, attribute, value)
        if cls._other_reader is not None:
            left = _read_others(cls._other_reader, left)
        object.__setattr__(instance, "additional_properties", left | kept)
        return instance

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON has it; fields that are not set are left out."""
        return {name: to_json(value) for name, value in self._values().items()}

    def _values(self) -> dict[str, Any]:
        """The fields that are set, by their names in JSON."""
        values = {each.name: getattr(self, each.attribute) for each in self._fields()}
        extra: dict[str, Any] = self.additional_properties
        return {name: value for name, value in values.items() if value is not UNSET} | extra

    def __contains__(self, key: object) -> bool:
        return key in self._values()

    def __getitem__(self, key: str) -> T:
        value: T = self._values()[key]
        return value

    def __setitem__(self, key: str, value: T) -> None:
        if name := attributes_of(type(self)).get(key):
            setattr(self, name, value)
        else:
            self.additional_properties[key] = value


class SentObject(OpenObject[Any]):
    """An object that is held to the spec, unless its `unchecked` makes it."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build it from JSON.

        Raises:
            TypeError: A field has the wrong type.
            ValueError: A field is missing, or breaks another rule of the spec.
        """
        left, given = _as_dict(src_dict), {}
        for attribute, name, is_required, reader in cls._fields():
            if name in left:
                value = left.pop(name)
                given[attribute] = value if reader is None else _read_field(name, reader, value)
            elif is_required:
                raise _missing(name, src_dict)
            else:
                given[attribute] = UNSET
        built: Any = cls(**given)
        built.additional_properties = _read_others(cls._other_reader, left)
        return cast(Self, built)


class SharedObject(SentObject):
    """An object that is sent, and read as it is received."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response, as an object that is never sent; see `OpenObject`."""
        return super(SentObject, cls).from_dict(src_dict)


class Unchecked:
    """What is different in an object that is sent as it is."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    additional_properties: dict[str, Any]

    def __init__(self, **fields: Any) -> None:
        for attribute in attributes_of(type(self)).values():
            setattr(self, attribute, fields.pop(attribute, UNSET))
        self.additional_properties = fields


def attributes_of(model: type[Any]) -> dict[str, str]:
    """The attributes of a model by their names in JSON."""
    return {name: attribute for attribute, name, _, _ in model._fields()}


def _as_dict(source: Any) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return dict(source)
    msg = f"a JSON object is needed, not {type(source).__name__}: {show(source)}"
    raise TypeError(msg)


def _missing(name: str, source: Mapping[str, Any]) -> ValueError:
    return ValueError(f"{name!r} is required, and missing in: {show(dict(source))}")


def extra(instance: Any, _: Any, value: Any) -> None:
    """A validator of the fields that the spec does not have: none of them is one that it has."""
    if not isinstance(value, dict):
        msg = f"'additional_properties' must be dict, not {type(value).__name__}: {show(value)}"
        raise TypeError(msg)
    for name in {field.name for field in type(instance)._fields()} & value.keys():
        msg = f"{name!r} must be set as a field, not among those that the spec does not have"
        raise ValueError(f"{msg}: {show(value[name])}")


def no_extra(_: Any, __: Any, value: Any) -> None:
    """A validator of the fields that the spec does not have, where it allows none."""
    for name in value:
        msg = f"{name!r} is not a field of the spec: {show(value[name])}"
        raise ValueError(msg)


def check_argument(name: str, value: Any, *rules: Validator) -> None:
    """Check an argument of an operation and all that is in it, right before it is sent."""
    for rule in rules:
        rule(None, Named(name), value)
    try:
        if isinstance(value, list | dict | OpenObject):
            _check_again(value)
    except RecursionError:
        msg = f"{name!r} must not contain itself"
        raise ValueError(msg) from None


def _check_again(value: Any) -> None:
    """Find what was changed in place since the checks at construction and assignment."""
    if attrs.has(type(value)) and not isinstance(value, Unchecked):
        attrs.validate(value)
        value = [getattr(value, field.name) for field in attrs.fields(type(value))]
    if isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            _check_again(part)


def list_of(reader: Reader) -> Reader:
    """A reader of a JSON array; a text is not taken for a list of its letters."""

    def read_items(source: Any) -> list[Any]:
        if not isinstance(source, list):
            msg = f"a JSON array is needed, not {type(source).__name__}: {show(source)}"
            raise TypeError(msg)
        return [reader(item) for item in source]

    return read_items


def first_of(*readers: Reader) -> Reader:
    """The first of several readers that can read a value; what none can read is kept as it is."""

    def read_first(source: Any) -> Any:
        for reader in readers:
            try:
                return reader(source)
            except _UNREADABLE:
                continue
        return source

    return read_first


def tagged(name: str, readers: Mapping[Any, Reader]) -> Reader:
    """A reader of objects that say in a field which one they are."""
    return lambda source: readers[source[name]](source)


def file(source: Any) -> File:
    """A file to read what was downloaded; JSON has none, and what it has is kept."""
    return File(payload=BytesIO(source)) if isinstance(source, bytes) else cast(File, source)


def to_json(value: Any) -> Any:
    """A value as it is in JSON; what a response had in its place stays as it is.

    A whole number has no fraction: some servers refuse 4.0 where they want an integer.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _MOST_EXACT else value
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    return value.to_dict() if isinstance(value, OpenObject) else value


def text_of(value: Any) -> str:
    """A value as the text that it is in a path, a header or a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(text_of, value))
    return str(to_json(value))


def to_multipart(instance: OpenObject[Any]) -> RequestFiles:
    """An object as the parts of a multipart/form-data body."""
    fields = instance._values().items()  # noqa: SLF001
    return [part for name, value in fields for part in _form_parts(name, value)]


def _form_parts(name: str, value: Any) -> Iterator[tuple[str, FileTypes]]:
    """A field as parts of a form: each item of a list is one of its own."""
    if isinstance(value, list):
        for item in value:
            yield from _form_parts(name, item)
    elif isinstance(value, File):
        yield name, value.to_tuple()
    elif isinstance(value, OpenObject | dict):
        yield name, (None, json.dumps(to_json(value)).encode(), "application/json")
    elif value is not None:
        yield name, (None, text_of(value).encode(), "text/plain")
