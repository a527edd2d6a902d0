"""When the next line of a batch may be sent."""

import asyncio
import contextlib
import time

from rich.console import Console

from grok_imagine_video import errors

UNKNOWN_IN_A_ROW = 10  # after so many it is not about the lines
LONG_PAUSE, SHORT_PAUSE = 10.0, 1.0  # seconds; the long one if the relay does not ask for any

console = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)


def say(text: str) -> None:
    console.print(f"batch: {text}")


def one_line(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)[:500]


class Gate:
    """Lets lines be sent at a rate, none while the relay takes none, and none once it is shut."""

    def __init__(self, rate: float | None, patience: float) -> None:
        self._patience = patience
        self._spacing = 60 / rate if rate else 0.0
        self._opens = 0.0
        self._one_by_one = asyncio.Lock()
        self._shut = asyncio.Event()
        self._unknown_in_a_row = 0
        self._has_told = False
        self._none_taken_since: float | None = None

    async def passed(self) -> bool:
        """Wait for a turn; whether it came."""
        async with self._one_by_one:
            while not self._shut.is_set() and (left := self._opens - time.monotonic()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._shut.wait(), left)
            self._opens = time.monotonic() + self._spacing
        return not self._shut.is_set()

    def shut(self, why: str) -> None:
        if not self._shut.is_set():
            say(f"{why}; no more lines are sent")
        self._shut.set()

    def answered(self, unknown: str | None = None) -> None:
        """Note that the relay dealt with a line, and why its outcome is unknown if it is."""
        self._none_taken_since = None
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if unknown else 0
        if self._unknown_in_a_row == UNKNOWN_IN_A_ROW:
            self.shut(f"{UNKNOWN_IN_A_ROW} lines in a row have an unknown outcome: {unknown}")

    def hold(self, error: errors.APIConnectionError | errors.RateLimitError) -> bool:
        """Let all lines wait for a relay that is busy or away; whether there is time for it."""
        asked = error.retry_after if isinstance(error, errors.RateLimitError) else None
        pause = LONG_PAUSE if asked is None else max(asked, SHORT_PAUSE)
        now = time.monotonic()
        if not self._has_told:
            say(f"waiting for the relay, at most {self._patience:g} seconds: {one_line(error)}")
        self._has_told = True
        self._none_taken_since = self._none_taken_since or now
        if now + pause > self._none_taken_since + self._patience:
            self.shut(one_line(error))
            return False
        self._opens = max(self._opens, now + pause)
        return True
