"""Measuring on a device: by TensorRT's engine, by TFLite's benchmark_model, or by the board's program."""

from __future__ import annotations

from pathlib import Path

from detlite.devices.benchmark_result import BenchmarkResult
from detlite.devices.inventory import Device
from detlite.devices.remote.benchmark import benchmark_asked, benchmark_on
from detlite.devices.remote.board_measure import measure_by_board
from detlite.devices.remote.engine import engine_asked, engine_on
from detlite.devices.remote.request import MeasureRequest
from detlite.runtime.errors import InputError
from detlite.runtime.measure.results import Measurement
from detlite.runtime.progress import Progress, silent


def measure_on(
    device: Device, request: MeasureRequest, *, progress: Progress = silent
) -> Measurement | BenchmarkResult:
    """Measure on *device*: an .onnx or an engine by TensorRT, the rest by benchmark_model or Python.

    Raises:
        InputError: the device or the program that measures does not do what is asked.
        FindingError: the device is not in the power mode that the inventory insists on.
        MissingToolError: the device lacks a program.
        DeviceError: the device failed or was lost; finished processes are kept there, and the same call goes on.
    """
    if isinstance(request.model, Path):
        return engine_on(device, engine_asked(request.model, request), progress=progress)
    program = _benchmark_model(device, request)
    if program is not None:
        return benchmark_on(device, benchmark_asked(program, request), progress=progress)
    return measure_by_board(device, request, progress=progress)


def _benchmark_model(device: Device, request: MeasureRequest) -> Path | None:
    """Return the benchmark_model to measure with, if any: the given one, or the inventory's."""
    has_backend = request.options.backend is not None
    if request.benchmark_model is not None and has_backend:
        raise InputError("--benchmark-model and --backend cannot be combined: give one of them")
    return request.benchmark_model or (None if has_backend else device.benchmark_model)
