"""Read an Apifox export as a document of OpenAPI: a text, its own JSON, or OpenAPI already."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyjson5

from ..review import ReviewError
from ..review.documents import METHODS
from ..review.spec import Node, Spec
from ..review.values import short
from ..specs import load, text_of

SECTIONS = {"概览": "overview", "参数": "parameters", "请求体": "requestBody", "响应": "responses"}
SECTIONS |= {"响应示例": "responseExamples"}
HEADINGS = "|".join(SECTIONS)
# A heading, or an endpoint with the line above it, which is its name if it is one of words.
MARK = re.compile(
    rf"^(?:[#* ]*(?!(?:{HEADINGS}|[-=* ]+)$)(?P<name>[^\n]*[^\n\]}}|`* ])[* ]*\n\s*)?"
    rf"[#* ]*(?P<method>{'|'.join(METHODS).upper()})[ \t]+(?P<path>/[^\s*]*)[* \t]*$"
    rf"|^[#* ]*(?P<heading>{HEADINGS})[* \t]*$",
    re.MULTILINE,
)
MEDIA_TYPES = {"json": "application/json", "xml": "application/xml", "html": "text/html"}


def read(path: Path) -> Node:
    """What a file says, as OpenAPI. What has no keyword there is in `x-words` and `x-examples`.

    Raises:
        ReviewError: It cannot be read; the text names the section and the line.
        BadSpecError: It is too large, not UTF-8, or would harm its readers.
    """
    text = re.sub(r"\r\n?", "\n", text_of(path))
    schemas: Node = {}
    if re.match(r"\s*openapi\s*:", text):
        return Spec.parse(text, "the document").document
    if text.lstrip().startswith("{"):
        found = parsed(text, "the document")
        if "openapi" in found:
            return Spec.parse(json.dumps(found), "the document").document
        apis = [{**item["api"], "name": item.get("name")} for item in _items(found, "api")]
        for item in _items(found, "schema"):
            schemas[str(item.get("id")).rpartition("/")[2]] = item["schema"].get("jsonSchema")
    else:
        apis = _apis(text)
    document: Node = {"paths": {}, "definitions": schemas}
    for api in apis or [{}]:
        _add_endpoint(document["paths"], api)
    return load(json.dumps(document), is_json=True)


def parsed(text: str, where: str, line: int = 1) -> Any:
    """What JSON with comments and trailing commas says.

    Raises:
        ReviewError: It is not JSON; the text begins with `where` and has the line and the column.
    """
    try:
        return pyjson5.loads(text)
    except pyjson5.Json5Exception as error:
        what = str(error.args[0])
        at = int((re.findall(r"near (\d+)", what) or ["0"])[0])
        line, column = line + text.count("\n", 0, at), at - text.rfind("\n", 0, at)
        what = re.sub(r"( starting)? near \d+|b(?=')", "", what)
        what = re.sub(r"U\+(\w+)", lambda code: repr(chr(int(code[1], 16))), what)
        raise ReviewError(f"{where}: line {line}, column {column}: not JSON: {what}") from None


def _items(node: Any, key: str) -> Iterator[Node]:
    """The items that have a key, in folders in folders."""
    for item in node if isinstance(node, list) else [node]:
        if isinstance(item.get(key), dict):
            yield item
        for folder in ("apiCollection", "schemaCollection", "items"):
            yield from _items(item.get(folder) or [], key)


def _apis(text: str) -> list[Node]:
    """The endpoints of a text, as Apifox has them in its JSON."""
    apis: list[Node] = []
    marks = [*MARK.finditer(text)]
    starts = [*(mark.start() for mark in marks), len(text)]
    before = _lines(text[: starts[0]])
    for mark, end in zip(marks, starts[1:], strict=True):
        heading, body = mark["heading"], text[mark.end() : end]
        section = SECTIONS.get(heading, "")
        if mark["path"] or not apis or (section == "overview" and section in apis[-1]):
            apis.append({**mark.groupdict(), "x-words": before})
            before = []
        api = apis[-1]
        if section == "overview":
            rows = dict(re.findall(r"^\| *(\w.*?) *\| *(.*?) *\| *$", body, re.MULTILINE))
            api |= {key: api[key] or rows.get(key.title()) for key in ("method", "path")}
            rest = {key: rows[key] for key in rows if rows[key] != api.get(key.lower())}
            api[section] = _rest(rest, "Module", "Folder")  # where Apifox keeps it
            body = re.sub(r"^\|.*", "", body, flags=re.MULTILINE)
        elif section and (found := re.search(r"[\[{](?:.*[\]}]|.*)", body, re.DOTALL)):
            where = f"{heading} of {api['method']} {api['path']}"
            line = text.count("\n", 0, mark.end() + found.start()) + 1
            api[section] = parsed(found[0], where, line)
            body = body[: found.start()] + body[found.end() :]
        api["x-words"] += [f"{heading}: {line}" if heading else line for line in _lines(body)]
    return apis


def _lines(text: str) -> list[str]:
    """The lines that say something."""
    return [line.strip() for line in text.split("\n") if not re.fullmatch(r"[-=*\s]*|```\w*", line)]


def _add_endpoint(paths: Node, api: Node) -> None:
    method, path = str(api.get("method")).lower(), str(api.get("path"))
    endpoint = f"{method.upper()} {path}"
    if method not in METHODS or not path.startswith("/"):
        what = "a line such as POST /path, Apifox JSON or OpenAPI 3 is needed"
        raise ReviewError(f"no endpoint with method and path: {what}")
    if method in paths.get(path, {}):
        raise ReviewError(f"{endpoint} is there twice")
    operation: Node = {"summary": api.get("name"), "description": api.get("description")}
    operation |= {"x-words": api.get("x-words", []), "x-examples": []}
    for heading, section in SECTIONS.items():
        words: list[str] = []
        try:
            _add(operation, section, api.get(section) or {}, words)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"not as Apifox writes it: {error}"
            raise ReviewError(f"{heading} of {endpoint}: {what}") from None
        operation["x-words"] += [f"{heading}: {each}" for each in words]
    paths.setdefault(path, {})[method] = operation


def _add(operation: Node, section: str, said: Any, words: list[str]) -> None:
    """Add what a section of an endpoint says; words are what has no place in OpenAPI."""
    if section == "overview":
        words += said
    elif section == "parameters":
        operation[section] = [{"in": at, **_row(row, words)} for at in said for row in said[at]]
    elif section == "requestBody" and said.get("type", "none") != "none":
        content = {said.get("mediaType") or said["type"]: {"schema": said.get("jsonSchema") or {}}}
        operation[section] = {"required": bool(said.get("required")), "content": content}
        operation["x-examples"] += [each["value"] for each in said.get("examples") or ()]
        words += _rest(said, "type", "mediaType", "required", "jsonSchema", "examples")
    elif section == "responses":
        operation[section] = {}
        for each in said:
            kind, code = each.get("mediaType") or each.get("contentType"), str(each["code"])
            media = {MEDIA_TYPES.get(kind, kind): {"schema": each.get("jsonSchema") or {}}}
            response = {"description": each.get("name"), "content": {} if kind == "none" else media}
            words += [f"another response {code}"] if code in operation[section] else []
            words += _rest(each, "id", "code", "name", "contentType", "mediaType", "jsonSchema")
            operation[section][code] = response
    elif section == "responseExamples":
        operation["x-examples"] += [each["data"] for each in said]


def _row(row: Node, words: list[str]) -> Node:
    """A row of a table of parameters."""
    if row.get("enable") is False:
        words.append(f"{row['name']} is not enabled")
    schema = row.get("schema") or {"type": row.get("type") or "string"}
    found = {"name": row["name"], "required": bool(row.get("required")), "schema": schema}
    sample = row.get("sampleValue") or row.get("example")
    return {**found, "description": row.get("description"), "example": sample}


def _rest(node: Node, *known: str) -> list[str]:
    """What a node says under other names."""
    return [f"{key}: {short(node[key])}" for key in node if key not in known and node[key]]
