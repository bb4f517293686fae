"""`detlite measure --device`: measure on one or several devices at once, and print the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from detlite.commands.console import emit_json, emit_record, notice, progress, say
from detlite.devices.benchmark_result import BenchmarkResult, benchmark_text
from detlite.devices.inventory import Device
from detlite.devices.remote.fleet import on_each, refuse_failures
from detlite.devices.remote.measure import measure_on
from detlite.devices.remote.request import MeasureRequest
from detlite.runtime.errors import DetliteError
from detlite.runtime.measure.device_mark import EMULATED, SIMULATED, marked_text
from detlite.runtime.measure.measurement_text import measurement_text
from detlite.runtime.measure.results import Measurement

Found = Measurement | BenchmarkResult


def measure_on_devices(devices: Sequence[Device], request: MeasureRequest, *, as_json: bool) -> int:
    """Measure as *request* says on all *devices* at once, print results, and return the exit status.

    Raises:
        DetliteError: a device failed; the others' results were printed.
    """
    folders = [_folder(request.out, device, devices) for device in devices]
    requests = {device.name: replace(request, out=out) for device, out in zip(devices, folders, strict=True)}
    with progress() as report:
        results = on_each(devices, lambda device: measure_on(device, requests[device.name], progress=report))
    found = [result for result in results if not isinstance(result, DetliteError)]
    if as_json and len(devices) == 1 and found:
        emit_record(found[0].to_record())
    elif as_json:
        emit_json("measurements", {"measurements": [one.to_record() for one in found]})
    else:
        _show(found, {name: one.out for name, one in requests.items()})
    refuse_failures(devices, results)
    return _status(found)


def _folder(out: Path | None, device: Device, devices: Sequence[Device]) -> Path | None:
    if out is None or len(devices) == 1:
        return out
    out.mkdir(parents=True, exist_ok=True)
    return out / device.name


def _show(results: Sequence[Found], folders: dict[str, Path | None]) -> None:
    for found in results:
        place = folders[found.device["name"]]
        folder = None if place is None else str(place)
        title = f"device {found.device['name']} ({found.device['kind']})\n"
        text = title + (
            benchmark_text(found, folder) if isinstance(found, BenchmarkResult) else measurement_text(found, folder)
        )
        word = SIMULATED if found.simulated else EMULATED if found.emulated else ""
        say((marked_text(text, word) if word else text).removesuffix("\n"))


def _status(results: Sequence[Found]) -> int:
    failures = [(found.device["name"], found.failure) for found in results if found.failure is not None]
    for name, failure in failures:
        notice(f"detlite: {name}: {failure.text}")
    return max((failure.exit_status for _name, failure in failures), default=0)
