"""The requests of a batch: what is sent, and whether it is what previous runs have sent."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, Literal

import httpx
from attrs import define, evolve, field
from attrs.validators import deep_iterable, optional

from .. import validators as v
from .._jobs import Waiting
from ..client import Client
from ..config import not_a_client
from ..models import SentObject
from ..operations import Commands, Create, Request
from ._journal import Entry, Journal
from ._limits import reason_of
from ._status import OnProgress

Resend = Literal["unknown", "failed"]

# A request to work on: its entry, and what is sent unless it has a job.
Work = tuple[Entry, Request[Any] | None]

_INSTEAD = "or use another folder"


def _as_sequence(requests: Iterable[SentObject]) -> Sequence[SentObject]:
    return requests if isinstance(requests, Sequence) else list(requests)


@define(eq=False)
class Batch:
    """What `batch.run` is given. Each request is serialized once to check it, once to send it."""

    requests: Sequence[SentObject] = field(converter=_as_sequence)
    client: Client
    folder: Path
    operation: ModuleType | None
    concurrency: int = field(validator=[v.integer, v.ge(1)])
    rate: float | None = field(validator=optional([v.number, v.gt(0)]))
    budget: float | None = field(validator=optional([v.number, v.gt(0)]))
    waiting: Waiting[Any]
    resend: Collection[Resend] = field(validator=deep_iterable(v.in_("unknown", "failed")))
    only: Collection[int] | None
    forget: Collection[int]
    source: str
    dry_run: bool
    on_progress: OnProgress | None
    job: Commands = field(init=False)
    create: Create = field(init=False)
    digests: dict[int, str] = field(factory=dict, init=False)  # by number

    def __attrs_post_init__(self) -> None:
        """Find the operations that follow and create the jobs of such requests."""
        if not isinstance(self.client, Client):
            raise not_a_client(self.client)
        jobs: Sequence[Commands] = self.client.package.jobs()
        creates = [(job, create) for job in jobs for create in job.creates]
        first = next(iter(self.requests), None)
        fitting = [
            (job, create)
            for job, create in creates
            if self.operation in (None, create.module)
            and isinstance(first, (create.model, type(None)))
        ]
        if len(fitting) != 1:
            names = ", ".join(create.model.__name__ for _, create in creates)
            msg = f"no operation, or more than one, creates jobs from these requests: use {names},"
            raise TypeError(f"{msg} all of one kind, and say which operation")
        self.job, self.create = fitting[0]

    def path_of(self, number: int) -> Path:
        """Where the result of a request is saved."""
        return self.folder / f"{number:04}{self.job.module.JOB.suffix}"

    def open(self, stack: ExitStack) -> Journal:
        """Open the journal, check all requests, and count results that a person has found."""
        journal = self._journal(stack)
        gateway, source, _ = journal.about
        self.source = self.source or source
        if journal.entries and _normal(gateway) != _normal(self.client.base_url):
            msg = f"the previous requests were sent to {gateway}, not to {self.client.base_url}"
            raise ValueError(f"{msg}; set the address back, {_INSTEAD}")
        for number, request in enumerate(self.requests, 1):
            _, self.digests[number] = self._serialize(number, request)
        for number in sorted({*journal.entries, *self.digests, *(self.only or ()), *self.forget}):
            self._check(number, journal.entries.get(number))
        if not self.dry_run:
            journal.describe(self.client.base_url, self.source, len(self.digests))
            for number, entry in list(journal.entries.items()):
                if entry.state == "unknown" and self.path_of(number).exists():
                    journal.put(evolve(entry, state="done", error=None))
        return journal

    def _journal(self, stack: ExitStack) -> Journal:
        """The journal; a dry run without one has an empty one elsewhere."""
        if self.folder.exists() and not self.folder.is_dir():
            msg = f"{self.folder} is not a folder"
            raise NotADirectoryError(msg)
        if not self.dry_run:
            self.folder.mkdir(parents=True, exist_ok=True)
            return stack.enter_context(Journal(self.folder))
        with suppress(FileNotFoundError):
            return stack.enter_context(Journal(self.folder, read_only=True))
        return stack.enter_context(Journal(Path(stack.enter_context(TemporaryDirectory()))))

    def _check(self, number: int, entry: Entry | None) -> None:
        """Refuse to mix up requests, and to pay for what cannot be saved."""
        path, msg = self.path_of(number), ""
        is_paid_for_again = entry and entry.state == "failed" and self._is_to_send(number, entry)
        if number not in self.digests:
            msg = f"there is no request {number}" + ", which was sent" * bool(entry)
        elif entry and entry.digest != self.digests[number]:
            msg = f"request {number} has changed since it was sent: undo the change, {_INSTEAD}"
        elif number in self.forget and not (entry and entry.job_id):
            msg = f"request {number} cannot be forgotten: no job was created for it"
        elif (entry is None or is_paid_for_again) and path.exists():
            msg = f"{path} exists, and no run of this batch saved it: move it away, {_INSTEAD}"
        if msg:
            raise ValueError(msg)

    def _serialize(self, number: int, request: SentObject) -> tuple[Request[Any], str]:
        """What is sent, and a digest that does not depend on the order of the fields."""
        options: dict[str, Any] = {"allow_nan": False, "ensure_ascii": False, "sort_keys": True}
        try:
            sent = self.create.module.OPERATION.request(body=request)
            is_json = "json" in sent.arguments
            fields = sent.arguments.pop("json") if is_json else request.to_dict()
            content = json.dumps(fields, **options).encode()
        except (RecursionError, TypeError, ValueError) as error:
            msg = f"request {number} cannot be sent: {error}"
            raise ValueError(msg) from None
        if is_json:
            sent.arguments["content"] = content
        return sent, hashlib.sha256(content).hexdigest()

    def _is_wanted(self, number: int) -> bool:
        return self.only is None or number in self.only

    def _is_to_send(self, number: int, entry: Entry | None) -> bool:
        return self._is_wanted(number) and (entry is None or entry.state in self.resend)

    def remaining(self, entries: dict[int, Entry], stop: Callable[[str], None]) -> Iterator[Work]:
        """The requests to work on, starting with those that have a job."""
        before = dict(entries)
        for number, entry in before.items():
            if entry.state == "created" and self._is_wanted(number):
                yield entry, None
        try:
            for number, request in enumerate(self.requests, 1):
                if number not in self.digests:
                    return  # it is new since the check, and left to the next run
                previous = before.get(number)
                if self._is_to_send(number, previous):
                    sent, digest = self._serialize(number, request)
                    if digest != self.digests[number]:
                        stop(f"request {number} has changed since it was checked: undo the change")
                        return
                    yield Entry(number, digest, previous.attempt + 1 if previous else 1), sent
        except (OSError, RecursionError, TypeError, ValueError) as error:
            stop(reason_of(error))


def _normal(base_url: str) -> str:
    """An address as all its spellings are; a version at its end means nothing."""
    return re.sub(r"(/v\d+)?/*$", "", str(httpx.URL(base_url)))
