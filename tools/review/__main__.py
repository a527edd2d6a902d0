"""Review a change of the spec: compare the working tree with a git revision.

Writes build/review.md and build/review.json, and prints the former. The exit code is 0 if nothing
needs a person, 1 if something does, and 2 if there is nothing to review.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from .. import ROOT, BadInputError
from ..generator.driver import build, compare
from .callers import PACKAGE, broken_code, broken_names
from .changes import worst
from .documents import compare_documents
from .git import revision, text_at, unpack
from .lint import LintProblem, problems
from .report import Review
from .spec import Spec
from .version import judge_version

GENERATED = ROOT / "generated" / PACKAGE


def review(base: str, spec_path: Path) -> Review:
    before = text_at(base, "openapi.yaml")
    if before is None:
        raise BadInputError(f"{base[:12]} has no openapi.yaml to compare with")
    old, new = Spec.parse(before, f"openapi.yaml of {base[:12]}"), Spec.read(spec_path)
    changes, lint = compare_documents(old, new), problems(spec_path)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        unpack(base, scratch)
        package = scratch / "new" / PACKAGE
        try:
            build(spec_path, ROOT / "generator-config.yaml", package)
            is_current = not compare(package, GENERATED)
        except BadInputError as error:
            lint.append(LintProblem("generator", "error", "", 1, str(error)))
            package, is_current = GENERATED, False
        python = broken_names(scratch / "generated", package.parent)
        python += broken_code(scratch, package.parent)
    impact = worst(change.impact for change in changes)
    changelog = ROOT / "CHANGELOG.md"
    version = judge_version(
        str(old.document["info"]["version"]),
        str(new.document["info"]["version"]),
        "major" if python else impact,
        old_changelog=text_at(base, "CHANGELOG.md") or "",
        new_changelog=changelog.read_text("utf-8") if changelog.exists() else "",
    )
    return Review(impact, changes, python, lint, version, "current" if is_current else "stale")


def main() -> None:
    parser = argparse.ArgumentParser(prog="review", description="Review a change of the spec.")
    parser.add_argument(
        "--base", help="the revision to compare with; default: origin/main, or main"
    )
    parser.add_argument("--spec", type=Path, default=ROOT / "openapi.yaml", metavar="FILE")
    options = parser.parse_args()
    try:
        outcome = review(revision(options.base), options.spec)
    except (OSError, BadInputError) as error:
        print(f"review: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit("review: interrupted")
    build_folder = ROOT / "build"
    build_folder.mkdir(exist_ok=True)
    (build_folder / "review.md").write_text(outcome.markdown(), "utf-8")
    (build_folder / "review.json").write_text(outcome.json(), "utf-8")
    print(outcome.markdown())
    sys.exit(0 if outcome.is_done else 1)


if __name__ == "__main__":
    main()
