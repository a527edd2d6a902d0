"""What a reviewer sees of a spec's rules in the generated code, and what ends the generation."""

from pathlib import Path

import pytest

from making import Spec, document, load, made_from
from tools.generator import driver

SCHEMAS: Spec = load("""
    Small: {type: integer, minimum: 1, maximum: 4}
    Cat: {type: object}
    Odd: {type: string, contentSchema: {}}
    Closed: {type: object, additionalProperties: false}
""")
SMALL, CAT, ODD, CLOSED = (f"$ref: '#/components/schemas/{name}'" for name in SCHEMAS)


def code_of(model: Spec, folder: Path) -> str:
    """The code of a model M."""
    package = made_from(document(M={"type": "object"} | model, **SCHEMAS), folder)
    return (folder / package.__name__ / "models" / "m.py").read_text()


# The schema of a field, and what checks it.
CHECKS = {
    "{type: integer, minimum: 1, maximum: 15}": "_v.integer, _v.ge(1), _v.le(15)",
    "{type: number, minimum: 0.0, exclusiveMinimum: true}": "_v.number, _v.gt(0)",
    "{type: string, pattern: '^a', minLength: 2}": "_v.string, _v.min_len(2), _v.pattern('^a')",
    "{type: string, enum: [480p, 720p]}": "_v.string, _v.in_('480p', '720p')",
    "{type: array, maxItems: 2, uniqueItems: true, items: {type: string, maxLength: 3}}": (
        "_v.array(_v.string), _v.max_len(2), _v.unique, _v.each(_v.max_len(3))"
    ),
    f"{{{CAT}}}": '_v.model("Cat")',
    f"{{{SMALL}, minimum: 2}}": "_v.integer, _v.ge(1), _v.le(4), _v.when(_v.number, _v.ge(2))",
    "{type: integer, allOf: [{minimum: 1}], minimum: 1}": "_v.integer, _v.ge(1)",
    "{type: string, format: date, pattern: '^2'}": "_v.date, _v.as_text(_v.pattern('^2'))",
    "{type: integer, minLength: 2}": "_v.integer",
    "{minimum: 4, minLength: 2}": (
        "_v.when(_v.number, _v.ge(4)), _v.when(_v.string, _v.min_len(2))"
    ),
    "{oneOf: [{type: string, maxLength: 1}, {type: integer}]}": (
        "_v.any_of(_v.string, _v.integer), "
        "_v.one_of(_v.all_of(_v.string, _v.max_len(1)), _v.integer)"
    ),
}


def test_a_reviewer_sees_each_rule_as_a_validator(tmp_path: Path) -> None:
    model = load("{required: [a, b], not: {required: [c, d]}, minProperties: 1, maxProperties: 3}")
    fields = {f"x{number}": load(schema) for number, schema in enumerate(CHECKS)}
    code = code_of(model | {"properties": fields | {"a": {}, "c": {}, "d": {}}}, tmp_path)
    for name, checks in zip(fields, CHECKS.values(), strict=True):
        (line,) = (line for line in code.splitlines() if line.startswith(f"    {name}: "))
        assert line.endswith(f" = _field(default=UNSET, validator=[_v.if_set({checks})])")
    assert "    a: Any = _field(validator=[_v.given])\n" in code
    assert "    c: Any | Unset = UNSET\n" in code
    assert " = (_v.not_together('c', 'd'), _v.max_properties(3),)\n" in code
    assert " = (_v.needs('b'), _v.min_properties(1),)\n" in code


# The place and the keyword that are named, and the model.
CANNOT = {
    "M.x: 'contains'": "properties: {x: {type: array, items: {}, contains: {const: 1}}}",
    "M.x[]: 'if'": "properties: {x: {type: array, items: {type: string, if: {}}}}",
    "M.x: 'not'": "properties: {x: {type: string, not: {const: a}}}",
    "M: 'not'": "not: {properties: {}}",
    "M: 'patternProperties'": "patternProperties: {}",
    "M.x: 'contentSchema'": f"properties: {{x: {{{ODD}}}}}",
    "M.x: 'minProperties'": f"properties: {{x: {{{CAT}, minProperties: 1}}}}",
    "M.x: 'pattern'": "properties: {x: {type: string, pattern: '\\p{L}'}}",
    "M.x: 'maxLength'": "properties: {x: {type: string, format: binary, maxLength: 1}}",
    "M: 'additionalProperties'": f"allOf: [{{{CLOSED}}}, {{type: object}}]",
    "M: 'type'": "{type: null, allOf: [{type: integer}]}",
}


@pytest.mark.parametrize(("told", "model"), CANNOT.items())
def test_what_cannot_be_enforced_ends_the_generation(told: str, model: str, tmp_path: Path) -> None:
    with pytest.raises(driver.BadInputError) as refusal:
        code_of(load(model), tmp_path)
    place, keyword = told.split()
    assert f"spec.json: {place} the templates cannot enforce {keyword}" in str(refusal.value)
