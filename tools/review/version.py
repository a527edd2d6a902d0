"""Check that the version is bumped as far as a change needs, and is in the changelog."""

import re

from attrs import frozen
from packaging.version import InvalidVersion, Version

from .. import BadInputError
from .changes import Impact


@frozen
class VersionVerdict:
    """The versions of the base and of the working tree, and the lowest one that is enough."""

    base: str
    now: str
    needed: str
    ok: bool

    def text(self) -> str:
        text = f"{self.base} → {self.now}"
        if self.ok:
            return f"{text}, as it should be"
        if Version(self.now) < Version(self.needed):
            return f"{text}, {self.needed} is needed, with an entry in CHANGELOG.md"
        return f"{text}, but CHANGELOG.md has no entry about it"


def judge_version(
    base: str, now: str, impact: Impact, *, old_changelog: str, new_changelog: str
) -> VersionVerdict:
    try:
        needed = _raised(Version(base), impact)
        is_enough = Version(now) >= needed
    except InvalidVersion as error:
        raise BadInputError(f"info.version: {error}") from None
    has_entry = impact == "none" or _has_new_entry(old_changelog, new_changelog, now)
    return VersionVerdict(base, now, str(needed), is_enough and has_entry)


def _raised(version: Version, impact: Impact) -> Version:
    """The lowest version for a change; before 1.0 a break bumps the minor version."""
    major, minor, patch = (*version.release, 0, 0)[:3]
    if impact == "none":
        return version
    if impact == "patch":
        return Version(f"{major}.{minor}.{patch + 1}")
    if impact == "minor" or not major:
        return Version(f"{major}.{minor + 1}.0")
    return Version(f"{major + 1}.0.0")


def _has_new_entry(old: str, new: str, version: str) -> bool:
    """Whether the changelog has a new line about this version."""
    known = set(old.splitlines())
    sections = re.split(r"^## ", new, flags=re.MULTILINE)[1:]
    title = re.compile(rf"\[?({re.escape(version)}|Unreleased)\b")
    lines = [line for text in filter(title.match, sections) for line in text.splitlines()[1:]]
    return any(line.strip() and line not in known for line in lines)
