"""The command `batch`: many requests from a file, and what came of them."""

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from attrs import asdict, evolve, field, frozen
from cyclopts import App, Group, Parameter

from .. import batch
from ..batch._journal import Journal, JournalError
from ..batch._options import Options, Resend
from ..batch._rate import reason_of
from ..batch._requests import check
from ..batch._run import Run as BatchRun
from ..batch._status import Summary, summary_of
from ..client import Client
from ..operations import Commands, Create
from .exits import ExitCode
from .options import Integer
from .requests import Requests
from .running import Run
from .settings import Clients, Flag, Seconds, Settings
from .summaries import Report
from .terminal import Display

_BATCH = Group("Batch", sort_key=0)

_Folder = Annotated[Path, Parameter(help="The folder of the batch.")]
_File = Annotated[
    Path,
    Parameter(help="The requests: one as JSON in each line, or a table in CSV, one in each row."),
]
_Numbers = Annotated[list[Integer], Parameter(metavar="NUMBER", negative="", group=_BATCH)]


@Parameter(name="*", group=_BATCH)
@frozen
class Starting:
    """What is sent, and where its results are.

    Attributes:
        output: Where to save the results, and the journal with which a later run goes on.
        resend_unknown: Send the requests again that may have been paid for.
        extra: Send fields that the spec does not have.
        dry_run: Check all requests, and send nothing.
    """

    output: Annotated[Path, Parameter(alias="-o", metavar="FOLDER")]
    resend_unknown: Flag = False
    extra: Flag = False
    dry_run: Flag = False


@Parameter(name="*", group=_BATCH)
@frozen
class Batching:
    """How a batch is run.

    Attributes:
        concurrency: Requests that are worked on at the same time.
        rate: Requests that are sent in a minute. Default: no limit.
        interval: How often to ask for a job.
        timeout: How long to wait for a job, and for a gateway that accepts nothing.
        forget: End a request without a result if its job is still not found. Repeatable.
    """

    concurrency: Integer = 20
    rate: float | None = None
    interval: Seconds = 5.0
    timeout: Seconds = 900.0
    forget: Annotated[_Numbers, Parameter(show_default=False)] = field(factory=list)


@frozen
class Command:
    """The command `batch` of one operation.

    Attributes:
        name: What is typed for it.
        clients: The clients of the package.
        job: The operation that follows the jobs.
        create: The operation that creates them.
    """

    name: str
    clients: Clients
    job: Commands
    create: Create

    def app(self) -> App:
        """What reads what is typed."""
        app = App(name=self.create.batch, help_epilogue="")
        app.default(self.start)
        app.command(self.status, name="status", help_epilogue="")
        app.command(self.retry, name="retry", help_epilogue="")
        return app

    def start(
        self,
        file: _File,
        /,
        *,
        starting: Starting,
        batching: Batching = Batching(),
        settings: Settings = Settings(),  # noqa: B008
    ) -> ExitCode:
        """Send each request of a file once, wait for the jobs and save their results.

        Start it again at any time, also after it was killed: it goes on where it was, and never
        sends again what may have been paid for. New requests belong at the end of the file.
        """
        folder = starting.output
        run, report = self._run(settings, folder)
        with run.ending():
            if folder.exists() and not folder.is_dir():
                msg = f"-o {folder}: exists and is not a folder"
                raise ValueError(msg)
            requests = self._requests(run, file, has_extra=starting.extra)
            if starting.dry_run:
                _try(report, requests)
                return run.code
            resend: list[Resend] = ["unknown"] * starting.resend_unknown
            options = Options(**asdict(batching), resend=resend, source=str(file.resolve()))
            client = run.client()
            folder.mkdir(parents=True, exist_ok=True)
            with Journal(folder) as journal:
                run.code = self._work(report, requests, client, journal, options)
        return run.code

    def status(self, folder: _Folder, /, *, settings: Settings = Settings()) -> ExitCode:  # noqa: B008
        """Show how far a batch is, also while it runs."""
        run, report = self._run(settings, folder)
        with run.ending():
            report.summary(batch.status(folder))
        return run.code

    def retry(
        self,
        folder: _Folder,
        /,
        *,
        line: Annotated[_Numbers, Parameter(help="A request. Repeatable.")],
        batching: Batching = Batching(),
        settings: Settings = Settings(),  # noqa: B008
    ) -> ExitCode:
        """Send requests of a batch again that have failed or whose outcome is unknown.

        They are paid for again. An unknown one may exist already: look at the gateway first.
        """
        run, report = self._run(settings, folder)
        with run.ending():
            source = _source_of(folder)
            with Journal(folder) as journal:
                _check_retried(journal, line)
                requests = self._requests(run, source, has_extra=True)  # they were sent before
                options = Options(**asdict(batching), only=set(line), resend=("unknown", "failed"))
                run.code = self._work(report, requests, run.client(), journal, options)
        return run.code

    def _run(self, settings: Settings, folder: Path) -> tuple[Run, Report]:
        run = Run(self.name, settings, self.clients, is_many=True)
        return run, Report(run.display, self.name, folder, self.job.module.JOB.suffix)

    def _requests(self, run: Run, file: Path, *, has_extra: bool) -> Requests:
        requests = Requests(file, self.create, has_extra=has_extra)
        requests.check(run.display.say)
        return requests

    def _work(
        self, report: Report, requests: Requests, client: Client, journal: Journal, options: Options
    ) -> ExitCode:
        """Do the work of a batch, and show a summary however it ends."""
        batch_run = BatchRun(
            requests,
            create=self.create,
            job=self.job,
            client=client,
            journal=journal,
            options=evolve(options, on_progress=report.changed),
        )
        batch_run.check()
        report.start(batch_run.status())
        is_interrupted = _is_interrupted(report.display, batch_run, client)
        summary = batch_run.summary()
        code = ExitCode.INTERRUPTED if is_interrupted else code_of(summary)
        report.summary(summary, code)
        return code


def _try(report: Report, requests: Requests) -> None:
    """Show what a run would do."""
    with contextlib.ExitStack() as stack:
        has_journal = (report.folder / "journal.sqlite").exists()
        journal = Journal(report.folder, read_only=True) if has_journal else None
        entries = stack.enter_context(journal).entries if journal else {}
        check(requests, entries, report.path_of)
        report.summary(summary_of(journal, len(requests)), has_hints=False)
    report.display.say("all requests are right, and nothing was sent")


async def _all(batch_run: BatchRun, client: Client) -> None:
    async with client:
        await batch_run.all()


def _is_interrupted(display: Display, batch_run: BatchRun, client: Client) -> bool:
    """Do the work, and return whether Ctrl-C or a similar signal has ended it."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        asyncio.run(_all(batch_run, client))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return True
    except JournalError as error:
        if not batch_run.summary().stopped:  # which has been said
            display.say(reason_of(error))
        for number, job_id in error.jobs.items():
            display.say(f"request {number}: its job is {job_id}")
    except OSError as error:
        display.say(reason_of(error))
    finally:
        signal.signal(signal.SIGTERM, before)
    return False


def _source_of(folder: Path) -> Path:
    """The file from which a batch was made.

    Raises:
        OSError: There is no batch, or no such file any more.
        ValueError: It was made in another way.
    """
    with Journal(folder, read_only=True) as journal:
        source = journal.about[1]
    if not source:
        msg = f"the batch in {folder} was made from Python: use `resend` and `only` of batch.run"
        raise ValueError(msg)
    if not Path(source).exists():
        msg = f"{source}: No such file, from which the batch was made; put it back"
        raise FileNotFoundError(msg)
    return Path(source)


def _check_retried(journal: Journal, numbers: Sequence[int]) -> None:
    """Refuse to send what is not to be sent again.

    Raises:
        ValueError: A request has a result, a job that has not ended, or was never sent.
    """
    others = {"done": "its result is saved", "created": "its job has not ended: start the batch"}
    for number in numbers:
        entry = journal.entries.get(number)
        why = others.get(entry.state) if entry else "it was not sent: start the batch"
        if why:
            msg = f"--line {number}: {why}"
            raise ValueError(msg)


def code_of(summary: Summary) -> ExitCode:
    """The exit code of a batch that was not interrupted."""
    codes = {
        ExitCode.UNKNOWN: summary.unknown,
        ExitCode.FAILED: summary.is_refused,
        ExitCode.UNFINISHED: summary.unfinished or summary.not_sent or summary.stopped,
    }
    failed = ExitCode.FAILED if summary.failed else ExitCode.DONE
    return next((code for code, is_so in codes.items() if is_so), failed)
