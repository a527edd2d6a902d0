"""Review a change of the spec: what it does, to whom, with proof, and what is left to do."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ReviewError(Exception):
    """Something that the person at the keyboard can fix; the text is the one line to print."""
