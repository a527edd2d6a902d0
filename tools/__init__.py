"""What makes, reviews and documents the package."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class BadInputError(Exception):
    """Something that the user can fix; the text is the one line to print."""


def cut(text: str, most: int) -> str:
    """A text to be shown, cut if it is too long."""
    return text if len(text) <= most else text[: most - 1] + "…"
