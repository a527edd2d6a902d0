"""Build the client package from the spec, or compare the package with what the spec gives."""

import argparse
import shlex
import sys
from pathlib import Path

from .. import BadInputError
from .driver import files, generate, stale_files

DEFAULTS = {
    "spec": "openapi.yaml",
    "config": "generator-config.yaml",
    "output": "generated/grok_imagine_video",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.generator", description=__doc__)
    for name, default in DEFAULTS.items():
        parser.add_argument(f"--{name}", default=default, help=f"default: {default}")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    spec, config, output = (Path(getattr(options, name)) for name in DEFAULTS)
    try:
        if options.check:
            sys.exit(report(stale_files(spec, config, output), options))
        generate(spec, config, output)
        print(f"wrote {len(files(output))} files to {output}")
    except BadInputError as error:
        sys.exit(f"generate: {error}")
    except KeyboardInterrupt:
        sys.exit("generate: interrupted, the package is as it was")
    except OSError as error:
        sys.exit(f"generate: {error.filename}: {error.strerror}; check SPEC, CONFIG and OUTPUT")


def report(differences: list[str], options: argparse.Namespace) -> str | None:
    """The message about files that differ, with the command that fixes them."""
    fix = "make generate"
    for name, default in DEFAULTS.items():
        if (path := getattr(options, name)) != default:
            fix += f" {name.upper()}={shlex.quote(path)}"
    msg = f"{options.output} is not what the spec gives; run: {fix}"
    return "\n".join([*differences, msg]) if differences else None


if __name__ == "__main__":
    main()
