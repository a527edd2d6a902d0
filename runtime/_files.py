"""Files that appear when they are complete and on disk, and the threads that write them."""

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from ._downloads import temporary_path

P = ParamSpec("P")
T = TypeVar("T")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside `path`, which replaces it if all goes well and is removed if not."""
    path = path.resolve()  # replaces the target of a link, not the link
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "exists and is not a file", str(path))
    temporary = temporary_path(path)
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Put the new name of a file on disk too; some systems cannot do that for a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.asynccontextmanager
async def asyncio_replacing(path: Path) -> AsyncIterator[BinaryIO]:
    """The async counterpart of `replacing`."""
    stack = contextlib.ExitStack()
    try:
        yield await in_thread(stack.enter_context, replacing(path))
    except BaseException:
        await in_thread(stack.__exit__, *sys.exc_info())
        raise
    await in_thread(stack.close)


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Let a thread wait for the disk, so that the event loop does not.

    If the caller is cancelled, this waits until the work is done, because others rely on that.
    """
    import asyncio  # slow to import, and only needed by those who use it

    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    task.exception()  # it is not what the caller waits for
    raise cancelled


def rewind(file: BinaryIO) -> None:
    """Empty a file, to fill it again."""
    if file.tell():  # a file that was truncated can be slow to close, even if it was empty
        file.seek(0)
        file.truncate()
