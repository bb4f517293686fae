"""What the shell completes of options and arguments whose names detlite knows; nothing heavy is imported for it."""

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

Complete = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def names_of(names: Callable[[], Iterable[str]]) -> Complete:
    """Return what completes one of *names*, which is called when the shell asks."""
    return partial(_complete, names)


def plugins_of(package: str) -> Complete:
    """Return what completes the name of a plug-in in *package*, such as `detlite.accuracy.metrics`."""
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


def model_or_file(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a model in the zoo, or a path."""
    from click.shell_completion import CompletionItem

    known = [CompletionItem(name) for name in zoo_names() if name.startswith(incomplete)]
    return known if known and incomplete else [CompletionItem(incomplete, type="file")]


def device_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a device in the inventory: that of `--inventory` if it is given."""
    from click.shell_completion import CompletionItem

    from detlite.devices.inventory import read_inventory

    given: Path | None = context.params.get("inventory")
    try:
        known = read_inventory(given).devices
    except DetliteError:
        return []  # completing is no place for an error message
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]
