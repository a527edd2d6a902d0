"""Try a change of a schema: hold bodies against it before and after, and see which it breaks."""

import re
from collections import defaultdict
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from .dialect import JsonSchema
from .samples import UNKNOWN, bodies, whole_schema
from .spec import Node, Spec, mappings
from .values import plain

# Parts of documents with what was made of each, by what they are.
Memo = dict[tuple[int, bool, bool], tuple[Node, Node]]


class Validator:
    """A schema in a spec: what JSON Schema says of bodies, and the bodies to ask it about."""

    def __init__(self, spec: Spec, pointer: str, *, is_request: bool) -> None:
        self.spec, self.pointer, self.is_request = spec, pointer, is_request
        self._verdicts: dict[str, bool] = {}
        self._memo: Memo = {}

    def of(self, spec: Spec) -> "Validator":
        """The same schema in another spec, which shares most of its parts with this one."""
        other = Validator(spec, self.pointer, is_request=self.is_request)
        other._memo = self._memo
        return other

    @cached_property
    def bodies(self) -> dict[str, Any]:
        """The bodies, by what they are as text."""
        return {plain(body): body for body in bodies(self.spec, self.pointer)}

    def bodies_with(self, field: str | None) -> dict[str, Any]:
        """The bodies with a field, or all of them."""
        return self.bodies if field is None else self._by_field.get(field, {})

    @cached_property
    def _by_field(self) -> dict[str, dict[str, Any]]:
        """The bodies by each of the names in them: most changes are about one field alone."""
        found: dict[str, dict[str, Any]] = defaultdict(dict)
        for text, body in self.bodies.items():
            for name in {name for _, node in mappings(body) for name in node}:
                found[name][text] = body
        return found

    @cached_property
    def _validator(self) -> Any:
        spec = _strict(self.spec, self._memo) if self.is_request else self.spec
        schema = whole_schema(spec, spec.at(self.pointer))
        return JsonSchema(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def accepts(self, text: str, body: Any) -> bool:
        """Whether a body, which is given as text too, is valid; each is looked at once."""
        if text not in self._verdicts:
            try:
                self._verdicts[text] = bool(self._validator.is_valid(body))
            except re.error:  # a pattern that only JavaScript knows, which nothing here can try
                self._verdicts[text] = True
        return self._verdicts[text]

    def why(self, body: Any) -> str:
        """The validator's words about a body that it refuses."""
        error: ValidationError = best_match(self._validator.iter_errors(body))
        field = ".".join(map(str, error.absolute_path)) or "the body"
        rule = f"{error.validator}: {error.validator_value}"
        return f"{field}: {error.message if len(error.message) < 160 else rule}"


class Probe:
    """What bodies say of one change, from a schema before it to the schema after it.

    A change of a request breaks a body that was accepted and is refused. A change of a response
    breaks one that was refused and is accepted: its readers did not expect it.

    A change that can only make a difference to bodies with a certain field is tried with those.
    """

    def __init__(
        self,
        old: Validator,
        new: Validator,
        before: Validator,
        after: Validator,
        field: str | None = None,
    ) -> None:
        self._old, self._new, self._before, self._after = old, new, before, after
        self._bodies = {
            text: body
            for each in (old, new, before)
            for text, body in each.bodies_with(field).items()
        }

    @cached_property
    def broken(self) -> tuple[Any, str] | None:
        """The smallest body that the change breaks, with the words of the refusal."""
        return self._shown(was_accepted=self._old.is_request)

    @cached_property
    def fixed(self) -> tuple[Any, str] | None:
        """The smallest body that the change fixes, with the words of the refusal."""
        return self._shown(was_accepted=not self._old.is_request)

    @property
    def seems_broken(self) -> bool:
        """Whether the change alone would break a body, whatever else has changed."""
        return self._seems(was_accepted=self._old.is_request)

    @property
    def seems_fixed(self) -> bool:
        """Whether the change alone would fix a body, whatever else has changed."""
        return self._seems(was_accepted=not self._old.is_request)

    def _shown(self, *, was_accepted: bool) -> tuple[Any, str] | None:
        """The smallest body whose verdict the change alone flips, as all changes together do."""
        specs, change = (self._old, self._new), (self._before, self._after)
        for text, body in sorted(self._bodies.items(), key=lambda each: (len(each[0]), each[0])):
            if all(_flips(*each, was_accepted, text, body) for each in (specs, change)):
                return body, (self._new if was_accepted else self._old).why(body)
        return None

    def _seems(self, *, was_accepted: bool) -> bool:
        change = self._before, self._after
        return any(_flips(*change, was_accepted, *each) for each in self._bodies.items())


def _flips(before: Validator, after: Validator, was_accepted: bool, text: str, body: Any) -> bool:
    """Whether the verdict on a body was the given one, and is the other one afterwards."""
    is_accepted = before.accepts(text, body)
    return is_accepted == was_accepted and after.accepts(text, body) != was_accepted


def _strict(spec: Spec, memo: Memo) -> Spec:
    """The spec as a sender has to read it: what is not described must not be sent.

    To JSON Schema a field that is no longer described is as welcome as before. One field that
    nobody describes stays allowed, so that closing an object can be told from that.
    """
    return Spec(_closed(spec, spec.document, memo)[0], spec.lines)


def _closed(
    spec: Spec, node: Any, memo: Memo, *, is_schema: bool = False, are_fields: bool = False
) -> tuple[Any, bool]:
    """A part in which each schema is closed, and whether it depends on what is elsewhere.

    What does not is kept in the memo, since a change of the spec leaves almost all parts alone.

    Args:
        is_schema: Whether it is a schema, and not a part of the one around it.
        are_fields: Whether it is a mapping of fields, each with its schema.
    """
    if isinstance(node, list):
        parts = [_closed(spec, each, memo) for each in node]
        return [part for part, _ in parts], any(refers for _, refers in parts)
    if not isinstance(node, dict):
        return node, False
    key = id(node), is_schema, are_fields
    if key in memo:
        return memo[key][1], False
    found, refers = {}, "$ref" in node
    for name, value in node.items():
        if name == "additionalProperties" and value is True:
            continue
        is_below, have_names = are_fields or name in ("schema", "items"), name == "properties"
        found[name], more = _closed(
            spec, value, memo, is_schema=is_below, are_fields=have_names and not are_fields
        )
        refers = refers or more
    if is_schema:
        found |= _closing(spec.flat(node), node)
    if not refers:
        memo[key] = node, found
    return found, refers


def _closing(parts: Node, schema: Node) -> Node:
    """What closes a schema, if it describes fields and says nothing of others."""
    if "properties" not in parts or parts.get("additionalProperties", True) is not True:
        return {}
    allowed = {f"^{UNKNOWN}$": {}, **schema.get("patternProperties", {})}
    return {"patternProperties": allowed, "unevaluatedProperties": False}
