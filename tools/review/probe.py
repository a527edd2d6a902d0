"""Hold bodies against a schema, and prove what one schema accepts of what another one does."""

from functools import cached_property
from typing import Any

from jsonschema_rs import Draft202012Validator, canonicalize
from jsonschema_rs.canonical import CanonicalizationError, Containment

from .samples import UNKNOWN, bodies, whole_schema
from .spec import Node, Spec


class Validator:
    """A schema in a spec: what JSON Schema says of bodies, and the bodies to ask it about."""

    def __init__(self, spec: Spec, pointer: str, *, is_request: bool) -> None:
        self.spec, self.pointer, self.is_request = spec, pointer, is_request

    @cached_property
    def bodies(self) -> list[Any]:
        return bodies(self.spec, self.pointer)

    @cached_property
    def _schema(self) -> Node:
        document = self.spec.document
        read = Spec(_closed(self.spec, document) if self.is_request else document, {})
        return whole_schema(read, read.at(self.pointer))

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return Draft202012Validator(self._schema, validate_formats=True, offline=True)

    def accepts(self, body: Any) -> bool:
        return self._validator.is_valid(body)

    def covers(self, other: "Validator") -> bool:
        """Whether it is proven that this schema accepts all bodies that another one accepts."""
        try:
            ours, theirs = (
                canonicalize(
                    each._schema,  # noqa: SLF001 - of the same class
                    validate_formats=True,
                    offline=True,
                )
                for each in (self, other)
            )
            return ours.covers(theirs) == Containment.YES
        except CanonicalizationError:  # it cannot tell
            return False

    def why(self, body: Any) -> str:
        """The validator's words about a body that it refuses."""
        error = min(self._validator.iter_errors(body), key=lambda each: len(each.instance_path))
        field = ".".join(map(str, error.instance_path)) or "the body"
        rule = f"{error.kind.name}: {error.kind.value}"
        return f"{field}: {error.message if len(error.message) < 160 else rule}"


def _closed(spec: Spec, node: Any, *, is_schema: bool = False, are_fields: bool = False) -> Any:
    """A part as a sender has to read it: what is not described must not be sent.

    To JSON Schema a field that is no longer described is as welcome as before. One field that
    nobody describes stays allowed, so that closing an object can be told from that. What is part
    of another schema, as in `allOf`, is not a schema of its own here.
    """
    if isinstance(node, list):
        return [_closed(spec, each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {
        key: _closed(
            spec,
            part,
            is_schema=are_fields or key in ("schema", "items"),
            are_fields=key == "properties" and not are_fields,
        )
        for key, part in node.items()
        if key != "additionalProperties" or part is not True
    }
    parts = spec.flat(node) if is_schema else {}
    if "properties" in parts and parts.get("additionalProperties", True) is True:
        found["patternProperties"] = {f"^{UNKNOWN}$": {}, **found.get("patternProperties", {})}
        found["unevaluatedProperties"] = False
    return found
