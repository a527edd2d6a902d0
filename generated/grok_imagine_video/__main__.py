# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""The command line of this package, also as `python -m grok_imagine_video`."""

from grok_imagine_video_runtime.cli import run as _run

from .client import AuthenticatedClient


def main() -> None:
    """Run the command line, and exit with its code."""
    _run(AuthenticatedClient)


if __name__ == "__main__":
    main()
