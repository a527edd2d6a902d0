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
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("cyclopts", "rich"):
            raise
        sys.exit(f"{client.package.command}: it needs cyclopts and rich: pip install cyclopts rich")
    sys.exit(main(client, sys.argv[1:]))
