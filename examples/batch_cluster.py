"""The jobs of a batch, followed by the workers of a Dask cluster.

They only ask and save, for Dask does again elsewhere what a lost worker had begun, or even done.
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
from distributed.scheduler import KilledWorker

from batch_gate import say
from batch_run import Follow
from grok_imagine_video import AuthenticatedClient, VideoJob

Outcome = tuple[VideoJob, int] | Exception  # with the size of the video

PATIENCE = 60.0  # seconds, for a worker that takes a first task
# Two workers, so that the loss of one leaves one; no dashboard, and no port of a fixed number.
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
    """A function that lets a worker follow a job and save its video."""
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
            say(f"the API key travels to {address} and its workers unencrypted")
        if url.scheme == "tls" and not Security().get_connection_args("client")["ssl_context"]:
            raise ValueError(f"{address} needs the files that distributed.comm.tls of Dask names")
        async with Client(address, asynchronous=True, set_as_default=False) as dask:
            yield dask
        return
    async with (
        LocalCluster(**LOCAL, silence_logs=logging.CRITICAL, asynchronous=True) as cluster,
        Client(cluster, asynchronous=True, set_as_default=False) as dask,
    ):
        await dask.register_plugin(Undisturbed())
        yield dask


class Undisturbed(WorkerPlugin):
    """Leaves a Ctrl-C, which a terminal sends to the workers too, to the batch."""

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask passes it by this name
        signal.signal(signal.SIGINT, signal.SIG_IGN)


async def check(dask: Client, journal: Path) -> None:
    """Find out before anything is paid for whether the workers could save it."""
    try:
        async with asyncio.timeout(PATIENCE):
            await dask.submit(sight(), journal, pure=False)
            answers = await dask.run(sight(), journal, on_error="return")
    except TimeoutError:
        raise TimeoutError(f"no worker took a task in {PATIENCE:g} seconds") from None
    except Exception as error:
        raise OSError(f"the cluster cannot take a task: {error}") from error
    for worker, sees in answers.items():
        if isinstance(sees, ImportError):
            raise OSError(f"{worker} cannot take a task: {sees}")
        if sees is False:
            what = f"{worker} does not see {journal.parent}"
            raise OSError(f"{what}; --output must be a folder that all workers share")


class Follower:
    """Lets workers follow jobs, as long as there is a cluster."""

    def __init__(self, dask: Client, client: AuthenticatedClient, patience: float) -> None:
        self._dask, self._patience = dask, patience
        # Dask logs the start of what a worker cannot read; the key in it is not to be read there.
        self._sealed = zlib.compress(pickle.dumps(client))

    async def follow(self, job_id: str, path: Path) -> VideoJob:
        if self._dask.status not in ("running", "connecting"):
            raise ConnectionError("the cluster is lost")
        try:
            outcome = await self._outcome(job_id, path)
        except KilledWorker:
            raise RuntimeError("each worker that had begun with it was lost") from None
        except FutureCancelledError as error:
            raise ConnectionError(f"the cluster is lost: {error.reason}") from None
        if isinstance(outcome, Exception):
            raise outcome
        job, size = outcome
        if not await asyncio.to_thread(is_whole, path, size):
            what = f"{path} is not there as a worker saved it"
            raise OSError(f"{what}; --output must be a folder that all workers share")
        return job

    async def _outcome(self, job_id: str, path: Path) -> Outcome:
        task = on_worker(), self._sealed, job_id, path, self._patience
        try:
            async with asyncio.timeout(2 * self._patience):  # time for another worker, and to save
                outcome: Outcome = await self._dask.submit(*task, pure=False)
        except TimeoutError:
            raise TimeoutError("no worker got done with it in twice the --timeout") from None
        return outcome


def is_whole(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


# Functions made in functions travel whole. Others travel by name, and no worker has this module.
# They name no type of the package, so that a worker without it can still read them, and say so.


def on_worker() -> Callable[..., Outcome]:
    """What a worker does with a job."""

    def follow_and_save(sealed: bytes, job_id: str, path: Path, timeout: float) -> Any:
        try:
            from grok_imagine_video import get_video

            secede()  # a job that is waited for keeps no other from being begun
            with pickle.loads(zlib.decompress(sealed)) as client:  # noqa: S301 - it is our own
                job = get_video.wait(job_id, client=client, timeout=timeout)
                if not path.exists():
                    client.download(job["video"]["url"], path)
            return job, path.stat().st_size
        except Exception as error:
            return error  # if it were raised, Dask would log the arguments

    return follow_and_save


def sight() -> Callable[[Path], bool]:
    """Whether a worker has this package, and sees a file."""

    def sees(path: Path) -> bool:
        import grok_imagine_video  # noqa: F401 - as long as it is there

        return path.exists()

    return sees
