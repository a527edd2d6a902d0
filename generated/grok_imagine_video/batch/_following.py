# Do not edit: copied from runtime/batch/_following.py, whatever the spec says.
# To change it, edit runtime/batch/_following.py and run: make generate
"""Follow the jobs of a batch, and save their results."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import evolve

from .. import errors
from .._files import keep_other_file
from .._io import asyncio_download
from .._polling import cost_of
from ..client import Client
from ._journal import Entry
from ._options import Options
from ._rate import RateLimiter, one_line
from ._records import Records

ENDED = (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError)
NO_SUCH_JOB = (400, 404, 410)  # for a job, or its result, that the gateway has forgotten


def is_forgotten(error: Exception) -> bool:
    """Whether the gateway does not find a job, or its result, or answers with an error and 200."""
    if isinstance(error, errors.APIStatusError):
        return error.status_code in NO_SUCH_JOB or 200 <= error.status_code <= 299
    return isinstance(error, errors.ResultMissingError)


class Follower:
    """Brings requests that have a job to their end."""

    def __init__(
        self,
        job: ModuleType,
        client: Client,
        options: Options,
        place: Callable[[int], Path],
        limiter: RateLimiter,
        records: Records,
    ) -> None:
        self._job: Any = job
        self._client, self._options, self._place = client, options, place
        self._limiter, self._records = limiter, records

    async def finish(self, entry: Entry, job_id: str) -> None:
        """Follow a job until it has ended, save its result, and write that down."""
        try:
            job = await self._save(job_id, self._place(entry.number))
            entry = evolve(entry, state="done", cost=cost_of(self._job._JOB, job))
        except ENDED as error:
            cost = cost_of(self._job._JOB, error.job)
            entry = evolve(entry, state="failed", cost=cost, error=one_line(error))
        except Exception as error:
            if not (why := self._why_forgotten(entry, error)):
                self._leave(entry, error)
                return
            entry = evolve(entry, state="failed", error=why)
        await self._records.put(entry)

    async def _save(self, job_id: str, path: Path) -> Any:
        """Wait for a job, save its result, and return the last response."""
        times = {"interval": self._options.interval, "timeout": self._options.timeout}
        job = await self._job.asyncio_wait(job_id, client=self._client, **times)
        url = self._job.result(job)
        await asyncio_download(self._client, url, path, None, place=keep_other_file)
        return job

    def _why_forgotten(self, entry: Entry, error: Exception) -> str | None:
        """Why the request ends without a result, if a person said so and the gateway agrees."""
        if entry.number not in self._options.forget or not is_forgotten(error):
            return None
        return f"forgotten, job {entry.job_id}: {one_line(error)}"

    def _leave(self, entry: Entry, error: Exception) -> None:
        """Leave a request with a job to the next run."""
        path, is_other_file = self._place(entry.number), isinstance(error, FileExistsError)
        if isinstance(error, OSError) and error.strerror:
            error = OSError(f"{error.filename or path}: {error.strerror}")
        why = one_line(error)
        if is_forgotten(error):
            why = f"the gateway does not find its job {entry.job_id} ({why}); it can be forgotten"
        self._records.reasons[entry.number] = why
        if isinstance(error, OSError) and not is_other_file:
            self._limiter.stop(why)  # the next results could not be saved either


__all__ = ["Follower"]
