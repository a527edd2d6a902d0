"""Read what only words say in an export, quote what is in no known form, and sort its examples."""

import re
from pathlib import Path
from typing import Any

from attrs import define, field
from jsonschema import Draft202012Validator, SchemaError
from ruamel.yaml import YAML

from ..review import ReviewError
from ..review.probe import Validator
from ..review.spec import Node, Spec, join, parts_of
from ..review.values import plain, short
from ..specs import BadSpecError
from .demands import demands
from .forms import parsed, read

# Words that people have read in exports, and the rules that they are.
WORDS = Path(__file__).with_name("words.yaml")
# What holds values and no schemas.
VALUES = {"const", "default", "enum", "example", "examples", "required", "x-examples", "x-words"}
COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|((?://[^\n]*\s*)+)|/\*(.*?)\*/', re.DOTALL)
SCHEMES = {"bearerAuth": {"type": "http", "scheme": "bearer"}}


def rule_of(words: str, kind: Any) -> Node:
    """The keywords that words in a known form are, for a field of a type; none for all others."""
    if kind == "string" and re.fullmatch(r'\("[^"]*"( *\| *"[^"]*")*\)', words):
        return {"enum": re.findall(r'"([^"]*)"', words)}
    if kind == "string" and re.fullmatch(r"[\w.:-]+(、[\w.:-]+)+", words, re.ASCII):
        return {"enum": words.split("、")}
    bounds = re.fullmatch(r"\[(-?\d+), *(-?\d+)\]", words)
    if kind in ("integer", "number") and bounds:
        return {"minimum": int(bounds[1]), "maximum": int(bounds[2])}
    excluded = re.fullmatch(r"不能和(\S+?)一起用", words)
    return {"excludes": excluded[1].split("、")} if excluded else {}


@define
class Reading:
    """What an export demands, and what it says in no known form, each with its place."""

    known: Node
    demands: Spec = field(factory=lambda: Spec({}, {}))
    unread: list[tuple[str, str]] = field(factory=list)
    _at: str = ""
    _media: list[str] = field(factory=list)
    _examples: list[tuple[str, Any]] = field(factory=list)

    @classmethod
    def of(cls, path: Path, known: Node | None = None) -> "Reading":
        """Read a file.

        Raises:
            ReviewError: It cannot be read; the text names the section and the place in it.
        """
        reading = cls(YAML(typ="safe").load(WORDS) if known is None else known)
        try:
            reading._read(path)
        except (BadSpecError, ReviewError) as error:  # what a brace begins may hold a token
            raise ReviewError(f"{path.name}: {error}".partition(": {")[0]) from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"not as Apifox writes it: {error}"
            raise ReviewError(f"{path.name}: {reading._at or 'the document'}: {what}") from None
        return reading

    def _read(self, path: Path) -> None:
        document = read(path)
        self._walk(document, "")
        components = document.get("components", {})
        schemes = components.get("securitySchemes") or SCHEMES
        document["components"] = {**components, "securitySchemes": schemes}
        self.demands = demands(Spec(document, {}))
        for at, value in self._examples:
            for example in self._variants(at, value):
                self._place(at, example)
        self.demands = demands(self.demands)

    def _quote(self, at: str, words: Any) -> None:
        if words and words not in self.known:
            self.unread.append((at, str(words)))

    def _walk(self, node: Any, at: str, *, are_names: bool = False) -> Any:
        """Read all words; the fields that those of a schema, or of each field, exclude."""
        if isinstance(node, list):
            for index, each in enumerate(node):
                self._walk(each, join(at, index))
        if not isinstance(node, dict):
            return []
        self._at = at
        if not are_names:
            self._look(node, at)
        excluded = {
            key: self._walk(each, join(at, key), are_names=key == "properties" and not are_names)
            for key, each in node.items()
            if are_names or key not in VALUES
        }
        if are_names:
            return excluded
        if fields := node.get("properties"):
            order = node.get("x-apifox-orders", [])
            for name in set(order) - set(fields):
                self._quote(at, f"x-apifox-orders: {name}, which is not a field")
            names = [name for name in [*order, *fields] if name in fields]
            node["properties"] = {name: fields[name] for name in names}
            self._exclude(node, excluded.pop("properties"), at)
        for key in (key for key in excluded if excluded[key]):
            self._quote(join(at, key), f"不能和{'、'.join(excluded[key])}一起用")
        return self._words(node, at)

    def _look(self, node: Node, at: str) -> None:
        """Note the examples and the bodies that are here, and read headers."""
        operation = "/".join(at.split("/")[:4])
        values = node.get("x-examples", [])
        if "parameters" in node:
            rows = node["parameters"]
            node["parameters"] = [row for row in rows if not self._header(at, row, node)]
        if "schema" in node:
            try:
                Draft202012Validator.check_schema(node["schema"])
            except SchemaError as error:
                where = "/".join([at, "schema", *map(str, error.absolute_path)])
                raise ReviewError(f"{where}: {error.message[:200]}") from None
        if "schema" in node and "/content/" in at:
            self._media.append(at)
            values = [each["value"] for each in node.pop("examples", {}).values()]
            values += [node.pop("example")] if "example" in node else []
        self._examples += [(operation, value) for value in values]

    def _header(self, at: str, row: Node, operation: Node) -> bool:
        """Read a header that OpenAPI has another way to say. Its sample may be a secret."""
        name, sample = row.get("name", "").lower(), str(row.get("example") or "")
        if row.get("in") != "header" or name not in ("authorization", "content-type"):
            return False
        if name == "authorization":
            optional: list[Node] = [] if row.get("required") else [{}]
            operation["security"] = operation.get("security") or [{"bearerAuth": []}, *optional]
            is_read = not sample or sample.startswith("Bearer ")
            self._quote(at, "" if is_read else "Authorization: a sample without Bearer")
        else:
            media = operation.get("requestBody", {}).get("content", {})
            is_read = sample in ("", *media) and not row.get("required")
            required = ", required" if row.get("required") else ""
            self._quote(at, "" if is_read else f"Content-Type: {sample}{required}")
        self._quote(at, row.get("description"))
        return True

    def _words(self, node: Node, at: str) -> list[str]:
        excluded: list[str] = []
        texts = [node.get(key) for key in ("summary", "title", "description")]
        for words in map(str, filter(None, [*texts, *node.get("x-words", [])])):
            rule = dict(self.known.get(words) or rule_of(words.strip(), node.get("type")))
            excluded += (excludes := rule.pop("excludes", []))
            if any(node.setdefault(name, value) != value for name, value in rule.items()):
                self._quote(at, f"{words}, beside {short({name: node[name] for name in rule})}")
            elif not (rule or excludes):
                self._quote(at, words)
        return excluded

    def _exclude(self, schema: Node, others: dict[str, list[str]], at: str) -> None:
        """Forbid fields together. One that excludes itself repeats what excludes it elsewhere."""
        named = [(name, other) for name in others for other in others[name]]
        pairs = [{name, other} for name, other in named if name != other and other in others]
        for name, other in named:
            if not any({name, other} <= pair for pair in pairs):
                self._quote(join(at, "properties", name), f"不能和{other}一起用")
        rules = [{"required": [name for name in others if name in pair]} for pair in pairs]
        rules = list({plain(rule): rule for rule in rules}.values())
        if rules:
            schema["not"] = {"anyOf": rules} if len(rules) > 1 else rules[0]

    def _variants(self, at: str, value: Any) -> list[Any]:
        """An example without its comments, and with them if they are fields."""
        if not isinstance(value, str):
            return [value]
        _, path, method = parts_of(at)
        example = parsed(value, f"响应示例 of {method.upper()} {path}")
        fields: Node = {}
        for lines, block in COMMENT.findall(value):
            comment = re.sub(r"^\s*//", "", lines, flags=re.MULTILINE) or block
            try:
                fields |= parsed(f"{{{comment}\n}}", "")
            except ReviewError:
                self._quote(at, " ".join(comment.split()))
        return [example, *([{**example, **fields}] if fields else [])]

    def _place(self, operation: str, example: Any) -> None:
        """Give an example to the body whose schema describes the most of its fields."""
        names = set(example if isinstance(example, dict) else ())
        fits: list[tuple[int, bool, str, Validator]] = []
        for at in (each for each in self._media if each.startswith(f"{operation}/")):
            fields = self.demands.at(f"{at}/schema").get("properties", {})
            judge = Validator(self.demands, f"{at}/schema", is_request="/requestBody/" in at)
            is_valid = judge.accepts(plain(example), example)
            fits.append((len(names & set(fields)), is_valid, at, judge))
        if not fits:
            self._quote(operation, f"an example of no body: {short(example)}")
            return
        _, is_valid, at, judge = max(fits, key=lambda fit: fit[:2])
        if not is_valid:
            self._quote(at, f"an example with a mistake: {judge.why(example)}")
        examples = self.demands.at(at).setdefault("examples", {})
        examples[str(len(examples) + 1)] = {"value": example}
