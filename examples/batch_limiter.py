"""When the next line of a batch may be sent."""

import asyncio
import contextlib
import time

from rich.console import Console

from grok_imagine_video import errors

MOST_UNKNOWN_IN_A_ROW = 10  # then the lines are not the cause
LONG_PAUSE, SHORT_PAUSE = 10.0, 1.0  # seconds; the long one if the gateway does not ask for any

console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    console.print(f"batch: {text}")


def one_line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)[:500]


def now() -> float:
    return time.monotonic()


class RateLimiter:
    """Sends lines at a rate, pauses while the gateway accepts none, and can stop for good."""

    def __init__(self, rate: float | None, timeout: float) -> None:
        self._timeout = timeout
        self._interval = 60 / rate if rate else 0.0
        self._next_at = 0.0
        self._lock = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._unknown_in_a_row = 0
        self._has_said_waiting = False
        self._waiting_since: float | None = None

    async def acquire(self) -> bool:
        """Wait until a line may be sent. False if no more lines are sent."""
        async with self._lock:
            while not self._stopped.is_set() and (left := self._next_at - now()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopped.wait(), left)
            self._next_at = now() + self._interval
        return not self._stopped.is_set()

    def stop(self, why: str) -> None:
        if not self._stopped.is_set():
            say(f"{why}; no more lines are sent")
        self._stopped.set()

    def record(self, unknown: str | None = None) -> None:
        """Note that a line has an outcome, and the reason if the outcome is unknown."""
        self._waiting_since = None
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if unknown else 0
        if self._unknown_in_a_row == MOST_UNKNOWN_IN_A_ROW:
            self.stop(f"{MOST_UNKNOWN_IN_A_ROW} lines in a row have an unknown outcome: {unknown}")

    def back_off(self, error: errors.APIConnectionError | errors.RateLimitError) -> bool:
        """Pause all lines: the gateway is busy or away. False if the timeout is up before that."""
        asked = error.retry_after if isinstance(error, errors.RateLimitError) else None
        pause = LONG_PAUSE if asked is None else max(asked, SHORT_PAUSE)
        if not self._has_said_waiting:
            say(f"waiting for the gateway, at most {self._timeout:g} seconds: {one_line(error)}")
        self._has_said_waiting = True
        self._waiting_since = self._waiting_since or now()
        if now() + pause > self._waiting_since + self._timeout:
            self.stop(one_line(error))
            return False
        self._next_at = max(self._next_at, now() + pause)
        return True
