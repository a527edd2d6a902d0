"""The command line: `create`, `get`, `wait` and `config`, for whatever jobs a package has."""

import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from cyclopts.completion import detect_shell, get_default_completion_path
from rich.filesize import decimal

from ..client import AuthenticatedClient, Client
from ..models import attributes_of
from ..operations import Commands
from . import settings
from .batches import batch_commands, confirm
from .display import FILE, Display, prepare_streams
from .exits import ExitCode, UsageError
from .options import Form, form_of
from .requests import text_of
from .running import Run, cost_text
from .settings import REQUEST, TYPED, Options, as_typed, class_of

Command = Callable[..., Any]
_Id = Annotated[str, Parameter(name="ID", help="The id of the job.")]
_Shell = Literal["bash", "zsh", "fish", "powershell"]

# Bytes of a request that are worth a word.
_LARGE = 10_000_000


def main(client: type[Client], authenticated: type[AuthenticatedClient], typed: list[str]) -> int:
    """Do what is typed, and return the exit code."""
    prepare_streams()
    is_module = Path(sys.argv[0]).name == "__main__.py"
    name = f"python -m {client.package.name}" if is_module else client.package.command
    how: Any = {"exit_on_error": False, "print_error": False, "result_action": "return_value"}
    options = Options()
    options.json = "--json" in typed
    run = Run(name, client, authenticated, Display(options))
    with run.ending():
        _app(run)(typed, **how)
    return run.code


def _app(run: Run) -> App:
    """The application that reads what is typed."""
    package = run.plain.package
    rows = [line.strip("| ").split(" | ") for line in (inspect.getdoc(ExitCode) or "").split("\n")]
    app = App(
        name=package.command,
        help=f"Client for {package.title}.",
        help_epilogue="\n".join(["Exit codes:", *(f" {a:14} {b}" for a, b in rows[4:])]),
        help_format="plaintext",
        version=package.version,
        version_flags=["--version"],
        suppress_keyboard_interrupt=False,
    )

    def add(parent: App, words: str, command: Command, options: Any, *examples: str) -> App:
        """Add a command with its options and examples."""
        kind = command.__annotations__["options"] = class_of(package, *options)
        command.__kwdefaults__ = {**(command.__kwdefaults__ or {}), "options": kind()}
        lines = [f"  {run.name} {words} {example}".rstrip() for example in examples]
        text = "\n".join(["Examples:", *lines, "", "More: docs/command.md"])
        made = App(name=words.split()[-1], default_command=command, help_epilogue=text)
        parent.command(made)
        return made

    for job in package.jobs():
        suffix = job.module.JOB.suffix
        for create in job.creates:
            form = form_of(create, {"help", "version", *settings.CREATING})
            text, options = '"A lake" ' if form.text else "", (settings.CREATING, form.attributes())
            examples = f"{text}-o lake{suffix}", f"{text}--no-wait"
            add(app, create.name, _create(run, job, form), options, *examples)
            start, status, retry = batch_commands(run, job, form)
            examples = "lakes.txt -o lakes", "lakes.jsonl -o lakes --budget 10"
            name, batch = (
                create.batch,
                add(app, create.batch, start, [settings.STARTING], *examples),
            )
            add(batch, f"{name} status", status, [("json",)], "lakes", "lakes --json")
            examples = "lakes --request 1-3,7", "lakes --failed"
            add(batch, f"{name} retry", retry, [settings.RETRYING], *examples)
        get, wait = _get_and_wait(run, job)
        add(app, job.get, get, [settings.SHOWN], "ID", "ID --json")
        add(app, job.wait, wait, [settings.SAVING], "ID", f"ID -o lake{suffix} --timeout 60")
    add(app, "config", _config(run), [settings.GATEWAY], "", "--json")
    _add_completion(app)
    return app


def _create(run: Run, job: Commands, form: Form) -> Command:
    """The command that creates a job, waits for it and saves its result."""
    module = form.create.module

    def create(text: Any = None, /, *, file: Any = None, options: Any = TYPED) -> None:
        run.begin(options, job)
        body = _body_of(form, text_of(form, text, "-" if options.standard else file), options)
        if not options.no_wait or options.output:
            options.check("", job.module.JOB.suffix)
        with run.client() as client:
            if _is_shown(run, form, body):
                return
            run.stage = "sending"
            if options.no_wait:
                job_id = module.job_id(module.sync(client=client, body=body))
                run.created(job_id, is_left=True)
                return
            waiting = {"interval": options.interval, "timeout": options.timeout}
            waiting |= {"on_created": run.created, "on_progress": run.progress}
            run.save(client, module.sync_and_wait(client=client, body=body, **waiting))

    create.__doc__ = _about(module)
    nothing = Annotated[Any, Parameter(parse=False)]
    create.__annotations__ |= {"text": nothing, "file": nothing}
    if form.text:
        typed = Parameter(name=form.text.label, help=form.text.help, converter=as_typed)
        about: Any = {
            "name": f"{form.text.names[-1]}-file",
            "metavar": "FILE",
            "converter": as_typed,
        }
        about |= {"group": REQUEST, "help": "Read it from a file.", "allow_leading_hyphen": True}
        create.__annotations__["text"] = Annotated[str | None, typed]
        create.__annotations__["file"] = Annotated[Path | None, Parameter(**about)]
    return create


def _body_of(form: Form, values: dict[str, Any], options: Any) -> Any:
    """The body that the options say, besides some values."""
    values |= form.typed(options)
    for word in options.extra or ():
        name, _, value = word.partition("=")
        try:
            values |= {name: json.loads(value, parse_constant=int)}
            is_new = name and name not in attributes_of(form.create.model)
        except ValueError:
            is_new = False
        if not is_new:
            msg = f"--extra {word}: NAME=JSON is needed, of a field without an option"
            raise UsageError(f"{msg}; a text in JSON has quotes")
    try:
        return form.body(values, Path())
    except (TypeError, ValueError) as error:
        raise UsageError(form.in_options(str(error))) from None


def _is_shown(run: Run, form: Form, body: Any) -> bool:
    """Say that a request is sent, and its size if it is large; or show it, if that is all."""
    request = form.create.module.OPERATION.request(body=body).arguments
    text = json.dumps(request["json"], indent=2, ensure_ascii=False)
    if len(text) > _LARGE:
        run.display.show("", f"the request has {decimal(len(text))}, for its files are in it")
    run.display.move("", "sending")
    if run.options.dry_run:
        method, url = request["method"], f"{run.options.base_url.rstrip('/')}{request['url']}"
        run.display.show("", f"not sent: {method} {url}")
        text = FILE.sub("...", text) if sys.stdout.isatty() else text
        run.display.show("dry_run", "", text, method=method, url=url, body=request["json"])
    return bool(run.options.dry_run)


def _get_and_wait(run: Run, job: Commands) -> tuple[Command, Command]:
    """The commands that show a job, and that wait for it and save its result."""
    module = job.module

    def get(job_id: _Id, /, *, options: Any = TYPED) -> None:
        run.begin(options, job)
        with run.client() as client:
            run.stage, run.job_id = "asking", job_id
            response = module.sync(job_id, client=client)
            fields, cost = response.to_dict(), module.cost(response)
            text = json.dumps(fields, indent=2, ensure_ascii=False)
            run.display.show("job", "", text, job_id=job_id, job=fields, cost=cost)
            run.display.show("", f"the price is {cost_text(cost)[2:]}" if cost else "")

    def wait(job_id: _Id, /, *, options: Any = TYPED) -> None:
        """Wait until a job has ended, and save its result."""
        run.begin(options, job)
        options.check(job_id, module.JOB.suffix)
        with run.client() as client:
            run.stage, run.job_id = "asking", job_id
            waiting: Any = {"interval": options.interval, "timeout": options.timeout}
            waiting["on_progress"] = run.progress
            run.save(client, module.wait(job_id, client=client, **waiting))

    get.__doc__ = _about(module)
    return get, wait


def _config(run: Run) -> Command:
    def config(*, options: Any = TYPED) -> None:
        """Show what is set, and where; the key itself is not shown."""
        run.begin(options)
        settings, lines = options.settings(run.plain.package), []
        for name, setting in settings.items():
            shown = setting["value"] or ("set, not shown" if setting["is_set"] else "not set")
            lines.append(f"{name:9} {shown} ({setting['source'] or 'no variable'})")
        run.display.show("config", "", "\n".join(lines), **settings)
        run.client().close()

    return config


def _shell(typed: _Shell | None) -> _Shell:
    try:
        return typed or detect_shell()
    except Exception:  # there is no SHELL, as in a container
        msg = "Say which shell: bash, zsh, fish or powershell"
        raise UsageError(msg) from None


def _add_completion(app: App) -> None:
    def show(shell: _Shell | None = None, /) -> None:
        """Print the script that completes commands, options and files in a shell."""
        print(app.generate_completion(shell=_shell(shell)))

    def install(shell: _Shell | None = None, /, *, yes: bool = False) -> None:
        """Install that script, after a question."""
        shell = _shell(shell)
        started = {"bash": " and ~/.bashrc", "zsh": " and ~/.zshrc", "powershell": " and $PROFILE"}
        path = get_default_completion_path(shell, app.name[0])
        confirm(f"This edits {path}{started.get(shell, '')}.", is_sure=yes)
        print(f"wrote {app.install_completion(shell=shell)}; start a new shell")

    app.command(show, name="--show-completion")
    app.command(install, name="--install-completion")


def _about(operation: Any) -> str:
    """What the spec says about an operation, in paragraphs of one line."""
    text = (inspect.getdoc(operation.sync) or "").partition("\nArgs:")[0]
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
