"""What keywords of a schema come to beside what else is known of the value that they are about."""

from fractions import Fraction
from math import ceil, floor

from attrs import frozen

from .spec import Node

# The least and the greatest integer that a bound allows.
LEAST = {"minimum": ceil, "exclusiveMinimum": lambda bound: floor(bound) + 1}
GREATEST = {"maximum": floor, "exclusiveMaximum": lambda bound: ceil(bound) - 1}


@frozen
class Known:
    """What both an old and a new schema, with those around them, say of a value.

    Attributes:
        is_whole: Whether it is an integer if it is a number.
        required: The fields that it has if it is an object.
    """

    is_whole: bool = False
    required: frozenset[str] = frozenset()

    def with_both(self, *schemas: Node) -> "Known":
        """What is known with an old and a new schema, which `Spec.flat` gives."""
        kinds = [schema.get("type", []) for schema in schemas]  # each a list or a name
        is_whole = all("integer" in each and "number" not in each for each in kinds)
        both = frozenset.intersection(*(frozenset(each.get("required", [])) for each in schemas))
        return Known(self.is_whole or is_whole, self.required | both)

    def same(self, old: Node, new: Node) -> set[str]:
        """The names of the keywords that come to the same in an old and a new schema."""
        was, now = self._meaning(old), self._meaning(new)
        return {name for name in was.keys() & now.keys() if was[name] == now[name]}

    def _meaning(self, schema: Node) -> Node:
        required = set(schema.get("required", [])) - self.required
        return {"required": required, **(_of_integers(schema) if self.is_whole else {})}


NOTHING = Known()


def _of_integers(schema: Node) -> Node:
    """What rules about numbers come to if these are integers; both ends are multiples too."""
    names = {"multipleOf", *LEAST, *GREATEST} & schema.keys()
    try:
        numbers = {name: Fraction(str(schema[name])) for name in names}
    except ValueError:  # infinite, or true as in OpenAPI 3.0
        return {}
    step = numbers.get("multipleOf", Fraction(1)).numerator
    found: Node = {"multipleOf": step}
    for tightest, bounds in ((max, LEAST), (min, GREATEST)):
        ends = [bounds[name](numbers[name] / step) * step for name in bounds if name in numbers]
        found |= dict.fromkeys(bounds, tightest(ends, default=None))
    return found
