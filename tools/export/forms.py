"""Read an export as OpenAPI: a text, Apifox's own JSON, or OpenAPI already."""

import json
from typing import Any

from .. import BadInputError
from ..openapi31 import nodes
from ..review.spec import Node, Spec, mappings
from ..review.values import short
from ..specs import OPENAPI, from_json5, unfenced
from .texts import SECTIONS, endpoints

MEDIA_TYPES = {"json": "application/json", "xml": "application/xml", "html": "text/html"}
# What has a keyword in OpenAPI, or a meaning within Apifox alone.
KNOWN = {"id", "name", "description", "code", "type", "contentType", "required", "jsonSchema"}


def read(text: str) -> Spec:
    """What an export says, as OpenAPI with references in place; `x-examples` are of any body."""
    text = unfenced(text.replace("\r\n", "\n"))
    export = from_json5(text, "the document") if text.lstrip().startswith("{") else {}
    if "openapi" not in export and not OPENAPI.search(text):
        export = _document(_apis(export) or endpoints(text))
    spec = Spec.parse(json.dumps(export, ensure_ascii=False) if export else text, "the document")
    document = spec.in_place(spec.document)
    document["info"]["title"] = ""  # it names the project in Apifox
    for _, node in nodes(document):
        node.pop("servers", None)
    return Spec(document, {})


def _apis(project: Node) -> list[Node]:
    """The endpoints of Apifox JSON, in whatever folders they are."""
    items = [node for _, node in mappings(project) if isinstance(node.get("api"), dict)]
    return [{**item["api"], "name": item.get("name")} for item in items if "path" in item["api"]]


def _document(apis: list[Node]) -> Node:
    paths: Node = {}
    for api in apis:
        method, path = str(api.get("method")).lower(), str(api["path"])
        if method in paths.setdefault(path, {}):
            raise BadInputError(f"{method.upper()} {path} is there twice")
        paths[path][method] = _operation(api, f"{method.upper()} {path}")
    if not paths:
        raise BadInputError("no endpoint: a line POST /path, Apifox JSON or OpenAPI 3 is needed")
    return {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": paths}


def _operation(api: Node, name: str) -> Node:
    operation: Node = {
        "summary": api.get("name") or "",
        "description": api.get("description") or "",
    }
    for heading, section in SECTIONS.items():
        try:
            operation |= READERS[section](api.get(section) or {})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadInputError(f"{heading} of {name}: not as Apifox writes it: {error}") from None
    return operation


def _parameter(location: str, row: Node) -> Node:
    """A parameter, which Apifox has in a table for each location."""
    words = [row.get("description") or "", "not enabled" if row.get("enable") is False else ""]
    schema = row.get("schema") or {"type": row.get("type") or "string"}
    return {
        "in": location,
        "name": row["name"],
        "schema": schema,
        "example": row.get("sampleValue"),
        "required": bool(row.get("required")),
        "description": "\n".join(words),
    }


def _request_body(row: Node) -> Node:
    kind = row.get("type", "none")
    body = {"required": bool(row.get("required")), **_body(row, kind)}
    return {} if kind == "none" else {"requestBody": body}


def _responses(rows: list[Node]) -> Node:
    responses: Node = {}
    for row in rows:
        code = str(row["code"])
        again = {"another response": code} if code in responses else {}
        responses[code] = _body({**row, **again}, row["contentType"])
    return {"responses": responses}


def _body(node: Node, kind: str) -> Node:
    """A body; its description has what Apifox says and OpenAPI has no keyword for."""
    unknown = [f"{key}: {short(node[key])}" for key in node if key not in KNOWN and node[key]]
    words = [node.get("name") or "", node.get("description") or "", *unknown]
    media = {MEDIA_TYPES.get(kind, kind): {"schema": node.get("jsonSchema") or {}}}
    return {"description": "\n".join(words), "content": {} if kind == "none" else media}


READERS: dict[str, Any] = {
    "parameters": lambda tables: {
        "parameters": [_parameter(location, row) for location in tables for row in tables[location]]
    },
    "requestBody": _request_body,
    "responses": _responses,
    "responseExamples": lambda rows: {"x-examples": [row["data"] for row in rows]},
}
