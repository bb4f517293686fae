"""The user's devices: a TOML file with one table per device.

::

    [pixel8]
    kind = "pixel"
    serial = "3A2B..."                # adb; `address:port` over the network
    benchmark_model = "tools/benchmark_model"   # TFLite's own program, built for the device

    [orin]
    kind = "jetson"
    address = "orin.lan"              # ssh: a host, or an alias of your ssh configuration
    user = "nvidia"
    python = "/home/nvidia/venv/bin/python3"
    work = "/home/nvidia/detlite"     # files go here, and the lock
    power_mode = "MAXN"               # refuse to measure in any other mode
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from detlite.convert.files.cache_folder import default_cache_folder
from detlite.convert.files.strict_toml import parse_toml
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.limited_file import read_limited
from detlite.runtime.measure.device_mark import EMULATED, SIMULATED
from detlite.runtime.plugins import plugin_names

ENVIRONMENT = "DETLITE_DEVICES"
HOST = "host"
"""This machine, which needs no inventory."""

KINDS = "detlite.devices.kinds"
ADB_KIND = "pixel"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
WORK = re.compile(r"[A-Za-z0-9_./-]{1,200}")
ADDRESS = re.compile(r"[A-Za-z0-9_\[][A-Za-z0-9_.:%\[\]-]{0,252}")
MOST_BYTES = 1 << 20

WORK_FOLDERS = {"adb": "/data/local/tmp/detlite", "ssh": ".cache/detlite", "simulated": ".cache/detlite"}
"""Default work folders: the shell user's on Android, the login's on a board."""


@dataclass(frozen=True)
class Device:
    """One device of the inventory.

    Attributes:
        name: what the user calls it.
        kind: a file in `devices/kinds/`: `pixel`, `jetson`, `generic_linux`.
        address: a host, or an alias of the ssh configuration; for ssh.
        serial: adb's serial number.
        user: of the ssh login.
        port: of ssh.
        ssh_config: used instead of the user's own.
        python: the Python interpreter on the device.
        work: the work folder there.
        power_mode: the only power mode to measure in.
        is_emulated: whether it is not a real device: its times mean nothing, and are never shown without its `mark`.
        benchmark_model: TFLite's benchmark_model on this machine, built for the device.
        simulated: the folder on this machine that holds a simulated device.
    """

    name: str
    kind: str
    address: str | None = None
    serial: str | None = None
    user: str | None = None
    port: int | None = None
    ssh_config: str | None = None
    python: str = "python3"
    work: str = ""
    power_mode: str | None = None
    is_emulated: bool = False
    benchmark_model: Path | None = None
    simulated: str | None = None

    def __post_init__(self) -> None:
        if self.address is not None and self.serial is not None:
            raise InputError(f"{self.name} has both an address (ssh) and a serial (adb): keep one of them")
        if self.address is None and (self.user or self.port or self.ssh_config):
            raise InputError(f"{self.name} has ssh settings but no address")
        if self.address is not None and not ADDRESS.fullmatch(self.address):
            raise InputError(f"{self.name}: {self.address!r} is not a host name, address or alias")
        if self.simulated is not None and (self.address or self.serial or self.work.startswith("/")):
            raise InputError(
                f"{self.name} is simulated: it takes no address and no serial, and its work folder has no leading /"
            )
        if self.port is not None and not 0 < self.port < 65536:
            raise InputError(f"{self.name}: port {self.port}: expected 1 to 65535")
        if self.work and (not WORK.fullmatch(self.work) or self.work.startswith("-") or ".." in self.work.split("/")):
            raise InputError(
                f"{self.name}: work {self.work!r}: expected a path of letters, digits and _ . - /, without '..'"
            )

    @property
    def way(self) -> str:
        """How it is reached: `adb`, `ssh`, `simulated` or `local`."""
        if self.simulated is not None:
            return SIMULATED
        if self.address is not None:
            return "ssh"
        return "adb" if self.serial is not None or self.kind == ADB_KIND else "local"

    @property
    def mark(self) -> str:
        """The word that its figures are never shown without: `simulated` or `emulated`; "" for a real device."""
        if self.simulated is not None:
            return SIMULATED
        return EMULATED if self.is_emulated else ""

    @property
    def folder(self) -> str:
        """The work folder on the device: the inventory's, or the default for its transport."""
        return self.work or WORK_FOLDERS.get(self.way) or str(default_cache_folder() / "device")


THIS_MACHINE = Device(HOST, HOST)
"""This machine, unless the inventory has a table with its name."""

KEYS = {
    "kind": str,
    "address": str,
    "serial": str,
    "user": str,
    "port": int,
    "ssh_config": str,
    "python": str,
    "work": str,
    "power_mode": str,
    "benchmark_model": str,
    "emulated": bool,
    "simulated": str,
}


@dataclass(frozen=True)
class Inventory:
    """The devices of the file at *path*, by name; `host` is always one of them."""

    path: Path
    devices: Mapping[str, Device]

    def device(self, name: str) -> Device:
        """Return the device *name*.

        Raises:
            UnknownNameError: the inventory has no such device.
        """
        if name not in self.devices:
            error = unknown_name("device", name, self.devices)
            raise type(error)(
                f"{error} (inventory: {self.path}{'' if self.path.is_file() else ', which does not exist'})"
            )
        return self.devices[name]


def default_inventory() -> Path:
    """Return DETLITE_DEVICES, else `detlite/devices.toml` under XDG_CONFIG_HOME or ~/.config."""
    if own := os.environ.get(ENVIRONMENT):
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "detlite" / "devices.toml"


def read_inventory(path: Path | None = None) -> Inventory:
    """Return the devices in the file at *path*, by default the user's own file if it exists.

    Raises:
        InputError: the file does not exist, is not TOML, or has an unknown or wrong setting.
    """
    given, path = path is not None, path or default_inventory()
    tables: Mapping[str, Any] = {}
    if given or ENVIRONMENT in os.environ or path.is_file():
        tables = _tables(path)
    devices = {name: _device(path, name, table) for name, table in tables.items()}
    return Inventory(path, {HOST: THIS_MACHINE, **devices})


def list_devices(inventory: str | Path | None = None) -> tuple[Device, ...]:
    """Return this machine, called `host`, and the devices of the inventory; none of them is contacted.

    Args:
        inventory: its file; None for `$DETLITE_DEVICES`, else `~/.config/detlite/devices.toml`.

    Raises:
        InputError: the file is damaged, or names a kind or a setting that there is not.

    Example:
        >>> [device.name for device in detlite.list_devices("lab.toml")]
        ['host', 'pixel8', 'orin']
    """
    return tuple(read_inventory(None if inventory is None else Path(inventory)).devices.values())


def _tables(path: Path) -> Mapping[str, Any]:
    data = read_limited(path, "an inventory", MOST_BYTES)
    try:
        return parse_toml(data)
    except InputError as error:
        raise InputError(f"the inventory {path} is not TOML: {error}") from error


def _device(path: Path, name: str, table: object) -> Device:
    where = f"{path}, device {name!r}"
    if not NAME.fullmatch(name):
        raise InputError(f"{where}: expected a name of letters, digits and _ . -, 64 at most")
    if not isinstance(table, dict):
        raise InputError(f"{where}: expected a table, [{name}], got {type(table).__name__}")
    for key, value in table.items():
        _check_field(where, key, value)
    if "kind" not in table:
        raise InputError(f'{where} has no kind: add one, such as kind = "generic_linux"')
    if table["kind"] not in plugin_names(KINDS):
        raise InputError(f"{where}: {unknown_name('kind of device', table['kind'], plugin_names(KINDS))}")
    values = {("is_emulated" if key == "emulated" else key): value for key, value in table.items()}
    if "benchmark_model" in values:  # relative to the inventory file
        values["benchmark_model"] = path.parent / Path(values["benchmark_model"]).expanduser()
    known = {field.name for field in fields(Device)}
    try:
        return Device(name, **{key: value for key, value in values.items() if key in known})
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _check_field(where: str, key: str, value: object) -> None:
    if key not in KEYS:
        error = unknown_name("setting of a device", key, KEYS)
        raise type(error)(f"{where}: {error}")
    if type(value) is not KEYS[key]:
        raise InputError(f"{where}: {key} is {value!r}; want {'a text' if KEYS[key] is str else KEYS[key].__name__}")
    if isinstance(value, str) and (not value.strip() or not value.isprintable()):
        raise InputError(f"{where}: {key} is {value!r}; want a text of printable characters")
