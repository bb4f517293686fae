"""Plug-ins: a new family, device or exporter is one new file, found by its name and imported when used."""

from __future__ import annotations

import importlib
from typing import Any, Dict, Tuple

from detlite.runtime.errors import unknown_name


def plugin_names(package: str) -> Tuple[str, ...]:
    """Return the names of the modules in *package* (`detlite.accuracy.datasets`), sorted; none is imported."""
    import pkgutil  # here, so that a board's program starts without it

    path = importlib.import_module(package).__path__
    return tuple(sorted(module.name for module in pkgutil.iter_modules(path)))


def load_plugin(package: str, name: str) -> Any:
    """Return the `PLUGIN` of the module *name* in *package*.

    Raises:
        UnknownNameError: *package* has no such file.
    """
    module = f"{package}.{name}"
    try:
        if not (isinstance(name, str) and name.isidentifier()) or name.startswith("__"):
            raise ModuleNotFoundError(name=module)
        return importlib.import_module(module).PLUGIN
    except ModuleNotFoundError as error:
        if error.name != module:
            raise  # the plug-in exists; something that it imports is missing
        raise unknown_name(_kind(package), name, plugin_names(package)) from error


def _kind(package: str) -> str:
    """Return the noun for a plug-in of *package*: `backend` of `detlite.runtime.backends`, `family` of `families`."""
    folder = package.rsplit(".", 1)[-1]
    for plural, one in (("ies", "y"), ("xes", "x"), ("s", "")):
        if folder.endswith(plural):
            return folder[: -len(plural)] + one
    return folder


def load_plugins(package: str) -> Dict[str, Any]:
    """Return every `PLUGIN` in *package* by name, sorted."""
    return {name: load_plugin(package, name) for name in plugin_names(package)}
