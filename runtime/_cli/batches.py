"""The command `batch`: many requests from a file, and what came of them."""

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from attrs import evolve, frozen
from cyclopts import App, Group, Parameter

from .. import batch
from .._registry import Create, Job
from ..batch._journal import Journal, JournalError
from ..batch._options import Options
from ..batch._rate import one_line
from ..batch._requests import check, path_of
from ..batch._run import Run as BatchRun
from ..batch._status import Summary, summary_of
from ..client import Client
from .exits import ExitCode
from .options import Integer
from .requests import Requests
from .running import Run
from .settings import Settings
from .summaries import Hints, Shown, display
from .terminal import printable

# Requests that are named because something is wrong with them.
_MAX_NAMED = 20

_BATCH = Group("Batch", sort_key=0)

_Folder = Annotated[Path, Parameter(help="The folder of the batch.")]
_File = Annotated[
    Path,
    Parameter(help="The requests: one as JSON in each line, or a table in CSV, one in each row."),
]


_Output = Annotated[
    Path,
    Parameter(
        name=("--output", "-o"),
        metavar="FOLDER",
        help="Where to save the results, and the journal with which a later run goes on.",
        group=_BATCH,
    ),
]


def _flag(name: str, text: str) -> Parameter:
    return Parameter(name=name, help=text, negative="", show_default=False, group=_BATCH)


_ResendUnknown = Annotated[
    bool, _flag("--resend-unknown", "Send the requests again that may have been paid for.")
]
_Extra = Annotated[bool, _flag("--extra", "Send fields that the spec does not have.")]
_DryRun = Annotated[bool, _flag("--dry-run", "Check all requests, and send nothing.")]
_Lines = Annotated[
    list[Integer],
    Parameter(
        name="--line", metavar="NUMBER", help="A request. Repeatable.", negative="", group=_BATCH
    ),
]


@Parameter(name="*", group=_BATCH)
@frozen
class Batching:
    """How a batch is run."""

    concurrency: Annotated[
        Integer,
        Parameter(name="--concurrency", help="Requests that are worked on at the same time."),
    ] = 20
    rate: Annotated[
        float | None,
        Parameter(name="--rate", help="Requests that are sent in a minute. Default: no limit."),
    ] = None
    interval: Annotated[
        float, Parameter(name="--interval", metavar="SECONDS", help="How often to ask for a job.")
    ] = 5.0
    timeout: Annotated[
        float,
        Parameter(
            name="--timeout",
            metavar="SECONDS",
            help="How long to wait for a job, and for a gateway that accepts nothing.",
        ),
    ] = 900.0
    forget: Annotated[
        list[Integer] | None,
        Parameter(
            name="--forget",
            metavar="NUMBER",
            help="End a request without a result if its job is still not found. Repeatable.",
            negative="",
        ),
    ] = None

    def options(self, **more: Any) -> Options:
        """The options of the library."""
        return Options(
            concurrency=self.concurrency,
            rate=self.rate,
            interval=self.interval,
            timeout=self.timeout,
            forget=self.forget or (),
            **more,
        )


@frozen
class Command:
    """The command `batch` of one operation.

    Attributes:
        name: What is typed for it.
        job: The operation that follows the jobs.
        create: The operation that creates them.
    """

    name: str
    job: Job
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
        output: _Output,
        resend_unknown: _ResendUnknown = False,
        extra: _Extra = False,
        dry_run: _DryRun = False,
        batching: Batching = Batching(),
        settings: Settings = Settings(),  # noqa: B008
    ) -> ExitCode:
        """Send each request of a file once, wait for the jobs and save their results.

        Start it again at any time, also after it was killed: it goes on where it was, and never
        sends again what may have been paid for. New requests belong at the end of the file.
        """
        run, shown = self._run(settings)

        def work() -> ExitCode:
            if output.exists() and not output.is_dir():
                msg = f"-o {output}: exists and is not a folder"
                raise ValueError(msg)
            requests = self._requests(run, file, has_extra=extra)
            if dry_run:
                return self._try(shown, requests, output)
            options = batching.options(
                resend=("unknown",) if resend_unknown else (), source=str(file.resolve())
            )
            client = run.settings.client(run.trace, run.trace.async_hooks)
            output.mkdir(parents=True, exist_ok=True)
            with Journal(output) as journal:
                return self._work(run, shown, requests, client, output, journal, options)

        return run.do(work)

    def status(self, folder: _Folder, /, *, settings: Settings = Settings()) -> ExitCode:  # noqa: B008
        """Show how far a batch is, also while it runs."""
        run, shown = self._run(settings)
        return run.do(lambda: shown.summary(batch.status(folder), self._hints(folder), None))

    def retry(
        self,
        folder: _Folder,
        /,
        *,
        line: _Lines,
        batching: Batching = Batching(),
        settings: Settings = Settings(),  # noqa: B008
    ) -> ExitCode:
        """Send requests of a batch again that have failed or whose outcome is unknown.

        They are paid for again. An unknown one may exist already: look at the gateway first.
        """
        run, shown = self._run(settings)

        def work() -> ExitCode:
            source = _source_of(folder)
            with Journal(folder) as journal:
                _check_retried(journal, line)
                requests = self._requests(run, source, has_extra=True)  # they were sent before
                options = batching.options(only=set(line), resend=("unknown", "failed"))
                client = run.settings.client(run.trace, run.trace.async_hooks)
                return self._work(run, shown, requests, client, folder, journal, options)

        return run.do(work)

    def _run(self, settings: Settings) -> tuple[Run, Shown]:
        run = Run(f"{self.name} {self.create.batch}", settings, displays=display, has_warnings=True)
        assert isinstance(run.display, Shown)  # noqa: S101 - `display` has made it
        return run, run.display

    def _hints(self, folder: Path) -> Hints:
        suffix = self.job.operation._JOB.suffix
        return Hints(f"{self.name} {self.create.batch}", folder, suffix)

    def _requests(self, run: Run, file: Path, *, has_extra: bool) -> Requests:
        """The requests of a file.

        Raises:
            OSError: The file cannot be read.
            ValueError: Something is wrong with it.
        """
        requests = Requests(file, self.create, has_extra=has_extra)
        bad = 0
        for bad, problem in enumerate(requests.check(), 1):
            if bad <= _MAX_NAMED:
                run.display.say(printable(problem))
        if bad:
            msg = f"{file}: {bad} of {len(requests)} requests cannot be sent; nothing was sent"
            raise ValueError(msg)
        return requests

    def _try(self, shown: Shown, requests: Requests, folder: Path) -> ExitCode:
        """Show what a run would do."""
        with contextlib.ExitStack() as stack:
            has_journal = (folder / "journal.sqlite").exists()
            journal = stack.enter_context(Journal(folder, read_only=True)) if has_journal else None
            suffix = self.job.operation._JOB.suffix
            entries = journal.entries if journal else {}
            check(requests, entries, lambda number: path_of(folder, number, suffix))
            shown.summary(summary_of(journal, len(requests)), None, None)
        shown.say("all requests are right, and nothing was sent")
        return ExitCode.DONE

    def _work(
        self,
        run: Run,
        shown: Shown,
        requests: Requests,
        client: Client,
        folder: Path,
        journal: Journal,
        options: Options,
    ) -> ExitCode:
        """Do the work of a batch, and show a summary however it ends."""
        options = evolve(options, on_progress=shown.changed)
        batch_run = BatchRun(
            requests,
            create=self.create,
            job=self.job,
            client=client,
            journal=journal,
            options=options,
        )
        batch_run.check()
        shown.start(batch_run.status())
        is_interrupted = _is_interrupted(run, batch_run, client)
        summary = batch_run.summary()
        code = ExitCode.INTERRUPTED if is_interrupted else code_of(summary)
        shown.summary(summary, self._hints(folder), code)
        return code


async def _all(batch_run: BatchRun, client: Client) -> None:
    async with client:
        await batch_run.all()


def _is_interrupted(run: Run, batch_run: BatchRun, client: Client) -> bool:
    """Do the work, and return whether Ctrl-C or a similar signal has ended it."""
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        asyncio.run(_all(batch_run, client))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return True
    except JournalError as error:
        if not batch_run.summary().stopped:  # which has been said
            run.display.say(one_line(error))
        for number, job_id in error.jobs.items():
            run.display.say(f"request {number}: its job is {job_id}")
    except OSError as error:
        run.display.say(one_line(error))
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
