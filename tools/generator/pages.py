"""The files of a package: the template of each, and its context."""

from collections.abc import Iterator
from typing import Any

from openapi_python_client.parser import GeneratorData

from grok_imagine_video_runtime import batch, errors, types

from . import commands, models, operations
from .document import Document
from .names import exports_of

# The modules of the runtime whose names users import.
PUBLIC = {
    batch: "Create a job for each of many requests, and continue where the last run ended.",
    errors: "Every way a call can fail, by name.",
    types: "Types that operations and models share.",
}

# The path of a file in its package, its template, and the context of the template.
Page = tuple[str, str, dict[str, Any]]


def pages(document: Document, data: GeneratorData) -> Iterator[Page]:
    """All files of a package that depend on the spec."""
    exports = exports_of(document, data)
    yield "__init__.py", "package_init.py.jinja", {"exports": exports}
    yield from _models(document, data)
    yield "api/__init__.py", "about.py.jinja", {"about": "The operations, by tag."}
    for package in {operation.package: None for operation in document.operations}:
        tag = {"about": f"The operations with the tag `{package}`."}
        yield f"api/{package}/__init__.py", "about.py.jinja", tag
    for listed in document.operations:
        operation = operations.describe(listed.endpoint, document)
        path = f"api/{listed.package}/{listed.module}.py"
        yield path, "endpoint_module.py.jinja", {"operation": operation}
    yield "_commands.py", "commands.py.jinja", {"jobs": commands.jobs_of(document)}
    yield "client.py", "client.py.jinja", {"environment": document.environment}
    yield "__main__.py", "main.py.jinja", {"environment": document.environment}
    for module, about in PUBLIC.items():
        name = module.__name__.rpartition(".")[2]
        names = _names_of_errors() if module is errors else module.__all__
        public = {"module": name, "about": about, "names": sorted(names)}
        yield f"{name}.py", "public.py.jinja", public


def _names_of_errors() -> list[str]:
    """All but the base of those about jobs, which are not caught alike."""
    names = (name for name in vars(errors) if name.endswith("Error"))
    return [name for name in names if name != "JobError" and not name.startswith("_")]


def _models(document: Document, data: GeneratorData) -> Iterator[Page]:
    classes = [schema.class_info for schema in [*data.models, *data.enums]]
    modules = {str(info.name): str(info.module_name) for info in classes}
    names = sorted(modules, key=str.lower)
    yield "models/__init__.py", "models_init.py.jinja", {"modules": modules, "names": names}
    for prop in data.models:
        model = models.describe(prop, document)
        yield f"models/{prop.class_info.module_name}.py", "model.py.jinja", {"model": model}
    for enum in data.enums:
        yield f"models/{enum.class_info.module_name}.py", "literal_enum.py.jinja", {"enum": enum}
