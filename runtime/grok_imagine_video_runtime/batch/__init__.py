"""Create a job for each of many requests, and continue where the previous run ended."""

from ._journal import Entry, Journal, JournalError
from ._limits import RateLimiter
from ._run import asyncio_run, run
from ._status import Problem, Status, Summary, status

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
