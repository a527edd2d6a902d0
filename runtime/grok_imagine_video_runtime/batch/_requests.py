"""The requests of a batch, compared with the journal of previous runs."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

from ..models import validate_argument
from ._journal import Entry, Journal

# Requests with their numbers; not an iterator, for they are read more than once.
Numbered = Iterable[tuple[int, Any]]

_INSTEAD = "or use another folder"


def path_of(folder: Path, number: int, suffix: str) -> Path:
    """Where the result of a request is saved."""
    return folder / f"{number:04}{suffix}"


def digest_of(number: int, request: Any) -> str:
    """The hash of what is sent, which does not depend on the order of the fields.

    Raises:
        ValueError: It cannot be sent.
    """
    options: dict[str, Any] = {"allow_nan": False, "ensure_ascii": False, "sort_keys": True}
    try:
        validate_argument("request", request)
        return hashlib.sha256(json.dumps(request.to_dict(), **options).encode()).hexdigest()
    except (TypeError, ValueError) as error:  # as strict as httpx
        msg = f"request {number} cannot be sent: {error}"
        raise ValueError(msg) from None


def check(
    requests: Numbered,
    entries: Mapping[int, Entry],
    place: Callable[[int], Path],
    only: Collection[int] = (),
) -> dict[int, str]:
    """Refuse to mix up requests or files, so that no paid result is lost.

    Returns:
        The digest of each request, by number.
    """
    digests = {number: digest_of(number, request) for number, request in requests}
    for number, entry in entries.items():
        if entry.digest != digests.get(number):
            msg = f"request {number} is not the one that was sent; restore it, add new ones at the"
            raise ValueError(f"{msg} end, {_INSTEAD}")
    check_free(place(number) for number in digests if number not in entries)
    for number in set(only).difference(digests):
        msg = f"there is no request {number}"
        raise ValueError(msg)
    return digests


def check_free(paths: Iterable[Path]) -> None:
    """Refuse to pay for what cannot be saved, because another file has its name."""
    for path in paths:
        if path.exists():
            msg = f"{path} exists, and no run of this batch saved it; move it away, {_INSTEAD}"
            raise ValueError(msg)


def check_gateway(journal: Journal, gateway: str) -> None:
    """Refuse to look for jobs at another gateway."""
    previous, _, _ = journal.about
    if journal.entries and _normal(previous) != _normal(gateway):
        msg = f"the previous requests were sent to {previous}, not to {gateway}"
        raise ValueError(f"{msg}; set the address back, {_INSTEAD}")


def _normal(base_url: str) -> str:
    """An address as all its spellings are; a version at its end means nothing."""
    return re.sub(r"(/v\d+)?/*$", "", str(httpx.URL(base_url)))


def check_forgotten(journal: Journal, numbers: Collection[int]) -> None:
    """Refuse to forget a request without a job."""
    for number in numbers:
        entry = journal.entries.get(number)
        if entry is None or not entry.job_id:
            msg = f"request {number} cannot be forgotten: no job was created for it"
            raise ValueError(msg)
