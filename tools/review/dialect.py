"""JSON Schema as the review needs it: fast for large objects, and with patterns of JavaScript."""

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from openapi_schema_validator import oas30_format_checker, oas31_format_checker

from ..patterns import to_python


def _properties(
    validator: Any, properties: dict[str, Any], body: Any, _: Any
) -> Iterator[ValidationError]:
    """The keyword, at the cost of the fields that a body has and not of all that are described."""
    for name in body if isinstance(body, dict) else ():
        if name in properties:
            yield from validator.descend(body[name], properties[name], path=name, schema_path=name)


def _pattern(_: Any, pattern: str, body: Any, __: Any) -> Iterator[ValidationError]:
    regex = to_python(pattern) if isinstance(body, str) else None
    if regex is not None and not re.search(regex, body, re.ASCII):
        yield ValidationError(f"{body!r} does not match {pattern!r}")


def _is_pattern(text: Any) -> bool:
    return not isinstance(text, str) or to_python(text) is not None


KEYWORDS = {"pattern": _pattern, "properties": _properties}
JsonSchema: Any = extend(Draft202012Validator, KEYWORDS)  # type: ignore[no-untyped-call]

# What vets a spec takes Python's patterns for those of JSON Schema.
for _checker in (Draft202012Validator.FORMAT_CHECKER, oas30_format_checker, oas31_format_checker):
    _checker.checks("regex")(_is_pattern)
