"""Compare an Apifox export with openapi.yaml.

Writes build/export.md and build/export_facts.yaml, for tests/export_facts.yaml. The exit code is 0
if nothing differs, 1 if something does, and 2 if the export cannot be read.
"""

import argparse
import sys
from pathlib import Path

from ruamel.yaml import YAML

from .. import ROOT, BadInputError
from ..review.spec import Spec
from .compare import report
from .reading import read_export


def main() -> None:
    parser = argparse.ArgumentParser(prog="compare-export", description="Read an Apifox export.")
    parser.add_argument("export", type=Path, help="a text, Apifox JSON or OpenAPI 3")
    try:
        export, words = read_export(parser.parse_args().export)
        is_done, text = report(Spec.read(ROOT / "openapi.yaml"), export, words)
    except (OSError, BadInputError) as error:
        print(f"compare-export: {error}", file=sys.stderr)
        sys.exit(2)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "export.md").write_text(text, "utf-8")
    YAML().dump(export.document, build / "export_facts.yaml")
    print(text)
    sys.exit(not is_done)


if __name__ == "__main__":
    main()
