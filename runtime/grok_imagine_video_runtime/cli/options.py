"""The options of a request: one for each field of a model, as its attributes and types say."""

import json
import re
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import attrs
from cyclopts import convert
from docstring_parser import parse

from ..models import attributes_of, file_field_of, to_json
from ..operations import Create
from ..types import UNSET, Unset
from .exits import why
from .settings import REQUEST, as_typed
from .settings import option as option_of


class Option(NamedTuple):
    """A field of a request, as it is typed; the type is that of its items if it is a list.

    The default is UNSET if nothing is sent then, and NOTHING if the field is required.
    """

    field: str
    names: Sequence[str]
    default: Any
    help: str
    type: Any
    is_list: bool

    @property
    def label(self) -> str:
        """What it is called where it is typed without a name."""
        return self.names[-1].strip("-").upper().replace("-", "_")

    def attribute(self) -> Any:
        """The attribute for it in a class of options: a text, a choice, a file, or a switch."""
        is_native = self.type is bool or typing.get_origin(self.type) is Literal
        kind = self.type if is_native else Path if file_field_of(self.type) else str
        metavars = {str: None, int: "INT", float: "FLOAT"}
        metavar = "FILE_OR_URL" if kind is Path else metavars.get(self.type, "JSON")
        about: dict[str, Any] = {
            "name": self.names,
            "converter": convert if is_native else as_typed,
            "negative": None if kind is bool else "",
            "show_default": False if self.default in (UNSET, attrs.NOTHING) else str(self.default),
            "required": self.default is attrs.NOTHING,
            "metavar": None if is_native else metavar,
        }
        made = list[kind] if self.is_list else kind | None  # type: ignore[valid-type]
        return option_of(made, REQUEST, self.help, **about)

    def read(self, value: Any, folder: Path, *, is_typed: bool) -> Any:
        """The JSON of a text that is typed or in a cell; a file can be such a text in JSON too."""
        if is_typed and self.is_list and isinstance(value, str):
            value = json_or_text(value) if value.lstrip().startswith("[") else [value]
        if isinstance(value, list):
            item = self._replace(is_list=False)
            return [item.read(part, folder, is_typed=is_typed) for part in value]
        if not isinstance(value, str) or self.type is str:
            return value
        if file_field_of(self.type):
            return _file_or_url(self.type, value, folder)
        if is_typed and self.type is int:
            if re.fullmatch("[+-]?[0-9]+", value):
                return int(value)
            msg = f"not an integer; write it in digits, such as 4: {value!r}"
            raise ValueError(msg)
        choices = {str(choice): choice for choice in typing.get_args(self.type)}
        return choices.get(value, json_or_text(value) if is_typed else value)


class Form(NamedTuple):
    """The fields of a request; `text` is one that is typed without a name, if there is one."""

    create: Create
    text: Option | None
    options: Sequence[Option]

    @property
    def fields(self) -> Sequence[Option]:
        """All fields."""
        return [self.text, *self.options] if self.text else self.options

    def body(self, values: Mapping[str, Any], folder: Path, *, is_typed: bool = True) -> Any:
        """The body with these values, and with defaults for others; an error if one is wrong."""
        given = dict(values)
        for option in self.fields:
            try:
                value = given.get(option.field, option.default)
                value = option.read(value, folder, is_typed=is_typed)
            except ValueError as error:
                msg = f"{option.field!r}: {error}"
                raise ValueError(msg) from None
            is_blank = isinstance(value, str) and not value.strip()
            if value is attrs.NOTHING or (is_blank and option.default is attrs.NOTHING):
                msg = f"{option.field!r} {'must not be blank' if is_blank else 'is missing'}"
                raise ValueError(msg)
            given |= {} if value is UNSET else {option.field: value}
        return self.create.model.from_dict(given)

    def attributes(self) -> dict[str, Any]:
        """The attributes of a class of options."""
        return {f"field_{option.field}": option.attribute() for option in self.options}

    def typed(self, options: Any) -> dict[str, Any]:
        """What is typed for the options."""
        values = {
            option.field: getattr(options, f"field_{option.field}") for option in self.options
        }
        return {name: value for name, value in values.items() if value is not None}

    def in_options(self, message: str) -> str:
        """A message with the names of options in place of those of fields."""
        for option in self.fields:
            name = option.label if option is self.text else option.names[0]
            message = message.replace(repr(option.field), name)
        return message


def form_of(create: Create, taken: Collection[str]) -> Form:
    """The fields of an operation's request; an option whose name is `taken` gets another one.

    The first required field that takes any text is typed without a name.
    """
    hints, params = typing.get_type_hints(create.model), parse(create.model.__doc__ or "").params
    helps = {param.arg_name: " ".join((param.description or "").split()) for param in params}
    options, text = [], None
    for name, attribute in attributes_of(create.model).items():
        default = getattr(attrs.fields(create.model), attribute).default
        default = create.defaults.get(name, default) if default is attrs.NOTHING else default
        words = [word.strip("_") for word in (create.names.get(name), attribute) if word]
        names = [f"--{'request-' * (word in taken)}{word.replace('_', '-')}" for word in words]
        kind = _type_of(hints[attribute])
        is_list = typing.get_origin(kind) is list
        kind = _type_of(typing.get_args(kind)[0]) if is_list else kind
        option = Option(name, names, to_json(default), helps.get(attribute, ""), kind, is_list)
        if text is None and kind is str and default is attrs.NOTHING and not is_list:
            text = option
        else:
            options.append(option)
    return Form(create, text, options)


def _type_of(hint: Any) -> Any:
    """The one type that a field has besides null; object if it has several."""
    is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    alternatives = typing.get_args(hint) if is_union else [hint]
    alternatives = [part for part in alternatives if part not in (Unset, type(None))]
    return alternatives[0] if len(alternatives) == 1 else object


def json_or_text(text: str) -> Any:
    """What a text says in JSON, or else the text."""
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except ValueError:
        return text


def _file_or_url(model: Any, text: str, folder: Path) -> Any:
    """A model that can hold a file, as JSON: with a URL as it is, or with a file."""
    if text.lstrip().startswith("{"):
        return json_or_text(text)
    if text.lower().startswith(("https://", "http://", "data:")):
        return {file_field_of(model): text}
    try:
        path = text if text.lower().startswith(("~", "file:")) else folder / text
        return model.from_file(path).to_dict()
    except OSError as error:
        msg = f"cannot read {text!r}: {why(error)}"
        raise ValueError(msg) from None
