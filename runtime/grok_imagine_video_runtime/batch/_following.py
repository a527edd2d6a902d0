"""Follow the jobs of a batch, and save their results."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from .. import errors
from .._files import keep_other_file
from .._io import asyncio_download
from .._jobs import cost_of, is_lost
from ..client import Client
from ._journal import Entry
from ._options import Options
from ._rate import RateLimiter, reason_of
from ._records import Records

ENDED = (errors.JobFailedError, errors.JobExpiredError, errors.VideoWithheldError)


@frozen
class Follower:
    """Brings requests that have a job to their end."""

    job: Any
    client: Client
    options: Options
    path_of: Callable[[int], Path]
    limiter: RateLimiter
    records: Records

    async def finish(self, entry: Entry, job_id: str) -> None:
        """Follow a job until it has ended, save its result, and write that down."""
        try:
            job = await self._save(job_id, self.path_of(entry.number))
            entry = evolve(entry, state="done", cost=cost_of(self.job.JOB, job))
        except ENDED as error:
            cost = cost_of(self.job.JOB, error.job)
            entry = evolve(entry, state="failed", cost=cost, error=reason_of(error))
        except Exception as error:
            if entry.number not in self.options.forget or not self._can_be_forgotten(error):
                self._leave(entry, error)
                return
            why = f"forgotten, job {entry.job_id}: {reason_of(error)}"
            entry = evolve(entry, state="failed", error=why)
        await self.records.put(entry)

    async def _save(self, job_id: str, path: Path) -> Any:
        """Wait for a job, save its result, and return the last response."""
        times = {"interval": self.options.interval, "timeout": self.options.timeout}
        job = await self.job.asyncio_wait(job_id, client=self.client, **times)
        url = self.job.result(job)
        await asyncio_download(self.client, url, path, None, rename=keep_other_file)
        return job

    def _can_be_forgotten(self, error: Exception) -> bool:
        """Whether the next run will not find the result either."""
        return isinstance(error, errors.ResultMissingError) or is_lost(self.job.JOB, error)

    def _leave(self, entry: Entry, error: Exception) -> None:
        """Leave a request with a job to the next run."""
        path, is_other_file = self.path_of(entry.number), isinstance(error, FileExistsError)
        if isinstance(error, OSError) and error.strerror:
            error = OSError(f"{error.filename or path}: {error.strerror}")
        why = reason_of(error)
        if is_lost(self.job.JOB, error):
            why = f"the gateway does not find its job {entry.job_id} ({why})"
        why += "; it can be forgotten" * self._can_be_forgotten(error)
        self.records.reasons[entry.number] = why
        if isinstance(error, OSError) and not is_other_file:
            self.limiter.stop(why)  # the next results could not be saved either
