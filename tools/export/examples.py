"""The examples of an export, which does not say of which body: each goes where it fits."""

import re
from collections.abc import Iterator
from typing import Any

from .. import BadInputError
from ..review.probe import Validator
from ..review.spec import Spec, mappings
from ..review.values import short
from ..specs import from_json5
from .demands import BODY

COMMENT = re.compile(r"(?<!:)//.*|/\*(?s:.*?)\*/")


def place_examples(spec: Spec, at: str) -> Iterator[tuple[str, str]]:
    """Give the examples of an operation to its bodies; yield what a person must read, and where."""
    bodies = [(body, media) for body, media in mappings(spec.at(at), at) if BODY.fullmatch(body)]
    values = spec.at(at).pop("x-examples", [])
    for _, media in bodies:
        values += [example.get("value") for example in media.pop("examples", {}).values()]
        values += [media.pop("example")] if "example" in media else []
    schemas = [f"{body}/schema" for body, media in bodies if "schema" in media]
    validators = [Validator(spec, x, is_request="/requestBody/" in x) for x in schemas]
    for value in values:
        examples, comments = _read(value, at) if isinstance(value, str) else ([value], [])
        yield from ((at, comment) for comment in comments)
        for example in examples:
            yield from _place(example, validators, at)


def _place(example: Any, validators: list[Validator], at: str) -> Iterator[tuple[str, str]]:
    best = max(validators, key=lambda validator: _fit(example, validator), default=None)
    if best is None:
        yield at, f"an example of no body: {short(example)}"
        return
    body = best.pointer.removesuffix("/schema")
    if not best.accepts(example):
        yield body, f"an example with a mistake: {best.why(example)}"
    examples = best.spec.at(body).setdefault("examples", {})
    examples[str(len(examples) + 1)] = {"value": example}


def _fit(example: Any, validator: Validator) -> tuple[int, bool]:
    """How many fields of an example a schema describes, and whether it accepts the example."""
    fields = validator.spec.at(validator.pointer).get("properties", {})
    shared = fields.keys() & (example if isinstance(example, dict) else ())
    return len(shared), validator.accepts(example)


def _read(text: str, at: str) -> tuple[list[Any], list[str]]:
    """An example without its comments and, if they are fields, with them; and other comments."""
    example = from_json5(text, f"an example of {at}")
    uncommented = re.sub(r"^ *//", "", text, flags=re.MULTILINE)
    try:
        whole = from_json5(uncommented, "")
    except BadInputError:
        return [example], COMMENT.findall(text)
    return [example, *([whole] if whole != example else [])], COMMENT.findall(uncommented)
