"""What `make mutants` makes of what mutmut found; a script takes its place, which is faster."""

from pathlib import Path

import pytest

from tools.mutants import __main__ as mutants

FOUND = """#!/bin/sh
case $1 in
results)
    echo "    grok_imagine_video._calls.xǁSaveǁreport__mutmut_1: killed"
    echo "    grok_imagine_video._calls.xǁSaveǁreport__mutmut_2: timeout"
    echo "    grok_imagine_video._calls.xǁSaveǁreport__mutmut_3: $STATE" ;;
show)
    printf -- "--- old\\n+++ new\\n@@\\n def f():\\n-    x = 1\\n+    x = 2\\n" ;;
esac
"""
SAME, OTHER = "_calls.Save.report: x = 2", "_calls.Save.report: x = 3"
# The state of a change, those that are explained, the exit code, and what is printed.
RUNS = [
    ("killed", [], 0, "3 changes, 0 that no test notices, 0 not explained"),
    ("survived", [SAME], 0, "3 changes, 1 that no test notices, 0 not explained"),
    ("survived", [OTHER, SAME], 1, f"explained, but noticed: {OTHER}"),
    ("survived", [], 1, "-    x = 1\n+    x = 2\n"),
    ("no tests", [], 1, "3 changes, 1 that no test notices, 1 not explained"),
]


@pytest.mark.parametrize(("state", "explained", "code", "printed"), RUNS)
def test_each_change_that_no_test_notices_must_be_explained_and_no_other(
    state: str,
    explained: list[str],
    code: int,
    printed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mutmut").write_text(FOUND)
    (tmp_path / "mutmut").chmod(0o700)
    reasons = "".join(f"  - '{each}'\n" for each in explained)
    (tmp_path / "explained.yaml").write_text(f"It means the same:\n{reasons or ' []'}")
    monkeypatch.setattr(mutants, "MUTMUT", tmp_path / "mutmut")
    monkeypatch.setattr(mutants, "EXPLAINED", tmp_path / "explained.yaml")
    monkeypatch.setattr(mutants, "SCRATCH", tmp_path / "scratch")
    monkeypatch.setenv("STATE", state)
    with pytest.raises(SystemExit) as ended:
        mutants.main()
    assert ended.value.code == code
    assert printed in capsys.readouterr().out
