# Do not edit: copied from runtime/_schemas.py, whatever the spec says.
# To change it, edit runtime/_schemas.py and run: make generate
"""JSON Schema's keywords that have schemas in them, as validators of a value in JSON.

`in_json` and `whole` look at a value as it will be sent, where a model is a dict and a date a text.
What is inside of them is combined from these validators and those in `_validators.py`.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ._objects import check
from ._validators import Named, Rule, Validator, all_of, show
from ._values import to_json
from .types import File


def in_json(*rules: Validator) -> Validator:
    """Each of these, for a value as it is in JSON."""
    rule = all_of(*rules)

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        rule(instance, attribute, _in_json(value))

    return validate


def whole(name: str, *rules: Validator) -> Rule:
    """Each of these, for a whole object as it is in JSON; messages call it by a name."""
    rule = in_json(*rules)

    def validate(fields: Mapping[str, Any]) -> None:
        rule(None, Named(name), dict(fields))

    return validate


def _in_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_in_json(each) for each in value]
    return value if isinstance(value, File) else to_json(value)


def anything(instance: Any, attribute: Any, value: Any) -> None:
    """Any value."""


def _fits(rule: Validator, *what: Any) -> bool:
    try:
        rule(*what)
    except (TypeError, ValueError):
        return False
    return True


def model(name: str) -> Validator:
    """An object that the model of this name takes."""

    def validate(_: Any, attribute: Any, value: Any) -> None:
        made = getattr(import_module(".models", __package__), name).from_dict(value)
        check(attribute.name, made)

    return validate


def not_(rule: Validator) -> Validator:
    """All that this refuses."""

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        if _fits(rule, instance, attribute, value):
            msg = f"{attribute.name!r} is what the spec excludes: {show(value)}"
            raise ValueError(msg)

    return validate


def if_(condition: Validator, then: Validator, otherwise: Validator) -> Validator:
    """One rule for what fits the condition, and another for what does not."""

    def validate(*what: Any) -> None:
        (then if _fits(condition, *what) else otherwise)(*what)

    return validate


def items(others: Validator, *first: Validator) -> Validator:
    """A rule for each of the first items of a list, and one for all others."""

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        for index, item in enumerate(value if isinstance(value, list) else ()):
            rule = first[index] if index < len(first) else others
            rule(instance, Named(f"{attribute.name}[{index}]"), item)

    return validate


def contains(rule: Validator, least: int, most: int | None) -> Validator:
    """At least and at most so many items of a list that fit a rule."""

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        if isinstance(value, list):
            count = sum(_fits(rule, instance, attribute, item) for item in value)
            if count < least or (most is not None and count > most):
                wanted = f"at least {least}" if most is None else f"{least} to {most}"
                what = f"must contain {wanted} items of a kind that the spec describes, not {count}"
                msg = f"{attribute.name!r} {what}: {show(value)}"
                raise ValueError(msg)

    return validate


def object_(*rules: Rule) -> Validator:
    """Rules about an object; another value fits."""

    def validate(_: Any, attribute: Any, value: Any) -> None:
        for rule in rules if isinstance(value, dict) else ():
            try:
                rule(value)
            except ValueError as error:
                msg = f"in {attribute.name!r}: {error}"
                raise ValueError(msg) from None

    return validate


def names(*rules: Validator) -> Validator:
    """Each of these, for the names of the fields of an object."""
    rule = all_of(*rules)

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        for name in value if isinstance(value, dict) else ():
            rule(instance, Named(f"the name {name} in {attribute.name}"), name)

    return validate


def fields(
    named: Mapping[str, Validator], patterns: Mapping[str, Validator], others: Validator
) -> Validator:
    """Rules for the fields of an object by their names, by patterns, and one for all others."""
    compiled = [(re.compile(pattern, re.ASCII), rule) for pattern, rule in patterns.items()]

    def validate(instance: Any, attribute: Any, value: Any) -> None:
        for name, field in value.items() if isinstance(value, dict) else ():
            rules = [rule for pattern, rule in compiled if pattern.search(name)]
            rules += [named[name]] if name in named else []
            for rule in rules or [others]:
                rule(instance, Named(f"{attribute.name}.{name}"), field)

    return validate


__all__ = [
    "anything",
    "contains",
    "fields",
    "if_",
    "in_json",
    "items",
    "model",
    "names",
    "not_",
    "object_",
    "whole",
]
