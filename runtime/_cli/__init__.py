"""The command line of a package, from the operations in its `_jobs.py`.

Nothing here needs the extra `cli`, so that a missing one can be named.
"""

import sys
from importlib import import_module
from typing import NoReturn

# The package, and the name of its command.
PACKAGE = __name__.rpartition(".")[0]
COMMAND = PACKAGE.replace("_", "-")


def run() -> NoReturn:
    """Run the command line, and exit with its code."""
    try:
        from .app import main

        code = main(import_module(f"{PACKAGE}._jobs").JOBS, sys.argv[1:])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("cyclopts", "rich"):
            raise
        sys.exit(f'{COMMAND}: the command needs more packages: pip install "{COMMAND}[cli]"')
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


__all__ = ["COMMAND", "PACKAGE", "run"]
