"""Builds the package that a spec gives, and compares another one with it.

Drives openapi-python-client from Python and not through its command line, which answers a bad spec
with a page of text or a traceback, and which writes more than this package needs.
"""

import copy
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from openapi_python_client import Project
from openapi_python_client.config import ClassOverride, Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from ruamel.yaml.error import YAMLError

from .. import ROOT, BadInputError, cut
from ..openapi31 import Node, nodes
from ..pointers import parts_of
from ..specs import load, position_of, positions_of, text_of
from .document import Document, RefusedError, in_python, prepared
from .names import keep_names_apart
from .pages import pages

CONFIG = ROOT / "generator-config.yaml"
HEADER = (
    "# Do not edit: openapi-python-client wrote this file from openapi.yaml.\n"
    "# To change it, edit openapi.yaml or templates/ and run: make generate\n"
)

# What the libraries below add to their messages that helps nobody here.
NOISE = re.compile(
    r"\[type=.*?, input_type=\w+\]|For further information visit \S+"
    r"|To suppress this check see: \S+|WARNING (parsing )?|Skipping Integration: "
    r"| within \S+(?=\.)|Unable to parse this part of your OpenAPI document: : "
    r"|in \"<byte string>\", |(for status code |named )?\"?<[\w.]+ object at \w+>\"?"
)


def one_line(text: str) -> str:
    """A message of a library without its noise."""
    return cut(" ".join(NOISE.sub("", " ".join(text.split())).split()).strip(" :."), 400)


def refuse(path: Path, first: GeneratorError, *others: GeneratorError) -> NoReturn:
    """Treat a warning as an error too: it means that a part of the spec was left out."""
    reference = getattr(getattr(first, "data", None), "ref", None)
    where = f" ({reference.get_untrusted_value()})" if reference else ""
    more = f" (and {len(others)} more)" if others else ""
    msg = one_line(f"{first.header.strip(' :.')}: {first.detail or ''}{where}")
    raise BadInputError(f"{path}: {msg}{more}; fix it and run this again")


def load_config(path: Path) -> ConfigFile:
    """A configuration of openapi-python-client, with our post-hooks if it has none."""
    try:
        config = ConfigFile.load_from_path(path)
    except (TypeError, ValueError, YAMLError) as error:
        msg = f"{path}: not a configuration of openapi-python-client: {one_line(str(error))}"
        raise BadInputError(msg) from error
    if "literal_enums" in config.model_fields_set and not config.literal_enums:
        raise BadInputError(f"{path}: literal_enums must be true, or left out")
    config.literal_enums = True
    if config.post_hooks is None:  # the generator's own ones follow whatever ruff is installed
        config.post_hooks = load_config(CONFIG).post_hooks
    return config


def parse(spec: Path, document: Node, config: Config) -> GeneratorData:
    """What openapi-python-client makes of a document."""
    copied = copy.deepcopy(document)
    for _, node in nodes(copied):  # upstream looks for names as they are
        if "$ref" in node:
            node["$ref"] = "/".join(["#", *parts_of(node["$ref"])])
    data = GeneratorData.from_dict(copied, config=config)
    if isinstance(data, GeneratorError):
        refuse(spec, data)
    collections = data.endpoint_collections_by_tag.values()
    errors = [*data.errors, *(error for tag in collections for error in tag.parse_errors)]
    if errors:
        refuse(spec, *errors)
    overrides: dict[str, ClassOverride] = {}
    for info in (schema.class_info for schema in [*data.models, *data.enums]):
        name, module = in_python(info.name), in_python(info.module_name)
        module += "_model" if module == name else ""  # as in Chinese, which has no upper case
        if (name, module) != (info.name, info.module_name):
            names = {"class_name": name, "module_name": module}
            overrides[str(info.name)] = ClassOverride.model_validate(names)
    if overrides.keys() - config.class_overrides.keys():
        config.class_overrides.update(overrides)
        return parse(spec, document, config)
    return data


def build(spec: Path, config_path: Path, package: Path) -> None:
    """Write the package that `spec` gives to `package`, which must not exist yet."""
    config = Config.from_sources(
        load_config(config_path), MetaType.NONE, spec, "utf-8", overwrite=False, output_path=package
    )
    text = text_of(spec)
    try:
        loaded = prepared(load(text, str(spec)))
        data = parse(spec, loaded, config)
        document = Document(loaded, data, config)
        keep_names_apart(document, data, config)
        project = Project(openapi=data, config=config, custom_template_path=ROOT / "templates")
        render(project, document)
    except RefusedError as error:
        line, _ = position_of(positions_of(text), error.pointer.removeprefix("#"))
        where = f"line {line}: {error.pointer}: " if error.pointer else ""
        raise BadInputError(f"{spec}: {one_line(f'{where}{error}')}") from error
    except (BadInputError, OSError):
        raise
    except Exception as error:  # the parser, and what follows it, trip over malformed documents
        msg = one_line(f"{type(error).__name__}: {error}")
        raise BadInputError(f"{spec}: the generator cannot read it: {msg}") from error
    run_hooks(project)
    if project.errors:  # those of the hooks
        refuse(config_path, *project.errors)
    (package / "py.typed").touch()
    for path in files(package).values():  # only now: the hooks must not touch this line
        path.write_text(HEADER + path.read_text("utf-8"), "utf-8")


def render(project: Project, document: Document) -> None:
    """Write all files that come from templates."""
    for name, template, context in pages(document, project.openapi):
        path = project.package_dir / name
        if path.exists():
            raise RefusedError(f"two parts of it are written to {name}; rename one")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(project.env.get_template(template).render(context), "utf-8")


def run_hooks(project: Project) -> None:
    """Format what was written."""
    if (tools := str(Path(sys.executable).parent)) not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"  # where the hooks are
    project._run_post_hooks()  # noqa: SLF001 - upstream has no public one


def files(package: Path) -> dict[str, Path]:
    """All files of a package by their path in it, without what Python writes on import."""
    return {
        path.relative_to(package).as_posix(): path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def generate(spec: Path, config: Path, output: Path) -> None:
    """Replace `output` as a whole, or leave it as it was."""
    init = output / "__init__.py"
    is_ours = init.is_file() and init.read_text("utf-8").startswith(HEADER)
    if output.exists() and not is_ours and (not output.is_dir() or any(output.iterdir())):
        msg = f"{output}: exists and is not a package made by this command; name another OUTPUT"
        raise BadInputError(msg)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generate-", dir=output.parent) as scratch:
        fresh, old = Path(scratch, "fresh"), Path(scratch, "old")
        build(spec, config, fresh)
        if output.exists():
            output.rename(old)
        try:
            fresh.rename(output)
        except BaseException:  # a Ctrl-C just here would leave no package at all
            old.rename(output)
            raise


def stale_files(spec: Path, config: Path, output: Path) -> list[str]:
    """One line for each file in which `output` differs from the package of `spec`."""
    with tempfile.TemporaryDirectory() as scratch:
        build(spec, config, Path(scratch, "fresh"))
        return compare(Path(scratch, "fresh"), output)


def compare(wanted: Path, output: Path) -> list[str]:
    """One line for each file in which `output` differs from the wanted package."""
    fresh, present = files(wanted), files(output)
    states = dict.fromkeys(fresh.keys() - present.keys(), "missing")
    states |= dict.fromkeys(present.keys() - fresh.keys(), "not generated")
    for name in fresh.keys() & present.keys():
        if fresh[name].read_bytes() != present[name].read_bytes():
            states[name] = "differs"
    return [f"{output / name}: {state}" for name, state in sorted(states.items())]
