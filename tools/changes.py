"""What changes between two specs for those who send requests and for those who read answers.

Every rule of a schema that differs is rated by what it does to bodies, and that is tried out: the
old spec is held against the old spec with that one change, with bodies at the edges of both. What
no body can show keeps the rating that its kind of rule has, so that nothing is rated too low.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from attrs import define, field, frozen

from tools.spec import Node, Spec, join
from tools.trial import Judge, bodies, flat, strict

Impact = Literal["major", "minor", "patch", "none"]
Effect = Literal["tighter", "looser", "other", "none"]
RANK: dict[str, int] = {"none": 0, "patch": 1, "minor": 2, "major": 3}

# Keywords that no body can break.
ANNOTATIONS = {
    "$comment",
    "description",
    "example",
    "examples",
    "externalDocs",
    "summary",
    "title",
    "xml",
}
LOWER = {"exclusiveMinimum", "minContains", "minItems", "minLength", "minProperties", "minimum"}
UPPER = {"exclusiveMaximum", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum"}
# What says the same as nothing.
SILENCE: Node = {"minItems": 0, "minLength": 0, "minProperties": 0, "uniqueItems": False}
SILENCE |= {"items": {}, "additionalProperties": True, "required": [], "deprecated": False}
# What the bodies that are tried can tell of in full; of all else they can only show that it breaks.
TOLD_BY_BODIES = {"$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "items", "not"}
TOLD_BY_BODIES |= {"oneOf", "properties", "required", "type"}
TOLD_BY_BODIES |= LOWER | UPPER
LOOK = "no body was found that shows it; a person has to look"
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@frozen
class Change:
    """One difference between two specs.

    Attributes:
        pointer: Where it is: in the new spec, or in the old one if it is gone there.
        line: The line in the new spec, of what is nearest.
        impact: major if what worked may fail, minor if more works, patch if nothing is different.
        text: What is different, in words.
        body: A body that tells the specs apart, if one was found.
        why: The validator's words about it.
    """

    pointer: str
    line: int
    impact: Impact
    text: str
    body: Any = None
    why: str | None = None


def without_version(spec: Spec) -> list[str]:
    """The spec but for its version, which follows from everything else."""
    info = {key: value for key, value in spec.document["info"].items() if key != "version"}
    return [json.dumps({**spec.document, "info": info})]


def worst(impacts: Iterable[Impact]) -> Impact:
    found: Impact = max(impacts, key=lambda impact: RANK[impact], default="none")
    return found


def compare(old: Spec, new: Spec) -> list[Change]:
    """All that differs, the gravest first."""
    comparison = _Comparison(old, new)
    comparison.documents()
    if not comparison.changes and lost(without_version(old), without_version(new)):
        comparison.add("major", "something differs", "", None, LOOK)
    unique = {(change.pointer, change.text): change for change in reversed(comparison.changes)}
    return sorted(unique.values(), key=lambda change: (-RANK[change.impact], change.line))


@define
class _Comparison:
    """A walk through two specs side by side, which notes what differs."""

    old: Spec
    new: Spec
    changes: list[Change] = field(factory=list)

    def add(self, impact: Impact, text: str, pointer: str, body: Any = None, why: str = "") -> None:
        line = self.new.line(pointer)
        self.changes.append(Change(pointer, line, impact, text, body, why or None))

    def documents(self) -> None:
        old, new = self.old.document, self.new.document
        for name in differing(old, new, {"components", "paths", "security", "servers", "info"}):
            impact: Impact = "patch" if is_note(name) or name in ("openapi", "tags") else "major"
            self.add(impact, f"{name} differs", f"/{name}")
        for name in differing(old["info"], new["info"], {"version"}):
            self.add("patch", f"info.{name} differs", f"/info/{name}")
        if plain(old.get("security")) != plain(new.get("security")):
            self.add("patch", "security differs", "/security")
        self._sets(
            "server",
            [each["url"] for each in old.get("servers", [])],
            [each["url"] for each in new.get("servers", [])],
            "/servers",
        )
        olds, news = (
            {each["url"]: rules(each) for each in spec.get("servers", [])} for spec in (old, new)
        )
        self._kept("server", olds, news, "/servers")
        self._paths()
        self._components()

    def _sets(self, what: str, old: list[str], new: list[str], pointer: str) -> None:
        for name in sorted(set(old) - set(new)):
            self.add("major", f"{what} {name} is gone", pointer)
        for name in sorted(set(new) - set(old)):
            self.add("minor", f"{what} {name} is new", pointer)

    def _kept(self, what: str, old: Node, new: Node, pointer: str) -> None:
        """Note those that are in both, and differ."""
        for name in sorted(old.keys() & new.keys()):
            if plain(old[name]) != plain(new[name]):
                self.add("major", f"{what} {name} differs", pointer, None, LOOK)

    # Operations

    def _paths(self) -> None:
        olds, news = (
            {shape(path): path for path in spec.document["paths"]} for spec in (self.old, self.new)
        )
        for key in sorted(olds.keys() | news.keys()):
            old, new = (
                join("/paths", paths[key]) if key in paths else None for paths in (olds, news)
            )
            if old and new:
                self._path_item(old, new)
            for method in METHODS:
                there = [
                    at is not None and spec.has(f"{at}/{method}")
                    for spec, at in ((self.old, old), (self.new, new))
                ]
                name = f"{method.upper()} {news.get(key, olds.get(key))}"
                if there == [True, False]:
                    self.add("major", f"the operation {name} is gone", f"{old}/{method}")
                elif there == [False, True]:
                    self.add("minor", f"the operation {name} is new", f"{new}/{method}")
                elif old and new and all(there):
                    self._operation(old, new, method, name)

    def _path_item(self, old_at: str, new_at: str) -> None:
        known = {"parameters", *METHODS}
        for key in differing(self.old.at(old_at), self.new.at(new_at), known):
            self.add("patch" if is_note(key) else "major", f"{new_at}: {key} differs", new_at)

    def _operation(self, old_path: str, new_path: str, method: str, name: str) -> None:
        old_at, new_at = f"{old_path}/{method}", f"{new_path}/{method}"
        old, new = self.old.at(old_at), self.new.at(new_at)
        if old_path != new_path:
            self.add("patch", f"{name}: a parameter of the path has another name", new_path)
        known = {
            "parameters",
            "requestBody",
            "responses",
            "security",
            "operationId",
            "tags",
            "deprecated",
        }
        for key in differing(old, new, known):
            self.add(
                "patch" if is_note(key) else "major", f"{name}: {key} differs", f"{new_at}/{key}"
            )
        for key in ("operationId", "tags"):
            if old.get(key) != new.get(key):
                self.add(
                    "patch", f"{name}: {key} differs; requests are the same", f"{new_at}/{key}"
                )
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            self.add("minor", f"{name}: deprecated differs", f"{new_at}/deprecated")
        self._security(old, new, new_at, name)
        self._parameters((old_path, old_at), (new_path, new_at), name)
        self._request_body(old_at, new_at, name)
        self._responses(old_at, new_at, name)

    def _security(self, old: Node, new: Node, new_at: str, name: str) -> None:
        asked = [
            [
                frozenset((name, scope) for name in each for scope in ["", *each[name]])
                for each in op.get("security", spec.document.get("security", [])) or [{}]
            ]
            for op, spec in ((old, self.old), (new, self.new))
        ]
        pointer = f"{new_at}/security" if "security" in new else "/security"
        if plain(old.get("security")) != plain(new.get("security")):
            self.add("patch", f"{name}: security differs", f"{new_at}/security")
        for before in asked[0]:
            if not any(after <= before for after in asked[1]):
                self.add(
                    "major",
                    f"{name}: {told_scopes(before)} is not enough now",
                    pointer,
                )
        for after in asked[1]:
            if not any(before <= after for before in asked[0]):
                self.add(
                    "minor",
                    f"{name}: {told_scopes(after)} is enough now",
                    pointer,
                )

    def _parameters(
        self, old_places: tuple[str, str], new_places: tuple[str, str], name: str
    ) -> None:
        olds, news = parameters(self.old, old_places), parameters(self.new, new_places)
        for key in sorted(olds.keys() | news.keys()):
            said = (self.new.at(news[key]) if key in news else self.old.at(olds[key]))["name"]
            what = f"{name}: the {key[0]} parameter {said}"
            if key not in news:
                self.add("major", f"{what} is gone", f"{new_places[1]}/parameters")
            elif key not in olds:
                needed = self.new.at(news[key]).get("required")
                self.add(
                    "major" if needed else "minor",
                    f"{what} is new{' and required' if needed else ''}",
                    news[key],
                )
            else:
                self._parameter(olds[key], news[key], what)

    def _required(self, old: Node, new: Node, what: str, new_at: str) -> None:
        now = bool(new.get("required"))
        if now != bool(old.get("required")):
            text = f"{what} is {'required' if now else 'optional'} now"
            self.add("major" if now else "minor", text, f"{new_at}/required")

    def _parameter(self, old_at: str, new_at: str, what: str) -> None:
        old, new = self.old.at(old_at), self.new.at(new_at)
        self._required(old, new, what, new_at)
        if bool(old.get("deprecated")) != bool(new.get("deprecated")):
            self.add("minor", f"{what}: deprecated differs", f"{new_at}/deprecated")
        for key in differing(old, new, {"name", "in", "required", "schema", "deprecated"}):
            self.add(
                "patch" if is_note(key) else "major", f"{what}: {key} differs", f"{new_at}/{key}"
            )
        if "schema" in old and "schema" in new:
            self._schemas(old_at + "/schema", new_at + "/schema", what, is_request=True)

    def _request_body(self, old_at: str, new_at: str, name: str) -> None:
        what, key = f"{name}: the body of the request", "/requestBody"
        there = [spec.has(at + key) for spec, at in ((self.old, old_at), (self.new, new_at))]
        if there == [True, False]:
            self.add("major", f"{what} is gone", old_at + key)
        elif there == [False, True]:
            needed = self.new.at(self.new.target(new_at + key)).get("required")
            self.add(
                "major" if needed else "minor",
                f"{what} is new{' and required' if needed else ''}",
                new_at + key,
            )
        if not all(there):
            return
        old_at, new_at = self.old.target(old_at + key), self.new.target(new_at + key)
        old, new = self.old.at(old_at), self.new.at(new_at)
        self._required(old, new, what, new_at)
        for note in differing(old, new, {"required", "content"}):
            self.add("patch", f"{what}: {note} differs", f"{new_at}/{note}")
        self._content(old_at, new_at, what, is_request=True)

    def _responses(self, old_at: str, new_at: str, name: str) -> None:
        olds, news = (
            spec.at(f"{at}/responses") for spec, at in ((self.old, old_at), (self.new, new_at))
        )
        for status in sorted(olds.keys() | news.keys()):
            what, old, new = (
                f"{name}: the answer {status}",
                join(f"{old_at}/responses", status),
                join(f"{new_at}/responses", status),
            )
            if status not in news:
                self.add("major" if status.startswith("2") else "minor", f"{what} is gone", old)
            elif status not in olds:
                self.add("minor", f"{what} is new", new)
            else:
                self._response(self.old.target(old), self.new.target(new), what)

    def _response(self, old_at: str, new_at: str, what: str) -> None:
        old, new = self.old.at(old_at), self.new.at(new_at)
        for key, one in (("headers", "header"), ("links", "link")):
            olds, news = rules(old.get(key, {})), rules(new.get(key, {}))
            self._sets(f"{what}: the {one}", list(olds), list(news), f"{new_at}/{key}")
            self._kept(f"{what}: the {one}", olds, news, f"{new_at}/{key}")
        for note in differing(old, new, {"content"}):
            is_met = plain(rules(old.get(note))) != plain(rules(new.get(note)))
            if note not in ("headers", "links") or not is_met:
                self.add("patch", f"{what}: {note} differs", f"{new_at}/{note}")
        self._content(old_at, new_at, what, is_request=False)

    def _content(self, old_at: str, new_at: str, what: str, *, is_request: bool) -> None:
        olds, news = self.old.at(old_at).get("content", {}), self.new.at(new_at).get("content", {})
        self._sets(f"{what}: the media type", list(olds), list(news), f"{new_at}/content")
        for media in sorted(olds.keys() & news.keys()):
            old, new = join(f"{old_at}/content", media), join(f"{new_at}/content", media)
            for key in differing(olds[media], news[media], {"schema"}):
                self.add(
                    "patch" if is_note(key) else "major", f"{what}: {key} differs", f"{new}/{key}"
                )
            there = ["schema" in olds[media], "schema" in news[media]]
            if all(there):
                self._schemas(old + "/schema", new + "/schema", what, is_request=is_request)
            elif any(there):
                self.add(
                    "major" if there[1] == is_request else "minor", f"{what}: schema differs", new
                )

    def _components(self) -> None:
        """Note what differs in the components and was not met on the way through the paths."""
        olds, news = (spec.document.get("components", {}) for spec in (self.old, self.new))
        used = referred(self.old, "/paths") | referred(self.new, "/paths")
        for kind in sorted(olds.keys() | news.keys()):
            before, after = olds.get(kind, {}), news.get(kind, {})
            for name in differing(before, after, set()):
                pointer = join("/components", kind, name)
                if kind == "securitySchemes" and name in before:
                    self._security_scheme(before[name], after.get(name), pointer, name)
                elif any(f"{each.pointer}/".startswith(f"{pointer}/") for each in self.changes):
                    continue  # met, and rated there
                elif name in before and name in after and pointer in used and not is_note(kind):
                    self.add("major", f"{kind}: {name} differs", pointer, None, LOOK)
                else:
                    self.add("patch", f"{kind}: {name} differs; nothing else does", pointer)

    def _security_scheme(self, old: Node, new: Node | None, pointer: str, name: str) -> None:
        for key in differing(old, new or {}, set()):
            self.add(
                "patch" if is_note(key) or key == "bearerFormat" else "major",
                f"the security scheme {name}: {key} differs",
                f"{pointer}/{key}",
            )

    # Schemas

    def _schemas(self, old_at: str, new_at: str, what: str, *, is_request: bool) -> None:
        site = _Site(self, self.old, old_at, self.new, new_at, what, is_request)
        site.walk(old_at, new_at, "", flipped=False)
        site.try_whole()


@define
class _Site:
    """A schema that bodies of requests, or of answers, are held to in both specs."""

    comparison: _Comparison
    old: Spec
    old_at: str
    new: Spec
    new_at: str
    what: str
    is_request: bool
    _seen: set[tuple[str, str, bool]] = field(factory=set)
    _judges: dict[tuple[Spec, str], Judge] = field(factory=dict)
    _made: dict[tuple[Spec, str], list[Any]] = field(factory=dict)
    _worst: Impact = "none"

    @property
    def _before(self) -> tuple[Spec, str]:
        return self.old, self.old_at

    @property
    def _after(self) -> tuple[Spec, str]:
        return self.new, self.new_at

    def _judge(self, spec: Spec, pointer: str) -> Judge:
        if (spec, pointer) not in self._judges:
            judge = Judge(strict(spec) if self.is_request else spec, pointer)
            self._judges[spec, pointer] = judge
        return self._judges[spec, pointer]

    def _bodies(self, spec: Spec, pointer: str) -> list[Any]:
        if (spec, pointer) not in self._made:
            self._made[spec, pointer] = bodies(spec, pointer)
        return self._made[spec, pointer]

    def walk(
        self, old_at: str, new_at: str, path: str, *, flipped: bool, is_part: bool = False
    ) -> None:
        """Note what differs between two schemas, the parts of which are walked in their turn."""
        if (old_at, new_at, flipped) in self._seen:
            return
        self._seen.add((old_at, new_at, flipped))
        if not all(isinstance(each, dict) for each in (self.old.at(old_at), self.new.at(new_at))):
            if self.old.at(old_at) != self.new.at(new_at):  # true takes everything, false nothing
                text = f"{path or 'the schema'} differs"
                self._rate("other", text, old_at, new_at, flipped=flipped)
            return
        names = [
            spec.target(at).rpartition("/")[2]
            if isinstance(spec.at(at), dict) and "$ref" in spec.at(at)
            else ""
            for spec, at in ((self.old, old_at), (self.new, new_at))
        ]
        if names[0] != names[1]:
            was, now = (name or "written in place" for name in names)
            self.note(f"{path or 'the schema'} is {now}, which was {was}", new_at)
        if names[0] and not names[1]:  # so that what is written here changes nothing elsewhere
            beside = {key: value for key, value in self.old.at(old_at).items() if key != "$ref"}
            whole = self.old.at(self.old.target(old_at))
            twice = any(key in whole for key in beside if not is_note(key))
            whole = {"allOf": [whole, beside]} if twice else {**whole, **beside}
            self.old = self.old.changed(old_at, whole, self.old)
        olds, news = view(self.old, old_at), view(self.new, new_at)
        for keyword in [*olds, *(key for key in news if key not in olds)]:
            pair = [
                spec.at(found[keyword]) if keyword in found else SILENCE.get(keyword)
                for spec, found in ((self.old, olds), (self.new, news))
            ]
            is_beside = "$ref" in self.new.at(new_at) and keyword in self.new.at(new_at)
            places = (
                olds.get(keyword)
                or f"{old_at if is_beside else self.old.target(old_at)}/{keyword}",
                news.get(keyword) or f"{self.new.target(new_at)}/{keyword}",
            )
            both = keyword in olds and keyword in news
            if keyword == "properties" and is_part:  # what stands in other parts counts too
                self._properties(pair[0], pair[1], places, path, flipped=flipped, known=False)
            else:
                self._keyword(keyword, pair, places, path, both=both, flipped=flipped)

    def _keyword(
        self,
        keyword: str,
        pair: list[Any],
        places: tuple[str, str],
        path: str,
        *,
        both: bool,
        flipped: bool,
    ) -> None:
        """Note what differs in one keyword, which may be in one of the schemas alone."""
        old, new = pair
        text = f"{path or 'the schema'}: {told(keyword, old, new)}"
        is_schema = both and isinstance(old, dict) and isinstance(new, dict)
        if keyword == "properties":
            self._properties(old, new, places, path, flipped=flipped, known=True)
        elif (
            keyword in ("items", "propertyNames", "contains", "additionalProperties") and is_schema
        ):
            self.walk(*places, f"{path}[]" if keyword == "items" else f"{path}.*", flipped=flipped)
        elif keyword == "not" and is_schema:
            self.walk(*places, f"{path}.not".lstrip("."), flipped=not flipped, is_part=True)
        elif keyword in LISTS and both and sorted(map(plain, old)) == sorted(map(plain, new)):
            if old != new:
                self.note(f"{path or 'the schema'}: {keyword} has another order", places[1])
        elif keyword in LISTS and both and len(old) == len(new):
            for index in range(len(old)):
                below = (f"{places[0]}/{index}", f"{places[1]}/{index}")
                self.walk(*below, path, flipped=flipped, is_part=True)
        elif plain(old) == plain(new):
            if json.dumps(old) != json.dumps(new) or not both:
                self.note(f"{path or 'the schema'}: {keyword} is written otherwise", places[1])
        elif keyword == "default" and self.is_request:
            self.add("minor" if old is None else "major", text, places[1])
        elif keyword == "deprecated":
            self.add("minor", text, places[1])
        elif keyword == "x-job":
            self.add("major" if lost(old, new) else "minor", text, places[1])
        elif is_note(keyword) or keyword == "default":
            self.note(f"{path or 'the schema'}: {keyword} differs", places[1])
        else:
            self._rate(effect(keyword, old, new), text, *places, flipped=flipped)

    def _properties(
        self, old: Any, new: Any, places: tuple[str, str], path: str, *, flipped: bool, known: bool
    ) -> None:
        """Note what differs in the fields; it is known that they are the only word about them."""
        old, new = old or {}, new or {}
        holder = flat(self.new, self.new.at(self.new.target(places[1].rpartition("/")[0])))
        is_map = holder.get("additionalProperties", True) not in (True, False)
        known = known and not is_map
        gone: Effect = "tighter" if self.is_request else "looser"
        come: Effect = "looser" if self.is_request else "tighter"
        for name in [*old, *(name for name in new if name not in old)]:
            below = (join(places[0], name), join(places[1], name))
            inner = f"{path}.{name}".lstrip(".")
            if name in old and name in new:
                self.walk(*below, inner, flipped=flipped)
            elif name in old and is_map and not self.is_request:
                self.add("major", f"{inner} is one of many now", below[0], None, LOOK)
            elif name in old:  # senders have it refused; readers are told no more what it holds
                kind = gone if known else "other"
                self._rate(kind, f"{inner} is gone", *below, flipped=flipped)
            else:
                kind = come if known else "other"
                self._rate(kind, f"{inner} is new", *below, flipped=flipped)
        if list(old) != list(new) and set(old) == set(new):
            self.note(f"{path or 'the schema'}: the fields have another order", places[1])

    def note(self, text: str, pointer: str) -> None:
        self.add("patch", text, pointer)

    def add(self, impact: Impact, text: str, pointer: str, body: Any = None, why: str = "") -> None:
        self._worst = worst([self._worst, impact])
        self.comparison.add(impact, f"{self.what}: {text}", pointer, body, why)

    def _rate(self, kind: Effect, text: str, old_in: str, new_in: str, *, flipped: bool) -> None:
        """Note one change, rated by its kind and by the bodies that it makes a difference to."""
        if kind == "none":
            self.note(text, new_in)
            return
        if flipped and kind != "other":
            kind = "looser" if kind == "tighter" else "tighter"
        breaks = kind == "other" or (kind == "tighter") == self.is_request
        before, after = (
            spec.at(place) if spec.has(place) else None
            for spec, place in ((self.old, old_in), (self.new, new_in))
        )
        pointer = old_in if after is None else new_in
        old, new = self._before, self._after
        found = self._trial(old, (self.old.changed(old_in, after, self.new), self.old_at))
        if breaks and not found.seemed_broken:  # perhaps something else makes no difference of it
            found = self._trial((self.new.changed(new_in, before, self.old), self.new_at), new)
        if found.broken:
            self.add("major", text, pointer, *found.broken)
        elif breaks and not (found.seemed_broken and self._is_told_by_bodies()):
            self.add("major", text, pointer, None, LOOK)
        elif found.mended or not (breaks or found.seemed_mended):
            self.add("minor", text, pointer, *found.mended or ())
        else:
            self.note(f"{text}, which makes no difference beside all else", pointer)

    def _is_told_by_bodies(self) -> bool:
        """Whether both schemas have the same rules, but for those that bodies can tell of."""
        rules = [sorted(beyond_bodies(*place)) for place in (self._before, self._after)]
        return rules[0] == rules[1]

    def try_whole(self) -> None:
        """Note what all changes together do though none of them does it alone."""
        if self._worst in ("patch", "minor"):
            found = self._trial(self._before, self._after)
            if found.broken:
                self.add("major", "all changes together", self.new_at, *found.broken)
            elif found.mended and self._worst == "patch":
                self.add("minor", "all changes together", self.new_at, *found.mended)

    def _trial(self, before: tuple[Spec, str], after: tuple[Spec, str]) -> "_Trial":
        """What bodies say of one change, as far as the old and the new spec agree.

        Of a request, what was taken and is refused is broken; of an answer, what was refused and is
        not, for its readers were not told of it.
        """
        places = [self._before, self._after, before, after]
        judges = [self._judge(*place) for place in places]
        tried = {plain(body): body for place in places[:3] for body in self._bodies(*place)}
        lost_: list[Any] = []
        gained: list[Any] = []
        seemed = set()
        for text, body in tried.items():
            old, new, was, is_ = (judge.accepts(text, body) for judge in judges)
            if was != is_:
                seemed.add(was)
                if (old, new) == (was, is_):
                    (lost_ if was else gained).append(body)
        pair = smallest(lost_, judges[1]), smallest(gained, judges[0])
        broken, mended = pair if self.is_request else reversed(pair)
        return _Trial(broken, mended, self.is_request in seemed, (not self.is_request) in seemed)


@frozen
class _Trial:
    """The smallest bodies that a change breaks and mends, and whether it alone would do so."""

    broken: tuple[Any, str] | None
    mended: tuple[Any, str] | None
    seemed_broken: bool
    seemed_mended: bool


def smallest(found: list[Any], refusing: Judge) -> tuple[Any, str] | None:
    if not found:
        return None
    body = min(found, key=lambda each: (len(plain(each)), plain(each)))
    return body, refusing.why(body)


def view(spec: Spec, pointer: str) -> dict[str, str]:
    """Where each keyword of a schema is, behind references too."""
    node = spec.at(pointer)
    if not isinstance(node, dict):
        return {}
    referred = view(spec, node["$ref"].removeprefix("#")) if "$ref" in node else {}
    return {**referred, **{key: join(pointer, key) for key in node if key != "$ref"}}


def beyond_bodies(spec: Spec, pointer: str, depth: int = 0) -> Iterator[str]:
    """The rules in a schema, and in what it refers to, that bodies cannot tell of in full."""
    node = spec.at(pointer)
    if isinstance(node, dict) and "$ref" in node and depth < 20:
        yield from beyond_bodies(spec, node["$ref"].removeprefix("#"), depth + 1)
    for key, value in node.items() if isinstance(node, dict) else ():
        below = join(pointer, key)
        if key == "properties":
            for name in value:
                yield from beyond_bodies(spec, join(below, name), depth + 1)
        elif key in LISTS:
            for index in range(len(value)):
                yield from beyond_bodies(spec, f"{below}/{index}", depth + 1)
        elif key in ("items", "not", "additionalProperties"):
            yield from beyond_bodies(spec, below, depth + 1)
        elif not is_note(key) and key not in TOLD_BY_BODIES:
            yield f"{key}: {plain(value)}"


def effect(keyword: str, old: Any, new: Any) -> Effect:
    """What another value of a keyword does to the bodies that a schema accepts."""
    if keyword in ("readOnly", "writeOnly", "patternProperties", "discriminator"):
        return "other"
    if keyword in ("type", "enum", "required"):
        olds, news = (
            set(map(plain, each if isinstance(each, list) else [each])) for each in (old, new)
        )
        if keyword == "type" and plain("number") in olds | news:  # which an integer is too
            olds, news = (
                kinds | {plain("integer")} if plain("number") in kinds else kinds
                for kinds in (olds, news)
            )
        if old is None or new is None:
            return "tighter" if old is None else "looser"
        if olds == news:
            return "none"
        gained, gone = (
            (news - olds, olds - news) if keyword != "required" else (olds - news, news - olds)
        )
        return "other" if gained and gone else "looser" if gained else "tighter"
    if keyword == "additionalProperties":
        order = {plain(False): 0, plain(True): 2, plain({}): 2}
        if order.get(plain(new), 1) == order.get(plain(old), 1) != 1:
            return "none"
        return "tighter" if order.get(plain(new), 1) < order.get(plain(old), 1) else "looser"
    if keyword in ("anyOf", "allOf") and old is not None and new is not None:
        if lost(old, new) and lost(new, old):
            return "other"
        return "looser" if lost(old, new) == (keyword == "allOf") else "tighter"
    if old is None or new is None:
        return "tighter" if old is None else "looser"
    if keyword in LOWER | UPPER:
        return "tighter" if (new > old) == (keyword in LOWER) else "looser"
    return "other"


def referred(spec: Spec, pointer: str) -> set[str]:
    """Where references lead to from a part of a spec, however many."""
    found: set[str] = set()
    queue = [spec.at(pointer)]
    while queue:
        node = queue.pop()
        if isinstance(node, dict):
            target = str(node.get("$ref", "")).removeprefix("#")
            if target.startswith("/") and target not in found:
                found.add(target)
                queue.append(spec.at(target))
            queue += node.values()
        elif isinstance(node, list):
            queue += node
    return found


def lost(old: Any, new: Any) -> bool:
    """Whether something in a value is not in the other one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return any(name not in new or lost(old[name], new[name]) for name in old)
    if isinstance(old, list) and isinstance(new, list):
        return bool(set(map(plain, old)) - set(map(plain, new)))
    return bool(old != new)


def told(keyword: str, old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list) and keyword not in LISTS:
        gone, more = (
            [each for each in one if each not in other] for one, other in ((old, new), (new, old))
        )
        parts = [
            f"{word} {', '.join(map(str, each))}"
            for word, each in (("without", gone), ("with", more))
            if each
        ]
        return f"{keyword} {' and '.join(parts)}"
    if old is None or new is None:
        shown = short(old if new is None else new)
        return f"{keyword} {shown} is {'gone' if new is None else 'new'}"
    return f"{keyword} {short(new)} instead of {short(old)}"


def told_scopes(asked: frozenset[tuple[str, str]]) -> str:
    words = sorted(f"{name} {scope}".strip() for name, scope in asked)
    return " and ".join(words) or "no authorization"


def short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"


def plain(value: Any) -> str:
    """A value as text that is the same for equal values, whatever their order."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = sorted(value)
    if isinstance(value, float) and value.is_integer():  # JSON Schema makes no difference
        value = int(value)
    return json.dumps(value, sort_keys=True)


def is_note(keyword: str) -> bool:
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def rules(node: Any) -> Any:
    """A part of a spec without what only describes it."""
    if isinstance(node, list):
        return [rules(each) for each in node]
    if isinstance(node, dict):
        return {key: rules(value) for key, value in node.items() if not is_note(key)}
    return node


def differing(old: Node, new: Node, known: set[str]) -> list[str]:
    """The names whose values differ in any way, but for those that are looked into elsewhere."""
    names = [
        name for name in [*old, *(name for name in new if name not in old)] if name not in known
    ]
    return [name for name in names if json.dumps(old.get(name)) != json.dumps(new.get(name))]


def shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def parameters(spec: Spec, places: tuple[str, str]) -> dict[tuple[str, str], str]:
    """Where an operation's parameters are, by place and name; those of a path by their order."""
    found = {}
    path = places[0].removeprefix("/paths/").replace("~1", "/").replace("~0", "~")
    order = re.findall(r"\{([^}]*)\}", path)
    for place in places:
        for index in range(len(spec.at(place).get("parameters", []))):
            pointer = spec.target(f"{place}/parameters/{index}")
            node = spec.at(pointer)
            name = (
                str(order.index(node["name"]))
                if node["in"] == "path" and node["name"] in order
                else node["name"]
            )
            found[node["in"], name] = pointer
    return found
