"""Bodies to try a schema with: valid ones, and ones just beyond each of its rules."""

import copy
import itertools
import json
import random
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from tools.spec import Node, Spec

KINDS: list[Any] = [None, True, 1, 1.5, "text", [], {}]
FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "a@b.example",
    "uri": "https://a.example/b",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
CHARACTERS = [*map(chr, range(32, 127)), "\n", "é", "a b"]
UNKNOWN = "unknown_field"
DEPTH = 4
AT_RANDOM = 100
SEED = 2_026


def strict(spec: Spec) -> Spec:
    """The spec as a sender has to read it: what is not described must not be sent.

    To JSON Schema a field that is described no more is as welcome as before. One field that nobody
    describes stays allowed, so that closing an object can be told from that.
    """
    document = copy.deepcopy(spec.document)
    for holder, name in list(_places(document)):
        parts = flat(spec, holder[name])
        if "properties" in parts and parts.get("additionalProperties", True) is True:
            allowed: Node = {f"^{UNKNOWN}$": {}}
            allowed |= holder[name].get("patternProperties", {})
            schema = {**holder[name], "patternProperties": allowed, "unevaluatedProperties": False}
            holder[name] = schema
    for node in _objects(document):
        if node.get("additionalProperties") is True:
            del node["additionalProperties"]
    return Spec(document, spec.lines)


def _objects(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
    for value in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from _objects(value)


def _places(document: Node) -> Iterator[tuple[Node, str]]:
    """Where a schema stands that is not a part of the schema around it."""
    for node in _objects(document):
        properties = node.get("properties")
        for holder in (node, properties if isinstance(properties, dict) else {}):
            names = ("schema", "items") if holder is node else tuple(holder)
            yield from ((holder, name) for name in names if isinstance(holder.get(name), dict))


def flat(spec: Spec, schema: Any, depth: int = 0) -> Node:
    """A schema with what it refers to and what it is made of in one place, as far as that goes."""
    if not isinstance(schema, dict) or depth > 2 * DEPTH:
        return {}
    found: Node = {}
    referred = [spec.at(schema["$ref"].removeprefix("#"))] if "$ref" in schema else []
    own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
    inner = [flat(spec, part, depth + 1) for part in [*referred, *schema.get("allOf", [])]]
    for part in [*inner, own]:
        merged = {
            "properties": {**found.get("properties", {}), **part.get("properties", {})},
            "required": [*found.get("required", []), *part.get("required", [])],
        }
        found = {**found, **part, **{key: value for key, value in merged.items() if value}}
    return found


class Judge:
    """What JSON Schema says of bodies under the schema at a pointer."""

    def __init__(self, spec: Spec, pointer: str) -> None:
        self._verdicts: dict[str, bool] = {}
        schema = spec.at(pointer)
        root = {**spec.document, **(schema if isinstance(schema, dict) else {"allOf": [schema]})}
        self._validator = Draft202012Validator(
            root, format_checker=Draft202012Validator.FORMAT_CHECKER
        )

    def accepts(self, text: str, body: Any) -> bool:
        """Whether a body, which is given as text too, is valid; each is looked at once."""
        if text not in self._verdicts:
            try:
                self._verdicts[text] = bool(self._validator.is_valid(body))
            except re.error:  # a pattern of JavaScript's alone, which nothing here can try
                self._verdicts[text] = True
        return self._verdicts[text]

    def why(self, body: Any) -> str:
        """The validator's words about a body that it refuses."""
        error: ValidationError = best_match(self._validator.iter_errors(body))
        field = ".".join(map(str, error.absolute_path)) or "the body"
        words = (
            error.message
            if len(error.message) < 160
            else f"{error.validator}: {error.validator_value}"
        )
        return f"{field}: {words}"


def bodies(spec: Spec, pointer: str) -> list[Any]:
    """Bodies for the schema at a pointer, each once."""
    found = _samples(spec, spec.at(pointer), DEPTH)
    examples = (
        [*spec.at(pointer.rpartition("/")[0]).get("examples", {}).values()]
        if pointer.endswith("/schema")
        else []
    )
    found += [each["value"] for each in examples if isinstance(each, dict) and "value" in each]
    return list({json.dumps(body): body for body in found}.values())


def _samples(spec: Spec, schema: Any, depth: int) -> list[Any]:
    """Values for a schema; those that are valid come first where that is known."""
    parts = flat(spec, schema)
    found = [*parts.get("examples", [])] if isinstance(parts.get("examples"), list) else []
    found += [*parts.get("enum", [])]
    found += [parts["const"]] if "const" in parts else []
    for keyword in ("anyOf", "oneOf"):
        for alternative in parts.get(keyword, []):
            rest = {key: value for key, value in parts.items() if key != keyword}
            found += _samples(spec, {"allOf": [rest, alternative]}, depth - 1) if depth else []
    for kind in _kinds(parts):
        found += _OF_KIND[kind](spec, parts, depth)
    return found + KINDS


def _kinds(parts: Node) -> list[str]:
    kind = parts.get("type", [])
    if kind:
        return kind if isinstance(kind, list) else [kind]
    hints = {
        "object": {
            "properties",
            "required",
            "additionalProperties",
            "minProperties",
            "maxProperties",
        },
        "array": {"items", "minItems", "maxItems", "prefixItems", "uniqueItems"},
        "string": {"pattern", "minLength", "maxLength", "format"},
        "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    }
    return [kind for kind, keywords in hints.items() if keywords & parts.keys()]


def _numbers(_: Spec, parts: Node, __: int) -> list[Any]:
    bounds = [parts[key] for key in parts if key in _BOUNDS and isinstance(parts[key], int | float)]
    step = parts.get("multipleOf", 1)
    found = [
        each
        for bound in bounds
        for each in (bound, bound + step, bound - step, bound + 0.5, bound - 0.5)
    ]
    found += [step, 3 * step, 2.5 * step, 0, -step]
    whole = [bound for bound in bounds if float(bound).is_integer()]
    if whole and max(whole) - min(whole) <= 100:
        found += range(int(min(whole)), int(max(whole)) + 1)
    return [int(number) if float(number).is_integer() else number for number in found]


_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}


def _strings(_: Spec, parts: Node, __: int) -> list[Any]:
    found = [FORMATS[parts["format"]]] if parts.get("format") in FORMATS else []
    found += _matching(parts["pattern"]) if "pattern" in parts else []
    lengths = [
        parts[key] + more
        for key in ("minLength", "maxLength")
        if key in parts
        for more in (0, 1, -1)
    ]
    return [*found, "text", "", *("x" * length for length in lengths if length >= 0)]


def _matching(pattern: str) -> list[str]:
    found: list[str] = []

    @settings(
        derandomize=True, database=None, max_examples=20, phases=[Phase.generate], deadline=None
    )
    @given(st.from_regex(pattern))
    def collect(text: str) -> None:
        found.append(text)

    try:
        collect()
    except re.error:  # a pattern of JavaScript's alone
        return []
    return [*sorted(set(found), key=len), *CHARACTERS]


def _arrays(spec: Spec, parts: Node, depth: int) -> list[Any]:
    if not depth:
        return [[]]
    items = _samples(spec, parts.get("items", {}), depth - 1)
    distinct = _valid(spec, parts.get("items", {}), items)
    lengths = {
        parts[key] + more for key in ("minItems", "maxItems") if key in parts for more in (0, 1, -1)
    }
    found = [distinct[:1] * length for length in sorted(lengths | {1, 2}) if length >= 0]
    found += [distinct[:length] for length in sorted(lengths) if length > 0]
    return [[], *found, *([item] for item in items)]


def _objects_of(spec: Spec, parts: Node, depth: int) -> list[Any]:
    properties = parts.get("properties", {})
    required = list(dict.fromkeys(parts.get("required", [])))
    if not depth:
        return [{}]
    samples = {name: _samples(spec, schema, depth - 1) for name, schema in properties.items()}
    fitting = {name: _valid(spec, properties[name], samples[name]) for name in properties}
    valid = {name: values[0] for name, values in fitting.items()}
    valid |= {name: "text" for name in required if name not in properties}
    base = {name: valid[name] for name in valid if name in required}
    optional = [name for name in properties if name not in required]
    found = [base, {**base, **{name: valid[name] for name in optional}}, {**base, UNKNOWN: "text"}]
    found += [{name: base[name] for name in base if name != left} for left in base]
    for size in (1, 2, 3):
        for chosen in itertools.islice(itertools.combinations(optional, size), 60):
            found.append({**base, **{name: valid[name] for name in chosen}})
    found += [{**base, name: value} for name in samples for value in samples[name]]
    more = parts.get("additionalProperties")
    if isinstance(more, dict):
        found += [{**base, UNKNOWN: value} for value in _samples(spec, more, depth - 1)]
    chance = random.Random(SEED)  # noqa: S311 - the same bodies every time
    for _ in range(AT_RANDOM if depth == DEPTH else 0):
        some = [name for name in fitting if name in required or chance.random() < 0.5]
        found.append({name: chance.choice(fitting[name]) for name in some})
    return found


def _valid(spec: Spec, schema: Any, values: list[Any]) -> list[Any]:
    """Those of the values that a schema accepts, or null if it accepts none."""
    root = {**spec.document, **(schema if isinstance(schema, dict) else {"allOf": [schema]})}
    validator = Draft202012Validator(root)
    return [value for value in values if validator.is_valid(value)] or [None]


_OF_KIND = {
    "object": _objects_of,
    "array": _arrays,
    "string": _strings,
    "number": _numbers,
    "integer": _numbers,
    "boolean": lambda *_: [True, False],
    "null": lambda *_: [None],
}
