"""A download is on disk when the call returns, and the event loop does not wait for the disk."""

import asyncio
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import each_async_way
from faults import responding, serving
from grok_imagine_video import Client
from ways import Way

VIDEO = b"v" * 3_000_000


def test_file_and_folder_are_on_disk_before_the_call_returns(
    way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, object]] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        done.append(("fsync", os.fstat(descriptor).st_ino))

    def noted_replace(self: Path, target: Path) -> Path:
        done.append(("replace", self.stat().st_size))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    with serving(responding(200, VIDEO)) as server:
        path = way.call(None, "download", Client(server.base_url), "/v", tmp_path / "v.mp4")
    inodes = path.stat().st_ino, tmp_path.stat().st_ino
    assert done == [("fsync", inodes[0]), ("replace", len(VIDEO)), ("fsync", inodes[1])]


def test_a_download_that_is_cancelled_twice_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, begun, go_on = Path.open, threading.Event(), threading.Event()

    def slowly(path: Path, mode: str = "r", **kwargs: Any) -> Any:
        begun.set()
        assert go_on.wait(5)
        return opened(path, mode, **kwargs)

    async def cancel(base_url: str) -> None:
        async with Client(base_url) as client:
            call = asyncio.create_task(client.asyncio_download("/v", tmp_path / "v.mp4"))
            await asyncio.to_thread(begun.wait, 5)
            for _ in range(3):
                call.cancel()
                await asyncio.sleep(0)
            go_on.set()
            await asyncio.wait([call])

    monkeypatch.setattr(Path, "open", slowly)
    with serving(responding(200, VIDEO)) as server:
        asyncio.run(cancel(server.base_url))
    assert not list(tmp_path.iterdir())


@each_async_way
def test_the_event_loop_goes_on_while_the_disk_is_busy(
    way: Way,  # noqa: ARG001 - one of asyncio
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.new_event_loop()

    def once_the_loop_went_on(work: Callable[..., Any]) -> Callable[..., Any]:
        def wait(*args: Any, **kwargs: Any) -> Any:
            went_on = threading.Event()
            loop.call_soon_threadsafe(went_on.set)
            assert went_on.wait(2)
            return work(*args, **kwargs)

        return wait

    class BusyFile(io.BufferedWriter):
        writelines = once_the_loop_went_on(io.BufferedWriter.writelines)
        flush = once_the_loop_went_on(io.BufferedWriter.flush)

    def busy(path: Path, mode: str = "r", **kwargs: Any) -> Any:
        return BusyFile(io.FileIO(path, "x")) if mode == "xb" else usual(path, mode, **kwargs)

    usual = Path.open
    monkeypatch.setattr(Path, "open", busy)
    for owner, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
        monkeypatch.setattr(owner, name, once_the_loop_went_on(getattr(owner, name)))

    async def download(base_url: str) -> Path:
        async with Client(base_url) as client:
            return await client.asyncio_download("/v", tmp_path / "v.mp4")

    with (
        serving(responding(200, VIDEO)) as server,
        asyncio.Runner(loop_factory=lambda: loop) as runner,
    ):
        assert runner.run(download(server.base_url)).stat().st_size == len(VIDEO)
