"""Simulated devices: commands go to a device that `detlite devices simulate` started."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.devices.simulated import shell
from detlite.devices.simulated.folder import Folder
from detlite.devices.transport.local import LocalTransport
from detlite.devices.transport.run import last_line
from detlite.devices.transport.transport import LostError
from detlite.runtime.errors import DetliteError


@dataclass(frozen=True)
class SimulatedTransport:
    """The simulated device in *folder*; *name* is its name in messages."""

    name: str
    folder: Folder

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the program that runs *arguments* there."""
        return [sys.executable, "-I", "-S", shell.__file__, str(self.folder.socket), *arguments]

    def explain(self, said: str) -> DetliteError:
        """Return that the device is off, or was lost."""
        if not self.folder.socket.exists():
            return LostError(f"{self.name} is off: `detlite devices simulate` is not running")
        return LostError(f"{self.name}: the simulation does not answer; {last_line(said) or 'it printed nothing'}")

    def put(self, files: Mapping[str, Path], folder: str, *, timeout_s: float) -> None:
        """Copy files into *folder* under the device's home."""
        LocalTransport(self.name).put(files, str(self.folder.home / folder), timeout_s=timeout_s)

    def close(self) -> None:
        """Do nothing: nothing was opened."""
