"""The files of a batch: each gets its name when it is complete, and no other file is replaced."""

import contextlib
import filecmp
import os
import re
import secrets
from pathlib import Path

TEMPORARY_FILE = re.compile(r"\.[0-9a-f]{16}\.part")  # left by a run that was killed


def video_of(folder: Path, number: int) -> Path:
    """The path of the video of a line."""
    return folder / f"{number:04}.mp4"


def temporary_path(path: Path) -> Path:
    """A new name beside `path`."""
    return path.with_name(f".{secrets.token_hex(8)}.part")


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a complete file its name.

    Raises:
        FileExistsError: Another file has that name, and keeps it.
    """
    try:
        path.hardlink_to(temporary)  # a rename would replace the other file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        temporary.rename(path)
    temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Put the names in a folder on disk, before the journal says that a video has its name."""
    with contextlib.suppress(OSError):  # some systems cannot do that for a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save(temporary: Path, path: Path) -> None:
    """Give a complete video its name. A run that was killed may have done so already.

    Raises:
        FileExistsError: A file that is not this video has the name, and keeps it.
    """
    try:
        put_in_place(temporary, path)
    except FileExistsError:
        if not filecmp.cmp(temporary, path, shallow=False):
            what = f"{path} is not its video; move it away and start the batch again"
            raise FileExistsError(what) from None


def tidy(folder: Path) -> None:
    """Remove the temporary files of runs and workers that were killed."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if TEMPORARY_FILE.fullmatch(path.name):
            path.unlink(missing_ok=True)
