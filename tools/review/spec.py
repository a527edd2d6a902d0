"""A spec whose parts are found by JSON pointers, with the lines that they are on."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from attrs import frozen
from jsonschema_rs import Draft202012Validator, ValidationError
from openapi_spec_validator.shortcuts import get_validator_cls

from .. import BadInputError
from ..openapi31 import in_31, nodes
from ..pointers import items, join, key_of, lookup, parts_of
from ..specs import Positions, load, position_of, positions_of, text_of

Node = dict[str, Any]
# How deep `Spec.flat` follows references and parts: a schema may refer to itself.
DEPTH = 8


@frozen(eq=False)
class Spec:
    """A document of OpenAPI, and where each pointer into it is."""

    document: Node
    positions: Positions

    @classmethod
    def read(cls, path: Path) -> "Spec":
        return cls.parse(text_of(path), str(path))

    @classmethod
    def parse(cls, text: str, name: str) -> "Spec":
        """Read a spec.

        Raises:
            BadInputError: The text is not a spec, or one that would harm its readers.
        """
        document = in_31(load(text, name))
        for _, node in nodes(document):
            if isinstance(node.get("$ref"), str):  # readers of JSON Schema want a URI
                node["$ref"] = quote(node["$ref"], safe="#/")
        spec = cls(document, positions_of(text))
        try:
            spec._vet()
        except RecursionError:
            raise BadInputError(f"{name}: a schema is made of itself, without end") from None
        except Exception as error:  # references that lead nowhere have errors of many kinds
            raise BadInputError(f"{name}: {' '.join(str(error).split())[:300]}") from None
        return spec

    def _vet(self) -> None:
        """Refuse references that lead nowhere, what is not OpenAPI, and then schemas of bodies."""
        for pointer, node in mappings(self.document):
            reference = node.get("$ref")
            if isinstance(reference, str) and self.find(target_of(node)) is None:
                raise BadInputError(f"{pointer}: the reference {reference} leads nowhere")
        for error in get_validator_cls(self.document)(self.document).iter_errors():
            if "propertyNames" not in error.absolute_schema_path:  # any name will do, as in Apifox
                pointer = "/".join(map(str, error.absolute_path))
                msg = error.message.partition("\n")[0][:300]
                raise BadInputError(f"not a valid OpenAPI document: {pointer}: {msg}")
        for pointer, node in mappings(self.document):
            if re.search(r"/(content/[^/]+|parameters/\d+)/schema$", pointer):
                try:
                    Draft202012Validator({**self.document, **node}, offline=True)
                except ValidationError as error:
                    is_here = error.instance_path[:1] != ["components"]
                    wrong = join(pointer if is_here else "", *error.instance_path)
                    raise BadInputError(f"{wrong}: {error.message[:300]}") from None

    def at(self, pointer: str) -> Any:
        return lookup(self.document, pointer)

    def find(self, pointer: str) -> Any:
        """The part at a pointer, or None if there is none."""
        try:
            return self.at(pointer)
        except LookupError:
            return None

    def line(self, pointer: str) -> int:
        """The line of a part, or of the nearest part around it."""
        return position_of(self.positions, pointer)[0]

    def target(self, pointer: str) -> str:
        """The pointer of the part behind the references at a pointer."""
        seen: set[str] = set()
        while isinstance(node := self.at(pointer), dict) and "$ref" in node and pointer not in seen:
            seen.add(pointer)
            pointer = target_of(node)
        return pointer

    def flat(self, schema: Any, depth: int = 0) -> Node:
        """A schema with what it refers to and its `allOf` merged into it, as far as that goes."""
        if not isinstance(schema, dict) or depth > DEPTH:
            return {}
        merged: Node = {}
        referred = [self.at(target_of(schema))] if "$ref" in schema else []
        own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        inner = [self.flat(part, depth + 1) for part in [*referred, *schema.get("allOf", [])]]
        for part in [*inner, own]:
            unions = {
                "properties": {**merged.get("properties", {}), **part.get("properties", {})},
                "required": [*merged.get("required", []), *part.get("required", [])],
            }
            merged = {**merged, **part, **{key: value for key, value in unions.items() if value}}
        return merged

    def in_place(self, node: Any, around: tuple[str, ...] = ()) -> Any:
        """A copy of a part with what it refers to in place of each reference."""
        if isinstance(node, list):
            return [self.in_place(item, around) for item in node]
        if not isinstance(node, dict):
            return node
        if not isinstance(reference := node.get("$ref"), str):
            return {key: self.in_place(part, around) for key, part in node.items()}
        if reference in around:
            raise BadInputError(f"{reference} is made of itself, without end")
        referred = self.at(target_of(node))
        beside = {key: part for key, part in node.items() if key != "$ref"}
        return self.in_place({**referred, **beside}, (*around, reference))

    def changed(self, pointer: str, value: Any, other: "Spec") -> "Spec":
        """A copy in which a part is as given, or is gone if the value is None.

        What the part refers to is taken from the other spec, if this one does not have it.
        """
        document = dict(self.document)
        ours, theirs = (spec.document.get("components", {}) for spec in (self, other))
        document["components"] = {
            kind: {**theirs.get(kind, {}), **ours.get(kind, {})} for kind in {**ours, **theirs}
        }
        *way, last = parts_of(pointer)
        node: Any = document
        for part in way:  # only what is on the way is copied, the rest is shared
            key = key_of(node, part)
            node[key] = copy.copy(node[key] if isinstance(node, list) else node.get(key, {}))
            node = node[key]
        if value is None:
            del node[key_of(node, last)]
        else:
            node[key_of(node, last)] = value
        return Spec(document, self.positions)


def target_of(node: Node) -> str:
    """The pointer of the part that a reference refers to."""
    return unquote(node["$ref"].removeprefix("#"))


@frozen
class Part:
    """A pointer into a spec, and the mapping there, which is empty if there is none."""

    spec: Spec
    pointer: str

    @property
    def node(self) -> Node:
        return self.spec.find(self.pointer) or {}

    @property
    def name(self) -> str:
        return parts_of(self.pointer)[-1]

    @property
    def parent(self) -> "Part":
        return Part(self.spec, self.pointer.rpartition("/")[0])

    def child(self, *keys: object) -> "Part":
        return Part(self.spec, join(self.pointer, *keys))

    def target(self) -> "Part":
        """The part behind the references."""
        return Part(self.spec, self.spec.target(self.pointer))


def mappings(node: Any, pointer: str = "") -> Iterator[tuple[str, Node]]:
    """Each mapping in a part, with its pointer."""
    if isinstance(node, dict):
        yield pointer, node
    for key, value in items(node):
        yield from mappings(value, join(pointer, key))
