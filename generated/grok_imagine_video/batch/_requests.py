# Do not edit: copied from runtime/batch/_requests.py, whatever the spec says.
# To change it, edit runtime/batch/_requests.py and run: make generate
"""The requests of a batch, compared with the journal of previous runs."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx

from ._journal import Entry, Journal

_INSTEAD = "or use another folder"


class Numbered(Protocol):
    """Requests with their numbers, which can be read more than once."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[int, Any]]: ...


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
        return hashlib.sha256(json.dumps(request.to_dict(), **options).encode()).hexdigest()
    except (TypeError, ValueError) as error:  # as strict as httpx
        msg = f"request {number} cannot be sent: {error}"
        raise ValueError(msg) from None


def check(
    requests: Numbered,
    entries: Mapping[int, Entry],
    place: Callable[[int], Path],
    only: Collection[int] = (),
) -> list[str]:
    """Refuse to mix up requests or files, so that no paid result is lost.

    Args:
        requests: All requests of the batch.
        entries: What previous runs have done.
        place: Tells where the result of a request is saved.
        only: Numbers that the requests must have.

    Returns:
        Their digests, for `as_checked`.

    Raises:
        ValueError: Something is not as it was in the previous run, or a number is not there.
    """
    sent, missing, digests = set(entries), set(only), list[str]()
    for number, request in requests:
        digest = digest_of(number, request)
        digests.append(digest)
        missing.discard(number)
        if number in sent:
            sent.remove(number)
            _check_digest(entries[number], digest)
        else:
            check_free([place(number)])
    for number in sent:
        _check_digest(entries[number], "")
    for number in missing:
        msg = f"there is no request {number}"
        raise ValueError(msg)
    return digests


def as_checked(requests: Numbered, digests: Sequence[str]) -> Iterator[tuple[int, Any, str]]:
    """Requests with their numbers and digests, read again; those that are new are left out.

    Raises:
        ValueError: One is not as it was when it was checked.
    """
    for (number, request), digest in zip(requests, digests, strict=False):
        if digest_of(number, request) != digest:
            msg = f"request {number} has changed since it was checked; restore it"
            raise ValueError(msg)
        yield number, request, digest


def check_free(paths: Iterable[Path]) -> None:
    """Refuse to pay for what cannot be saved, because another file has its name.

    Raises:
        ValueError: A file has that name.
    """
    for path in paths:
        if path.exists():
            msg = f"{path} exists, and no run of this batch saved it; move it away, {_INSTEAD}"
            raise ValueError(msg)


def _check_digest(entry: Entry, digest: str) -> None:
    if entry.digest != digest:
        msg = (
            f"request {entry.number} is not the one that was sent; restore it, add new ones at the"
        )
        raise ValueError(f"{msg} end, {_INSTEAD}")


def check_gateway(journal: Journal, gateway: str) -> None:
    """Refuse to look for jobs at another gateway.

    Raises:
        ValueError: The previous requests were sent to another one.
    """
    previous, _, _ = journal.about
    if journal.entries and _normal(previous) != _normal(gateway):
        msg = f"the previous requests were sent to {previous}, not to {gateway}"
        raise ValueError(f"{msg}; set the address back, {_INSTEAD}")


def _normal(base_url: str) -> str:
    """An address as all its spellings are; a version at its end means nothing."""
    return re.sub(r"(/v\d+)?/*$", "", str(httpx.URL(base_url)))


def check_forgotten(journal: Journal, numbers: Collection[int]) -> None:
    """Refuse to forget a request without a job.

    Raises:
        ValueError: One of the requests has no job.
    """
    for number in numbers:
        entry = journal.entries.get(number)
        if entry is None or not entry.job_id:
            msg = f"request {number} cannot be forgotten: no job was created for it"
            raise ValueError(msg)


__all__ = [
    "Numbered",
    "as_checked",
    "check",
    "check_forgotten",
    "check_free",
    "check_gateway",
    "digest_of",
    "path_of",
]
