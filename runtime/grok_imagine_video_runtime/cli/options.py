"""The options of a command, one for each field of a model, and the object that they make."""

import base64
import inspect
import json
import mimetypes
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
from cyclopts import CoercionError, Parameter, Token, convert
from docstring_parser import parse

from ..models import attributes_of, to_json
from ..operations import Create
from ..types import UNSET, Unset
from ..validators import show
from .settings import REQUEST

Read = Callable[[Any], Any]

FILE_OR_URL = "FILE_OR_URL"


def _as_it_is(value: Any) -> Any:
    return value


@attrs.frozen
class Kind:
    """How a type is typed: what cyclopts makes of the text, and what then becomes of it in JSON."""

    type: Any
    read: Read = _as_it_is
    metavar: str | None = None


@attrs.frozen
class Option:
    """An option for a field.

    Attributes:
        field: The name of the field in JSON.
        name: The name of the parameter of a command.
        names: What is typed for it.
        kind: How its value is typed.
        default: What is sent if it is left out; UNSET for nothing, NOTHING if it must be typed.
        help: What the spec says about the field.
        is_positional: Whether it is typed without a name.
    """

    field: str
    name: str
    names: Sequence[str]
    kind: Kind
    default: Any
    help: str | None
    is_positional: bool

    @property
    def parameter(self) -> inspect.Parameter:
        """The parameter of a command."""
        is_shown = isinstance(self.default, str | int | float)
        about = Parameter(
            name=self.names,
            converter=convert,  # to the type alone, so that "null" is refused
            help=self.help,
            group=REQUEST,
            metavar=self.kind.metavar,
            negative=None if self.kind.type is bool else "",
            required=self.default is attrs.NOTHING,
            show_default=str(self.default) if is_shown else False,
        )
        annotation = Annotated[self.kind.type | None, about]  # type: ignore[name-defined]
        made = inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
        if self.is_positional:
            return made.replace(kind=inspect.Parameter.POSITIONAL_ONLY)
        return made.replace(default=None)

    @property
    def columns(self) -> set[str]:
        """What the column for it in a table may be called."""
        return {self.field, *(name.strip("-").replace("-", "_") for name in self.names)}


def options_of(create: Create, taken: Collection[str]) -> list[Option]:
    """The options of a command; one whose name is `taken` gets another name.

    The first required field that takes any text is typed without a name, and comes first.
    """
    hints = typing.get_type_hints(create.model)
    helps = {each.arg_name: each.description for each in parse(create.model.__doc__ or "").params}
    options: list[Option] = []
    for field, name in attributes_of(create.model).items():
        kind, default = _kind(hints[name]), _default(create, field, name)
        is_first = kind == _TEXT and default is attrs.NOTHING
        is_first = is_first and not any(each.is_positional for each in options)
        names = [name.upper()] if is_first else _names(name, create.names.get(field), taken)
        own = f"field_{name}"  # so that it is none of the command's own
        options.append(Option(field, own, names, kind, default, helps.get(name), is_first))
    return sorted(options, key=lambda each: not each.is_positional)


def _default(create: Create, field: str, name: str) -> Any:
    default = getattr(attrs.fields(create.model), name).default
    return create.defaults.get(field, default) if default is attrs.NOTHING else to_json(default)


def _names(name: str, short: str | None, taken: Collection[str]) -> list[str]:
    names = [f"--{each.strip('_').replace('_', '-')}" for each in (short, name) if each]
    return [f"--request-{each[2:]}" if each in taken else each for each in names]


def _kind(hint: Any) -> Kind:
    """How a value of a type is typed; what has no better way is typed as JSON."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    alternatives = typing.get_args(hint) if is_union else [hint]
    alternatives = [each for each in alternatives if each not in (Unset, type(None))]
    if len(alternatives) != 1:
        return _TEXT_OR_JSON if str in alternatives else _JSON
    (one,) = alternatives
    if typing.get_origin(one) is list:
        return _list_of(_kind(typing.get_args(one)[0]))
    if typing.get_origin(one) is Literal:
        return _choice(typing.get_args(one))
    if one is int:
        return _INTEGER
    if one in (bool, float):
        return Kind(one)
    if not isinstance(one, type) or one in (dict, object):
        return _JSON
    if issubclass(one, Enum):
        return _choice(each.value for each in one)
    if attrs.has(one):
        return _FILE if "url" in attributes_of(one) else _JSON
    return _TEXT  # also for dates and the like, which the model reads


def _choice(values: Iterable[Any]) -> Kind:
    texts = {each if isinstance(each, str) else json.dumps(each): each for each in values}
    return Kind(Literal[tuple(texts)], lambda text: texts.get(text, text))


def _list_of(kind: Kind) -> Kind:
    def read(items: Sequence[Any]) -> list[Any]:
        return [kind.read(each) if isinstance(each, str) else each for each in items]

    return Kind(list[kind.type], read, kind.metavar)  # type: ignore[name-defined]


def _integer(text: str) -> int:
    """An integer as it is typed; cyclopts would round 5.5 to 6."""
    if not re.fullmatch("[+-]?[0-9]+", text):
        msg = f"not an integer; write it in digits, such as 4: {text!r}"
        raise ValueError(msg)
    return int(text)


def _typed_integer(_: type, tokens: Sequence[Token]) -> int:
    try:
        return _integer(tokens[0].value)
    except ValueError as error:
        raise CoercionError(msg=str(error), token=tokens[0]) from None


# The type of an integer that the command itself has, such as --concurrency.
Integer = Annotated[int, Parameter(converter=_typed_integer)]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        msg = f"not JSON ({error}); a text in JSON has quotes: {text!r}"
        raise ValueError(msg) from None


def text_or_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def is_url(text: str) -> bool:
    return text.lower().startswith(("https://", "http://", "data:"))


def _file_or_url(text: str) -> Any:
    """An object with a URL: the URL as it is, or a file as a data: URL with all that is in it."""
    if text.lstrip().startswith("{"):
        return _json(text)
    if is_url(text):
        return {"url": text}
    kind = mimetypes.guess_type(text, strict=False)[0] or ""
    if not kind.startswith(("image/", "audio/", "video/")):
        msg = f"neither a URL nor a file that is named like an image, such as lake.png: {text!r}"
        raise ValueError(msg)
    try:
        content = Path(text).read_bytes()
    except OSError as error:
        msg = f"cannot be read: {error.strerror}: {text!r}"
        raise ValueError(msg) from None
    return {"url": f"data:{kind};base64,{base64.b64encode(content).decode()}"}


_TEXT = Kind(str)
_INTEGER = Kind(str, _integer, "INT")
_TEXT_OR_JSON = Kind(str, text_or_json)
_JSON = Kind(str, _json, "JSON")
_FILE = Kind(str, _file_or_url, FILE_OR_URL)


def body_of(
    create: Create,
    options: Sequence[Option],
    values: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> Any:
    """The body of a request, checked against the spec.

    Raises:
        TypeError: A field has the wrong type.
        ValueError: A field breaks another rule of the spec, or cannot be read.
    """
    fields = {each.field: each.default for each in options if each.default is not UNSET}
    for option in options:
        value = values.get(option.name)
        if value is not None:
            fields[option.field] = _named(option.names[0], option.kind.read, value)
    body = create.model.from_dict({**fields, **extra})
    check_texts(options, body)
    return body


def check_texts(options: Sequence[Option], body: object) -> None:
    """Refuse a blank text that is required, such as that of a variable that is not set.

    Raises:
        ValueError: There is one.
    """
    attributes = attributes_of(type(body))
    for option in options:
        text = getattr(body, attributes[option.field])
        if option.default is attrs.NOTHING and isinstance(text, str) and not text.strip():
            msg = f"{option.field!r} must not be blank: {show(text)}"
            raise ValueError(msg)


def extra_of(create: Create, given: Sequence[str]) -> dict[str, Any]:
    """The fields of --extra.

    Raises:
        ValueError: One is in the spec, or cannot be read.
    """
    fields = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            msg = f"--extra needs NAME=JSON: {each!r}"
            raise ValueError(msg)
        if name in attributes_of(create.model):
            msg = f"--extra {name}: this field is in the spec, so it has an option of its own"
            raise ValueError(msg)
        fields[name] = _named(f"--extra {name}", _json, value)
    return fields


def _named(name: str, read: Read, value: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        msg = f"{name}: {error}"
        raise ValueError(msg) from None
