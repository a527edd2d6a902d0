"""The lock of a batch, which the system releases when the process ends, however it ends."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool) -> None:  # noqa: ARG001 - Windows has one kind
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


_NAME = ".journal.lock"
_TRIES = 10


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, or raise ValueError because another process holds it."""
    with (folder / _NAME).open("ab") as file:
        for _ in range(_TRIES):
            if _try_to_lock(file.fileno(), shared=False):
                yield
                return
            time.sleep(0.02)  # somebody who only looks holds it for less than that
    msg = f"another batch is running in {folder}; wait for it, or use another folder"
    raise ValueError(msg)


def is_locked(folder: Path) -> bool:
    """Whether another process holds the lock of a folder."""
    with contextlib.suppress(OSError), (folder / _NAME).open("rb") as file:
        return not _try_to_lock(file.fileno(), shared=True)
    return False  # there is none


def _try_to_lock(descriptor: int, *, shared: bool) -> bool:
    try:
        _lock(descriptor, shared=shared)
    except (BlockingIOError, PermissionError):  # another process holds it
        return False
    return True
