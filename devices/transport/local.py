"""This machine as a device: the same programs, started directly."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detlite.devices.transport.run import last_line
from detlite.devices.transport.transport import LostError
from detlite.runtime.errors import DetliteError, DeviceError


@dataclass(frozen=True)
class LocalTransport:
    """This machine; *name* is its name in messages."""

    name: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return *arguments*."""
        return list(arguments)

    def explain(self, said: str) -> DetliteError:
        """Return that the shell was killed."""
        return LostError(f"{self.name}: the process was killed; {last_line(said) or 'it printed nothing'}")

    def put(self, files: Mapping[str, Path], folder: str, *, timeout_s: float) -> None:  # noqa: ARG002 - a local copy ends
        """Copy files."""
        try:
            for name, path in files.items():
                shutil.copyfile(path, Path(folder) / name)
        except OSError as error:
            raise DeviceError(f"{self.name}: {error.filename} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Do nothing: nothing was opened."""
