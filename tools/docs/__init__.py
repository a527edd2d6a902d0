"""The documentation: a site in two languages, and what is drawn for it from code and figures."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

__all__ = ["ROOT"]
