"""Read what an export demands, and what it says in words that a person has to read."""

import re
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from .. import BadInputError
from ..openapi31 import header_of, media_type
from ..pointers import parts_of
from ..review.spec import Node, Spec, mappings
from ..review.values import short
from ..specs import text_of
from .demands import OPERATION, demands
from .examples import place_examples
from .forms import read

WORDS = Path(__file__).with_name("words.yaml")
SECOND = re.compile(rf"{OPERATION.pattern}/responses/x-[^/]+")
EXAMPLE = re.compile(r"/content/[^/]+/example")
EXCLUSION = re.compile(r"不能和([^\s、]+)一起用")


def read_export(path: Path) -> tuple[Spec, list[tuple[str, str]]]:
    """What an export demands, and its words that have no known form."""
    known, text = YAML(typ="safe").load(WORDS), text_of(path)
    try:
        spec = read(text)
        words = [*_read_words(spec, known)]
        for at in [at for at, _ in mappings(spec.document) if OPERATION.fullmatch(at)]:
            words += place_examples(spec, at)
        return demands(spec), [(at, text) for at, text in words if text not in known]
    except BadInputError as error:  # what a brace begins may hold a token
        msg = re.split(r"\{['\"]", f"{path.name}: {error}")[0]
        raise BadInputError(msg.rstrip(": ")) from None


def _read_words(spec: Spec, known: Node) -> Iterator[tuple[str, str]]:
    """Add the rules that are in words to the schemas that they are of; yield all other words."""
    for at, node in [x for x in mappings(spec.document) if not EXAMPLE.search(x[0])]:
        yield from ((at, text) for text in _more(node, at, spec) if text)
        texts = [node.get(key) for key in ("summary", "title", "description")]
        lines = [line for text in texts if isinstance(text, str) for line in text.splitlines()]
        for words in filter(None, map(str.strip, lines)):
            rule = known.get(words) or rule_of(words, node.get("type"))
            if any(node.setdefault(name, value) != value for name, value in rule.items()):
                yield at, f"{words}, which contradicts a keyword"
            elif not rule and not _exclude(words, at, spec):
                yield at, words


def _more(node: Node, at: str, spec: Spec) -> Iterator[str]:
    """What is said in places where OpenAPI ignores it; a token is not shown."""
    if SECOND.fullmatch(at):
        yield f"another response: {short(node)}"
    header, sample = header_of(node), str(node.get("example") or "")
    if header == "authorization" and not re.match(r"Bearer\b|\W|$", sample, re.IGNORECASE):
        yield "the sample is no bearer token"
    body = spec.find(f"{at.rpartition('/parameters/')[0]}/requestBody/content") or {}
    types = {media_type(name, is_request=True) for name in (sample, *body)}
    if header == "content-type" and body and sample and len(types) > len(body):
        yield f"Content-Type {sample}, beside a body of another type"


def rule_of(words: str, kind: object) -> Node:
    """The keywords that words in a known form stand for; none for all other words."""
    if kind == "string" and re.fullmatch(r'\("[^"]*"( *\| *"[^"]*")*\)', words):
        return {"enum": re.findall(r'"([^"]*)"', words)}
    if kind == "string" and re.fullmatch(r"[\w.:-]+(、[\w.:-]+)+", words, re.ASCII):
        return {"enum": words.split("、")}
    is_number = kind in ("integer", "number")
    bounds = re.fullmatch(r"\[(-?\d+), *(-?\d+)\]", words) if is_number else None
    return {"minimum": int(bounds[1]), "maximum": int(bounds[2])} if bounds else {}


def _exclude(words: str, at: str, spec: Spec) -> bool:
    """Forbid two fields together if the words say so; return whether they do."""
    schema, match = at.rpartition("/properties/")[0], EXCLUSION.fullmatch(words)
    pair = {parts_of(at)[-1], match[1]} if match else set()
    if len(pair) == 2 and pair <= (spec.find(f"{schema}/properties") or {}).keys():
        spec.at(schema).setdefault("not", {"required": sorted(pair)})
    return bool(pair) and pair <= set(spec.find(f"{schema}/not/required") or ())
