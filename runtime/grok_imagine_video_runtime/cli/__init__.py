"""The command line of a generated package, made from its operations about jobs.

Nothing here needs the extra `cli`, so that a missing one can be named.
"""

import sys
from typing import NoReturn

from ..client import Client


def run(client: type[Client]) -> NoReturn:
    """Run the command line of the package of a client, and exit with its code."""
    try:
        from .app import main  # 80 ms, in which Ctrl-C may come

        code = main(client, sys.argv[1:])
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("cyclopts", "rich"):
            raise
        command = client.package.command
        sys.exit(f"{command}: the command needs cyclopts and rich: pip install cyclopts rich")
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
