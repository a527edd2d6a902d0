"""Try a change of a schema: hold bodies against it before and after, and see which it breaks."""

import copy
import json
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from .samples import UNKNOWN, bodies, whole_schema
from .spec import Node, Spec
from .values import plain


class Validator:
    """A schema in a spec: what JSON Schema says of bodies, and the bodies to ask it about."""

    def __init__(self, spec: Spec, pointer: str, *, is_request: bool) -> None:
        self.spec, self.pointer, self.is_request = spec, pointer, is_request
        self._verdicts: dict[str, bool] = {}

    def of(self, spec: Spec) -> "Validator":
        """The same schema in another spec."""
        return Validator(spec, self.pointer, is_request=self.is_request)

    @cached_property
    def bodies(self) -> dict[str, Any]:
        """The bodies, by what they are as text."""
        return {plain(body): body for body in bodies(self.spec, self.pointer)}

    @cached_property
    def _validator(self) -> Draft202012Validator:
        spec = _strict(self.spec) if self.is_request else self.spec
        schema = whole_schema(spec, spec.at(self.pointer))
        return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

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
            for text, body in {**old.bodies, **new.bodies, **before.bodies}.items()
            if field is None or json.dumps(field) in text
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
        found = [each for each in self._bodies.items() if _flips(*specs, was_accepted, *each)]
        for text, body in sorted(found, key=lambda each: (len(each[0]), each[0])):
            if _flips(*change, was_accepted, text, body):
                return body, (self._new if was_accepted else self._old).why(body)
        return None

    def _seems(self, *, was_accepted: bool) -> bool:
        change = self._before, self._after
        return any(_flips(*change, was_accepted, *each) for each in self._bodies.items())


def _flips(before: Validator, after: Validator, was_accepted: bool, text: str, body: Any) -> bool:
    """Whether the verdict on a body was the given one, and is the other one afterwards."""
    is_accepted = before.accepts(text, body)
    return is_accepted == was_accepted and after.accepts(text, body) != was_accepted


def _strict(spec: Spec) -> Spec:
    """The spec as a sender has to read it: what is not described must not be sent.

    To JSON Schema a field that is no longer described is as welcome as before. One field that
    nobody describes stays allowed, so that closing an object can be told from that.
    """
    document = copy.deepcopy(spec.document)
    for holder, name in list(_places(document)):
        parts = spec.flat(holder[name])
        if "properties" in parts and parts.get("additionalProperties", True) is True:
            allowed: Node = {f"^{UNKNOWN}$": {}}
            allowed |= holder[name].get("patternProperties", {})
            schema = {**holder[name], "patternProperties": allowed, "unevaluatedProperties": False}
            holder[name] = schema
    for node in _mappings(document):
        if node.get("additionalProperties") is True:
            del node["additionalProperties"]
    return Spec(document, spec.lines)


def _places(document: Node) -> Iterator[tuple[Node, str]]:
    """Where there is a schema that is not a part of the schema around it."""
    for node in _mappings(document):
        properties = node.get("properties")
        fields = properties if isinstance(properties, dict) else {}
        places = [(node, "schema"), (node, "items"), *((fields, name) for name in fields)]
        yield from (place for place in places if isinstance(place[0].get(place[1]), dict))


def _mappings(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    for value in node if isinstance(node, list) else ():
        yield from _mappings(value)
