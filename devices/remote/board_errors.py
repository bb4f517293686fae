"""The board's program ends with detlite's own exit statuses and one line: both become the same error here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from detlite.devices.deploy.job import JobError
from detlite.devices.inventory import ADB_KIND, Device
from detlite.devices.transport.run import last_line
from detlite.runtime.errors import DetliteError, DeviceError, FindingError, InputError, MissingToolError

MARK = "board.pyz: "
KINDS: tuple[type[DetliteError], ...] = (FindingError, InputError, MissingToolError, DeviceError)
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # of `timeout`, as of a shell
MODULE = "ModuleNotFoundError: No module named "


@contextmanager
def board_errors(device: Device) -> Iterator[None]:
    """Raise the errors of the board's program on *device* as what they are.

    Raises:
        MissingToolError: Python, numpy or an interpreter is not there.
        InputError: the program does not take the model or an image.
        DeviceError: the program failed otherwise.
    """
    try:
        yield
    except JobError as error:
        raise _meant(device, error) from error


def _meant(device: Device, error: JobError) -> DetliteError:
    name, said = device.name, error.said
    if error.status in (NOT_FOUND, NOT_EXECUTABLE):
        other = ", or measure with --benchmark-model" if device.kind == ADB_KIND else ""
        return MissingToolError(
            f"{name} has no program {device.python}: set `python` in the inventory to one of 3.9 or newer{other}"
        )
    if MODULE in said:
        module = said.split(MODULE)[-1].split()[0]
        return MissingToolError(
            f"{name}: its {device.python} has no module {module}: install it there, or set `python`"
        )
    lines = [line for line in said.splitlines() if line.startswith(MARK)]
    if lines and 0 < error.status <= len(KINDS):
        return KINDS[error.status - 1](f"{name}: {lines[-1].removeprefix(MARK)}")
    return DeviceError(f"{name}: the board's program failed with status {error.status}: {last_line(said) or 'no word'}")
