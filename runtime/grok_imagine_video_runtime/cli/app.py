"""The command line: `create`, `get`, `wait` and `batch`, for whatever jobs a package has."""

import inspect
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import httpx
from cyclopts import App, Parameter
from cyclopts.completion import detect_shell, get_default_completion_path
from rich.filesize import decimal

from .._calls import absolute_url
from ..client import Client
from ..operations import Commands
from .batches import batch_commands, confirm, content
from .display import Display, prepare_streams
from .options import Form, Options, UsageError, options_of
from .running import Run, cost_text

_Id = Annotated[str, Parameter(name="ID", help="The id of the job.")]
_Shell = Literal["bash", "zsh", "fish", "powershell"]
_MORE = "More: docs/command.md"


def main(client: type[Client], typed: list[str]) -> int:
    """Do what is typed, and return the exit code."""
    prepare_streams()
    is_module = Path(sys.argv[0]).name == "__main__.py"
    name = f"python -m {client.package.name}" if is_module else client.package.command
    options = Options()
    options.json = "--json" in typed
    run = Run(name, client, Display(options), options)
    with run.ending():
        _app(run)(typed, exit_on_error=False, print_error=False, result_action="return_value")
    return run.code


def _app(run: Run) -> App:
    """The application that reads what is typed."""
    package = run.client_class.package
    app = App(
        name=package.command,
        help=f"Client for {package.title}.\n\n{_MORE}",
        help_format="plaintext",
        version=package.version,
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
        text = "\n".join(["Examples:", *lines, "", _MORE])
        parent, _, name = words.rpartition(" ")
        about = (inspect.getdoc(command) or "").partition("\nArgs:")[0]
        about = re.sub(r"(?<!\n)\n(?!\n)", " ", about)  # a paragraph is a line
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
            add(name, start, options["batch"], "lakes.txt -o lakes", "lakes.csv -o out --budget 5")
            add(f"{name} status", status, options["status"], "lakes", "lakes --json")
            add(f"{name} retry", retry, options["retry"], "lakes --request 1-3,7", "lakes --failed")
        get, wait = _get_and_wait(run, job)
        add(job.get, get, options["get"], "ID", "ID --json")
        add(job.wait, wait, options["wait"], "ID", f"ID -o {file} --timeout 60")
    _add_completion(app)
    return app


def _create(run: Run, job: Commands, form: Form) -> Any:
    """The command that creates a job, waits for it and saves its result."""
    module = form.create.module

    def create(text: Any = None, /, *, options: Any) -> None:
        run.begin(options, job, **form.labels)
        body = _body_of(form, text, options)
        if not options.no_wait:
            options.ensure_writable("", job.module.JOB.suffix)
        elif options.output:
            raise UsageError("--no-wait saves no result: leave out -o")
        waiting = run.waiting() | {"on_created": run.created}
        with run.client() as client:
            _show_request(run, form, body)
            if options.dry_run:
                return
            run.stage = "sending"
            if options.no_wait:
                run.created(module.job_id(module.sync(client=client, body=body)))
                return
            run.save(client, module.sync_and_wait(client=client, body=body, **waiting))

    create.__doc__ = inspect.getdoc(module.sync)
    create.__annotations__["text"] = Annotated[str | None, form.argument]
    return create


def _body_of(form: Form, text: str | None, options: Any) -> Any:
    """The body that the options say."""
    typed = {field: getattr(options, f"field_{field}", None) for field in form.labels}
    values = {name: value for name, value in typed.items() if value is not None}
    if form.text:
        values[form.text.field] = _text_of(form.text.names[0], text, options)
    try:
        for name, _, value in (word.partition("=") for word in options.extra):
            values[name] = json.loads(value)
    except json.JSONDecodeError:
        raise UsageError("--extra needs NAME=JSON, and a text in JSON has quotes") from None
    return form.body(values, Path())


def _text_of(label: str, typed: Any, options: Any) -> str:
    """The text of a request: as it is typed, or in a file."""
    file = "-" if options.standard else options.prompt_file
    if [typed, options.prompt_file, options.standard or None].count(None) != 2:
        way = "in quotes, - for the standard input, or --prompt-file FILE"
        raise UsageError(f"{label} is needed once: {way}")
    if typed and typed.startswith("@") and os.path.isfile(typed[1:]):  # noqa: PTH113 - it may raise
        option = shlex.join(["--prompt-file", typed[1:]])
        raise UsageError(f"{typed} is not read as a file: use {option}")
    return typed if file is None else content(str(file)).strip()


def _show_request(run: Run, form: Form, body: Any) -> None:
    """Say that a request is sent, and its size if it is large; or show it, if that is all."""
    request = form.create.module.OPERATION.request(body=body).arguments
    text = json.dumps(request["json"], indent=2, ensure_ascii=False, allow_nan=False)
    if len(text) > 10_000_000:  # which takes its time
        run.display.show("", f"the request has {decimal(len(text))}, for its files are in it")
    if not run.options.dry_run:
        run.display.move("", "sending")
        return
    url = str(absolute_url(httpx.URL(), run.options.base_url, request["url"]))
    fields = {"method": request["method"], "url": url, "body": request["json"]}
    run.display.show("dry_run", f"not sent: {request['method']} {url}", text, **fields)


def _get_and_wait(run: Run, job: Commands) -> tuple[Any, Any]:
    """The commands that show a job, and that wait for it and save its result."""
    module = job.module

    def get(job_id: _Id, /, *, options: Any) -> None:
        run.begin(options, job)
        with run.client() as client:
            run.stage, run.job_id = "asking", job_id
            response = module.sync(job_id, client=client)
        fields, cost = response.to_dict(), module.cost(response)
        text = f"the price is {cost_text(cost)[2:]}" if cost else ""
        result = json.dumps(fields, indent=2, ensure_ascii=False)
        run.display.show("job", text, result, job_id=job_id, job=fields, cost=cost)

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
