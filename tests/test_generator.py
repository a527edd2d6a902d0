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


def code_of(schema: str, folder: Path) -> str:
    """The code of a model M."""
    package = made_from(document(M={"type": "object"} | load(schema), **SCHEMAS), folder)
    return (folder / package.__name__ / "models" / "m.py").read_text()


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


@pytest.mark.parametrize(("schema", "checks"), CHECKS.items())
def test_a_reviewer_sees_each_constraint_as_a_validator(
    schema: str, checks: str, tmp_path: Path
) -> None:
    code = code_of(f"{{required: [x], properties: {{x: {schema}, y: {schema}}}}}", tmp_path)
    assert f" = _field(validator=[{checks}])\n" in code
    assert f" = _field(default=UNSET, validator=[_v.if_set({checks})])\n" in code


def test_a_reviewer_sees_the_rules_about_a_whole_object(tmp_path: Path) -> None:
    rules = "required: [x, b], not: {required: [x, y]}, minProperties: 1, maxProperties: 3"
    code = code_of(f"{{properties: {{x: {{}}, y: {{}}}}, {rules}}}", tmp_path)
    assert "    x: Any = _field(validator=[_v.given])\n    y: Any | Unset = UNSET\n" in code
    assert " = (_v.not_together('x', 'y'), _v.max_properties(3),)\n" in code
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
        code_of(model, tmp_path)
    place, keyword = told.split()
    assert f"spec.json: {place} the templates cannot enforce {keyword}" in str(refusal.value)
