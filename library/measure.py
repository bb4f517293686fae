"""Speed of models: here, on a device, and of two models in turn."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

from detlite.accuracy.images import Images
from detlite.devices.benchmark_result import BenchmarkResult
from detlite.devices.inventory import Device, read_inventory
from detlite.devices.remote.measure import measure_on as measure_request_on
from detlite.devices.remote.request import MeasureRequest, model_to_measure
from detlite.library.arguments import AnyModel, AnyPath, on_disk, paths_of
from detlite.runtime.artifact import Artifact
from detlite.runtime.errors import DeviceError
from detlite.runtime.measure.in_turn import Plan, against, measure_in_turn
from detlite.runtime.measure.options import PRESET, SCENARIO, MeasureOptions, setup_of
from detlite.runtime.measure.protocol import Setup
from detlite.runtime.measure.results import Measurement
from detlite.runtime.measure.run import measure_model
from detlite.runtime.progress import Progress, silent

Result = TypeVar("Result", Measurement, BenchmarkResult, Measurement | BenchmarkResult)


def measure(
    model: AnyModel,
    *,
    scenario: str = "single-stream",
    preset: str = "quick",
    images: Images | AnyPath | None = None,
    fps: float | None = None,
    threads: int = 1,
    backend: str | None = None,
    out: AnyPath | None = None,
    progress: Progress = silent,
) -> Measurement:
    """Return how fast *model* is on this machine, measured by a scenario of MLPerf v1.0 in several processes.

    Args:
        model: what to measure.
        scenario: `single-stream`, `multi-stream`, `server`, `offline` or `camera`.
        preset: the rules: `quick`, `standard`, `mlperf-v1.0-ssd-mobilenet` or `mlperf-v1.0-ssd-resnet34`.
        images: what it runs on; None for random noise.
        fps: frames a second of `camera`, or queries of `multi-stream`; None: 30, or the preset's.
        threads: of the interpreter.
        backend: what runs it, such as `litert` or `onnx_runtime`; None: by the file.
        out: a new folder that keeps every sample; None keeps none.
        progress: told of queries.

    Returns:
        `latency` of whole queries and `invoke` of the interpreter alone, both in ms; `reasons` why it is INVALID, empty
        where it is VALID.

    Raises:
        InputError: a name is unknown, or *out* exists.
        DeviceError: the interpreter crashed.
        MissingToolError: the back end is not installed.

    Example:
        >>> detlite.measure("out/int8", images="photos/", threads=4).latency.p90_ms
        12.5
    """
    options = MeasureOptions(scenario=scenario, preset=preset, fps=fps, threads=threads, backend=backend)
    with on_disk(model) as artifact:
        setup = _setup(artifact, options, paths_of(images))
        found = measure_model(setup, run=None if out is None else Path(out), progress=progress)
    return _whole(found)


def measure_against(
    model: AnyModel,
    reference: AnyModel,
    *,
    samples: int = 200,
    min_seconds: float = 1.0,
    image: AnyPath | None = None,
    threads: int = 1,
    progress: Progress = silent,
) -> Measurement:
    """Return how fast *model* is on this machine beside *reference*: one inference of each in turn, in one process.

    Args:
        model: what to measure.
        reference: what to measure it against.
        samples: least number of timed inferences of each.
        min_seconds: shortest duration.
        image: what both run on; None for random noise.
        threads: of the interpreter.
        progress: told of inferences.

    Returns:
        The measurement of *model*; its `against` has that of the reference, and the ratios of the medians with their
        95 % intervals.

    Raises:
        InputError: a model cannot be opened.
        DeviceError: the interpreter crashed.

    Example:
        >>> found = detlite.measure_against("out/int8", "out/float")
        >>> found.against.invoke_p50_ratio, found.against.invoke_p50_ratio_interval
        (0.39, (0.38, 0.4))
    """
    options = MeasureOptions(threads=threads)
    images = () if image is None else (Path(image),)
    with ExitStack() as opened:
        artifacts = [opened.enter_context(on_disk(one)) for one in (model, reference)]
        setups = [_setup(one, options, images) for one in artifacts]
        first, second = measure_in_turn(setups, Plan(samples, min_seconds), progress=progress)
    return against(first, second)


def measure_on(
    device: Device | str,
    model: AnyModel,
    *,
    scenario: str = "single-stream",
    preset: str = "quick",
    images: Images | AnyPath | None = None,
    threads: int = 1,
    backend: str | None = None,
    precision: str | None = None,
    out: AnyPath | None = None,
    progress: Progress = silent,
) -> Measurement | BenchmarkResult:
    """Return how fast *model* is on *device*, over adb or ssh.

    Args:
        device: one of `devices`, or its name in your inventory.
        model: what to measure; the path of an .onnx is measured by TensorRT, on a Jetson.
        scenario: `single-stream`, `multi-stream`, `server`, `offline` or `camera`.
        preset: the rules of the run.
        images: what it runs on; None for random noise.
        threads: of the interpreter.
        backend: what runs it there; None: by the file, and by the inventory's `benchmark_model`.
        precision: what TensorRT's engine of an .onnx may compute in: `fp32`, `fp16` or `int8`; None for its default.
        out: a new folder that keeps every sample; None keeps none.
        progress: told of files and queries.

    Returns:
        A `Measurement`, or a `BenchmarkResult` where the inventory names a benchmark_model for the device.

    Raises:
        InputError: the device is not in the inventory, or does not do what is asked.
        MissingToolError: the device, or this machine, lacks a program.
        FindingError: the device is not in the power mode that the inventory insists on.
        DeviceError: the device failed or was lost. The same call goes on where it stopped.

    Example:
        >>> detlite.measure_on("pixel8", "out/int8", threads=4).latency.p90_ms
        21.4
    """
    known = device if isinstance(device, Device) else read_inventory(None).device(device)
    options = MeasureOptions(
        scenario=None if scenario == SCENARIO else scenario,
        preset=None if preset == PRESET else preset,
        threads=threads,
        backend=backend,
    )
    place = None if out is None else Path(out)
    with ExitStack() as opened:
        asked = model_to_measure(Path(model)) if isinstance(model, str | Path) else opened.enter_context(on_disk(model))
        request = MeasureRequest(asked, options, paths_of(images), out=place, precision=precision)
        return _whole(measure_request_on(known, request, progress=progress))


def _setup(artifact: Artifact, options: MeasureOptions, images: tuple[Path, ...]) -> Setup:
    return setup_of(artifact.model, artifact.contract, options, images=images)


def _whole(found: Result) -> Result:
    """Return *found*; `DeviceError` if it holds a part of what was asked."""
    if found.failure is not None:
        raise DeviceError(found.failure.text)
    return found
