"""Hold an Apifox export against openapi.yaml.

Writes build/export.md and, in the form of tests/export_facts.yaml, build/export_facts.yaml. Prints
the former, and ends with 0 only if nothing differs, with 1 if something does, and with 2 if the
export cannot be read.
"""

import argparse
import sys
from pathlib import Path

from ruamel.yaml import YAML

from ..review import ROOT, ReviewError
from ..review.spec import Spec
from ..specs import BadSpecError
from .compare import report
from .reading import Reading

HEADER = "# What `make compare-export` read in an Apifox export, to hold openapi.yaml against.\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="compare-export", description="Read an Apifox export.")
    parser.add_argument("export", type=Path, help="a text, Apifox JSON or OpenAPI 3")
    export = parser.parse_args().export
    try:
        reading = Reading.of(export)
        is_done, text = report(Spec.read(ROOT / "openapi.yaml"), reading)
    except (OSError, ReviewError, BadSpecError) as error:
        print(f"compare-export: {error}", file=sys.stderr)
        sys.exit(2)
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "export.md").write_text(text, "utf-8")
    facts = {key: node for key, node in reading.demands.document.items() if key != "info"}
    writer = YAML()
    writer.width = 100
    with (build / "export_facts.yaml").open("w", encoding="utf-8") as file:
        file.write(HEADER)
        writer.dump(facts, file)
    print(text)
    sys.exit(not is_done)


if __name__ == "__main__":
    main()
