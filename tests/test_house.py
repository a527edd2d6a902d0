"""What the package's own code may use: public names of libraries, and private ones of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import grok_imagine_video

PACKAGE = Path(grok_imagine_video.__file__).parent

# Private names of ours that a module reads of an object of another module.
OWN = {
    *("_ENVIRONMENT", "_JOB", "_get_kwargs", "_parse_response"),
    *("_async_open", "_async_session", "_async_transport", "_base_url", "_close_loop"),
    *("_httpx_args", "_open", "_opens_connections", "_overrides", "_session"),
    *("_timeout", "_verify_ssl", "_changing", "_names", "_one_line", "_rules"),
}


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.endswith("__")


def used(tree: ast.Module) -> Iterator[tuple[int, object]]:
    """The attributes that a module uses and does not set, and what it imports from libraries."""
    nodes = list(ast.walk(tree))
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    stored = [node for node in nodes if isinstance(getattr(node, "ctx", None), ast.Store)]
    own |= {getattr(node, "attr", getattr(node, "id", "")) for node in stored}
    for node in nodes:
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
            case ast.ClassDef(bases=bases) if any(map(is_of_library, bases)):
                yield from overridden(node)


def is_of_library(base: ast.expr) -> bool:
    """Whether it is `library.Class`; modules of ours are imported with a private name."""
    match base:
        case ast.Attribute(value=ast.Name(id=module)):
            return not is_private(module)
    return False


def overridden(node: ast.ClassDef) -> Iterator[tuple[int, str]]:
    """The methods of a class that it does not call itself: they might be hooks of its base."""
    called = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    for method in node.body:
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name not in called:
            yield method.lineno, method.name


def test_nothing_private_of_a_library_is_used() -> None:
    foreign = []
    for path in PACKAGE.rglob("*.py"):
        for line, name in used(ast.parse(path.read_text())):
            if is_private(name) and name not in OWN:
                foreign.append(f"{path.name}:{line}: {name}")
    assert not foreign


def test_what_is_private_of_a_library_is_found() -> None:
    lines = (
        *("x._pool", "self._mounts", 'vars(x)["_pool"]', 'getattr(x, "_pool")'),
        *('setattr(x, "_pool", 1)', "x._pool = 1", "from httpx._client import Client"),
        *("import httpx\nclass A(httpx.Client):\n    def _init_transport(self): pass",),
    )
    for line in lines:
        assert any(is_private(name) for _, name in used(ast.parse(line))), line
