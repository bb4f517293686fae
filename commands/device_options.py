"""The options that send a command's work to a device of the inventory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from detlite.commands.completion import device_names
from detlite.devices.inventory import HOST, Device, read_inventory
from detlite.runtime.errors import InputError

Command = TypeVar("Command", bound=Callable[..., Any])

_INVENTORY = click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    help="File of your devices (default: ~/.config/detlite/devices.toml).",
)


def device_option(command: Command) -> Command:
    """Add `--device NAME`, once."""
    return _INVENTORY(
        click.option("--device", shell_complete=device_names, help="Run on this device of the inventory.")(command)
    )


def devices_option(command: Command) -> Command:
    """Add `--device NAME`, any number of times."""
    option = click.option(
        "--device",
        "devices",
        multiple=True,
        shell_complete=device_names,
        help="Run on this device of the inventory. Repeatable.",
    )
    return _INVENTORY(option(command))


def devices_asked_for(names: Sequence[str], inventory: Path | None) -> list[Device]:
    """Return the devices that are called *names*; none for this machine, which is called `host` where it has no table.

    Raises:
        InputError: a name is unknown or stands twice, or the inventory is not right.
    """
    if len(set(names)) != len(names):
        raise InputError(f"--device names one device twice: {', '.join(names)}")
    if not names:
        return []
    known = read_inventory(inventory)
    found = [known.device(name) for name in names]
    return [] if found == [Device(HOST, HOST)] else found
