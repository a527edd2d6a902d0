"""The quick look at an object: an expression that is true only if all of its rules hold.

It is for what most requests are: texts and numbers, and fields that are not set. Of all else it
says nothing, and the validators look. It is made of their code, so it cannot forget one.
"""

import ast
from collections.abc import Container, Iterable, Set
from typing import Any

# What a validator without arguments looks for.
TYPES = {"boolean": "bool", "integer": "int", "string": "str"}
# What one with arguments looks for, in `value` of a type from above.
COMPARISONS = {
    "const": "value == {}",
    "ge": "value >= {}",
    "gt": "value > {}",
    "in_": "value in [{}]",
    "le": "value <= {}",
    "lt": "value < {}",
    "max_len": "len(value) <= {}",
    "min_len": "len(value) >= {}",
}


def quick_look(checks: dict[str, str], rules: Iterable[str], *, is_open: bool) -> list[str]:
    """The conditions of the expression; none if it would have to look further.

    Args:
        checks: The validators of each field, "" for none.
        rules: The rules about the whole object.
        is_open: Whether it can have fields that the spec does not have.
    """
    conditions = [look_at(f"self.{name}", code) for name, code in checks.items() if code]
    conditions += [of_rule(rule, checks.keys(), conditions) for rule in rules]
    if None in conditions:
        return []
    if is_open:
        extra = "type(self.additional_properties) is dict and not self.additional_properties"
        conditions.append(extra)
    return [f"({each})" if " or " in each else each for each in conditions if each]


def look_at(value: str, code: str) -> str | None:
    """The condition for a field; None if it is required and takes more."""
    validators = parsed(code)
    name, arguments = validators[0]
    if name != "if_set":
        return compare(value, validators)
    inner = compare(value, parsed(arguments))
    return f"{value} is UNSET or {inner}" if inner else f"{value} is UNSET"


def compare(value: str, validators: list[tuple[str, str]]) -> str | None:
    """What the validators of a text, a number or a boolean look for; None if it is more."""
    (kind, _), *others = validators
    if kind not in TYPES or any(name not in COMPARISONS for name, _ in others):
        return None
    found = [COMPARISONS[name].replace("value", value).format(than) for name, than in others]
    return " and ".join([f"type({value}) is {TYPES[kind]}", *found])


def of_rule(code: str, fields: Set[str], known: Container[str | None]) -> str | None:
    """The condition for a rule about a whole object, "" for none; None if it takes more."""
    ((name, arguments),) = parsed(code)
    if name != "not_together":
        return None
    names = ast.literal_eval(f"({arguments},)")
    if not fields >= {*names}:  # one of them is not described, and so not set
        return ""
    unset = [f"self.{each} is UNSET" for each in names]
    return "" if any(each in known for each in unset) else " or ".join(unset)


def parsed(code: str) -> list[tuple[str, str]]:
    """The names and the arguments of validators: [("ge", "1")] for `_v.ge(1)`."""
    found: Any = ast.parse(f"({code},)", mode="eval").body
    pairs = [
        (each.func, each.args) if isinstance(each, ast.Call) else (each, []) for each in found.elts
    ]
    return [(called.attr, ", ".join(map(ast.unparse, given))) for called, given in pairs]
