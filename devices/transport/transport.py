"""What every transport offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from detlite.runtime.errors import DetliteError, DeviceError


class LostError(DeviceError):
    """The connection to the device broke, or the device does not answer."""


@dataclass(frozen=True)
class Completed:
    """The result of a program on a device.

    Attributes:
        arguments: what was run.
        status: its exit status.
        out: its stdout.
        err: its stderr.
        duration_s: how long it took, as seen from this machine.
    """

    arguments: tuple[str, ...]
    status: int
    out: bytes
    err: str
    duration_s: float


class Transport(Protocol):
    """A connection to one device; what all transports share is in `run`.

    Attributes:
        name: the device's, for messages.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the command on this machine that runs *arguments* on the device."""
        ...

    def explain(self, said: str) -> DetliteError:
        """Return why the connection failed, from the local program's message *said*."""
        ...

    def put(self, files: Mapping[str, Path], folder: str, *, timeout_s: float) -> None:
        """Copy files into the existing *folder* on the device, under the given names.

        Raises:
            DeviceError: not all of them arrived; those that did are in *folder*.
        """
        ...

    def close(self) -> None:
        """Release what the transport uses on this machine."""
        ...
