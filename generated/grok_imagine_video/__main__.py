# Do not edit: copied from runtime/__main__.py, whatever the spec says.
# To change it, edit runtime/__main__.py and run: make generate
"""The command line of this package, also as `python -m` with the name of the package."""

from ._cli import run


def main() -> None:
    """Run the command line, and exit with its code."""
    run()


if __name__ == "__main__":
    main()
