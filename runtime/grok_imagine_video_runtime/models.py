"""What all models share: reading and writing JSON, and validating against the spec."""

import contextlib
import functools
import json
import os
import re
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, ClassVar, Self, cast

import attrs

from .types import UNSET, File, Unset
from .validators import Named, Validator, show

Reader = Callable[[Any], Any]

# How the files begin that `from_file` takes, by their media types.
_SIGNATURES = {
    "image/png": rb"\x89PNG\r\n\x1a\n",
    "image/jpeg": rb"\xff\xd8\xff",
    "image/webp": rb"RIFF.{4}WEBP",
    "image/gif": rb"GIF8[79]a",
}


def _read_field(name: str, reader: Any, value: Any) -> Any:
    """Read a value; an error names the field."""
    try:
        return getattr(reader, "from_dict", reader)(value)
    except (LookupError, TypeError, ValueError) as error:
        error_type = ValueError if isinstance(error, ValueError) else TypeError
        msg = f"in {name!r}: {error}"
        raise error_type(msg) from error


class OpenObject:
    """An object whose fields, also those beyond the spec, are `object["name"]`, as JSON has it."""

    __slots__ = ()
    additional_properties: dict[str, Any]

    # What the spec says of the fields: names in JSON that differ from those in Python; by names in
    # JSON, the model or function that reads each; which can be null; what reads unknown fields.
    _names: ClassVar[Mapping[str, str]] = {}
    _readers: ClassVar[Mapping[str, Any]] = {}
    _nullable: ClassVar[tuple[str, ...]] = ()
    _other_reader: ClassVar[Any] = None
    _is_strict: ClassVar[bool] = False  # whether JSON has to be as the spec says

    @classmethod
    @functools.cache
    def _fields(cls) -> list[tuple[str, str, bool, Any]]:
        """Of each field its attribute, its name in JSON, whether it is required, its reader."""
        fields = [field for field in attrs.fields(cast(Any, cls)) if field.init]
        names = [cls._names.get(field.name, field.name) for field in fields]
        return [
            (field.name, name, field.default is attrs.NOTHING, cls._readers.get(name))
            for field, name in zip(fields, names, strict=True)
        ]

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read it from JSON; what can only be sent is validated against the spec.

        Of what is received, all values are kept, but null, which means left out. One that should be
        an object and is not is in `additional_properties`.

        Raises:
            TypeError: It is not a JSON object, or a field has the wrong type.
            ValueError: A required field is missing, or a field breaks another rule of the spec.
        """
        unknown, invalid = dict(_needed("object", Mapping, src_dict)), dict[str, Any]()
        instance = cls.__new__(cls)
        for attribute, name, is_required, reader in cls._fields():
            value = unknown.pop(name, UNSET)
            if is_required and value is UNSET:
                msg = f"{name!r} is required, and missing in: {show(dict(src_dict))}"
                raise ValueError(msg)
            if not (cls._is_strict or is_required):
                if value is None and name not in cls._nullable:
                    value = UNSET
                if isinstance(reader, type) and not isinstance(value, Mapping | Unset):
                    invalid[name], value = value, UNSET
            if reader is not None and value is not UNSET:
                value = _read_field(name, reader, value)
            object.__setattr__(instance, attribute, value)
        if reader := cls._other_reader:
            unknown = {name: _read_field(name, reader, unknown[name]) for name in unknown}
        object.__setattr__(instance, "additional_properties", unknown | invalid)
        if cls._is_strict:
            attrs.validate(cast(Any, instance))
        return instance

    def to_dict(self) -> dict[str, Any]:
        """The object as JSON; fields that are not set are left out."""
        return {name: to_json(value) for name, value in self._values().items()}

    def _values(self) -> dict[str, Any]:
        """The fields that are set, by their names in JSON."""
        values = {name: getattr(self, attribute) for attribute, name, _, _ in self._fields()}
        values |= self.additional_properties
        return {name: value for name, value in values.items() if value is not UNSET}

    def __contains__(self, key: object) -> bool:
        return key in self._values()

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]


class SentObject(OpenObject):
    """An object that is validated against the spec, unless it is made by `unchecked`."""

    __slots__ = ()
    _is_strict = True


class Unchecked:
    """A mixin for an object that is sent without validation."""

    __slots__ = ()
    _is_strict = False
    __setattr__ = object.__setattr__

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
        """Build it from an image file, as a `data:` URL in base64: a third larger than the file.

        Args:
            path: A PNG, JPEG, WebP or GIF, whatever its name; `~` and `file://` URLs work too.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is empty, or another kind of file.
        """
        given = os.fsdecode(path)
        file = os.path.expanduser(given)  # noqa: PTH111 - which keeps `~nobody` as it is
        if given.lower().startswith("file:///"):
            from urllib.request import url2pathname  # 20 ms, and rarely needed

            file = url2pathname(given[len("file://") :])
        with open(file, "rb") as opened:  # noqa: PTH123 - pathlib takes 3 ms to import
            content = opened.read()
        for media_type, signature in _SIGNATURES.items():
            if re.match(signature, content, re.DOTALL):
                data = b2a_base64(content, newline=False).decode()
                return cls(**{cls._file_field: f"data:{media_type};base64,{data}"})
        msg = f"{given!r} is {'another kind of file' if content else 'empty'}"
        raise ValueError(f"{msg}: a PNG, JPEG, WebP or GIF is needed")


def attributes_of(model: type[Any]) -> dict[str, str]:
    """The attributes of a model by their names in JSON."""
    return {name: attribute for attribute, name, _, _ in model._fields()}


def file_field_of(model: Any) -> str | None:
    """The field of a model that can hold a file; None if it has none."""
    is_model = isinstance(model, type) and issubclass(model, FromFile)
    return model._file_field if is_model else None  # noqa: SLF001 - of this module


def _needed(kind: str, expected: type[Any], value: Any) -> Any:
    """A JSON value, if it is of this kind."""
    if isinstance(value, expected):
        return value
    msg = f"a JSON {kind} is needed, not {type(value).__name__}: {show(value)}"
    raise TypeError(msg)


def extra(instance: Any, _: Any, value: Any) -> None:
    """A validator of `additional_properties`: no field of the spec may be among them."""
    for name in attributes_of(type(instance)).keys() & value.keys():
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
    return lambda source: [reader(item) for item in _needed("array", list, source)]


def first_of(*readers: Reader) -> Reader:
    """A reader that tries several readers; a value that none of them can read is kept as it is."""

    def read_first(source: Any) -> Any:
        for reader in readers:
            with contextlib.suppress(LookupError, TypeError, ValueError):
                return reader(source)
        return source

    return read_first


def tagged(name: str, readers: Mapping[Any, Reader]) -> Reader:
    """A reader of objects whose model is named by a field, the discriminator."""
    return lambda source: readers[source[name]](source)


def file(source: Any) -> File:
    """A file with the bytes of a response; any other value, as from JSON, is kept as it is."""
    return File(payload=BytesIO(source)) if isinstance(source, bytes) else cast(File, source)


def to_json(value: Any) -> Any:
    """A value as JSON; a value that the spec does not expect stays as it is."""
    if isinstance(value, float):  # some servers refuse 4.0 for 4; above 2**53 it is not exact
        return int(value) if value.is_integer() and abs(value) <= 2**53 else value
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


def to_multipart(instance: OpenObject) -> list[tuple[str, Any]]:
    """An object as the parts of a multipart/form-data body, one for each item of a list."""
    parts = list[tuple[str, Any]]()
    for name, value in instance.to_dict().items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, File):
                parts.append((name, (item.file_name, item.payload, item.mime_type)))
            elif isinstance(item, dict | list):
                parts.append((name, (None, json.dumps(item).encode(), "application/json")))
            elif item is not None:
                parts.append((name, (None, text_of(item).encode(), "text/plain")))
    return parts
