"""The edits of openapi.yaml that edits.yaml lists."""

import json
from pathlib import Path
from typing import Any

from attrs import frozen
from ruamel.yaml import YAML

CREATE, GET = "/v1/videos/generations", "/v1/videos/{request_id}"
PLACES = {"spec": [], "paths": ["paths"], "schemas": ["components", "schemas"]}
PLACES |= {"post": ["paths", CREATE, "post"], "get": ["paths", GET, "get"]}


@frozen
class Edit:
    """A merge patch on a part of the spec, under the title of those that have the same effect."""

    title: str
    place: str
    patch: Any

    def __str__(self) -> str:
        return f"{self.title.split()[0]}: {self.place}: {json.dumps(self.patch)}"

    def of(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document with the edit."""
        place = self.place if self.place[0].isupper() else f"CreateVideoRequest.{self.place}"
        inside = place.replace(".", ".properties.").split(".")
        patch = self.patch
        for key in reversed(PLACES.get(self.place, [*PLACES["schemas"], *inside])):
            patch = {key: patch}
        edited: dict[str, Any] = _patched(document, patch)
        return edited


def _patched(node: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    found = dict(node) if isinstance(node, dict) else {}
    for old, new in patch.get("$move", {}).items():
        found[new] = found.pop(old)
    for key, value in patch.items():
        if value is None:
            del found[key]
        elif key != "$move":
            found[key] = _patched(found.get(key), value)
    return found


EDITS = [
    Edit(title, place, patch)
    for title, places in YAML(typ="safe").load(Path(__file__).with_suffix(".yaml")).items()
    for place, patches in places.items()
    for patch in patches
]
