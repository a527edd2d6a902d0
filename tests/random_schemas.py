"""Random schemas of all keywords, and random values that some of them accept."""

from random import Random
from typing import Any

Schema = dict[str, Any]
NAMES = ("a", "b", "c")
KINDS = ("array", "boolean", "integer", "null", "number", "object", "string")
# What random schemas refer to.
SHARED: dict[str, Schema] = {
    "Cat": {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"const": "a"}, "b": {"type": "integer"}},
    },
    "Dog": {
        "type": "object",
        "properties": {"a": {"enum": ["b", "ab"]}, "c": {"type": "string", "maxLength": 2}},
    },
    "Count": {"type": "integer", "minimum": 1},
    "Pet": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Cat", "Dog")]},
}


def value(random: Random, depth: int) -> Any:
    """A random value of JSON."""
    kind = random.choice(("scalar", "scalar", "array", "object") if depth else ("scalar",))
    if kind == "array":
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    if kind == "object":
        return {name: value(random, depth - 1) for name in some(random, NAMES)}
    return random.choice(
        (None, True, False, -1, 0, 1, 2, 3, 0.5, 1.0, 2.5, "", "a", "b", "ab", "abc")
    )


def some(random: Random, names: tuple[str, ...], least: int = 0) -> list[str]:
    return random.sample(names, random.randint(least, len(names)))


def schema(random: Random, depth: int) -> Schema:
    """A random schema; its alternatives and parts are of less depth."""
    if random.random() < 0.1:
        return {"$ref": f"#/components/schemas/{random.choice(tuple(SHARED))}"}
    found: Schema = {}
    if random.random() < 0.8:
        found["type"] = random.choice(KINDS) if depth else random.choice(KINDS[1:5])
    keywords = _flat(random) | (_deep(random, depth - 1) if depth else {})
    for name in random.sample(tuple(keywords), 3):
        found |= keywords[name]
    if "properties" in found:  # which the generator takes for an object
        found["type"] = "object"
    if "enum" in found:  # which the generator takes for more than the type
        found.pop("type", None)
    return found


def _flat(random: Random) -> dict[str, Schema]:
    number, count = random.randrange(4), random.randrange(3)
    return {
        "least": {random.choice(("minimum", "exclusiveMinimum")): number},
        "most": {random.choice(("maximum", "exclusiveMaximum")): number},
        "multiple": {"multipleOf": random.choice((2, 0.5))},
        "length": {random.choice(("minLength", "maxLength")): count},
        "pattern": {"pattern": random.choice(("^a", "b$", "a.?b", r"^[ab]*$", r"\S"))},
        "items": {random.choice(("minItems", "maxItems")): count, "uniqueItems": count == 1},
        "enum": {"enum": [value(random, 1), value(random, 1)]} if count else {},
        "const": {"const": value(random, 1)} if not count else {},
        "required": {"required": some(random, NAMES, 1)},
        "fields": {random.choice(("minProperties", "maxProperties")): count},
        "needed": {"dependentRequired": {"a": ["b"]}},
    }


def _deep(random: Random, depth: int) -> dict[str, Schema]:
    def one() -> Schema:
        return schema(random, depth)

    def many() -> list[Schema]:
        return [one() for _ in range(random.randint(1, 3))]

    contains = {"contains": one(), "minContains": random.randrange(3)}
    return {
        "of all": {"allOf": many()},
        "of any": {"anyOf": many()},
        "of one": {"oneOf": many()},
        "not": {"not": one()},
        "if": {"if": one(), "then": one(), "else": one()},
        "each": {"items": one()},
        "first": {"prefixItems": many()},
        "some": contains | ({"maxContains": 2} if random.random() < 0.5 else {}),
        "named": {"properties": {name: one() for name in some(random, NAMES, 1)}},
        "others": {"additionalProperties": random.choice((False, one()))},
        "like": {"patternProperties": {"^[ab]": one()}},
        "names": {"propertyNames": {"maxLength": 1, "pattern": "^[ab]"}},
        "with": {"dependentSchemas": {"a": one()}},
    }
