"""Which template writes which file of a package, and what it prints."""

from collections.abc import Iterator
from typing import Any

from attrs import frozen
from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData
from openapi_python_client.strings import PythonIdentifier

from . import commands, models, operations
from .document import Document, endpoints_of
from .names import exports_of


@frozen
class Page:
    """A file of a package, by its path in it, and the template that writes it."""

    path: str
    template: str
    given: dict[str, Any]


def pages(document: Document, data: GeneratorData, config: Config) -> Iterator[Page]:
    """All files of a package that depend on the spec."""
    given = {"exports": exports_of(data, config), "environment": document.environment}
    yield Page("__init__.py", "package_init.py.jinja", given)
    yield from _models(document, data)
    yield from _operations(document, data, config)
    yield Page("_jobs.py", "jobs.py.jinja", {"jobs": commands.jobs_of(document, config)})


def _models(document: Document, data: GeneratorData) -> Iterator[Page]:
    classes = [each.class_info for each in [*data.models, *data.enums]]
    modules = {str(each.name): str(each.module_name) for each in classes}
    given = {"modules": modules, "names": sorted(modules, key=str.lower)}
    yield Page("models/__init__.py", "models_init.py.jinja", given)
    for prop in data.models:
        path = f"models/{prop.class_info.module_name}.py"
        yield Page(path, "model.py.jinja", {"model": models.describe(prop, document)})
    for enum in data.enums:
        path = f"models/{enum.class_info.module_name}.py"
        yield Page(path, "literal_enum.py.jinja", {"enum": enum})


def _operations(document: Document, data: GeneratorData, config: Config) -> Iterator[Page]:
    yield Page("api/__init__.py", "api_init.py.jinja", {})
    for tag in dict.fromkeys(tag for tag, _ in endpoints_of(data)):
        yield Page(f"api/{tag}/__init__.py", "endpoint_init.py.jinja", {})
    for tag, endpoint in endpoints_of(data):
        module = PythonIdentifier(endpoint.name, config.field_prefix)
        given = {"operation": operations.describe(endpoint, document, config)}
        yield Page(f"api/{tag}/{module}.py", "endpoint_module.py.jinja", given)
