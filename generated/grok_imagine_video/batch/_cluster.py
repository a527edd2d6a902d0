# Do not edit: copied from runtime/batch/_cluster.py, whatever the spec says.
# To change it, edit runtime/batch/_cluster.py and run: make generate
"""The jobs of a batch, followed by the workers of a Dask cluster.

The workers only poll and save. They never send a request, because Dask repeats the work of a lost
worker, even if that work was done.
"""

import asyncio
import contextlib
import logging
import pickle
import signal
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from distributed import Worker, WorkerPlugin
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from ..client import Client
from ._options import Options

_logger = logging.getLogger(__name__)

PACKAGE = __name__.partition(".batch.")[0]

# Its functions have no types.
distributed: Any = import_module("distributed")

# The last response about a job, and the size of its file.
Outcome = tuple[Any, int] | Exception

FIRST_TASK_TIMEOUT = 60.0  # seconds until a worker must have run a first task
# Two workers, so that one is left if the other is lost. No dashboard and no fixed ports.
LOCAL: dict[str, Any] = {
    "n_workers": 2,
    "threads_per_worker": 1,
    "dashboard_address": "127.0.0.1:0",
    "scheduler_kwargs": {"dashboard": False},
    "silence_logs": logging.CRITICAL,
    "asynchronous": True,
}
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@contextlib.asynccontextmanager
async def on_cluster(
    operation: ModuleType, client: Client, options: Options, journal: Path
) -> AsyncIterator[Callable[[str, Path], Awaitable[Any]]]:
    """A function that has a worker follow a job and save its result.

    Raises:
        OSError: The cluster cannot be used.
        ValueError: The address of the cluster cannot be used.
    """
    with quiet("distributed", "distributed.client"):
        async with connected(options.cluster or "") as dask:
            await check(dask, journal)
            yield Workers(dask, operation, client, options).follow


@contextlib.contextmanager
def quiet(*names: str) -> Iterator[None]:
    """Keep Dask from logging what is told in one line."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Any]:
    if address != "local":
        check_privacy(address)
        async with distributed.Client(address, asynchronous=True, set_as_default=False) as dask:
            yield dask
        return
    async with (
        distributed.LocalCluster(**LOCAL) as cluster,
        distributed.Client(cluster, asynchronous=True, set_as_default=False) as dask,
    ):
        await dask.register_plugin(IgnoreCtrlC())
        yield dask


def check_privacy(address: str) -> None:
    """Warn of a cluster that is sent the token unencrypted.

    Raises:
        ValueError: It is to be encrypted, and nothing says how.
    """
    url = urlsplit(address)
    if url.scheme == "tcp" and url.hostname not in THIS_MACHINE:
        _logger.warning("the API key is sent to %s and its workers unencrypted", address)
    tls = distributed.Security().get_connection_args("client")["ssl_context"]
    if url.scheme == "tls" and not tls:
        msg = f"{address} needs the files of Dask's setting distributed.comm.tls"
        raise ValueError(msg)


class IgnoreCtrlC(WorkerPlugin):
    """Leaves Ctrl-C to the batch: a terminal sends it to the workers too."""

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask passes it by this name
        signal.signal(signal.SIGINT, signal.SIG_IGN)


async def check(dask: Any, journal: Path) -> None:
    """Make sure that the workers can save the results, before anything is paid for."""
    try:
        async with asyncio.timeout(FIRST_TASK_TIMEOUT):
            await dask.submit(probe(), PACKAGE, journal, pure=False)
            results = await dask.run(probe(), PACKAGE, journal, on_error="return")
    except TimeoutError:
        raise TimeoutError(f"no worker ran a task in {FIRST_TASK_TIMEOUT:g} seconds") from None
    except Exception as error:
        raise OSError(f"the cluster cannot run a task: {error}") from error
    for worker, sees in results.items():
        if isinstance(sees, ImportError):
            raise OSError(f"{worker} cannot run a task: {sees}")
        if sees is False:
            what = f"{worker} does not see {journal.parent}"
            raise OSError(f"{what}, which must be a folder that all workers share")


class Workers:
    """The workers of a cluster, who follow jobs as long as it is there."""

    def __init__(self, dask: Any, operation: ModuleType, client: Client, options: Options) -> None:
        self._dask, self._operation = dask, operation.__name__
        self._times = {"interval": options.interval, "timeout": options.timeout}
        # Dask logs the first bytes of a task that a worker cannot read: hide the key from the log.
        self._sealed = zlib.compress(pickle.dumps(client))

    async def follow(self, job_id: str, path: Path) -> Any:
        """Wait for a job, and save its result."""
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
            raise OSError(f"{what}: all workers must share the folder")
        return job

    async def _outcome(self, job_id: str, path: Path) -> Outcome:
        task = on_worker(), PACKAGE, self._operation, self._sealed, job_id, path, self._times
        try:  # twice, as time for another worker, and to save
            async with asyncio.timeout(2 * self._times["timeout"]):
                outcome: Outcome = await self._dask.submit(*task, pure=False)
        except TimeoutError:
            raise TimeoutError("no worker finished it in twice the timeout") from None
        return outcome


def is_whole(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


# Dask sends a nested function as code, and any other by name. A worker may lack this package; then
# the functions can still run, and report it.


def on_worker() -> Callable[..., Outcome]:
    """The function with which a worker follows a job."""

    def follow_and_save(
        package: str,
        operation: str,
        sealed: bytes,
        job_id: str,
        path: Path,
        times: dict[str, float],
    ) -> Any:
        try:
            drivers, files = (import_module(f"{package}.{name}") for name in ("_io", "_files"))
            follower = import_module(operation)
            distributed.secede()  # so that the worker can start other tasks while it waits
            with pickle.loads(zlib.decompress(sealed)) as client:  # noqa: S301 - the batch made it
                job = follower.wait(job_id, client=client, **times)
                url = follower.result(job)
                drivers.download(client, url, path, place=files.keep_other_file)
            return job, path.stat().st_size
        except Exception as error:
            return error  # not raised, because Dask would log the arguments

    return follow_and_save


def probe() -> Callable[[str, Path], bool]:
    """The function that tells whether a worker has this package and sees a file."""

    def sees(package: str, path: Path) -> bool:
        import_module(package)
        return path.exists()

    return sees
