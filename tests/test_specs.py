"""How tools read a spec: OpenAPI 3.0 as 3.1, few patterns, and nothing that would harm them."""

import copy
import re
import resource
import time
from pathlib import Path

import pytest

from making import Spec, document, load
from tools import BadInputError, specs
from tools.openapi31 import in_31
from tools.patterns import to_python

SPECS = Path(__file__).parent / "specs"
SPEC = """\
openapi: 3.1.0
info: {title: T, version: '1'}
paths: {}
components: {schemas: {A: {}}}
"""


ROWS = load(SPECS / "hostile.yaml")
ROWS["before"][f"x-note: {'[' * 2_000}{']' * 2_000}"] = "levels deep"
ROWS["within"][f"maxLength: {'9' * 5_000}"] = "number"
ROWS["within"][f"description: {'a' * 11_000_000}"] = "larger than"
HOSTILE = [(f"{line}\n{SPEC}", told) for line, told in ROWS["before"].items()]
HOSTILE += [(SPEC.replace("A: {", f"A: {{{part}"), told) for part, told in ROWS["within"].items()]
HOSTILE += ROWS["alone"].items()


@pytest.mark.parametrize(("text", "part"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_spec_gets_one_cheap_line(text: str, part: str, tmp_path: Path) -> None:
    (path := tmp_path / "spec").write_bytes(text.encode("utf-8", "surrogatepass"))
    seconds, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInputError) as refusal:
        specs.load(specs.text_of(path), str(path))
    line = str(refusal.value)
    assert line.startswith(f"{path}: ")
    assert part in line
    assert (len(line.splitlines()), len(line) < 800) == (1, True)
    assert time.process_time() - seconds < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 300_000


@pytest.mark.parametrize(("old", "new"), load(SPECS / "openapi30.yaml"), ids=str)
def test_a_schema_of_3_0_is_the_same_in_3_1(old: Spec, new: Spec) -> None:
    spec = document(M=old)
    before = copy.deepcopy(spec)
    assert in_31(spec | {"openapi": "3.0.1"}) == document(M=new)
    assert spec == before
    assert "nullable" not in old or in_31(spec) == spec


PATTERNS = load(SPECS / "patterns.yaml")
HUGE = ["(" * 5_000, "(a)" * 5_000 + "`", "(a|" * 5_000, "[a" * 5_000]


@pytest.mark.parametrize(("pattern", "matched", "others"), PATTERNS["taken"])
def test_a_pattern_that_is_taken_means_the_same_in_python(
    pattern: str, matched: list[str], others: list[str]
) -> None:
    regex = to_python(pattern)
    assert regex is not None
    assert [x for x in matched + others if re.search(regex, x, re.ASCII)] == matched


@pytest.mark.parametrize("pattern", PATTERNS["refused"] + HUGE, ids=lambda pattern: pattern[:20])
def test_every_other_pattern_is_refused(pattern: str) -> None:
    assert to_python(pattern) is None
