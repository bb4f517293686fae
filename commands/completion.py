"""Shell completion of names that detlite knows, without heavy imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from detlite.runtime.errors import DetliteError
from detlite.runtime.plugins import plugin_names

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from detlite.convert.zoo.catalogue import ZooModel

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def names_of(names: Callable[[], Iterable[str]]) -> Complete:
    """Return a completion function for the *names*, which are computed when the shell asks."""
    return partial(_complete, names)


def plugins_of(package: str) -> Complete:
    """Return a completion function for the plug-ins in *package*, such as `detlite.accuracy.metrics`."""
    return names_of(lambda: plugin_names(package))


def _complete(
    names: Callable[[], Iterable[str]], _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names() if name.startswith(incomplete)]


def zoo_names() -> tuple[str, ...]:
    """Return the names of the models in the zoo."""
    from detlite.convert.zoo.catalogue import load_catalogue

    return tuple(model.name for model in load_catalogue().models)


def zoo_values(of: Callable[[ZooModel], Iterable[str]]) -> tuple[str, ...]:
    """Return the values that the models of the zoo have, in order."""
    from detlite.convert.zoo.catalogue import load_catalogue

    return tuple(sorted({value for model in load_catalogue().models for value in of(model)}))


def preset_names() -> tuple[str, ...]:
    """Return the names of the zoo detectors that can be built untrained."""
    from detlite.convert.rebuild.odapi.family import families

    return tuple(name for family in families() for name in family.presets)


def model_or_file(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a model in the zoo, or a path."""
    from click.shell_completion import CompletionItem

    known = [CompletionItem(name) for name in zoo_names() if name.startswith(incomplete)]
    return known if known and incomplete else [CompletionItem(incomplete, type="file")]


def device_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a device in the inventory, or in the one that `--inventory` names."""
    from click.shell_completion import CompletionItem

    from detlite.devices.inventory import read_inventory

    given: Path | None = context.params.get("inventory")
    try:
        known = read_inventory(given).devices
    except DetliteError:
        return []  # completion cannot show an error message
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]
