"""Measuring an .onnx on a Jetson, by the engine that `trtexec` builds and keeps there, or an engine built before."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detlite.convert.onnx.describe import describe_onnx
from detlite.convert.targets.tensorrt.answers import int8_cautions
from detlite.devices.deploy.deploy import Deployed, deploy
from detlite.devices.deploy.device_lock import Hold, hold
from detlite.devices.deploy.files import device_file
from detlite.devices.inventory import Device
from detlite.devices.kind import kind_called
from detlite.devices.packaging.zipapp import board_program
from detlite.devices.remote.board import board_measurement, bring, finish_run, prepare_run_folder
from detlite.devices.remote.engine_build import EngineOrder, built_engine, key_of, version_on
from detlite.devices.remote.facts import with_device
from detlite.devices.remote.request import ONNX, MeasureRequest
from detlite.devices.survey.measured import Standing, sensors_after, standing_before, with_standing
from detlite.devices.survey.watching import watching
from detlite.devices.transport.connect import connect
from detlite.runtime.artifact import sha256_of
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.measure.results import Measurement
from detlite.runtime.progress import Progress, silent
from detlite.runtime.runners.tensorrt_versions import PRECISIONS

Record = dict[str, Any]


@dataclass(frozen=True)
class EngineAsk:
    """What is asked of an .onnx or an engine on a Jetson.

    Attributes:
        model: the .onnx, or an engine that was built before.
        precision: one of `PRECISIONS`, what the engine may compute in; None for the default of TensorRT's version.
        words: of the board's program: `--queries`, `--min-seconds`.
        out: where to keep the run; None for nowhere.
        is_int8: whether the file rounds to int8 itself.
    """

    model: Path
    precision: str | None
    words: tuple[str, ...]
    out: Path | None = None
    is_int8: bool = False


def engine_asked(model: Path, request: MeasureRequest) -> EngineAsk:
    """Return what *request* asks of *model*, an .onnx or an engine.

    Raises:
        InputError: trtexec cannot do that, the .onnx is none, or the folder for the run holds something.
    """
    also = ("find", "delegates", "backend", "threads", "xnnpack", "affinity", "benchmark_model")
    request.refuse_options("trtexec measures single-stream with numbers of its own", also=also)
    precision = request.precision
    if precision is not None and precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if request.out is not None:
        prepare_run_folder(request.out, force=request.force)
    options = request.options
    flags = {"--queries": options.queries, "--min-seconds": options.min_duration_s, "--processes": options.processes}
    words = [part for flag, value in flags.items() if value is not None for part in (flag, str(value))]
    words += ["--profile"] if options.profile else []
    is_int8 = model.suffix == ONNX and _rounds(model)
    return EngineAsk(model, precision, tuple(words), request.out, is_int8)


def _rounds(onnx: Path) -> bool:
    """Return whether the file *onnx* rounds to int8 itself; `InputError` if it is no ONNX file."""
    operators = describe_onnx(onnx.read_bytes(), str(onnx))["operator_names"]
    assert isinstance(operators, dict)
    return "QuantizeLinear" in operators


def engine_on(device: Device, ask: EngineAsk, *, progress: Progress = silent) -> Measurement:
    """Build the engine on *device* where it is not there yet, and measure it there.

    Raises:
        InputError: the device's kind has no TensorRT, or trtexec does not take the .onnx.
        MissingToolError: trtexec is not there.
        FindingError: the device is not in the power mode that the inventory insists on.
        DeviceError: the device was lost, or trtexec failed.
    """
    if "trtexec" not in kind_called(device.kind).runtimes:
        raise InputError(
            f"{device.name} is {kind_called(device.kind).title}: an {ask.model.suffix} is measured on a jetson"
        )
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        program = Path(scratch) / "board.pyz"
        program.write_bytes(board_program())
        with connect(device) as transport, hold(transport, device.folder, "engine") as held:
            before = standing_before(transport, device)
            deployed = deploy(held, [device_file(ask.model), device_file(program)], progress=progress)
            progress(f"{device.name}: engine", 0, 1)
            engine = _engine(held, ask, deployed, before)
            progress(f"{device.name}: engine", 1, 1)
            folder = f"{held.work}/runs/{key_of(engine['sha256'], *ask.words)}"
            with watching(transport, before.kind.watch) as lines:
                words = [engine["path"], "--backend", "tensorrt", *ask.words]
                found = board_measurement(held, device, [device.python, deployed.paths[program]], folder, words)
            after = sensors_after(transport, before)
            bring(held, folder, ask.out)
    cautions = (*found.cautions, *int8_cautions(ask.precision, is_int8=ask.is_int8))
    onnx = sha256_of(ask.model) if ask.model.suffix == ONNX else None
    found = replace(found, model=str(ask.model), onnx_sha256=onnx, engine=engine, cautions=cautions)
    known = {"machine": deployed.machine, "emulator": deployed.emulator}
    found = with_device(with_standing(found, before, after, lines), device, known)
    if ask.out is not None:
        finish_run(ask.out, found)
    return found


def _engine(held: Hold, ask: EngineAsk, deployed: Deployed, before: Standing) -> Record:
    """Return the engine to measure: built of the .onnx, or the given one."""
    sent = deployed.paths[ask.model]
    if ask.model.suffix == ONNX:
        return built_engine(held, EngineOrder(ask.model, sent, ask.precision, ask.is_int8), before)
    return {"path": sent, "sha256": sha256_of(ask.model), "kept": True, "tensorrt": version_on(held, before)}
