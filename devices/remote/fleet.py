"""Several devices at once: one thread waits for each, and one that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from detlite.devices.inventory import Device
from detlite.runtime.counts import counted
from detlite.runtime.errors import DetliteError, DeviceError

T = TypeVar("T")


def on_each(devices: Sequence[Device], work: Callable[[Device], T]) -> list[T | DetliteError]:
    """Return what *work* returns for each of *devices*, or the error that it raised, in their order."""

    def one(device: Device) -> T | DetliteError:
        try:
            return work(device)
        except DetliteError as error:
            return error

    with ThreadPoolExecutor(max_workers=max(1, len(devices))) as pool:
        return list(pool.map(one, devices))


def refuse_failures(devices: Sequence[Device], results: Sequence[object]) -> None:
    """Raise what went wrong, when all that could be had has been shown; the first error's kind decides the status.

    Raises:
        DetliteError: at least one of *results* is an error.
    """
    failed = [result for result in results if isinstance(result, DetliteError)]
    if len(failed) == 1:
        raise failed[0]
    if failed:
        kind = type(failed[0]) if len({error.exit_status for error in failed}) == 1 else DeviceError
        raise kind(f"{len(failed)} of {counted(len(devices), 'device')} failed: {'; '.join(map(str, failed))}")
