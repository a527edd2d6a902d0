"""When the next request of a batch may be sent."""

import asyncio
import contextlib
import logging
from time import monotonic as now

from .. import errors
from .._jobs import reason_of

# Seconds; the long one if the gateway asks for none.
LONG_PAUSE, SHORT_PAUSE = 10.0, 1.0


class RateLimiter:
    """Lets requests out at a rate, pauses while the gateway accepts none, and can stop for good.

    It belongs to one event loop. Two calls of `acquire` that return True are at least 60 / `rate`
    seconds apart. After `back_off`, none returns True before the pause is over that the gateway
    asked for; one that accepts nothing for `patience` seconds stops it. After `stop`, none returns
    True again, and those that wait return False at once. The logger is told why requests wait.
    """

    def __init__(
        self, rate: float | None = None, patience: float = 900, logger: logging.Logger | None = None
    ) -> None:
        self.stopped: str | None = None  #: Why it has stopped.
        self._interval = 60 / rate if rate else 0.0
        self._patience, self._logger = patience, logger or logging.getLogger(__name__)
        self._lock, self._is_stopped = asyncio.Lock(), asyncio.Event()
        self._next_at = 0.0
        self._waiting_since: float | None = None
        self._has_said_waiting = False
        self._unknown_in_a_row = 0

    async def acquire(self) -> bool:
        """Wait until a request may be sent. False if no more are sent."""
        async with self._lock:
            while not self.stopped and (left := self._next_at - now()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._is_stopped.wait(), left)
            self._next_at = now() + self._interval
        return not self.stopped

    def stop(self, why: str) -> None:
        """Stop: no more requests are sent."""
        if not self.stopped:
            event = {"event": "stopped", "reason": why}
            self._logger.warning("%s; no more requests are sent", why, extra=event)
            self.stopped = why
        self._is_stopped.set()

    def record(self, unknown: str | None = None) -> None:
        """Note an outcome, and why it is unknown; ten of those in a row may be paid for: stop."""
        self._waiting_since = None
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if unknown else 0
        if self._unknown_in_a_row == 10:  # the cause is not in the requests
            self.stop(f"10 requests in a row have an unknown outcome: {unknown}")

    def back_off(self, error: errors.APIConnectionError | errors.RateLimitError) -> None:
        """Pause: the gateway is busy or away. Stop if the patience ends first."""
        asked = error.retry_after if isinstance(error, errors.RateLimitError) else None
        pause = LONG_PAUSE if asked is None else max(asked, SHORT_PAUSE)
        why = reason_of(error)
        if not self._has_said_waiting:
            text, event = "waiting for the gateway, at most %g seconds: %s", {"event": "waiting"}
            self._logger.warning(text, self._patience, why, extra=event | {"reason": why})
        self._has_said_waiting = True
        self._waiting_since = self._waiting_since or now()
        if now() + pause > self._waiting_since + self._patience:
            self.stop(why)
        self._next_at = max(self._next_at, now() + pause)
