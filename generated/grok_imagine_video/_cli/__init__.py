# Do not edit: copied from runtime/_cli/__init__.py, whatever the spec says.
# To change it, edit runtime/_cli/__init__.py and run: make generate
"""The commands of a package, as its `__main__` hands them over. `app` runs them.

Nothing here needs the extra `cli`, so that a missing one can be named.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from attrs import field, frozen

# The package, and the name of its command.
PACKAGE = __name__.rpartition(".")[0]
COMMAND = PACKAGE.replace("_", "-")


@frozen
class Create:
    """A command that creates a job.

    Attributes:
        name: The name of the command.
        operation: The module of the operation that creates the job.
        body: The model of its body; each of its fields is an option.
        names: The options whose name is not that of their field, by field.
        defaults: What is sent for fields that are required and left out: the example of the spec.
    """

    name: str
    operation: Any
    body: Any
    names: Mapping[str, str] = field(factory=dict)
    defaults: Mapping[str, Any] = field(factory=dict)


@frozen
class Job:
    """The commands about one kind of job.

    Attributes:
        operation: The module of the operation that follows the job.
        get: The name of the command that shows it.
        wait: The name of the command that waits for it.
        creates: The commands that create it.
    """

    operation: Any
    get: str
    wait: str
    creates: Sequence[Create] = ()


def run(*jobs: Job) -> NoReturn:
    """Run the command line, and exit with its code."""
    try:
        from .app import main
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("cyclopts", "rich"):
            raise
        sys.exit(f'{COMMAND}: the command needs more packages: pip install "{COMMAND}[cli]"')
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(main(jobs, sys.argv[1:]))


__all__ = ["COMMAND", "PACKAGE", "Create", "Job", "run"]
