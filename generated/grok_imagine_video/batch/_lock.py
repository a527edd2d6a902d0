# Do not edit: copied from runtime/batch/_lock.py, whatever the spec says.
# To change it, edit runtime/batch/_lock.py and run: make generate
"""The lock of a batch, which the system releases when the process ends, however it ends."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try_to_lock(descriptor: int, *, shared: bool) -> None:  # noqa: ARG001 - Windows has one
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try_to_lock(descriptor: int, *, shared: bool) -> None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)


_NAME = ".journal.lock"

# Seconds that somebody who only looks may hold the lock, and more.
_PATIENCE = 0.2


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        OSError: It cannot be made.
        ValueError: Another process holds it.
    """
    deadline = time.monotonic() + _PATIENCE
    with _opened(folder, os.O_RDWR | os.O_CREAT) as descriptor:
        while True:
            try:
                _try_to_lock(descriptor, shared=False)
                break
            except OSError:
                if time.monotonic() > deadline:
                    msg = f"another batch is running in {folder}; wait for it"
                    raise ValueError(f"{msg}, or use another folder") from None
                time.sleep(_PATIENCE / 50)
        yield


def is_locked(folder: Path) -> bool:
    """Whether another process holds the lock of a folder."""
    with contextlib.suppress(OSError), _opened(folder, os.O_RDWR) as descriptor:
        try:
            _try_to_lock(descriptor, shared=True)
        except OSError:
            return True
    return False  # also where there is none


@contextlib.contextmanager
def _opened(folder: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(folder / _NAME, flags, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


__all__ = ["is_locked", "locked"]
