"""What the package's own code may use: public names of libraries, and private ones of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grok_imagine_video

PACKAGE = Path(grok_imagine_video.__file__).parent

# Private names of ours that a module reads of an object of another module, and two that Python
# documents for enums.
OWN = {
    *("_ENVIRONMENT", "_JOB", "_get_kwargs", "_parse_response"),
    *("_async_open", "_async_session", "_async_sessions", "_async_transport", "_base_url"),
    *("_close_loop", "_httpx_args", "_open", "_opens_connections", "_own", "_session"),
    *("_sessions", "_sharer", "_sharing", "_timeout", "_verify_ssl"),
    *("_elapsed", "_event", "_is_plain", "_names", "_one_line", "_rules", "_rules_when_sent"),
    *("_name_", "_value_"),
}


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.endswith("__")


def defined(tree: ast.Module) -> Iterator[str]:
    """What a module defines, so that `self` may have it."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(id=name, ctx=ast.Store()):
                yield name


def used(tree: ast.Module) -> Iterator[tuple[int, object]]:
    """The attributes that a module reads or sets, and what it imports from libraries."""
    own = set(defined(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if name in own:
                pass
            case ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.Call(func=ast.Name(id="getattr" | "setattr" | "hasattr"), args=[_, name, *_]):
                yield node.lineno, getattr(name, "value", None)
            case ast.Subscript(value=ast.Call(func=ast.Name(id="vars")), slice=name):
                yield node.lineno, getattr(name, "value", None)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                parts = [*module.split("."), *(each.name for each in names)]
                yield from ((node.lineno, part) for part in parts)


def overridden(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The methods of classes that derive from a class of a library, which might be its hooks."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(map(is_of_library, node.bases)):
            called = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from [] if method.name in called else [(method.lineno, method.name)]


def is_of_library(base: ast.expr) -> bool:
    """Whether it is `library.Class`; modules of ours are imported with a private name."""
    match base:
        case ast.Attribute(value=ast.Name(id=module)):
            return not is_private(module)
    return False


def test_nothing_private_of_a_library_is_used() -> None:
    foreign = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = [(line, name) for line, name in used(tree) if name not in OWN]
        names += overridden(tree)
        foreign += [f"{path.name}:{line}: {name}" for line, name in names if is_private(name)]
    assert not foreign


def test_what_is_private_of_a_library_is_found() -> None:
    lines = (
        *("x._pool", "self._mounts", 'vars(x)["_pool"]', 'getattr(x, "_pool")'),
        *('setattr(x, "_pool", 1)', "x._pool = 1", "from httpx._client import Client"),
        *("import httpx\nclass A(httpx.Client):\n    def _init_transport(self): pass",),
    )
    for line in lines:
        tree = ast.parse(line)
        assert any(is_private(name) for _, name in [*used(tree), *overridden(tree)]), line
