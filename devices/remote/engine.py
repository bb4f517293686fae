"""Measuring an .onnx on a Jetson: TensorRT's engine is built there by `trtexec`, kept there, and measured there."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detlite.convert.onnx.describe import describe_onnx
from detlite.devices.deploy.deploy import Deployed, deploy
from detlite.devices.deploy.device_lock import Hold, hold
from detlite.devices.deploy.files import device_file
from detlite.devices.deploy.job import JobError, job_lines
from detlite.devices.inventory import Device
from detlite.devices.kind import kind_called
from detlite.devices.packaging.zipapp import board_program
from detlite.devices.parsers import trtexec_log
from detlite.devices.parsers.trtexec_log import TrtexecRun
from detlite.devices.remote.board import board_measurement, bring, finish_run, prepare_run_folder
from detlite.devices.remote.facts import with_device
from detlite.devices.remote.request import MeasureRequest
from detlite.devices.survey.measured import Standing, sensors_after, standing_before, with_standing
from detlite.devices.survey.watching import watching
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import last_line, shell_script
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import DeviceError, InputError, MissingToolError, unknown_name
from detlite.runtime.measure.results import Measurement
from detlite.runtime.progress import Progress, silent
from detlite.runtime.runners.tensorrt_versions import (
    PRECISIONS,
    TensorRtVersion,
    building_options,
    known_row,
    parse_version,
)
from detlite.runtime.version import __version__

BUILD = Path(__file__).with_name("build_engine.sh")
BUILD_S = 3600.0  # an int8 engine of a large model takes a Nano over half an hour
INT8_CAUTION = (
    "int8: the .onnx has no QuantizeLinear nodes, so trtexec makes scales up: the times are right, the detections are "
    "not"
)

Record = dict[str, Any]


@dataclass(frozen=True)
class EngineAsk:
    """What is asked of an .onnx on a Jetson.

    Attributes:
        onnx: the file.
        precision: one of `PRECISIONS`, what the engine may compute in; None for the default of TensorRT's version.
        words: of the board's program: `--queries`, `--min-seconds`.
        out: where to keep the run; None for nowhere.
        is_int8: whether the file rounds to int8 itself.
    """

    onnx: Path
    precision: str | None
    words: tuple[str, ...]
    out: Path | None = None
    is_int8: bool = False


def engine_asked(onnx: Path, request: MeasureRequest) -> EngineAsk:
    """Return what *request* asks of *onnx*.

    Raises:
        InputError: trtexec cannot do that, *onnx* is no ONNX file, or the folder for the run holds something.
    """
    also = ("find", "profile", "delegates", "backend", "threads", "xnnpack", "affinity", "benchmark_model")
    request.refuse_options("trtexec measures single-stream with numbers of its own", also=also)
    precision = request.precision
    if precision is not None and precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if request.out is not None:
        prepare_run_folder(request.out, force=request.force)
    options = request.options
    flags = {"--queries": options.queries, "--min-seconds": options.min_duration_s, "--processes": options.processes}
    words = [part for flag, value in flags.items() if value is not None for part in (flag, str(value))]
    known = describe_onnx(onnx.read_bytes(), str(onnx))["operator_names"]
    assert isinstance(known, dict)
    return EngineAsk(onnx, precision, tuple(words), request.out, "QuantizeLinear" in known)


def engine_on(device: Device, ask: EngineAsk, *, progress: Progress = silent) -> Measurement:
    """Build the engine on *device* where it is not there yet, and measure it there.

    Raises:
        InputError: the device's kind has no TensorRT, or trtexec does not take the .onnx.
        MissingToolError: trtexec is not there.
        FindingError: the device is not in the power mode that the inventory insists on.
        DeviceError: the device was lost, or trtexec failed.
    """
    if "trtexec" not in kind_called(device.kind).runtimes:
        raise InputError(f"{device.name} is {kind_called(device.kind).title}: an .onnx is measured on a jetson")
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        program = Path(scratch) / "board.pyz"
        program.write_bytes(board_program())
        with connect(device) as transport, hold(transport, device.folder, "engine") as held:
            before = standing_before(transport, device)
            deployed = deploy(held, [device_file(ask.onnx), device_file(program)], progress=progress)
            progress(f"{device.name}: engine", 0, 1)
            engine = _engine(held, ask, deployed, before)
            progress(f"{device.name}: engine", 1, 1)
            folder = f"{held.work}/runs/{_key(engine['sha256'], *ask.words)}"
            with watching(transport, before.kind.watch) as lines:
                words = [engine["path"], "--backend", "tensorrt", *ask.words]
                found = board_measurement(held, device, [device.python, deployed.paths[program]], folder, words)
            after = sensors_after(transport, before)
            bring(held, folder, ask.out)
    cautions = (*found.cautions, *((INT8_CAUTION,) if ask.precision == "int8" and not ask.is_int8 else ()))
    found = replace(found, model=str(ask.onnx), onnx_sha256=sha256_of(ask.onnx), engine=engine, cautions=cautions)
    known = {"machine": deployed.machine, "emulator": deployed.emulator}
    found = with_device(with_standing(found, before, after, lines), device, known)
    if ask.out is not None:
        finish_run(ask.out, found)
    return found


def _engine(held: Hold, ask: EngineAsk, deployed: Deployed, before: Standing) -> Record:
    """Return the engine on the device: `path`, `sha256`, `kept` (from an earlier run), and what built it.

    It is kept by what it depends on: the model's content, TensorRT's version, the GPU and the power mode, in which
    trtexec chose the fastest kernels; and what it may compute in.
    """
    facts, modes = before.identity.facts, before.sensors.power_modes
    precision, flags = building_options(_row(facts.get("tensorrt")), ask.precision, is_int8=ask.is_int8)
    parts = {
        "onnx_sha256": sha256_of(ask.onnx),
        "tensorrt": facts.get("tensorrt", facts.get("l4t", "unknown")),
        "gpu": f"{before.identity.model} {facts.get('part', '')}".strip(),
        "power_mode": None if modes is None else modes.current,
        "precision": precision,
    }
    path = f"{held.work}/engines/{_key(*map(str, parts.values()))}.engine"
    command = ["sh", "-c", shell_script(BUILD), "build", "trtexec", path, deployed.paths[ask.onnx], *flags]
    lines: list[bytes] = []
    try:
        lines.extend(job_lines(held, command, timeout_s=BUILD_S))
    except JobError as error:
        raise _failure(held, error, b"".join(lines).decode(errors="replace")) from error
    text = b"".join(lines).decode(errors="replace")
    words = last_line(text).split()
    if len(words) != 3 or words[0] != "engine" or words[1] not in ("kept", "built"):
        raise DeviceError(f"{held.transport.name}: building the engine said {last_line(text)!r}")
    engine: Record = {**parts, "path": path, "sha256": words[2], "kept": words[1] == "kept"}
    built = _run(text)
    return (
        engine
        if built is None
        else engine | {"version": built.version, "gpu_name": built.gpu, "build_s": built.build_s}
    )


def _row(version: str | None) -> TensorRtVersion | None:
    """Return what TensorRT's *version*, such as 10.3.0.30, takes; None if it is unknown."""
    try:
        return known_row(None if version is None else parse_version(version))
    except InputError:
        return None


def _run(text: str) -> TrtexecRun | None:
    try:
        return trtexec_log.parse(text)[-1]
    except InputError:
        return None


def _failure(held: Hold, error: JobError, text: str) -> DeviceError | InputError | MissingToolError:
    name, run = held.transport.name, _run(text)
    if "trtexec" in text and "not found" in text and run is None:
        return MissingToolError(f"{name} has no trtexec: sudo apt-get install libnvinfer-bin")
    why = run.errors[0] if run and run.errors else last_line(text) or last_line(error.said) or "it said nothing"
    if run is not None and any("ModelImporter" in one or "parse" in one.lower() for one in run.errors):
        return InputError(f"{name}: trtexec does not take the .onnx: {why}")
    return DeviceError(f"{name}: trtexec failed: {why}")


def _key(*parts: str) -> str:
    return hashlib.sha256(json.dumps([__version__, *parts]).encode()).hexdigest()[:32]
