"""Options that run a command's work on a device of the inventory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.completion import device_names
from detlite.devices.inventory import THIS_MACHINE, Device, read_inventory
from detlite.runtime.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])

_INVENTORY = click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    help="File that lists your devices (default: ~/.config/detlite/devices.toml).",
)


def device_option(command: Command) -> Command:
    """Add `--device NAME`, once."""
    return _INVENTORY(
        click.option("--device", shell_complete=device_names, help="Run on this device of the inventory.")(command)
    )


def devices_option(command: Command) -> Command:
    """Add `--device NAME`, repeatable."""
    option = click.option(
        "--device",
        "devices",
        multiple=True,
        shell_complete=device_names,
        help="Run on this device of the inventory. Repeatable.",
    )
    return _INVENTORY(option(command))


def devices_asked_for(names: Sequence[str], inventory: Path | None) -> list[Device]:
    """Return the devices called *names*; none for `host`, this machine, unless the inventory has a table for it.

    Raises:
        InputError: a name is unknown or given twice, the inventory is invalid, or one is given and no name.
    """
    if len(set(names)) != len(names):
        raise InputError(f"--device names one device twice: {', '.join(names)}")
    if not names:
        if inventory is not None:
            raise InputError(f"--inventory {inventory} lists devices: name one of them with --device, or leave it out")
        return []
    known = read_inventory(inventory)
    found = [known.device(name) for name in names]
    return [] if found == [THIS_MACHINE] else found
