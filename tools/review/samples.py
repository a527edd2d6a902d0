"""Bodies to try a schema with: valid ones, and ones just beyond each of its rules."""

import itertools
from collections.abc import Callable
from typing import Any

from jsonschema_rs import Draft202012Validator

from .spec import Node, Spec

OF_EACH_TYPE: list[Any] = [None, True, False, 1, 1.5, "text", [], {}]
FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "a@b.example",
    "uri": "https://a.example/b",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
# A field that no schema describes.
UNKNOWN = "unknown_field"
DEPTH = 4
# No body is larger: what a schema says of longer texts and lists is left to a person.
LONGEST = 10_000
MOST_PAIRS = 100


def bodies(spec: Spec, pointer: str) -> list[Any]:
    """Bodies for the schema at a pointer."""
    media_type = spec.at(pointer.rpartition("/")[0]) if pointer.endswith("/schema") else {}
    examples = media_type.get("examples", {}).values()
    given = [each["value"] for each in examples if isinstance(each, dict) and "value" in each]
    return [*_samples(spec, spec.at(pointer), DEPTH), *given]


def whole_schema(spec: Spec, schema: Any) -> Node:
    """A schema with the document around it, so that references lead somewhere."""
    return {**spec.document, **(schema if isinstance(schema, dict) else {"allOf": [schema]})}


def _samples(spec: Spec, schema: Any, depth: int) -> list[Any]:
    """Values for a schema; those that are valid come first where that is known."""
    parts = spec.flat(schema)
    found = [*parts["examples"]] if isinstance(parts.get("examples"), list) else []
    found += parts.get("enum", [])
    found += [parts["const"]] if "const" in parts else []
    for keyword in ("anyOf", "oneOf") if depth else ():
        rest = {key: value for key, value in parts.items() if key != keyword}
        for alternative in parts.get(keyword, []):
            found += _samples(spec, {"allOf": [rest, alternative]}, depth - 1)
    kinds = parts.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        found += OF_TYPE[kind](spec, parts, depth) if kind in OF_TYPE else []
    return found + OF_EACH_TYPE


def _numbers(_: Spec, parts: Node, __: int) -> list[Any]:
    bounds = [parts[key] for key in parts if key in BOUNDS and isinstance(parts[key], int | float)]
    step = parts.get("multipleOf", 1)
    found = [bound + more for bound in bounds for more in (0, step, -step, 0.5, -0.5)]
    found += [step, 3 * step, 2.5 * step, 0, -step]
    return [int(number) if float(number).is_integer() else number for number in found]


def _strings(_: Spec, parts: Node, __: int) -> list[Any]:
    found = [FORMATS[parts["format"]]] if parts.get("format") in FORMATS else []
    lengths = _around(parts, "minLength", "maxLength")
    return [*found, "", "text", *("x" * length for length in lengths)]


def _around(parts: Node, *bounds: str) -> list[int]:
    """The lengths at some bounds and next to them."""
    found = (parts[key] + more for key in bounds if key in parts for more in (0, 1, -1))
    return [length for length in found if 0 <= length <= LONGEST]


def _arrays(spec: Spec, parts: Node, depth: int) -> list[Any]:
    if not depth:
        return [[]]
    items = _samples(spec, parts.get("items", {}), depth - 1)
    valid = _valid(spec, parts.get("items", {}), items)
    lengths = set(_around(parts, "minItems", "maxItems"))
    found = [valid[:1] * length for length in sorted(lengths | {1, 2})]
    found += [valid[:length] for length in sorted(lengths - {0})]
    return [[], *found, *([item] for item in items)]


def _objects(spec: Spec, parts: Node, depth: int) -> list[Any]:
    if not depth:
        return [{}]
    properties, required = parts.get("properties", {}), parts.get("required", [])
    samples = {name: _samples(spec, schema, depth - 1) for name, schema in properties.items()}
    valid = {name: _valid(spec, properties[name], samples[name]) for name in properties}
    first = {name: values[0] for name, values in valid.items()}
    first |= {name: "text" for name in required if name not in properties}
    base = {name: value for name, value in first.items() if name in required}
    found = [base, first, {**base, UNKNOWN: "text"}]
    found += [{name: base[name] for name in base if name != left} for left in base]
    optional = [name for name in properties if name not in required]
    for chosen in itertools.islice(itertools.combinations(["", *optional], 2), MOST_PAIRS):
        found.append({**base, **{name: first[name] for name in chosen if name}})
    found += [{**base, name: value} for name in samples for value in samples[name]]
    if isinstance(more := parts.get("additionalProperties"), dict):
        found += [{**base, UNKNOWN: value} for value in _samples(spec, more, depth - 1)]
    return found


def _valid(spec: Spec, schema: Any, values: list[Any]) -> list[Any]:
    """Those of the values that a schema accepts, or null if it accepts none."""
    validator = Draft202012Validator(whole_schema(spec, schema), offline=True)
    return [value for value in values if validator.is_valid(value)] or [None]


OF_TYPE: dict[str, Callable[[Spec, Node, int], list[Any]]] = {
    "object": _objects,
    "array": _arrays,
    "string": _strings,
    "number": _numbers,
    "integer": _numbers,
}
