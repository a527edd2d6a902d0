"""Packages generated from specs of the tests' own, and commands that run in this process."""

import importlib
import io
import itertools
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
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
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return importlib.import_module(name)


def document(paths: Spec | None = None, **schemas: Spec) -> Spec:
    info = {"title": "T", "version": "1"}
    components = {"schemas": schemas}
    return {"openapi": "3.1.0", "info": info, "paths": paths or {}, "components": components}


def run(
    main: Callable[[], object], *words: object, encoding: str = "utf-8"
) -> tuple[Any, str, str]:
    """Run a command in this process: what it ends with, what it prints, and its errors."""
    code: Any = 0
    out, err = io.TextIOWrapper(io.BytesIO(), encoding), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.argv", ["command", *map(str, words)])
        try:
            main()
        except SystemExit as end:
            code = end.code
    out.seek(0)
    return code or 0, out.read(), err.getvalue()
