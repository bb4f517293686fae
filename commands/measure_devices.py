"""`detlite measure --device`: measure on one or several devices at once, and print the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detlite.commands.console import emit_json, emit_record, notice, progress, say
from detlite.devices.benchmark_result import BenchmarkResult, benchmark_text
from detlite.devices.inventory import Device
from detlite.devices.remote.benchmark import benchmark_asked, benchmark_on
from detlite.devices.remote.engine import engine_asked, engine_on
from detlite.devices.remote.fleet import on_each, refuse_failures
from detlite.devices.remote.measure import Ask, measure_on
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import DetliteError, InputError
from detlite.runtime.measure.device_mark import EMULATED, SIMULATED, marked_text
from detlite.runtime.measure.measurement_text import measurement_text
from detlite.runtime.measure.results import Measurement

Record = dict[str, Any]
Found = Measurement | BenchmarkResult


def measure_on_devices(
    devices: Sequence[Device], model: Artifact | Path, values: Record, images: Sequence[Path], *, as_json: bool
) -> int:
    """Measure *model*, an artifact or an .onnx, on all *devices* at once, print results, and return the exit status.

    Raises:
        DetliteError: a device failed; the others' results were printed.
    """
    if values.get("profile"):
        raise InputError("--profile works only on this machine: leave out --device")
    with progress() as report:

        def one(device: Device) -> Found:
            out = _folder(values["out"], device, devices)
            if isinstance(model, Path):
                return engine_on(device, engine_asked(model, values, out), progress=report)
            program = _benchmark_model(device, values)
            if program is not None:
                return benchmark_on(device, benchmark_asked(program, model, values, out), progress=report)
            return measure_on(device, Ask(model, values, images, out), progress=report)

        results = on_each(devices, one)
    found = [result for result in results if not isinstance(result, DetliteError)]
    if as_json and len(devices) == 1 and found:
        emit_record(found[0].to_record())
    elif as_json:
        emit_json("measurements", {"measurements": [one.to_record() for one in found]})
    else:
        _show(found, values["out"], devices)
    refuse_failures(devices, results)
    return _status(found)


def _benchmark_model(device: Device, values: Record) -> Path | None:
    """Return the benchmark_model to measure with, if any: the given one, or the inventory's."""
    program: Path | None = values.get("benchmark_model")
    if program is not None and values.get("backend") is not None:
        raise InputError("--benchmark-model and --backend cannot be combined: give one of them")
    return program or (device.benchmark_model if values.get("backend") is None else None)


def _folder(out: Path | None, device: Device, devices: Sequence[Device]) -> Path | None:
    if out is None or len(devices) == 1:
        return out
    out.mkdir(parents=True, exist_ok=True)
    return out / device.name


def _show(results: Sequence[Found], out: Path | None, devices: Sequence[Device]) -> None:
    for found in results:
        place = None if out is None else out if len(devices) == 1 else out / found.device["name"]
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
