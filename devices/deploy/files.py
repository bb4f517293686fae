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
"""Of the ELF header's e_machine, as elf.h has them."""

RUNS_ON = {
    "aarch64": ("aarch64", "arm"),
    "arm64": ("aarch64", "arm"),
    "armv7l": ("arm",),
    "armv8l": ("arm",),
    "x86_64": ("x86_64", "i386"),
    "i686": ("i386",),
    "riscv64": ("riscv64",),
}
"""What `uname -m` answers, and the programs that run there."""


@dataclass(frozen=True)
class DeviceFile:
    """A file to be put on a device.

    Attributes:
        path: of the file here.
        sha256: of its content.
        size_bytes: how long it is.
        is_program: whether it is to be run itself, and so must have its executable bit there.
    """

    path: Path
    sha256: str
    size_bytes: int
    is_program: bool = False

    @property
    def name(self) -> str:
        """Its name on the device: the content's digest and the suffix, if that is a plain one."""
        suffix = self.path.suffix
        return self.sha256 + (suffix if SUFFIX.fullmatch(suffix) else "")

    @property
    def line(self) -> str:
        """How the scripts on the device want it: digest, mode, name."""
        return f"{self.sha256} {'x' if self.is_program else '-'} {self.name}\n"


def device_file(path: Path, *, is_program: bool = False) -> DeviceFile:
    """Return the file at *path* as one to be put on a device.

    Raises:
        InputError: it is not there, or cannot be read.
    """
    try:
        return DeviceFile(path, sha256_of(path), path.stat().st_size, is_program)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def check_architecture(file: DeviceFile, machine: str, device: str) -> None:
    """Check that a program can run on a *device* whose `uname -m` says *machine*; scripts run anywhere.

    Raises:
        InputError: it is of another architecture.
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
