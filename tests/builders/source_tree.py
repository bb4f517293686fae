"""The source of detlite as data: its modules, what each imports, and its folders of plug-ins."""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
# each may import itself and those before it; calibration and devices may not import each other
PACKAGES = ("runtime", "convert", "accuracy", "calibration", "devices", "studies", "library", "commands")
TOP = ("api", "cli")  # modules beside the packages, which may import them all
T = TypeVar("T")


@dataclass(frozen=True)
class Module:
    """A module, by its name without `detlite.`; a package goes by the name of its folder."""

    name: str
    path: Path

    @property
    def folder(self) -> tuple[str, ...]:
        """The folders that the module is in, from the outermost."""
        return self.path.relative_to(ROOT).parts[:-1]

    @property
    def place(self) -> Path:
        """The file of the module, or the folder of the package."""
        return self.path.parent if self.path.name == "__init__.py" else self.path

    @cached_property
    def tree(self) -> ast.Module:
        """The module, parsed."""
        return ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every module of detlite that is imported, in functions too, without `detlite.`."""
        names = imported_names(ast.walk(self.tree))
        return frozenset(name.removeprefix("detlite.") for name in names if name.startswith("detlite."))

    @property
    def holds_plugin(self) -> bool:
        """Whether the module defines `PLUGIN`."""
        targets: list[ast.expr] = []
        for node in self.tree.body:
            if isinstance(node, ast.Assign):
                targets += node.targets
            elif isinstance(node, ast.AnnAssign):
                targets.append(node.target)
        return any(isinstance(target, ast.Name) and target.id == "PLUGIN" for target in targets)


def imported_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the modules that *nodes* import; of `from a import b`, it is `a.b` where that is a module."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in found if name.removeprefix("detlite.") in module_names()}
            names |= modules | ({node.module} if len(modules) < len(found) else set())
    return names


@cache
def paths() -> Mapping[str, Path]:
    """Return the file of every module by the module's name."""
    files = [ROOT / f"{name}.py" for name in TOP if (ROOT / f"{name}.py").exists()]
    files += [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {_name(path): path for path in files}


def module_names() -> Iterable[str]:
    """Return the names of all modules."""
    return paths().keys()


@cache
def modules() -> tuple[Module, ...]:
    """Return all modules."""
    return tuple(Module(name, path) for name, path in paths().items())


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def packages() -> tuple[Module, ...]:
    """Return the `__init__.py` of each package."""
    return tuple(module for module in modules() if module.path.name == "__init__.py")


def plugin_folders() -> tuple[str, ...]:
    """Return the packages that hold at least one plug-in, as `runtime.backends`."""
    return tuple(
        sorted({".".join(module.place.parent.relative_to(ROOT).parts) for module in modules() if module.holds_plugin})
    )


def import_graph() -> dict[str, frozenset[str]]:
    """Return the modules that each module imports."""
    return {module.name: module.imports for module in modules()}


def sibling_graphs() -> dict[str, dict[str, set[str]]]:
    """Return, for each folder, which of its folders import which others of its folders.

    Modules directly in the folder do not count: they may import from the folders beside them, and these from them.
    """
    graphs: dict[str, dict[str, set[str]]] = {}
    known = {module.name: module for module in modules()}
    for module in modules():
        for name in module.imports:
            if name not in known:
                continue
            ours, theirs = module.folder, known[name].folder
            depth = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
            if depth is not None:
                graph = graphs.setdefault("/".join(ours[:depth]), {})
                graph.setdefault(ours[depth], set()).add(theirs[depth])
    return graphs


def cycles(graph: Mapping[T, Iterable[T]]) -> Iterator[Sequence[T]]:
    """Give each set of nodes that can all reach each other, if it has two or more; Tarjan's algorithm."""
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    stack: list[T] = []

    def visit(node: T) -> Iterator[Sequence[T]]:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                yield from visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            found = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(found) > 1:
                yield found

    for node in graph:
        if node not in index:
            yield from visit(node)
