"""One more family, device or exporter is one more file: found by its name, imported when used."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, Dict, Tuple

from detlite.runtime.errors import unknown_name


def plugin_names(package: str) -> Tuple[str, ...]:
    """Return the names of the modules in *package* (`detlite.accuracy.datasets`), sorted; none is imported."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path)))


def load_plugin(package: str, name: str) -> Any:
    """Return the `PLUGIN` of the module *name* in *package*.

    Raises:
        UnknownNameError: *package* has no such file.
    """
    known = plugin_names(package)
    if name not in known:
        raise unknown_name(_kind(package), name, known)
    return importlib.import_module(f"{package}.{name}").PLUGIN


def _kind(package: str) -> str:
    """Return what one of *package* is called: `backend` of `detlite.runtime.backends`, `family` of `families`."""
    folder = package.rsplit(".", 1)[-1]
    for plural, one in (("ies", "y"), ("xes", "x"), ("s", "")):
        if folder.endswith(plural):
            return folder[: -len(plural)] + one
    return folder


def load_plugins(package: str) -> Dict[str, Any]:
    """Return every `PLUGIN` in *package* by its name, in the order of the names."""
    return {name: load_plugin(package, name) for name in plugin_names(package)}
