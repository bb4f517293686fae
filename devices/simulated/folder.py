"""The folder of a simulated device: its files, its programs, its home."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.devices.simulated.simulator import PYTHON, Fault, Simulator

ROOT_VARIABLE = "DETLITE_SIMULATED"
"""Set for every program of a simulated device: where its files are; `survey/look.sh` reads them there."""


@dataclass(frozen=True)
class Folder:
    """The parts of the folder at *path*."""

    path: Path

    @property
    def root(self) -> Path:
        """The device's files."""
        return self.path / "root"

    @property
    def programs(self) -> Path:
        """Its programs."""
        return self.path / "programs"

    @property
    def home(self) -> Path:
        """The working directory of its programs; the work folder is in it."""
        return self.path / "home"

    @property
    def socket(self) -> Path:
        """The socket it listens on while it is on."""
        return self.path / "socket"

    def environment(self) -> dict[str, str]:
        """Return the environment of its programs."""
        return {
            ROOT_VARIABLE: str(self.root),
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "PATH": f"{self.programs}:{os.environ.get('PATH', os.defpath)}",
            "PYTHON": sys.executable,
        }


def build(folder: Folder, simulator: Simulator, faults: Sequence[Fault] = ()) -> None:
    """Write the files and programs of *simulator*, as *faults* change them, into an empty folder."""
    for part in (folder.root, folder.programs, folder.home):
        part.mkdir(mode=0o700)
    files: dict[str, str | None] = dict(simulator.files)
    programs = {"python3": PYTHON, **simulator.programs}
    for fault in faults:
        files |= fault.files
        programs |= fault.programs
    for name, text in files.items():
        if text is not None:
            place = folder.root / name.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    for name, body in programs.items():
        (folder.programs / name).write_text(f"#!/bin/sh\n{body}", encoding="utf-8")
        (folder.programs / name).chmod(0o700)
