"""The changes that many tasks make to a journal, written together: one commit for all that wait."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from ._journal import Change, Entry, Journal


class Commits:
    """Writes to a journal from an event loop, which does not wait for the disk.

    A call returns when its change is on disk. While one commit is being written, the changes that
    come in wait for the next one, so that their number does not depend on that of the requests.

    Raises:
        JournalError: A change is not on disk.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "journal")
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, entry: Entry) -> None:
        """Write an entry."""
        await self._add(Change(entry))

    async def remove(self, entry: Entry, before: Entry | None) -> None:
        """Undo the entry that was written before sending, because no job was created."""
        await self._add(Change(entry, is_removal=True, before=before))

    async def _add(self, change: Change) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            error = await self._commit([change for change, _ in group])
            for _, done in group:
                if done.done():  # whoever waited was cancelled
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
        self._writing = None

    async def _commit(self, changes: Sequence[Change]) -> Exception | None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self._journal.commit, changes)
        except Exception as error:
            return error
        self._journal.keep(changes)
        return None

    async def __aenter__(self) -> Self:
        """Enter a block at whose end all changes are written."""
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Write what waits, and end the thread."""
        if self._writing:
            await self._writing
        self._thread.shutdown()


__all__ = ["Commits"]
