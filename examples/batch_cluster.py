"""The jobs of a batch, followed by the workers of a Dask cluster.

The workers only poll and save. They never send a line, because Dask repeats the work of a lost
worker, even if that work was done.
"""

import argparse
import asyncio
import contextlib
import logging
import pickle
import signal
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, LocalCluster, Security, Worker, WorkerPlugin, secede
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from batch_limiter import say
from batch_run import Follow
from grok_imagine_video import AuthenticatedClient, VideoJob

Outcome = tuple[VideoJob, int] | Exception  # with the size of the video

FIRST_TASK_TIMEOUT = 60.0  # seconds until a worker must have run a first task
# Two workers, so that one is left if the other is lost. No dashboard and no fixed ports.
LOCAL: dict[str, Any] = {
    "n_workers": 2,
    "threads_per_worker": 1,
    "dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False},
}
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@contextlib.asynccontextmanager
async def following(
    client: AuthenticatedClient, options: argparse.Namespace, journal: Path
) -> AsyncIterator[Follow]:
    """A function that has a worker follow a job and save its video."""
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    async with connected(options.cluster) as dask:
        await check(dask, journal)
        yield Follower(dask, client, options.timeout).follow


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Client]:
    if address != "local":
        url = urlsplit(address)
        if url.scheme == "tcp" and url.hostname not in THIS_MACHINE:
            say(f"the API key is sent to {address} and its workers unencrypted")
        if url.scheme == "tls" and not Security().get_connection_args("client")["ssl_context"]:
            raise ValueError(f"{address} needs the files of Dask's setting distributed.comm.tls")
        async with Client(address, asynchronous=True, set_as_default=False) as dask:
            yield dask
        return
    async with (
        LocalCluster(**LOCAL, silence_logs=logging.CRITICAL, asynchronous=True) as cluster,
        Client(cluster, asynchronous=True, set_as_default=False) as dask,
    ):
        await dask.register_plugin(IgnoreCtrlC())
        yield dask


class IgnoreCtrlC(WorkerPlugin):
    """Leaves Ctrl-C to the batch: a terminal sends it to the workers too."""

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask passes it by this name
        signal.signal(signal.SIGINT, signal.SIG_IGN)


async def check(dask: Client, journal: Path) -> None:
    """Make sure that the workers can save the videos, before anything is paid for."""
    try:
        async with asyncio.timeout(FIRST_TASK_TIMEOUT):
            await dask.submit(probe(), journal, pure=False)
            results = await dask.run(probe(), journal, on_error="return")
    except TimeoutError:
        raise TimeoutError(f"no worker ran a task in {FIRST_TASK_TIMEOUT:g} seconds") from None
    except Exception as error:
        raise OSError(f"the cluster cannot run a task: {error}") from error
    for worker, sees in results.items():
        if isinstance(sees, ImportError):
            raise OSError(f"{worker} cannot run a task: {sees}")
        if sees is False:
            what = f"{worker} does not see {journal.parent}"
            raise OSError(f"{what}; --output must be a folder that all workers share")


class Follower:
    """Has workers follow jobs, as long as the cluster is there."""

    def __init__(self, dask: Client, client: AuthenticatedClient, timeout: float) -> None:
        self._dask, self._timeout = dask, timeout
        # Dask logs the first bytes of a task that a worker cannot read: hide the key from the log.
        self._sealed = zlib.compress(pickle.dumps(client))

    async def follow(self, job_id: str, path: Path) -> VideoJob:
        if self._dask.status not in ("running", "connecting"):
            raise ConnectionError("the cluster is lost")
        try:
            outcome = await self._outcome(job_id, path)
        except KilledWorker:
            raise RuntimeError("every worker that started it was lost") from None
        except (FutureCancelledError, CommClosedError) as error:
            why = getattr(error, "reason", error)
            raise ConnectionError(f"the cluster is lost: {why}") from None
        if isinstance(outcome, Exception):
            raise outcome
        job, size = outcome
        if not await asyncio.to_thread(is_whole, path, size):
            what = f"{path} is not the file that a worker saved"
            raise OSError(f"{what}; --output must be a folder that all workers share")
        return job

    async def _outcome(self, job_id: str, path: Path) -> Outcome:
        task = on_worker(), self._sealed, job_id, path, self._timeout
        try:
            async with asyncio.timeout(2 * self._timeout):  # time for another worker, and to save
                outcome: Outcome = await self._dask.submit(*task, pure=False)
        except TimeoutError:
            raise TimeoutError("no worker finished it in twice the --timeout") from None
        return outcome


def is_whole(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


# Dask sends a nested function as code, and any other by name. Workers do not have this module.
# The functions name no type of the package, so that a worker without it can run them and report it.


def on_worker() -> Callable[..., Outcome]:
    """The function with which a worker follows a job."""

    def follow_and_save(sealed: bytes, job_id: str, path: Path, timeout: float) -> Any:
        try:
            from grok_imagine_video import get_video

            secede()  # so that the worker can start other tasks while it waits
            with pickle.loads(zlib.decompress(sealed)) as client:  # noqa: S301 - the batch made it
                job = get_video.wait(job_id, client=client, timeout=timeout)
                client.download(get_video.result(job), path)
            return job, path.stat().st_size
        except Exception as error:
            return error  # not raised, because Dask would log the arguments

    return follow_and_save


def probe() -> Callable[[Path], bool]:
    """The function that tells whether a worker has this package and sees a file."""

    def sees(path: Path) -> bool:
        import grok_imagine_video  # noqa: F401 - it raises where the package is missing

        return path.exists()

    return sees
