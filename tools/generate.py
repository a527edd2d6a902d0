"""Build the client package from the spec, or compare the package with what the spec gives.

Drives openapi-python-client from Python instead of through its command line, which answers a bad
spec with a page or a traceback, and writes neither `py.typed` nor a header.
"""

import argparse
import contextlib
import copy
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from openapi_python_client import Project, _get_document, strings
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError

from document import CannotEnforceError, Document, keep_names_apart

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = {
    "spec": "openapi.yaml",
    "config": "generator-config.yaml",
    "output": "generated/grok_imagine_video",
}
# What the package has beside the modules that the generator knows of.
MODULES = (
    "aiohttp_session.py",
    "downloading.py",
    "lazy.py",
    "sending.py",
    "slots.py",
    "validators.py",
    "waiting.py",
)
HEADER = (
    "# Do not edit: openapi-python-client wrote this file from openapi.yaml.\n"
    "# To change it, edit openapi.yaml or templates/ and run: make generate\n"
)


class BadInputError(Exception):
    """Something that the person at the keyboard can mend; the text is the one line to print."""


# What the libraries below add to their messages that helps nobody here.
NOISE = re.compile(
    r"\[type=.*?, input_type=\w+\]|For further information visit \S+"
    r"|To suppress this check see: \S+|WARNING |Skipping Integration: "
    r"|in \"<byte string>\", |for status code <.*? object at \w+> "
)


def one_line(text: str, limit: int = 400) -> str:
    line = " ".join(NOISE.sub("", " ".join(text.split())).split()).strip(" :.")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def refuse(path: Path, errors: Sequence[GeneratorError]) -> None:
    """Treat a warning as an error too: it means that a part of the spec was left out."""
    if errors:
        first = errors[0]
        reference = getattr(getattr(first, "data", None), "ref", None)
        where = f" ({reference.get_untrusted_value()})" if reference else ""
        what = one_line(f"{first.header.strip(' :.')}: {first.detail or ''}{where}")
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        msg = f"{path}: {what}{more}; mend it and run this again"
        raise BadInputError(msg)


def load_config(path: Path) -> ConfigFile:
    try:
        config = ConfigFile.load_from_path(path)
    except OSError:
        raise
    except Exception as error:
        msg = f"{path}: not a configuration of openapi-python-client: {one_line(str(error))}"
        raise BadInputError(msg) from error
    if config.post_hooks is None:  # the generator's own ones follow whatever ruff is installed
        config.post_hooks = load_config(ROOT / DEFAULTS["config"]).post_hooks
    return config


def load_document(spec: Path) -> dict[str, object]:
    document = _get_document(source=spec, timeout=0)  # a path is read, nothing is fetched
    if isinstance(document, GeneratorError):
        refuse(spec, [document])
    if not isinstance(document, dict):
        msg = f"{spec}: not an OpenAPI document: a mapping with openapi, info and paths is needed"
        raise BadInputError(msg)
    return document


class OurProject(Project):
    """The generator, with our templates for files that it does not know, and the spec for all."""

    def __init__(self, document: Document, openapi: GeneratorData, config: Config) -> None:
        super().__init__(openapi=openapi, config=config, custom_template_path=ROOT / "templates")
        error_name = strings.ClassName(f"{self.package_name}_error", config.field_prefix)
        self.env.globals.update(spec=document, base_error=error_name)

    def _create_package(self) -> None:
        super()._create_package()
        (self.package_dir / "py.typed").touch()
        for name in MODULES:
            text = self.env.get_template(f"{name}.jinja").render()
            (self.package_dir / name).write_text(text, self.config.file_encoding)


def build(spec: Path, config_path: Path, package: Path) -> None:
    """Write the package that `spec` gives to `package`, which must not exist yet."""
    if (tools := str(Path(sys.executable).parent)) not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"  # where the hooks are
    config = Config.from_sources(
        load_config(config_path), MetaType.NONE, spec, "utf-8", overwrite=False, output_path=package
    )
    document = load_document(spec)
    raw = copy.deepcopy(document)  # the parser writes into what it is given
    try:
        openapi = GeneratorData.from_dict(document, config=config)
    except Exception as error:  # the parser trips over some malformed documents
        detail = f"{type(error).__name__}: {error}"
        raise BadInputError(f"{spec}: the generator cannot read it: {one_line(detail)}") from error
    if isinstance(openapi, GeneratorError):
        refuse(spec, [openapi])
        return
    keep_names_apart(openapi, config)
    try:
        project = OurProject(Document(raw, openapi), openapi, config)
        with contextlib.redirect_stdout(io.StringIO()):  # it tells the name of a temporary folder
            errors = project.build()
    except CannotEnforceError as error:
        raise BadInputError(f"{spec}: {error}") from error
    refuse(config_path, project.errors)  # those of the hooks
    refuse(spec, errors)
    for path in files(package).values():
        path.write_text(HEADER + path.read_text("utf-8"), "utf-8")


def files(package: Path) -> dict[str, Path]:
    """All files of a package by their path in it, without what Python writes on import."""
    return {
        path.relative_to(package).as_posix(): path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def generate(spec: Path, config: Path, output: Path) -> None:
    """Replace `output` as a whole, or leave it as it was."""
    is_ours = (output / "__init__.py").is_file() and HEADER in (output / "__init__.py").read_text()
    if output.exists() and not is_ours and (not output.is_dir() or any(output.iterdir())):
        msg = f"{output}: exists and is no package made by this command; name another OUTPUT"
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
    print(f"wrote {len(files(output))} files to {output}")


def check(spec: Path, config: Path, output: Path) -> list[str]:
    """One line for each file in which `output` is not what `spec` gives."""
    with tempfile.TemporaryDirectory() as scratch:
        build(spec, config, Path(scratch, "fresh"))
        return compare(Path(scratch, "fresh"), output)


def compare(wanted: Path, output: Path) -> list[str]:
    """One line for each file in which `output` is not the package that is wanted."""
    fresh, present = files(wanted), files(output)
    found = dict.fromkeys(fresh.keys() - present.keys(), "missing")
    found |= dict.fromkeys(present.keys() - fresh.keys(), "not generated")
    for name in fresh.keys() & present.keys():
        if fresh[name].read_bytes() != present[name].read_bytes():
            found[name] = "differs"
    return [f"{output / name}: {what}" for name, what in sorted(found.items())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in DEFAULTS.items():
        parser.add_argument(f"--{name}", default=default, help=f"default: {default}")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    options = parser.parse_args()
    paths = [Path(getattr(options, name)) for name in DEFAULTS]
    try:
        if not options.check:
            generate(*paths)
        elif found := check(*paths):
            changed = [
                f"{name.upper()}={shlex.quote(getattr(options, name))}"
                for name, default in DEFAULTS.items()
                if getattr(options, name) != default
            ]
            mend = " ".join(["make generate", *changed])
            sys.exit(
                "\n".join([*found, f"{options.output} is not what the spec gives; run: {mend}"])
            )
    except BadInputError as error:
        sys.exit(f"generate: {error}")
    except KeyboardInterrupt:
        sys.exit("generate: interrupted, the package is as it was")
    except OSError as error:
        sys.exit(f"generate: {error.filename}: {error.strerror}; check SPEC, CONFIG and OUTPUT")


if __name__ == "__main__":
    main()
