"""The public functions: what a batch is given."""

import asyncio
import os
from collections.abc import Collection, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from .._files import in_thread, remove_temporary_files
from .._jobs import Waiting
from ..client import Client
from ..models import SentObject
from ._requests import Batch, Resend
from ._sending import Run
from ._status import OnProgress, Records, Summary


async def asyncio_run(
    requests: Iterable[SentObject],
    *,
    client: Client,
    folder: str | os.PathLike[str],
    operation: ModuleType | None = None,
    concurrency: int = 20,
    rate: float | None = None,
    budget: float | None = None,
    interval: float = 5.0,
    timeout: float = 900.0,  # noqa: ASYNC109 - of each wait
    resend: Collection[Resend] = (),
    only: Collection[int] | None = None,
    forget: Collection[int] = (),
    source: str = "",
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> Summary:
    """The async counterpart of `run`.

    If it is cancelled, it sends no more requests, waits for the responses in flight, and writes
    them down. If it is cancelled again, their outcome stays unknown.
    """
    waiting, path = Waiting[Any](interval, timeout), Path(folder)
    options = resend, only, forget, source, dry_run, on_progress
    batch = Batch(requests, client, path, operation, concurrency, rate, budget, waiting, *options)
    return await _run(batch)


def run(
    requests: Iterable[SentObject],
    *,
    client: Client,
    folder: str | os.PathLike[str],
    operation: ModuleType | None = None,
    concurrency: int = 20,
    rate: float | None = None,
    budget: float | None = None,
    interval: float = 5.0,
    timeout: float = 900.0,
    resend: Collection[Resend] = (),
    only: Collection[int] | None = None,
    forget: Collection[int] = (),
    source: str = "",
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> Summary:
    """Create a job for each request, wait for all of them and save their results.

    All requests are checked before the first one is sent. Each is sent once; it is sent again only
    where it is certain that no job was created, such as after status 429.

    Args:
        requests: The requests, in the order of their numbers, from 1. A later run needs the same
            ones; new ones are added at the end. They are read more than once; a sequence that makes
            each one on demand saves memory.
        client: Where the API is. Its `max_retries` do not count for requests that create jobs.
        folder: Where the results and the journal are; made if it is missing.
        operation: The operation that creates the jobs. Default: the one for such requests.
        concurrency: How many requests are worked on at the same time, 1 or more.
        rate: How many requests are sent in a minute, above 0. Default: no limit.
        budget: US dollars, above 0, for all runs in the folder. A request is sent if all prices
            stay within it when the request, and each job without a price, costs as much as the
            dearest job so far. Until there is a price, one request runs alone. Default: no limit.
        interval: Seconds between two requests for one job, above 0.
        timeout: Seconds to wait for a job, and for a gateway that accepts nothing, above 0.
        resend: Which requests of earlier runs are sent again, and may be paid for again: those that
            are "unknown", "failed" or both.
        only: The numbers of the requests to work on. Default: all.
        forget: The numbers of requests that end without a result if the gateway still does not find
            their jobs.
        source: Where the requests come from, for `Summary.source`. Default: what it was before.
        dry_run: Check everything, send nothing, and leave the folder as it is.
        on_progress: Called with the `Status` and the `Entry` each time a request has a new entry.

    Returns:
        How many are done, failed and so on. Errors of single requests are in it, not raised.

    Raises:
        TypeError: No operation creates jobs from such requests, or several do.
        ValueError: An argument or a request cannot be used, another request was sent under its
            number, the journal belongs to another gateway or process; nothing was sent.
        JournalError: The journal cannot be written, or is no longer in its place; the error has the
            ids of the jobs that are not in it.
        OSError: The folder cannot be used.
        RuntimeError: An event loop is running; await `asyncio_run` there.
    """
    waiting, path = Waiting[Any](interval, timeout), Path(folder)
    options = resend, only, forget, source, dry_run, on_progress
    batch = Batch(requests, client, path, operation, concurrency, rate, budget, waiting, *options)
    _refuse_loop()

    async def run_and_close() -> Summary:
        try:
            return await _run(batch)
        finally:
            with suppress(Exception):  # what a transport raises must not hide the summary
                await client.sessions.close_loop()

    return asyncio.run(run_and_close())


def _refuse_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    msg = "an event loop is running, as in a notebook: await batch.asyncio_run(...) instead"
    raise RuntimeError(msg)


async def _run(batch: Batch) -> Summary:
    with ExitStack() as stack:  # a thread that is cancelled leaves what it has opened to it
        journal = await in_thread(batch.open, stack)
        if batch.dry_run:
            return Records(journal).summary(total=len(batch.digests), source=batch.source)
        batch.client.sessions.asyncio_opened(batch.client)  # raises before anything is sent
        summary = await Run(batch, journal).all()
        remove_temporary_files(batch.folder)  # of runs that were killed
        return summary
