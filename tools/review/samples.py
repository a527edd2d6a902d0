"""Bodies to try a schema with: valid ones, and ones that just break each of its rules."""

import itertools
from collections.abc import Callable
from typing import Any

from jsonschema_rs import Draft202012Validator

from .spec import Node, Spec

OF_EACH_TYPE: list[Any] = [None, True, False, 1, 1.5, "text", [], {}]
BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
# A field that no schema describes.
UNKNOWN = "unknown_field"
DEPTH = 4
# No body is larger: what a schema says of longer texts and lists is left to a person.
MAX_LENGTH = 10_000
MAX_PAIRS = 100


def bodies(spec: Spec, pointer: str) -> list[Any]:
    """Bodies for the schema at a pointer."""
    media_type = spec.at(pointer.rpartition("/")[0]) if pointer.endswith("/schema") else {}
    examples = media_type.get("examples", {}).values()
    rows = (example for example in examples if isinstance(example, dict))
    values = [example["value"] for example in rows if "value" in example]
    return [*_samples(spec, spec.at(pointer), DEPTH), *values]


def whole_schema(spec: Spec, schema: Any) -> Node:
    """A schema within its document, so that references can be resolved."""
    return {**spec.document, **(schema if isinstance(schema, dict) else {"allOf": [schema]})}


def _samples(spec: Spec, schema: Any, depth: int) -> list[Any]:
    """Values for a schema; those that are valid come first where that is known."""
    parts = spec.flat(schema)
    samples = [*parts["examples"]] if isinstance(parts.get("examples"), list) else []
    samples += parts.get("enum", [])
    samples += [parts["const"]] if "const" in parts else []
    for keyword in ("anyOf", "oneOf") if depth else ():
        rest = {key: value for key, value in parts.items() if key != keyword}
        for alternative in parts.get(keyword, []):
            samples += _samples(spec, {"allOf": [rest, alternative]}, depth - 1)
    types = parts.get("type", [])
    for type_ in types if isinstance(types, list) else [types]:
        samples += OF_TYPE[type_](spec, parts, depth) if type_ in OF_TYPE else []
    return samples + OF_EACH_TYPE


def _numbers(_: Spec, parts: Node, __: int) -> list[Any]:
    bounds = [parts[key] for key in parts if key in BOUNDS and isinstance(parts[key], int | float)]
    step = parts.get("multipleOf", 1)
    numbers = [bound + offset for bound in bounds for offset in (0, step, -step, 0.5, -0.5)]
    numbers += [step, 3 * step, 2.5 * step, 0, -step]
    return [int(number) if float(number).is_integer() else number for number in numbers]


def _strings(_: Spec, parts: Node, __: int) -> list[Any]:
    return ["", "text", *("x" * length for length in _around(parts, "minLength", "maxLength"))]


def _around(parts: Node, *bounds: str) -> list[int]:
    """The lengths at some bounds and next to them."""
    lengths = (parts[key] + offset for key in bounds if key in parts for offset in (0, 1, -1))
    return [length for length in lengths if 0 <= length <= MAX_LENGTH]


def _arrays(spec: Spec, parts: Node, depth: int) -> list[Any]:
    if not depth:
        return [[]]
    items = _samples(spec, parts.get("items", {}), depth - 1)
    valid = _valid(spec, parts.get("items", {}), items)
    lengths = set(_around(parts, "minItems", "maxItems"))
    values = [valid[:1] * length for length in sorted(lengths | {1, 2})]
    values += [valid[:length] for length in sorted(lengths - {0})]
    return [[], *values, *([item] for item in items)]


def _objects(spec: Spec, parts: Node, depth: int) -> list[Any]:
    if not depth:
        return [{}]
    properties, required = parts.get("properties", {}), parts.get("required", [])
    samples = {name: _samples(spec, schema, depth - 1) for name, schema in properties.items()}
    valid = {name: _valid(spec, properties[name], samples[name]) for name in properties}
    first = {name: values[0] for name, values in valid.items()}
    first |= {name: "text" for name in required if name not in properties}
    base = {name: value for name, value in first.items() if name in required}
    values = [base, first, {**base, UNKNOWN: "text"}]
    values += [{name: base[name] for name in base if name != left} for left in base]
    optional = [name for name in properties if name not in required]
    for chosen in itertools.islice(itertools.combinations(["", *optional], 2), MAX_PAIRS):
        values.append({**base, **{name: first[name] for name in chosen if name}})
    values += [{**base, name: value} for name in samples for value in samples[name]]
    if isinstance(more := parts.get("additionalProperties"), dict):
        values += [{**base, UNKNOWN: value} for value in _samples(spec, more, depth - 1)]
    return values


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
