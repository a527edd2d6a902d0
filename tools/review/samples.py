"""Bodies to try a schema with: valid ones, and ones just beyond each of its rules."""

import itertools
import json
import random
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ..patterns import to_python
from .dialect import JsonSchema
from .spec import Node, Spec

OF_EACH_TYPE: list[Any] = [None, True, 1, 1.5, "text", [], {}]
FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "a@b.example",
    "uri": "https://a.example/b",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
CHARACTERS = [*map(chr, range(32, 127)), "\n", "é", "a b"]
BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
# What a schema without a type is about, if it has one of these keywords.
HINTS = {
    "object": {"properties", "required", "additionalProperties", "minProperties", "maxProperties"},
    "array": {"items", "minItems", "maxItems", "prefixItems", "uniqueItems"},
    "string": {"pattern", "minLength", "maxLength", "format"},
    "number": {*BOUNDS, "multipleOf"},
}
# A field that no schema describes.
UNKNOWN = "unknown_field"
DEPTH = 4
AT_RANDOM = 100
# No body is larger: what a schema says of longer texts and lists is left to a person.
LONGEST_TEXT = 100_000
LONGEST_LIST = 1_000
# The samples of the schemas in a spec that were met so far.
KNOWN: WeakKeyDictionary[Spec, dict[tuple[str, int], list[Any]]] = WeakKeyDictionary()
SEED = 2_026


def bodies(spec: Spec, pointer: str) -> list[Any]:
    """Bodies for the schema at a pointer, each once."""
    found = [*_samples(spec, spec.at(pointer), DEPTH)]
    media_type = spec.at(pointer.rpartition("/")[0]) if pointer.endswith("/schema") else {}
    examples = media_type.get("examples", {}).values()
    found += [each["value"] for each in examples if isinstance(each, dict) and "value" in each]
    return list({json.dumps(body): body for body in found}.values())


def whole_schema(spec: Spec, schema: Any) -> Node:
    """A schema with the document around it, so that references lead somewhere."""
    return {**spec.document, **(schema if isinstance(schema, dict) else {"allOf": [schema]})}


def _samples(spec: Spec, schema: Any, depth: int) -> list[Any]:
    """Values for a schema; those that are valid come first where that is known."""
    known = KNOWN.setdefault(spec, {})
    key = json.dumps(schema), depth
    if key not in known:  # fields often have the same schema
        known[key] = _new_samples(spec, schema, depth)
    return known[key]


def _new_samples(spec: Spec, schema: Any, depth: int) -> list[Any]:
    parts = spec.flat(schema)
    found = [*parts["examples"]] if isinstance(parts.get("examples"), list) else []
    found += parts.get("enum", [])
    found += [parts["const"]] if "const" in parts else []
    for keyword in ("anyOf", "oneOf") if depth else ():
        rest = {key: value for key, value in parts.items() if key != keyword}
        for alternative in parts.get(keyword, []):
            found += _samples(spec, {"allOf": [rest, alternative]}, depth - 1)
    for kind in _types(parts):
        found += OF_TYPE[kind](spec, parts, depth)
    return found + OF_EACH_TYPE


def _types(parts: Node) -> list[str]:
    if kind := parts.get("type"):
        return kind if isinstance(kind, list) else [kind]
    return [kind for kind, keywords in HINTS.items() if keywords & parts.keys()]


def _numbers(_: Spec, parts: Node, __: int) -> list[Any]:
    bounds = [parts[key] for key in parts if key in BOUNDS and isinstance(parts[key], int | float)]
    step = parts.get("multipleOf", 1)
    found = [bound + more for bound in bounds for more in (0, step, -step, 0.5, -0.5)]
    found += [step, 3 * step, 2.5 * step, 0, -step]
    whole = [int(bound) for bound in bounds if float(bound).is_integer()]
    if whole and max(whole) - min(whole) <= 100:
        found += range(min(whole), max(whole) + 1)
    return [int(number) if float(number).is_integer() else number for number in found]


def _strings(_: Spec, parts: Node, __: int) -> list[Any]:
    found = [FORMATS[parts["format"]]] if parts.get("format") in FORMATS else []
    found += _matching(parts["pattern"]) if "pattern" in parts else []
    lengths = _around(parts, "minLength", "maxLength", most=LONGEST_TEXT)
    return [*found, "text", "", *("x" * length for length in lengths)]


def _around(parts: Node, *bounds: str, most: int) -> list[int]:
    """The lengths at some bounds and next to them."""
    found = (parts[key] + more for key in bounds if key in parts for more in (0, 1, -1))
    return [length for length in found if 0 <= length <= most]


@lru_cache
def _matching(pattern: str) -> list[str]:
    if (regex := to_python(pattern)) is None:
        return []
    found: list[str] = []

    @settings(
        derandomize=True, database=None, max_examples=20, phases=[Phase.generate], deadline=None
    )
    @given(st.from_regex(re.compile(regex, re.ASCII)))
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return [*sorted(set(found), key=lambda text: (len(text), text)), *CHARACTERS]


def _arrays(spec: Spec, parts: Node, depth: int) -> list[Any]:
    if not depth:
        return [[]]
    items = _samples(spec, parts.get("items", {}), depth - 1)
    valid = _valid(spec, parts.get("items", {}), items)
    lengths = set(_around(parts, "minItems", "maxItems", most=LONGEST_LIST))
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
    for size in (1, 2, 3):
        for chosen in itertools.islice(itertools.combinations(optional, size), 60):
            found.append({**base, **{name: first[name] for name in chosen}})
    found += [{**base, name: value} for name in samples for value in samples[name]]
    if isinstance(more := parts.get("additionalProperties"), dict):
        found += [{**base, UNKNOWN: value} for value in _samples(spec, more, depth - 1)]
    return found + (_at_random(valid, required) if depth == DEPTH else [])


def _at_random(values: dict[str, list[Any]], required: list[str]) -> list[Any]:
    """Objects with some of the fields, and with any of the values; the same ones every time."""
    chance = random.Random(SEED)  # noqa: S311 - not a secret
    found = []
    for _ in range(AT_RANDOM):
        some = [name for name in values if name in required or chance.random() < 0.5]
        found.append({name: chance.choice(values[name]) for name in some})
    return found


def _valid(spec: Spec, schema: Any, values: list[Any]) -> list[Any]:
    """Those of the values that a schema accepts, or null if it accepts none."""
    validator = JsonSchema(whole_schema(spec, schema))
    try:
        return [value for value in values if validator.is_valid(value)] or [None]
    except re.error:  # a name in patternProperties that only JavaScript knows
        return values


OF_TYPE: dict[str, Callable[[Spec, Node, int], list[Any]]] = {
    "object": _objects,
    "array": _arrays,
    "string": _strings,
    "number": _numbers,
    "integer": _numbers,
    "boolean": lambda *_: [True, False],
    "null": lambda *_: [None],
}
