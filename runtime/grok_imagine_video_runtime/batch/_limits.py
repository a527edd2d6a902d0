"""When the next request of a batch may be sent: its rate, a busy gateway, and a budget."""

import asyncio
import contextlib
import logging
import time

from .. import errors
from ._journal import Entry
from ._status import Records

_LOGGER = logging.getLogger(__name__)

# After so many, the cause is not in the requests.
MAX_UNKNOWN_IN_A_ROW = 10

# Seconds; the long one if the gateway asks for none.
LONG_PAUSE, SHORT_PAUSE = 10.0, 1.0


def reason_of(error: Exception) -> str:
    """What an error says."""
    return errors.one_line(str(error) or type(error).__name__, errors.MAX_LINE)


def now() -> float:
    return time.monotonic()


class RateLimiter:
    """Lets requests out at a rate, pauses while the gateway accepts none, and can stop for good.

    It belongs to one event loop. Two calls of `acquire` that return True are at least 60 / `rate`
    seconds apart. After `back_off`, none returns True before the pause is over that the gateway
    asked for. After `stop`, none returns True again, and those that wait return False at once.

    Args:
        rate: Requests a minute, above 0; None for no limit.
        patience: Seconds until a gateway that accepts nothing stops the batch, above 0.
        logger: Where it says why requests wait. Default: that of this module.

    Attributes:
        stopped: Why it has stopped; None as long as it has not.
    """

    def __init__(
        self,
        rate: float | None = None,
        patience: float = 900.0,
        logger: logging.Logger = _LOGGER,
    ) -> None:
        self.stopped: str | None = None
        self._interval = 60 / rate if rate else 0.0
        self._patience, self._logger = patience, logger
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
        """Note that a request has an outcome, and the reason if the outcome is unknown.

        Ten unknown outcomes in a row stop the batch, because each may be paid for.
        """
        self._waiting_since = None
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if unknown else 0
        if self._unknown_in_a_row == MAX_UNKNOWN_IN_A_ROW:
            what = f"{MAX_UNKNOWN_IN_A_ROW} requests in a row have an unknown outcome"
            self.stop(f"{what}: {unknown}")

    def back_off(self, error: errors.APIConnectionError | errors.RateLimitError) -> bool:
        """Pause: the gateway is busy or away. False if the patience ends first."""
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
            return False
        self._next_at = max(self._next_at, now() + pause)
        return True


class Budget:
    """Lets a request out if all prices stay within a limit in US dollars, and its own too.

    A price that is not known counts as much as the dearest one. Until there is a price, one request
    runs alone; if it ends without one, no more are sent.
    """

    def __init__(self, limit: float | None, records: Records, limiter: RateLimiter) -> None:
        self.is_over = False  # whether that is why no more are sent
        self._limit, self._records, self._limiter = limit, records, limiter
        self._running = 0
        self._turn, self._has_ended = asyncio.Lock(), asyncio.Event()

    async def acquire(self, *, is_new: bool) -> bool:
        """Wait until a request may be sent; one with a job may go on. False if no more are sent."""
        if not is_new:
            self._running += 1
            return True
        async with self._turn:
            while self._running and not self._has_room() and not self._limiter.stopped:
                self._has_ended.clear()
                await self._has_ended.wait()
            if not self._limiter.stopped and not self._has_room():
                self.is_over = True
                self._limiter.stop(self._why_over())
            if self._limiter.stopped:
                return False
            self._records.unpriced += 1
            self._running += 1
            return True

    def release(self, number: int, entry: Entry | None, *, is_new: bool) -> None:
        """Note that a request is no longer worked on, with its entry if it was sent."""
        self._running -= 1
        self._has_ended.set()
        if entry is None:
            self._records.unpriced -= 1
        elif is_new and entry.cost is None and self._limit and not self._records.dearest:
            why = f"no price was reported for request {number}, so the budget cannot be kept"
            self._limiter.stop(why)

    def _has_room(self) -> bool:
        records = self._records
        if self._limit is None or not records.dearest:
            return self._limit is None or not self._running
        return round(records.paid + (records.unpriced + 1) * records.dearest, 9) <= self._limit

    def _why_over(self) -> str:
        paid, unpriced, dearest = self._records.paid, self._records.unpriced, self._records.dearest
        more = f", {unpriced} have no price yet" * bool(unpriced)
        msg = f"one more request could exceed the budget of ${self._limit:g}: ${paid:.2f} is paid"
        return f"{msg}{more}, and one costs up to ${dearest:.2f}"
