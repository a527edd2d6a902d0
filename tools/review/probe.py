"""Validate bodies against a schema, and prove that one schema accepts all that another does."""

from functools import cached_property, partial
from typing import Any

from jsonschema_rs import Draft202012Validator, canonicalize
from jsonschema_rs.canonical import CanonicalizationError, Containment

from .samples import UNKNOWN, bodies, whole_schema
from .spec import Node, Spec


class Validator:
    """A schema in a spec as a validator of JSON Schema, and bodies to try it with."""

    def __init__(self, spec: Spec, pointer: str, *, is_request: bool) -> None:
        self.spec, self.pointer, self.is_request = spec, pointer, is_request

    @cached_property
    def bodies(self) -> list[Any]:
        return bodies(self.spec, self.pointer)

    @cached_property
    def schema(self) -> Node:
        document = self.spec.document
        read = Spec(_closed(self.spec, document) if self.is_request else document, {})
        return whole_schema(read, read.at(self.pointer))

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return Draft202012Validator(self.schema, validate_formats=True, offline=True)

    def accepts(self, body: Any) -> bool:
        return self._validator.is_valid(body)

    def covers(self, other: "Validator") -> bool:
        """Whether it is proven that this schema accepts all bodies that another one accepts."""
        read = partial(canonicalize, validate_formats=True, offline=True)
        try:
            return read(self.schema).covers(read(other.schema)) == Containment.YES
        except CanonicalizationError:  # it cannot tell
            return False

    def why(self, body: Any) -> str:
        """The message of the validator about a body that it refuses."""
        error = min(self._validator.iter_errors(body), key=lambda error: len(error.instance_path))
        field = ".".join(map(str, error.instance_path)) or "the body"
        rule = f"{error.kind.name}: {error.kind.value}"
        return f"{field}: {error.message if len(error.message) < 160 else rule}"


def _closed(spec: Spec, node: Any, *, is_schema: bool = False, are_fields: bool = False) -> Any:
    """A part as a sender has to read it: fields that are not described must not be sent.

    JSON Schema still accepts a field whose description was removed. One unknown field stays
    allowed, so that closing an object is another change than removing a field. A part of another
    schema, as in `allOf`, is not a schema of its own here.
    """
    if isinstance(node, list):
        return [_closed(spec, item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {
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
        closed["patternProperties"] = {f"^{UNKNOWN}$": {}, **closed.get("patternProperties", {})}
        closed["unevaluatedProperties"] = False
    return closed
