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
_HELD = (BlockingIOError, PermissionError)  # what is raised if another process holds it
_TRIES = 10


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, or raise ValueError because another process holds it."""
    with (folder / _NAME).open("ab") as file:
        for _ in range(_TRIES):
            with contextlib.suppress(*_HELD):
                _lock(file.fileno(), shared=False)
                break
            time.sleep(0.02)  # somebody who only looks holds it for less than that
        else:
            msg = f"another batch is running in {folder}; wait for it, or use another folder"
            raise ValueError(msg)
        yield


def is_locked(folder: Path) -> bool:
    """Whether another process holds the lock of a folder."""
    try:
        with (folder / _NAME).open("rb") as file:
            _lock(file.fileno(), shared=True)
    except _HELD:
        return True
    except OSError:
        return False  # there is none
    return False
