"""Create a job for each of many requests, and continue where the previous run ended.

    summary = batch.run(requests, client=client, folder="results")

The result of request 7 is saved in the folder, and its name begins with 0007. `journal.sqlite`
beside it has the outcome of each request, so a run can be killed at any moment and started again:
finished requests are skipped, and those with a job are followed. Those that may have been paid for
are not sent again, unless `resend` says so.
"""

import asyncio
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

from attrs import frozen

from .._files import in_thread
from ..client import Client
from ..models import SentObject
from ..operations import Commands, Create
from ._journal import Entry, Journal, JournalError
from ._options import OnProgress, Options, Resend
from ._rate import RateLimiter
from ._run import Run
from ._status import Problem, Status, Summary, status


@frozen
class _Numbered:
    """Requests with their numbers, from 1."""

    requests: Sequence[SentObject]

    def __iter__(self) -> Iterator[tuple[int, SentObject]]:
        return enumerate(self.requests, 1)


async def asyncio_run(
    requests: Iterable[SentObject],
    *,
    client: Client,
    folder: str | os.PathLike[str],
    operation: ModuleType | None = None,
    concurrency: int = 20,
    rate: float | None = None,
    interval: float = 5.0,
    timeout: float = 900.0,  # noqa: ASYNC109 - of each wait
    resend: Collection[Resend] = (),
    only: Collection[int] | None = None,
    forget: Collection[int] = (),
    on_progress: OnProgress | None = None,
) -> Summary:
    """The async counterpart of `run`.

    If it is cancelled, it sends no more requests, waits for the responses in flight, and writes
    them down. If it is cancelled again, their outcome stays unknown.
    """
    options = Options(concurrency, rate, interval, timeout, resend, only, forget, on_progress)
    return await _run(requests, client, folder, operation, options)


def run(
    requests: Iterable[SentObject],
    *,
    client: Client,
    folder: str | os.PathLike[str],
    operation: ModuleType | None = None,
    concurrency: int = 20,
    rate: float | None = None,
    interval: float = 5.0,
    timeout: float = 900.0,
    resend: Collection[Resend] = (),
    only: Collection[int] | None = None,
    forget: Collection[int] = (),
    on_progress: OnProgress | None = None,
) -> Summary:
    """Create a job for each request, wait for all of them and save their results.

    All requests are checked before the first one is sent. Each is sent once; it is sent again only
    where it is certain that no job was created, such as after status 429.

    Args:
        requests: The requests, in the order of their numbers, from 1. A later run needs the same
            ones; new ones are added at the end. They are read more than once; a sequence that makes
            each one on demand saves memory.
        client: Where the API is. Its `max_retries` do not count here.
        folder: Where the results and the journal are; made if it is missing.
        operation: The operation that creates the jobs. Default: the one for such requests.
        concurrency: How many requests are worked on at the same time, 1 or more. Default: 20.
        rate: How many requests are sent in a minute, above 0. Default: no limit.
        interval: Seconds between two requests for one job, above 0. Default: 5.
        timeout: Seconds to wait for a job, and for a gateway that accepts nothing, above 0.
            Default: 900.
        resend: Which requests of earlier runs are sent again, and may be paid for again: those that
            are "unknown", "failed" or both. Default: none.
        only: The numbers of the requests to work on. Default: all.
        forget: The numbers of requests that end without a result if the gateway still does not find
            their jobs.
        on_progress: Called with the `Status` and the `Entry` each time the state of a request has
            changed.

    Returns:
        How many are done, failed and so on. Errors of single requests are in it, not raised.

    Raises:
        TypeError: No operation creates jobs from such requests, or several do.
        ValueError: An argument cannot be used, another request was sent under a number, the
            journal belongs to another gateway or to another process; nothing was sent.
        JournalError: The journal is no longer in its place; the error has the ids of all jobs.
        OSError: The folder cannot be used.
        RuntimeError: An event loop is running; await `asyncio_run` there.
    """

    _refuse_loop()
    options = Options(concurrency, rate, interval, timeout, resend, only, forget, on_progress)

    async def run_and_close() -> Summary:
        try:
            return await _run(requests, client, folder, operation, options)
        finally:
            await client.sessions.close_loop()

    return asyncio.run(run_and_close())


async def _run(
    requests: Iterable[SentObject],
    client: Client,
    folder: str | os.PathLike[str],
    operation: ModuleType | None,
    options: Options,
) -> Summary:
    requests = requests if isinstance(requests, Sequence) else list(requests)
    commands, create = _operations(client, requests, operation)
    numbered = _Numbered(requests)
    with ExitStack() as stack:  # a thread that is cancelled leaves what it has opened to it
        journal = await in_thread(stack.enter_context, _opened(Path(folder)))
        run = Run(
            numbered,
            create=create,
            job=commands,
            client=client,
            journal=journal,
            options=options,
        )
        await in_thread(run.check)
        await run.all()
        return run.summary()


@contextmanager
def _opened(folder: Path) -> Iterator[Journal]:
    folder.mkdir(parents=True, exist_ok=True)
    with Journal(folder) as journal:
        yield journal


def _refuse_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = "an event loop is running, as in a notebook: await batch.asyncio_run(...) instead"
    raise RuntimeError(msg)


def _operations(
    client: Client, requests: Sequence[SentObject], operation: ModuleType | None
) -> tuple[Commands, Create]:
    """The operations that create and follow the jobs."""
    jobs: Sequence[Commands] = client.package.jobs()
    found = [
        (job, create)
        for job in jobs
        for create in job.creates
        if operation in (None, create.module)
        and all(isinstance(request, create.model) for request in requests)
    ]
    if len(found) != 1:
        names = ", ".join(create.model.__name__ for job in jobs for create in job.creates)
        problem = "say which operation creates the jobs" if found else "no operation creates jobs"
        msg = f"{problem} from these requests; those of one batch must be of one kind: {names}"
        raise TypeError(msg)
    return found[0]


__all__ = [
    "Entry",
    "Journal",
    "JournalError",
    "Problem",
    "RateLimiter",
    "Status",
    "Summary",
    "asyncio_run",
    "run",
    "status",
]
