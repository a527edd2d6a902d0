"""The changes that many tasks make to a journal, written together: one commit for all that wait."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Self

from ._journal import Change, Entry, Journal

_Waiting = tuple[Change, "asyncio.Future[None]"]


class Commits:
    """Writes to a journal from an event loop, which does not wait for the disk.

    A call returns when its change is on disk. While one commit is being written, the changes that
    come in wait for the next one, so there are far fewer commits than changes. At the end of the
    block all changes are on disk, also those of tasks that were cancelled.

    Raises:
        JournalError: A change is not on disk.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._written: deque[tuple[list[_Waiting], Exception | None]] = deque()
        self._thread = threading.Thread(target=self._write, name="journal")

    async def put(self, entry: Entry) -> None:
        """Write an entry."""
        await self._add(Change(entry))

    async def remove(self, entry: Entry, before: Entry | None) -> None:
        """Undo the entry that was written before sending, because no job was created."""
        await self._add(Change(entry, is_removal=True, before=before))

    async def _add(self, change: Change) -> None:
        done = self._loop.create_future()
        self._waiting.put((change, done))
        await done

    def _write(self) -> None:
        """What the thread does, until there is None to write."""
        is_open = True
        while is_open:
            found = [self._waiting.get()]
            while not self._waiting.empty():
                found.append(self._waiting.get())
            is_open = None not in found
            group = [each for each in found if each is not None]
            self._written.append((group, self._try(self._journal.commit, group)))
            if is_open:
                self._loop.call_soon_threadsafe(self._tell)

    def _try(
        self, write: Callable[[list[Change]], None], group: list[_Waiting]
    ) -> Exception | None:
        try:
            write([change for change, _ in group])
        except Exception as error:  # or those that wait would wait for ever
            return error
        return None

    def _tell(self) -> None:
        """Let the tasks know what was written."""
        while self._written:
            group, error = self._written.popleft()
            error = error or self._try(self._journal.keep, group)
            for _, done in group:
                if done.done():  # whoever waited was cancelled
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)

    def __enter__(self) -> Self:
        """Enter a block at whose end all changes are written."""
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Write what waits, and end the thread; nothing can cancel that."""
        self._waiting.put(None)
        self._thread.join()
        self._tell()


__all__ = ["Commits"]
