"""All targets, from the modules in `targets/`."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from fuzz.target import Target


@cache
def targets() -> Mapping[str, Target]:
    """Return every target by its name.

    Raises:
        ValueError: two have the same name.
    """
    package = importlib.import_module("fuzz.targets")
    modules = [importlib.import_module(f"fuzz.targets.{one.name}") for one in pkgutil.iter_modules(package.__path__)]
    found = [target for module in modules for target in module.TARGETS]
    by_name = {target.name: target for target in found}
    if len(by_name) < len(found):
        raise ValueError("two targets have the same name")
    return by_name
