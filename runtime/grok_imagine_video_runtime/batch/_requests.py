"""The requests of a batch: what is sent, and whether it is what previous runs have sent."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, get_args

import httpx
from attrs import define, evolve, field
from attrs.validators import deep_iterable, optional

from .. import _calls, _files, _jobs
from .. import validators as v
from ..client import Client
from ..config import not_a_client
from ..models import SentObject
from ..operations import Commands, Create, Request
from ._journal import Entry, Journal
from ._status import OnProgress, state_of

Resend = Literal["unknown", "failed", "unfinished"]
Work = tuple[Entry, Request[Any] | None]  # what is sent, unless there is a job already

_INSTEAD = "or use another folder"


@define(eq=False)
class Batch:
    """What `batch.run` is given. Each request is serialized once to check it, once to send it."""

    requests: Sequence[SentObject]
    client: Client
    folder: Path = field(converter=Path)
    concurrency: int = field(validator=[v.integer, v.ge(1)])
    rate: float | None = field(validator=optional([v.number, v.gt(0)]))
    budget: float | None = field(validator=optional([v.number, v.gt(0)]))
    waiting: _jobs.Waiting[Any]
    resend: Collection[Resend] = field(validator=deep_iterable(v.in_(*get_args(Resend))))
    only: Collection[int]
    source: str = field(validator=v.string)
    on_progress: OnProgress | None = field(validator=_jobs.callback)
    job: Commands = field(init=False)
    create: Create = field(init=False)
    digests: dict[int, str] = field(factory=dict, init=False)  # by number

    def __attrs_post_init__(self) -> None:
        """Find the operations that follow and create the jobs of such requests."""
        if not isinstance(self.client, Client):
            raise not_a_client(self.client)
        creates = [(job, create) for job in self.client.package.jobs() for create in job.creates]
        first = next(iter(self.requests), None)
        fitting = [pair for pair in creates if isinstance(first, (pair[1].model, type(None)))]
        if len(fitting) != 1:
            models = ", ".join(create.model.__name__ for _, create in creates)
            msg = f"{type(first).__name__} must be the model of one operation that creates jobs"
            raise TypeError(f"{msg}: {models}")
        self.job, self.create = fitting[0]

    def path_of(self, number: int) -> Path:
        """Where the result of a request is saved."""
        return self.folder / f"{number:04}{self.job.module.JOB.suffix}"

    def open(self, stack: ExitStack) -> Journal:
        """Check all requests, open the journal, and count results that a person has found."""
        for number, request in enumerate(self.requests, 1):
            _, self.digests[number] = self._serialize(number, request)
        self.folder.mkdir(parents=True, exist_ok=True)
        journal = stack.enter_context(Journal(self.folder))
        gateway, source, _ = journal.about
        url, path = self.client.base_url, self.create.module.OPERATION.path
        addresses = {_calls.absolute_url(httpx.URL(), base, path) for base in (url, gateway or url)}
        if journal.entries and len(addresses) > 1:
            msg = f"the previous requests were sent to {gateway}, not to {url}"
            raise ValueError(f"{msg}; set the address back, {_INSTEAD}")
        for number, entry in list(journal.entries.items()):
            if entry.state == "unknown" and self.path_of(number).exists():
                journal.put(evolve(entry, state="done", error=None))
        for number in sorted({*journal.entries, *self.digests, *self.only}):
            if mistake := self._mistake(number, journal.entries.get(number)):
                raise ValueError(mistake)
        _files.remove_temporary_files(self.folder)  # of runs that were killed
        journal.describe(url, self.source or source, len(self.digests))
        return journal

    def _mistake(self, number: int, entry: Entry | None) -> str:
        """How requests would be mixed up, or what could not be saved be paid for; or ""."""
        path = self.path_of(number)
        if number not in self.digests:
            return f"there is no request {number}" + ", which was sent" * bool(entry)
        if entry and entry.digest != self.digests[number]:
            return f"request {number} has changed since it was sent. Undo the change, {_INSTEAD}"
        if self._is_to_send(number, entry) and path.exists():
            return f"{path} exists, and no run of this batch saved it: move it away, {_INSTEAD}"
        return ""

    def _serialize(self, number: int, request: SentObject) -> tuple[Request[Any], str]:
        """What is sent, and a digest that does not depend on the order of the fields."""
        options: dict[str, Any] = {"allow_nan": False, "ensure_ascii": False, "sort_keys": True}
        try:
            sent = self.create.module.OPERATION.request(body=request)
            content = json.dumps(request.to_dict(), **options).encode()
        except (RecursionError, TypeError, ValueError) as error:
            msg = f"request {number} cannot be sent: {error}"
            raise ValueError(msg) from None
        if sent.arguments.pop("json", None) is not None:
            sent.arguments["content"] = content
        return sent, hashlib.sha256(content).hexdigest()

    def _is_to_send(self, number: int, entry: Entry | None) -> bool:
        return number in self.only and (entry is None or state_of(entry) in self.resend)

    def remaining(self, entries: dict[int, Entry], stop: Callable[[str], None]) -> Iterator[Work]:
        """The requests to work on, starting with those that have a job."""
        before = dict(entries)
        for number, entry in before.items():
            has_job = entry.state == "created" and number in self.only
            if has_job and not self._is_to_send(number, entry):
                yield entry, None
        try:  # those that are new since the check are left to the next run
            for number, request in zip(self.digests, self.requests, strict=False):
                previous = before.get(number)
                if self._is_to_send(number, previous):
                    sent, digest = self._serialize(number, request)
                    if digest != self.digests[number]:  # it may be one that was sent as another
                        stop(f"request {number} has changed since it was checked: undo the change")
                        return
                    yield Entry(number, digest, previous.attempt + 1 if previous else 1), sent
        except (OSError, RecursionError, TypeError, ValueError) as error:
            stop(_jobs.reason_of(error))
