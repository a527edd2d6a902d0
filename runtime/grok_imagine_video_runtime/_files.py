"""Files that are written atomically, and threads to write them in."""

import contextlib
import errno
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path`: renamed at the end, or removed if anything is raised."""
    path = path.resolve()  # replaces the target of a link, not the link
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "exists and is not a file", str(path))
    temporary = path.with_name(f".{os.urandom(8).hex()}.part")  # short enough everywhere
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode)
        temporary.replace(path)
        with contextlib.suppress(OSError):  # not every system can put the new name on disk too
            descriptor = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    finally:
        temporary.unlink(missing_ok=True)


def remove_temporary_files(folder: Path) -> None:
    """Remove the temporary files of processes that were killed."""
    for path in folder.glob(f".{'[0-9a-f]' * 16}.part"):
        path.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def asyncio_atomic_file(path: Path) -> AsyncIterator[BinaryIO]:
    """The async counterpart of `atomic_file`."""
    stack = contextlib.ExitStack()
    try:
        yield await in_thread(stack.enter_context, atomic_file(path))
    except BaseException as error:
        await in_thread(stack.__exit__, type(error), error, error.__traceback__)
        raise
    await in_thread(stack.close)


async def in_thread(work: Callable[[*Ts], T], *args: *Ts) -> T:
    """Do work in a thread, so that the event loop does not wait for the disk.

    If the caller is cancelled, this waits until the work is done: what follows relies on that.
    """
    import asyncio  # 20 ms, and only needed by those who use it

    # No task, for the second Ctrl-C cancels every task, and a thread that writes goes on.
    done = asyncio.get_running_loop().run_in_executor(None, work, *args)
    cancelled: asyncio.CancelledError | None = None
    while not done.done():
        try:
            await asyncio.wait([done])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return done.result()
    done.exception()  # so that asyncio does not report it; the caller is cancelled
    raise cancelled
