"""The command line: `create`, `get`, `wait` and `config`, for whatever jobs a package has."""

import inspect
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from attrs import frozen
from cyclopts import App, CycloptsError, Parameter

from ..client import AuthenticatedClient, Client
from ..operations import Commands, Create
from .batches import Command
from .exits import Ending, ExitCode
from .options import body_of, extra_of, options_of
from .running import Run, check_output
from .settings import Clients, Creating, Settings, Waiting
from .terminal import Display, prepare_streams, printable

_Id = Annotated[str, Parameter(name="ID", help="The id of the job.")]


def main(client: type[Client], authenticated: type[AuthenticatedClient], typed: list[str]) -> int:
    """Do what is typed, and return the exit code."""
    clients = Clients(client, authenticated)
    prepare_streams()
    is_module = Path(sys.argv[0]).name == "__main__.py"
    name = f"python -m {clients.package.name}" if is_module else clients.package.command
    try:
        code: ExitCode | None = _app(name, clients)(
            typed, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        advice = f"`{name} --help` lists what can be typed"
        end = Ending(ExitCode.USAGE, str(error), advice=advice)
        Display(name, is_json="--json" in typed).failed(end)
        return end.code
    return code or ExitCode.DONE


def _app(name: str, clients: Clients) -> App:
    """The application that reads what is typed."""
    package = clients.package
    app = App(
        name=package.command,
        help=f"Client for {package.title}.",
        help_epilogue=inspect.getdoc(ExitCode),
        help_format="markdown",
        version=package.version,
        version_flags=["--version"],
        suppress_keyboard_interrupt=False,
    )
    for job in package.jobs():
        commands = _Commands(name, clients, job)
        for create in job.creates:
            about = _about(create.module)
            app.command(commands.creating(create), name=create.name, help=about, help_epilogue="")
            app.command(Command(f"{name} {create.batch}", clients, job, create).app())
        about = _about(job.module)
        app.command(commands.get, name=job.get, help=about, help_epilogue="")
        app.command(commands.wait, name=job.wait, help_epilogue="")
    app.command(_configuring(name, clients), name="config", help_epilogue="")
    app.register_install_completion_command(help="Install completion for your shell.")
    return app


@frozen
class _Commands:
    """The commands about jobs of one kind.

    Attributes:
        name: What is typed for the command line.
        clients: The clients of the package.
        job: The operations about such jobs.
    """

    name: str
    clients: Clients
    job: Commands

    def creating(self, create: Create) -> Callable[..., ExitCode]:
        """The command that creates a job, waits for it and saves its result."""

        def command(
            *positional: Any,
            creating: Creating = Creating(),  # noqa: B008
            waiting: Waiting = Waiting(),  # noqa: B008
            settings: Settings = Settings(),  # noqa: B008
            **given: Any,
        ) -> ExitCode:
            values = dict(zip((each.name for each in options), positional, strict=False)) | given
            run = self._run(settings, waiting.output)
            with run.ending():
                extra = extra_of(create, creating.extra or ())
                body = body_of(create, options, values, extra)
                if creating.no_wait:
                    _leave(run, create.module, body)
                else:
                    _create(run, create.module, body, waiting)
            return run.code

        own = App(default_command=command).assemble_argument_collection()
        names = (name for argument in own for name in argument.names)
        options = options_of(create, {"--help", "--version", *names})
        signature = inspect.signature(command)
        shared = (each for each in signature.parameters.values() if each.kind is each.KEYWORD_ONLY)
        parameters = [*(option.parameter for option in options), *shared]
        command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return command

    def get(self, job_id: _Id, /, *, settings: Settings = Settings()) -> ExitCode:  # noqa: B008
        """Show a job."""
        run = self._run(settings)
        with run.ending(), run.client() as client:
            run.job_id = job_id
            job = self.job.module.sync(job_id, client=client).to_dict()
            text = printable(json.dumps(job, indent=2, ensure_ascii=False))
            run.display.show("job", {"job_id": job_id, "job": job}, result=text)
        return run.code

    def wait(
        self,
        job_id: _Id,
        /,
        *,
        waiting: Waiting = Waiting(),  # noqa: B008
        settings: Settings = Settings(),  # noqa: B008
    ) -> ExitCode:
        """Wait until a job has ended, and save its result."""
        run = self._run(settings, waiting.output)
        with run.ending():
            path = check_output(waiting.output)
            with run.client() as client:
                run.job_id = job_id
                job = self.job.module.wait(
                    job_id,
                    client=client,
                    interval=waiting.interval,
                    timeout=waiting.timeout,
                    on_progress=run.progress,
                )
                run.save(client, job, path)
        return run.code

    def _run(self, settings: Settings, output: Path | None = None) -> Run:
        def go_on(job_id: str) -> str:
            last = ["--", job_id] if job_id.startswith("-") else [job_id]
            words = [self.job.wait, *settings.typed(), "-o", str(output or "FILE"), *last]
            return f"{self.name} {shlex.join(words)}"

        return Run(self.name, settings, self.clients, self.job.module, go_on)


def _leave(run: Run, operation: Any, body: Any) -> None:
    with run.client() as client:
        run.display.move("sending")
        created = operation.sync(client=client, body=body)
    run.leave(operation.job_id(created))


def _create(run: Run, operation: Any, body: Any, waiting: Waiting) -> None:
    path = check_output(waiting.output, ", or do not wait for it: --no-wait")
    with run.client() as client:
        run.display.move("sending")
        job = operation.sync_and_wait(
            client=client,
            body=body,
            interval=waiting.interval,
            timeout=waiting.timeout,
            on_created=run.created,
            on_progress=run.progress,
        )
        run.save(client, job, path)


def _configuring(name: str, clients: Clients) -> Callable[..., ExitCode]:
    def command(*, settings: Settings = Settings()) -> ExitCode:  # noqa: B008
        """Show what is set, and where; the key itself is not shown."""
        run = Run(name, settings, clients)
        with run.ending():
            found = settings.found(clients.package)
            fields = {each.name: each.to_dict() for each in found}
            text = printable("\n".join(f"{each.name:9} {each}" for each in found))
            run.display.show("config", fields, result=text)
            run.client().close()
        return run.code

    return command


def _about(operation: Any) -> str:
    """What the spec says about an operation."""
    return (inspect.getdoc(operation.sync) or "").partition("\nArgs:")[0]
