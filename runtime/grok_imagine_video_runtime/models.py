"""What all models share: reading and writing JSON, and validating against the spec."""

import base64
import functools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar, cast
from urllib.request import url2pathname

import attrs

from .types import UNSET, File, FileTypes, RequestFiles
from .validators import Named, Validator, show

T = TypeVar("T")
Reader = Callable[[Any], Any]

# What a reader raises for a value that is not what the spec says.
_READ_ERRORS = (AttributeError, LookupError, TypeError, ValueError)

# Beyond it a float is not an exact integer.
_MAX_EXACT = 2**53

# How the files begin that `from_file` takes, by their media types.
_SIGNATURES = {
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/jpeg": rb"\xff\xd8\xff",
    "image/webp": rb"RIFF.{4}WEBP",
    "image/gif": rb"GIF8[79]a",
}


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
    except _READ_ERRORS as error:
        error_type = ValueError if isinstance(error, ValueError) else TypeError
        msg = f"in {name!r}: {error}"
        raise error_type(msg) from error


def _read_unknown(reader: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """Read the fields that are not in the spec."""
    if reader is None:
        return fields
    return {name: _read_field(name, reader, value) for name, value in fields.items()}


class OpenObject(Generic[T]):
    """An object that may have fields beyond the spec: `object["name"]` gets and sets any field.

    The names are those in JSON, which may differ from those in Python.
    """

    __slots__ = ()
    additional_properties: dict[str, T]

    # What the spec says of the fields: names in JSON that differ from those in Python; by names in
    # JSON, the model or function that reads each; which can be null; what reads unknown fields.
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
        """Read it from a response. Unknown values and fields are kept; null means left out.

        If a field should be an object and is not, its value is in `additional_properties`.

        Raises:
            TypeError: It is not a JSON object, or a field of it cannot be read.
            ValueError: A field that every response has is missing.
        """
        unknown, invalid = _as_dict(src_dict), dict[str, Any]()
        instance = cls.__new__(cls)
        for attribute, name, is_required, reader in cls._fields():
            value = unknown.pop(name, UNSET)
            if is_required and value is UNSET:
                raise _missing_error(name, src_dict)
            if value is None and not is_required and name not in cls._nullable:
                value = UNSET
            if isinstance(reader, type) and not is_required and not isinstance(value, Mapping):
                invalid |= {} if value is UNSET else {name: value}
                value = UNSET
            if reader is not None and value is not UNSET:
                value = _read_field(name, reader, value)
            object.__setattr__(instance, attribute, value)
        if cls._other_reader is not None:
            unknown = _read_unknown(cls._other_reader, unknown)
        object.__setattr__(instance, "additional_properties", unknown | invalid)
        return instance

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON; fields that are not set are left out."""
        return {name: to_json(value) for name, value in self._values().items()}

    def _values(self) -> dict[str, Any]:
        """The fields that are set, by their names in JSON."""
        values = {field.name: getattr(self, field.attribute) for field in self._fields()}
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
    """An object that is validated against the spec, unless it is made by `unchecked`."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build it from JSON.

        Raises:
            TypeError: A field has the wrong type.
            ValueError: A field is missing, or breaks another rule of the spec.
        """
        unknown, arguments = _as_dict(src_dict), {}
        for attribute, name, is_required, reader in cls._fields():
            if name in unknown:
                value = unknown.pop(name)
                arguments[attribute] = value if reader is None else _read_field(name, reader, value)
            elif is_required:
                raise _missing_error(name, src_dict)
            else:
                arguments[attribute] = UNSET
        instance: Any = cls(**arguments)
        instance.additional_properties = _read_unknown(cls._other_reader, unknown)
        return cast(Self, instance)


class SharedObject(SentObject):
    """An object that is both sent and received."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from a response, without validation; see `OpenObject.from_dict`."""
        return super(SentObject, cls).from_dict(src_dict)


class Unchecked:
    """A mixin for an object that is sent without validation."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    additional_properties: dict[str, Any]

    def __init__(self, **fields: Any) -> None:
        for attribute in attributes_of(type(self)).values():
            setattr(self, attribute, fields.pop(attribute, UNSET))
        self.additional_properties = fields


class FromFile:
    """A mixin for an object of which a field can hold a file."""

    __slots__ = ()
    _file_field: ClassVar[str]

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Build it from a file, which it holds as a `data:` URL.

        The URL has the file in base64, which makes the request a third larger than the file.

        Args:
            path: A PNG, JPEG, WebP or GIF: its content counts, not its name. It may begin with `~`
                or be a `file://` URL.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is empty or another kind of file, or the URL names another machine.
        """
        fields: dict[str, Any] = {cls._file_field: _data_url(os.fsdecode(path))}
        return cls(**fields)


def _data_url(path: str) -> str:
    """A file as a `data:` URL."""
    file = path
    if path.lower().startswith("file://"):
        host, _, rest = path[len("file://") :].partition("/")
        if host not in ("", "localhost"):
            msg = f"{path!r} names the machine {host!r}: write file:/// and the path of a file"
            raise ValueError(msg)
        file = url2pathname(f"/{rest}")
    content = Path(os.path.expanduser(file)).read_bytes()  # noqa: PTH111 - which keeps `~nobody`
    for media_type, signature in _SIGNATURES.items():
        if re.match(signature, content, re.DOTALL):
            return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
    msg = f"{path!r} is {'another kind of file' if content else 'empty'}"
    raise ValueError(f"{msg}: a PNG, JPEG, WebP or GIF is needed")


def attributes_of(model: type[Any]) -> dict[str, str]:
    """The attributes of a model by their names in JSON."""
    return {name: attribute for attribute, name, _, _ in model._fields()}


def _as_dict(source: Any) -> dict[str, Any]:
    if isinstance(source, Mapping):
        return dict(source)
    msg = f"a JSON object is needed, not {type(source).__name__}: {show(source)}"
    raise TypeError(msg)


def _missing_error(name: str, source: Mapping[str, Any]) -> ValueError:
    return ValueError(f"{name!r} is required, and missing in: {show(dict(source))}")


def extra(instance: Any, _: Any, value: Any) -> None:
    """A validator of `additional_properties`: no field of the spec may be among them."""
    if not isinstance(value, dict):
        msg = f"'additional_properties' must be dict, not {type(value).__name__}: {show(value)}"
        raise TypeError(msg)
    for name in {field.name for field in type(instance)._fields()} & value.keys():
        msg = f"{name!r} must be set as a field, not in 'additional_properties'"
        raise ValueError(f"{msg}: {show(value[name])}")


def no_extra(_: Any, __: Any, value: Any) -> None:
    """A validator of `additional_properties`, if the spec allows none."""
    for name in value:
        msg = f"{name!r} is not a field of the spec: {show(value[name])}"
        raise ValueError(msg)


def validate_argument(name: str, value: Any, *validators: Validator) -> None:
    """Validate an argument of an operation, with everything in it, right before it is sent."""
    for validator in validators:
        validator(None, Named(name), value)
    try:
        if isinstance(value, list | dict | OpenObject):
            _revalidate(value)
    except RecursionError:
        msg = f"{name!r} must not contain itself"
        raise ValueError(msg) from None


def _revalidate(value: Any) -> None:
    """Validate again: lists and dicts may have been changed in place since construction."""
    if attrs.has(type(value)) and not isinstance(value, Unchecked):
        attrs.validate(value)
        value = [getattr(value, field.name) for field in attrs.fields(type(value))]
    if isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _revalidate(item)


def list_of(reader: Reader) -> Reader:
    """A reader of a JSON array; a string is not read as a list of its characters."""

    def read_items(source: Any) -> list[Any]:
        if not isinstance(source, list):
            msg = f"a JSON array is needed, not {type(source).__name__}: {show(source)}"
            raise TypeError(msg)
        return [reader(item) for item in source]

    return read_items


def first_of(*readers: Reader) -> Reader:
    """A reader that tries several readers; a value that none of them can read is kept as it is."""

    def read_first(source: Any) -> Any:
        for reader in readers:
            try:
                return reader(source)
            except _READ_ERRORS:
                continue
        return source

    return read_first


def tagged(name: str, readers: Mapping[Any, Reader]) -> Reader:
    """A reader of objects whose model is named by a field, the discriminator."""
    return lambda source: readers[source[name]](source)


def file(source: Any) -> File:
    """A file with the bytes of a response; any other value, as from JSON, is kept as it is."""
    return File(payload=BytesIO(source)) if isinstance(source, bytes) else cast(File, source)


def to_json(value: Any) -> Any:
    """A value as JSON; a value that the spec does not expect stays as it is.

    A float that is a whole number becomes an int: some servers refuse 4.0 for an integer.
    """
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= _MAX_EXACT else value
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {name: to_json(item) for name, item in value.items()}
    return value.to_dict() if isinstance(value, OpenObject) else value


def text_of(value: Any) -> str:
    """A value as text for a path, a header or a form."""
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
    """A field as parts of a form: one for each item of a list."""
    if isinstance(value, list):
        for item in value:
            yield from _form_parts(name, item)
    elif isinstance(value, File):
        yield name, value.to_tuple()
    elif isinstance(value, OpenObject | dict):
        yield name, (None, json.dumps(to_json(value)).encode(), "application/json")
    elif value is not None:
        yield name, (None, text_of(value).encode(), "text/plain")
