"""How a batch is run."""

from collections.abc import Callable, Collection
from typing import Literal

from attrs import frozen

from .._jobs import Waiting
from ._journal import Entry
from ._status import Status

Resend = Literal["unknown", "failed"]
OnProgress = Callable[[Status, Entry], object]


@frozen
class Options:
    """How a batch is run; see `batch.run`."""

    concurrency: int
    rate: float | None
    interval: float
    timeout: float
    resend: Collection[Resend] = ()
    only: Collection[int] | None = None
    forget: Collection[int] = ()
    on_progress: OnProgress | None = None
    source: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what would fail only after requests were paid for."""
        Waiting[object](self.interval, self.timeout)
        if type(self.concurrency) is not int or self.concurrency < 1:
            msg = f"'concurrency' must be an int of 1 or more: {self.concurrency!r}"
            raise ValueError(msg)
        if self.rate is not None and not 0 < self.rate < float("inf"):
            msg = f"'rate' must be a number of requests a minute above 0: {self.rate!r}"
            raise ValueError(msg)
        if isinstance(self.resend, str) or set(self.resend) - {"unknown", "failed"}:
            msg = f"'resend' must be a list with 'unknown' and 'failed' in it: {self.resend!r}"
            raise ValueError(msg)
