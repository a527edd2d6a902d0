"""Create a job for each of many requests, and continue where the previous run ended.

The result of request 7 is saved in the folder, and its name begins with 0007. `journal.sqlite`
beside it has the outcome of each request, so a run can be killed at any moment and started again.
"""

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
