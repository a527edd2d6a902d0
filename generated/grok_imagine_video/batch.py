# Do not edit: openapi-python-client wrote this file from openapi.yaml.
# To change it, edit openapi.yaml or templates/ and run: make generate
"""Create a job for each of many requests, and continue where the last run ended."""

from grok_imagine_video_runtime.batch import (
    Entry,
    Journal,
    JournalError,
    Problem,
    RateLimiter,
    Status,
    Summary,
    asyncio_run,
    run,
    status,
)

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
