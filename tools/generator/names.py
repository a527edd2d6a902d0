"""Names in Python: those that would hide something else, and those that the package exports."""

from collections import Counter
from collections.abc import Iterable

from attrs import frozen
from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.properties import Property
from openapi_python_client.schema import UntrustedString

from ..openapi31 import Node
from .document import Document, RefusedError, in_python, properties_of, refuse

# Names that the modules of a package import, and that no class can have as well.
RESERVED = frozenset({"AuthenticatedClient", "Client", "File", "Response", "Unset", "UUID"})
# Names of the generated code itself, which a field or an argument would hide.
NAMES_IN_MODELS = frozenset(
    {"additional_properties", "cls", "from_dict", "from_file", "to_dict", "unchecked"}
)
NAMES_IN_OPERATIONS = frozenset({"body", "interval", "on_created", "on_progress", "timeout"})

MODULES = ("api", "batch", "client", "errors", "models", "types")
CLIENTS = ("AuthenticatedClient", "Client")


@frozen
class Exports:
    """The operations and models that the package exports, and the module of each name."""

    operations: dict[str, str]
    models: list[str]

    @property
    def modules(self) -> dict[str, str]:
        """The module that holds, or is, each name that can be imported."""
        return (
            dict.fromkeys(CLIENTS, ".client")
            | {name: f".{name}" for name in MODULES}
            | {name: f"{package}.{name}" for name, package in self.operations.items()}
            | dict.fromkeys(self.models, ".models")
        )

    @property
    def all(self) -> list[str]:
        """The names that `from package import *` imports."""
        names = ["__version__", "errors", *CLIENTS, *self.operations, *self.models]
        return sorted(names, key=str.lower)


def exports_of(document: Document, data: GeneratorData) -> Exports:
    """All operations, models and enumerations whose names are their own.

    A name that two things would share goes to neither, so that no import means something else than
    it says. Both can still be imported from their own modules.
    """
    operations = [(x.module, f".api.{x.package}") for x in document.operations]
    models = [str(schema.class_info.name) for schema in [*data.models, *data.enums]]
    counts = Counter([*MODULES, *CLIENTS, *models, *(name for name, _ in operations)])
    return Exports(
        {name: package for name, package in operations if counts[name] == 1},
        [name for name in models if counts[name] == 1],
    )


def keep_names_apart(document: Document, data: GeneratorData, config: Config) -> None:
    """Rename, in Python alone, what has a name that the generated code uses itself.

    Raises:
        RefusedError: A class has such a name, or two names are the same to Python.
    """
    for schema in [*data.models, *data.enums]:
        if (name := str(schema.class_info.name)) in RESERVED:
            raise RefusedError(f"the generated code has a {name} of its own; rename the schema")
    for model in data.models:
        rename(document.node(model), [("", prop) for prop in properties_of(model)], config)
    for operation in document.operations:
        node = document.operation(operation.endpoint)
        rename(node, operation.endpoint.iter_all_parameters(), config)


def rename(node: Node, properties: Iterable[tuple[str, Property]], config: Config) -> None:
    """Write the names of fields or parameters, with their locations, as Python reads them."""
    names = set()
    for location, prop in properties:
        name = in_python(prop.python_name)
        if name in (NAMES_IN_OPERATIONS if location else NAMES_IN_MODELS) and location != "path":
            name = f"{name}_{location}" if location else f"field_{name}"
        prop.set_python_name(UntrustedString(name), config, skip_snake_case=True)
        if prop.python_name in names:
            refuse(node, "", f"two names are {prop.python_name} in Python")
        names.add(prop.python_name)


def imports_of_models(lines: set[str]) -> list[str]:
    """What a module imports. Upstream's `check_...` would refuse values that are new."""
    return sorted(line for line in lines if " import check_" not in line)
