# Do not edit: copied from runtime/_cli/app.py, whatever the spec says.
# To change it, edit runtime/_cli/app.py and run: make generate
"""The command line: `create`, `get`, `wait` and `config`, for whatever jobs a package has."""

import inspect
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from .._registry import Create, Job
from . import COMMAND, PACKAGE
from .batches import Command
from .exits import Ending, ExitCode
from .options import Option, body_of, options_of
from .running import Run, check_output
from .settings import Creating, Settings, Waiting
from .terminal import Display, prepare_streams, printable

_Id = Annotated[str, Parameter(help="The id of the job.")]


def main(jobs: Sequence[Job], typed: list[str]) -> int:
    """Do what is typed, and return the exit code."""
    prepare_streams()
    is_module = Path(sys.argv[0]).name == "__main__.py"
    name = f"python -m {PACKAGE}" if is_module else COMMAND
    try:
        code: ExitCode | None = _app(name, jobs)(
            typed, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        advice = f"`{name} --help` lists what can be typed"
        end = Ending(ExitCode.USAGE, str(error), advice=advice)
        Display(name, is_json="--json" in typed).failed(end)
        return end.code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return code or ExitCode.DONE


def _app(name: str, jobs: Sequence[Job]) -> App:
    """The application that reads what is typed."""
    package = import_module(PACKAGE)
    app = App(
        name=COMMAND,
        help=(package.__doc__ or "").partition("\n")[0],
        help_epilogue=inspect.getdoc(ExitCode),
        help_format="markdown",
        version=package.__version__,
        version_flags=["--version"],
        suppress_keyboard_interrupt=False,
    )
    for job in jobs:
        for create in job.creates:
            app.command(_creating(name, job, create), name=create.name, help_epilogue="")
            app.command(Command(name, job, create).app())
        app.command(_getting(name, job), name=job.get, help_epilogue="")
        app.command(_waiting(name, job), name=job.wait, help_epilogue="")
    app.command(_configuring(name), name="config", help_epilogue="")
    app.register_install_completion_command(help="Install completion for your shell.")
    return app


def _creating(name: str, job: Job, create: Create) -> Callable[..., ExitCode]:
    """The command that creates a job, waits for it and saves its result."""

    def command(
        *positional: Any,
        creating: Creating = Creating(),  # noqa: B008
        waiting: Waiting = Waiting(),  # noqa: B008
        settings: Settings = Settings(),  # noqa: B008
        **given: Any,
    ) -> ExitCode:
        values = dict(zip((each.name for each in options), positional, strict=False)) | given
        run = _start(name, job, waiting, settings)
        return run.do(lambda: _create(run, create, options, values, creating, waiting))

    own = App(default_command=command).assemble_argument_collection()
    names = (name for argument in own for name in argument.names)
    options = options_of(create, {"--help", "--version", *names})
    signature = inspect.signature(command)
    shared = (each for each in signature.parameters.values() if each.kind is each.KEYWORD_ONLY)
    parameters = [*(option.parameter for option in options), *shared]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__doc__ = _about(create.operation)
    return command


def _create(
    run: Run,
    create: Create,
    options: Sequence[Option],
    values: dict[str, Any],
    creating: Creating,
    waiting: Waiting,
) -> None:
    body = body_of(create, options, values, creating.extra or ())
    if creating.no_wait:
        with run.client() as client:
            run.display.move("sending")
            created = create.operation.sync(client=client, body=body)
        return run.leave(create.operation.job_id(created))
    path = check_output(waiting.output, ", or do not wait for it: --no-wait")
    with run.client() as client:
        run.display.move("sending")
        ended = create.operation.sync_and_wait(
            client=client,
            body=body,
            interval=waiting.interval,
            timeout=waiting.timeout,
            on_created=run.created,
            on_progress=run.progress,
        )
        return run.save(client, ended, path)


def _getting(name: str, job: Job) -> Callable[..., ExitCode]:
    """The command that shows a job."""

    def command(id: _Id, /, *, settings: Settings = Settings()) -> ExitCode:  # noqa: A002, B008
        run = _start(name, job, Waiting(), settings)

        def get() -> None:
            with run.client() as client:
                run.job_id = id
                found = job.operation.sync(id, client=client).to_dict()
            text = json.dumps(found, indent=2, ensure_ascii=False)
            run.display.show("job", {"job_id": id, "job": found}, result=printable(text))

        return run.do(get)

    command.__doc__ = _about(job.operation)
    return command


def _waiting(name: str, job: Job) -> Callable[..., ExitCode]:
    """The command that waits for a job and saves its result."""

    def command(
        id: _Id,  # noqa: A002
        /,
        *,
        waiting: Waiting = Waiting(),  # noqa: B008
        settings: Settings = Settings(),  # noqa: B008
    ) -> ExitCode:
        """Wait until a job has ended, and save its result."""
        run = _start(name, job, waiting, settings)

        def wait() -> None:
            path = check_output(waiting.output)
            with run.client() as client:
                run.job_id = id
                ended = job.operation.wait(
                    id,
                    client=client,
                    interval=waiting.interval,
                    timeout=waiting.timeout,
                    on_progress=run.progress,
                )
                run.save(client, ended, path)

        return run.do(wait)

    return command


def _configuring(name: str) -> Callable[..., ExitCode]:
    """The command that shows the settings."""

    def command(*, settings: Settings = Settings()) -> ExitCode:  # noqa: B008
        """Show what is set, and where; the key itself is not shown."""
        run = Run(name, settings)
        found = settings.found()
        text = "\n".join(f"{each.name:9} {each}" for each in found)
        fields = {each.name: each.to_dict() for each in found}
        run.display.show("config", fields, result=printable(text))
        return run.do(lambda: run.client().close())

    return command


def _start(name: str, job: Job, waiting: Waiting, settings: Settings) -> Run:
    def go_on(job_id: str) -> str:
        last = ["--", job_id] if job_id.startswith("-") else [job_id]
        output = str(waiting.output or "FILE")
        return f"{name} {shlex.join([job.wait, *settings.typed(), '-o', output, *last])}"

    return Run(name, settings, job.operation, go_on)


def _about(operation: Any) -> str:
    """What the spec says about an operation."""
    return (inspect.getdoc(operation.sync) or "").partition("\nArgs:")[0]
