"""Which template writes which file of a package, and what it prints."""

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

# The path of a file in its package, the template that writes it, and what that is given.
Page = tuple[str, str, dict[str, Any]]


def pages(document: Document, data: GeneratorData) -> Iterator[Page]:
    """All files of a package that depend on the spec."""
    given = {"exports": exports_of(document, data)}
    yield "__init__.py", "package_init.py.jinja", given
    yield from _models(document, data)
    yield "api/__init__.py", "api_init.py.jinja", {}
    for package in {each.package: None for each in document.operations}:
        yield f"api/{package}/__init__.py", "endpoint_init.py.jinja", {}
    for each in document.operations:
        operation = operations.describe(each.endpoint, document)
        path = f"api/{each.package}/{each.module}.py"
        yield path, "endpoint_module.py.jinja", {"operation": operation}
    yield "_commands.py", "commands.py.jinja", {"jobs": commands.jobs_of(document)}
    yield "client.py", "client.py.jinja", {"environment": document.environment}
    yield "__main__.py", "main.py.jinja", {}
    for module, about in PUBLIC.items():
        name = module.__name__.rpartition(".")[2]
        public = {"module": name, "about": about, "names": sorted(module.__all__)}
        yield f"{name}.py", "public.py.jinja", public


def _models(document: Document, data: GeneratorData) -> Iterator[Page]:
    classes = [each.class_info for each in [*data.models, *data.enums]]
    modules = {str(each.name): str(each.module_name) for each in classes}
    given = {"modules": modules, "names": sorted(modules, key=str.lower)}
    yield "models/__init__.py", "models_init.py.jinja", given
    for prop in data.models:
        model = models.describe(prop, document)
        yield f"models/{prop.class_info.module_name}.py", "model.py.jinja", {"model": model}
    for enum in data.enums:
        yield f"models/{enum.class_info.module_name}.py", "literal_enum.py.jinja", {"enum": enum}
