"""Read an export that is a text: its endpoints, in the terms of Apifox's own JSON."""

import re

from .. import BadInputError
from ..openapi31 import METHODS
from ..review.spec import Node
from ..specs import from_json5

# The headings with JSON below them, and what Apifox calls it.
SECTIONS = {"参数": "parameters", "请求体": "requestBody", "响应": "responses"}
SECTIONS |= {"响应示例": "responseExamples"}
HEADING = re.compile(rf"^[#* ]*({'|'.join(SECTIONS)})[#* ]*$", re.M)
# A method and a path, behind the line with the name of the endpoint.
METHOD = "|".join(METHODS).upper()
ENDPOINT = re.compile(rf"^((?:[^\n|{{}}[\]]+\n+)?)[#* ]*((?:{METHOD}) +/[^\s*]*)[* ]*$", re.M)
JSON = re.compile(r"[\[{](?:.*[\]}]|.*)|$", re.DOTALL)
# Lines that say nothing, or only where Apifox keeps an endpoint.
NO_WORDS = re.compile(r"\W*|```\w*|概览|(Module|Folder) \| .*")


def endpoints(text: str) -> list[Node]:
    """The endpoints of a text; lines outside of their sections are their descriptions."""
    before, *parts = ENDPOINT.split(text)
    parts[:1] = [before + above for above in parts[:1]]
    rows = zip(parts[1::3], parts[::3], parts[2::3], strict=True)
    return [_endpoint(name, above + body) for name, above, body in rows]


def _endpoint(name: str, text: str) -> Node:
    method, path = name.split()
    endpoint: Node = {"method": method, "path": path}
    rest, *parts = HEADING.split(text)
    for heading, body in zip(parts[::2], parts[1::2], strict=True):
        if SECTIONS[heading] in endpoint:
            raise BadInputError(f"{heading} of {name} is there twice")
        data = JSON.findall(body)[0]
        endpoint[SECTIONS[heading]] = from_json5(data, f"{heading} of {name}") if data else {}
        rest += body.replace(data, "")
    lines = [" ".join(line.split()).strip("#*| ") for line in rest.splitlines()]
    known = (f"Method | {method}", f"Path | {path}")
    words = [line for line in lines if not (line in known or NO_WORDS.fullmatch(line))]
    return {**endpoint, "description": "\n".join(words)}
