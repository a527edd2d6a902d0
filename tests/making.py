"""Packages generated from specs of the tests' own."""

import importlib
import itertools
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ruamel.yaml import YAML

from tools.generator import driver

Spec = dict[str, Any]
_numbers = itertools.count()


def load(source: str | Path) -> Any:
    """What YAML says."""
    return YAML(typ="safe").load(source)


def made_from(document: Spec, folder: Path, **config: Any) -> ModuleType:
    name = f"made_{next(_numbers)}"
    config = {"post_hooks": [], "literal_enums": True} | config | {"package_name_override": name}
    (folder / "spec.json").write_text(json.dumps(document))
    (folder / "config.yaml").write_text(json.dumps(config))
    driver.build(folder / "spec.json", folder / "config.yaml", folder / name)
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


def document(paths: Spec | None = None, **schemas: Spec) -> Spec:
    return {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": paths or {},
        "components": {"schemas": schemas},
    }
