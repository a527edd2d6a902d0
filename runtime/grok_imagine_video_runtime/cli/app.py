"""The command line: `create`, `get`, `wait` and `batch`, for whatever jobs a package has."""

import inspect
import json
import os
import shlex
import sys
import textwrap
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
from cyclopts import App, Parameter
from cyclopts.completion import detect_shell, get_default_completion_path
from rich.filesize import decimal

from ..client import Client
from ..operations import Commands
from .batches import batch_commands, confirm, content
from .display import FILE, Display, prepare_streams
from .exits import ExitCode, UsageError
from .options import Form, Options, options_of
from .running import Run, cost_text

_Id = Annotated[str, Parameter(name="ID", help="The id of the job.")]
_Shell = Literal["bash", "zsh", "fish", "powershell"]

# Columns of the help, as most terminals have.
_WIDTH = 80

# Bytes of a request that are worth a word.
_LARGE = 10_000_000


def main(client: type[Client], typed: list[str]) -> int:
    """Do what is typed, and return the exit code."""
    prepare_streams()
    is_module = Path(sys.argv[0]).name == "__main__.py"
    name = f"python -m {client.package.name}" if is_module else client.package.command
    options = Options()
    options.json = "--json" in typed
    run = Run(name, client, Display(options), options)
    with run.ending():
        app = _app(run)
        app(typed, exit_on_error=False, print_error=False, result_action="return_value")
    return run.code


def _app(run: Run) -> App:
    """The application that reads what is typed."""
    package = run.client_class.package
    rows = (line.strip("| ").split(" | ") for line in (inspect.getdoc(ExitCode) or "").split("\n"))
    codes = [f"{row[0]:14} {row[-1]}" for row in [*rows][4:]]
    wrap = textwrap.TextWrapper(_WIDTH, initial_indent=" ", subsequent_indent=" " * 16)
    app = App(
        name=package.command,
        help=f"Client for {package.title}.",
        help_epilogue="\n".join(["Exit codes:", *map(wrap.fill, codes)]),
        help_format="plaintext",
        version=package.version,
        version_flags=["--version"],
        default_parameter=Parameter(negative="", show_default=False),
        suppress_keyboard_interrupt=False,
    )
    apps, options = {"": app}, options_of(package)

    def add(words: str, command: Any, attributes: dict[str, Any], *examples: str) -> None:
        """Add a command with its options and examples."""
        kind: Any = attrs.make_class("Options", attributes, bases=(Options,))
        command.__annotations__["options"] = Parameter(name="*")(kind)
        command.__kwdefaults__ = {"options": kind()}
        lines = [f"  {run.name} {words} {example}".rstrip() for example in examples]
        text = "\n".join(["Examples:", *lines, "", "More: docs/command.md"])
        parent, _, name = words.rpartition(" ")
        about = _about(inspect.getdoc(command) or "")
        apps[words] = App(name=name, default_command=command, help=about, help_epilogue=text)
        apps[parent].command(apps[words])

    for job in package.jobs():
        file = f"lake{job.module.JOB.suffix}"
        for create in job.creates:
            form, name = Form(create, {"help", "version", *options["create"]}), create.batch
            text, attributes = '"A lake" ' * bool(form.text), form.attributes | options["create"]
            made = _create(run, job, form)
            add(create.name, made, attributes, f"{text}-o {file}", f"{text}--no-wait")
            start, status, retry = batch_commands(run, job, form)
            examples = "lakes.txt -o lakes", "lakes.jsonl -o lakes --budget 10"
            add(name, start, options["batch"], *examples)
            add(f"{name} status", status, options["status"], "lakes", "lakes --json")
            examples = "lakes --request 1-3,7", "lakes --failed"
            add(f"{name} retry", retry, options["retry"], *examples)
        get, wait = _get_and_wait(run, job)
        add(job.get, get, options["get"], "ID", "ID --json")
        add(job.wait, wait, options["wait"], "ID", f"ID -o {file} --timeout 60")
    _add_completion(app)
    return app


def _create(run: Run, job: Commands, form: Form) -> Any:
    """The command that creates a job, waits for it and saves its result."""
    module = form.create.module

    def create(text: Any = None, /, *, options: Any) -> None:
        run.begin(options, job)
        body = _body_of(form, text, options)
        if not options.no_wait or options.output:
            options.ensure_writable("", job.module.JOB.suffix)
        with run.client() as client:
            _show_request(run, form, body)
            if options.dry_run:
                return
            run.stage = "sending"
            if options.no_wait:
                run.created(module.job_id(module.sync(client=client, body=body)))
                return
            waiting = run.waiting() | {"on_created": run.created}
            run.save(client, module.sync_and_wait(client=client, body=body, **waiting))

    create.__doc__ = inspect.getdoc(module.sync)
    create.__annotations__["text"] = Annotated[str | None, form.argument]
    return create


def _body_of(form: Form, text: str | None, options: Any) -> Any:
    """The body that the options say."""
    values = _text_of(form, text, options) | form.typed(options)
    try:
        for name, _, value in (word.partition("=") for word in options.extra):
            values[name] = json.loads(value)
        return form.body(values, Path())
    except json.JSONDecodeError:
        raise UsageError("--extra needs NAME=JSON, and a text in JSON has quotes") from None
    except (TypeError, ValueError) as error:
        raise UsageError(form.in_options(str(error))) from None


def _text_of(form: Form, typed: str | None, options: Any) -> dict[str, Any]:
    """The text of a request: as it is typed, or in a file."""
    if form.text is None:
        return {}
    file, label = "-" if options.standard else options.prompt_file, form.text.names[0]
    if (typed is None) == (file is None):
        way = "in quotes, - for the standard input, or --prompt-file FILE"
        raise UsageError(f"{label} is needed once: {way}")
    # pathlib raises if the name is too long for one.
    if typed and typed.startswith("@") and os.path.isfile(typed[1:]):  # noqa: PTH113
        option = f"--prompt-file {shlex.quote(typed[1:])}"
        raise UsageError(f"{typed} is not read as a file: use {option}")
    return {form.text.field: typed if file is None else content(str(file)).strip()}


def _show_request(run: Run, form: Form, body: Any) -> None:
    """Say that a request is sent, and its size if it is large; or show it, if that is all."""
    request = form.create.module.OPERATION.request(body=body).arguments
    text = json.dumps(request["json"], indent=2, ensure_ascii=False, allow_nan=False)
    if len(text) > _LARGE:
        run.display.show("", f"the request has {decimal(len(text))}, for its files are in it")
    if not run.options.dry_run:
        run.display.move("", "sending")
        return
    method, url = request["method"], f"{run.options.base_url.rstrip('/')}{request['url']}"
    run.display.show("", f"not sent: {method} {url}")
    text = FILE.sub("...", text) if sys.stdout.isatty() else text
    run.display.show("dry_run", "", text, method=method, url=url, body=request["json"])


def _get_and_wait(run: Run, job: Commands) -> tuple[Any, Any]:
    """The commands that show a job, and that wait for it and save its result."""
    module = job.module

    def get(job_id: _Id, /, *, options: Any) -> None:
        run.begin(options, job)
        with run.client() as client:
            run.stage, run.job_id = "asking", job_id
            response = module.sync(job_id, client=client)
        fields, cost = response.to_dict(), module.cost(response)
        text = json.dumps(fields, indent=2, ensure_ascii=False)
        run.display.show("job", "", text, job_id=job_id, job=fields, cost=cost)
        run.display.show("", f"the price is {cost_text(cost)[2:]}" if cost else "")

    def wait(job_id: _Id, /, *, options: Any) -> None:
        """Wait until a job has ended, and save its result."""
        run.begin(options, job)
        options.ensure_writable(job_id, module.JOB.suffix)
        with run.client() as client:
            run.stage, run.job_id = "asking", job_id
            run.save(client, module.wait(job_id, client=client, **run.waiting()))

    get.__doc__ = inspect.getdoc(module.sync)
    return get, wait


def _add_completion(app: App) -> None:
    def show(shell: _Shell | None = None, /) -> None:
        """Print the script that completes commands, options and files in a shell."""
        print(app.generate_completion(shell=shell))

    def install(shell: _Shell | None = None, /, *, yes: bool = False) -> None:
        """Install the completion script, after a question."""
        shell = shell or detect_shell()
        started = {"bash": " and ~/.bashrc", "zsh": " and ~/.zshrc", "powershell": " and $PROFILE"}
        path = get_default_completion_path(shell, app.name[0])
        confirm(f"This edits {path}{started.get(shell, '')}.", is_sure=yes)
        print(f"wrote {app.install_completion(shell=shell)}; start a new shell")

    app.command(show, name="--show-completion")
    app.command(install, name="--install-completion")


def _about(docstring: str) -> str:
    """What a docstring says before its arguments, in paragraphs of one line."""
    text = docstring.partition("\nArgs:")[0]
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
