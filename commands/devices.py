"""`detlite devices`: the user's devices, and detlite's files on them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click

from detlite.commands.command import CommandGroup
from detlite.commands.completion import device_names
from detlite.commands.console import emit_facts, emit_json, emit_table, say
from detlite.commands.options import json_option
from detlite.commands.read import command as read
from detlite.commands.simulate import command as simulate
from detlite.devices.deploy.clean import clean
from detlite.devices.inventory import Device, read_inventory
from detlite.devices.remote.fleet import on_each, refuse_failures
from detlite.devices.survey.show import Recognized, facts_of, identified, shown
from detlite.devices.transport.connect import connect
from detlite.runtime.counts import counted
from detlite.runtime.errors import DetliteError

FILE = click.Path(path_type=Path)
inventory_option = click.option(
    "--inventory", type=FILE, help="File that lists your devices (default: ~/.config/detlite/devices.toml)."
)


@click.group(cls=CommandGroup)
def command() -> None:
    """Show your devices, and clean them.

    \b
    detlite devices list
    detlite devices show orin
    detlite devices read trtexec.log
    detlite devices simulate jetson -- detlite doctor --device simulated-jetson
    """


command.add_command(read)
command.add_command(simulate)


@command.command("list")
@inventory_option
@json_option
def list_devices(inventory: Path | None, as_json: bool) -> None:
    """List the devices of the inventory, whether each can be reached, and what it is.

    \b
    detlite devices list --json
    """
    known = read_inventory(inventory)
    devices = list(known.devices.values())
    rows = [_row(device, state) for device, state in zip(devices, on_each(devices, identified), strict=True)]
    if as_json:
        emit_json("devices", {"inventory": str(known.path), "devices": rows})
        return
    emit_table(
        ("name", "kind", "by", "at", "state", "model", "system"), [[row[key] or "" for key in ROW] for row in rows]
    )
    say(f"{counted(len(rows), 'device')}, {sum(row['there'] for row in rows)} there; {known.path}")


ROW = ("name", "kind", "way", "at", "state", "model", "system")


def _row(device: Device, found: Recognized | DetliteError) -> dict[str, Any]:
    word = f"{device.mark}, " if device.mark else ""
    known = None if isinstance(found, DetliteError) else found
    return {
        "name": device.name,
        "kind": device.kind,
        "way": device.way,
        "at": device.address or device.serial or device.simulated,
        "there": known is not None,
        "state": str(found) if known is None else f"{word}there ({known.machine})",
        "recognized": None if known is None else known.kind,
        "model": None if known is None else known.identity.model,
        "chip": None if known is None else known.identity.chip,
        "system": None if known is None else known.identity.system,
    }


@command.command("show")
@click.argument("name", shell_complete=device_names)
@inventory_option
@json_option
def show_device(name: str, inventory: Path | None, as_json: bool) -> None:
    """Show the device NAME: its hardware, its back ends, and its state.

    \b
    detlite devices show orin
    detlite devices show host --json
    """
    device = read_inventory(inventory).device(name)
    record = shown(device)
    if as_json:
        emit_json("device", record)
    else:
        emit_facts(facts_of(record))


@command.command("clean")
@click.argument("names", nargs=-1, required=True, shell_complete=device_names)
@inventory_option
def clean_devices(names: tuple[str, ...], inventory: Path | None) -> None:
    """Remove detlite's files from the devices NAMES; a device that is running a job is skipped.

    \b
    detlite devices clean pixel8 orin
    """
    known = read_inventory(inventory)
    devices = [known.device(name) for name in dict.fromkeys(names)]
    telling = threading.Lock()

    def one(device: Device) -> None:
        with connect(device) as transport:
            freed = clean(transport, device.folder)
        with telling:
            say(f"{device.name}: {freed / 1e6:.1f} MB freed in {device.folder}")

    refuse_failures(devices, on_each(devices, one))
