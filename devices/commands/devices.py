"""`detlite devices`: the user's devices, and what detlite left on them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click

from detlite.convert.commands.options import json_option
from detlite.convert.console import emit_json, emit_table
from detlite.devices.deploy.clean import clean
from detlite.devices.inventory import Device, read_inventory
from detlite.devices.remote.fleet import on_each, refuse_failures
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import ALIVE_S, run
from detlite.runtime.errors import DetliteError

FILE = click.Path(path_type=Path)
inventory_option = click.option("--inventory", type=FILE, help="In place of ~/.config/detlite/devices.toml.")


@click.group()
def command() -> None:
    """Show your devices, and clean them.

    \b
    detlite devices list
    detlite devices list --inventory lab.toml --json
    detlite devices clean orin
    """


@command.command("list")
@inventory_option
@json_option
def list_devices(inventory: Path | None, as_json: bool) -> None:
    """List the devices of the inventory, and whether each is there.

    \b
    detlite devices list --json
    """
    known = read_inventory(inventory)
    devices = list(known.devices.values())
    rows = [_row(device, state) for device, state in zip(devices, on_each(devices, _machine), strict=True)]
    if as_json:
        emit_json("devices", {"inventory": str(known.path), "devices": rows})
        return
    emit_table(("name", "kind", "by", "at", "state"), [[row[key] or "" for key in ROW] for row in rows])
    click.echo(f"{len(rows)} devices, {sum(row['there'] for row in rows)} there; {known.path}")


ROW = ("name", "kind", "way", "at", "state")


def _row(device: Device, state: str | DetliteError) -> dict[str, Any]:
    word = "emulated, " if device.is_emulated else ""
    return {
        "name": device.name,
        "kind": device.kind,
        "way": device.way,
        "at": device.address or device.serial,
        "there": not isinstance(state, DetliteError),
        "state": str(state) if isinstance(state, DetliteError) else f"{word}there ({state})",
    }


def _machine(device: Device) -> str:
    with connect(device) as transport:
        return run(transport, ["uname", "-m"], timeout_s=ALIVE_S).out.decode(errors="replace").strip()


@command.command("clean")
@click.argument("names", nargs=-1, required=True)
@inventory_option
def clean_devices(names: tuple[str, ...], inventory: Path | None) -> None:
    """Remove what detlite put on the devices NAMES; a device with a job on it is left alone.

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
            click.echo(f"{device.name}: {freed / 1e6:.1f} MB freed in {device.folder}")

    refuse_failures(devices, on_each(devices, one))
