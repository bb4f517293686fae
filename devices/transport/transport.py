"""What every way to a device offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from detlite.runtime.errors import DetliteError, DeviceError


class LostError(DeviceError):
    """The way to the device broke, or the device does not answer."""


@dataclass(frozen=True)
class Completed:
    """A program that ended on a device.

    Attributes:
        arguments: what was run.
        status: its exit status.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
        duration_s: until its end was known here.
    """

    arguments: tuple[str, ...]
    status: int
    out: bytes
    err: str
    duration_s: float


class Transport(Protocol):
    """A way to one device; what all of them do alike is in `run`.

    Attributes:
        name: the device's, for messages.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the arguments of the program of this machine that runs *arguments* on the device."""
        ...

    def explain(self, said: str) -> DetliteError:
        """Return why the way failed, from what the program of this machine *said*."""
        ...

    def put(self, files: Mapping[str, Path], folder: str, *, timeout_s: float) -> None:
        """Copy files into *folder* on the device, which is there, under the given names.

        Raises:
            DeviceError: not all of them arrived; what did is in *folder*.
        """
        ...

    def close(self) -> None:
        """Let go of what the way needed on this machine."""
        ...
