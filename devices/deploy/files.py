"""Files that go to a device, named there by their content."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError

SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")

ELF = b"\x7fELF"
MACHINES = {3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}
"""`e_machine` values of the ELF header, from elf.h."""

RUNS_ON = {
    "aarch64": ("aarch64", "arm"),
    "arm64": ("aarch64", "arm"),
    "armv7l": ("arm",),
    "armv8l": ("arm",),
    "x86_64": ("x86_64", "i386"),
    "i686": ("i386",),
    "riscv64": ("riscv64",),
}
"""The programs that run on a machine, by its `uname -m`."""


@dataclass(frozen=True)
class DeviceFile:
    """A file to copy to a device.

    Attributes:
        path: the file on this machine.
        sha256: of its content.
        size_bytes: its size.
        is_program: whether it is run, and so needs its executable bit.
    """

    path: Path
    sha256: str
    size_bytes: int
    is_program: bool = False

    @property
    def name(self) -> str:
        """Its name on the device: the content's digest, and the suffix if that is plain."""
        suffix = self.path.suffix
        return self.sha256 + (suffix if SUFFIX.fullmatch(suffix) else "")

    @property
    def line(self) -> str:
        """The line that the scripts on the device read: digest, mode, name."""
        return f"{self.sha256} {'x' if self.is_program else '-'} {self.name}\n"


def device_file(path: Path, *, is_program: bool = False) -> DeviceFile:
    """Return the file at *path* as one to copy to a device.

    Raises:
        InputError: it does not exist, or cannot be read.
    """
    try:
        return DeviceFile(path, sha256_of(path), path.stat().st_size, is_program)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def check_architecture(file: DeviceFile, machine: str, device: str) -> None:
    """Check that a program can run on a *device* whose `uname -m` is *machine*; scripts run anywhere.

    Raises:
        InputError: it was built for another architecture.
    """
    with file.path.open("rb") as content:
        header = content.read(20)
    if not file.is_program or header[:4] != ELF or len(header) < 20:
        return
    number = int.from_bytes(header[18:20], "big" if header[5] == 2 else "little")
    kind = MACHINES.get(number, "an unknown architecture")
    if kind not in RUNS_ON.get(machine, (machine,)):
        raise InputError(
            f"{file.path} is a program for {kind}, and {device} is {machine}: give one built for {machine}"
        )
