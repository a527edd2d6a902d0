"""The documentation: a site in two languages, and what it shows of the command."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

__all__ = ["ROOT"]
