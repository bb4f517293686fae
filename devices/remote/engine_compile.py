"""`detlite compile --target tensorrt --device`: the .onnx for the device's TensorRT, and the engine that it builds."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detlite.convert.artifact import prepare_output
from detlite.convert.model import digest
from detlite.convert.onnx.package import load_onnx
from detlite.convert.target import AnswerTable, TargetAnswer, TargetRequest
from detlite.convert.targets.tensorrt.answers import (
    MODEL,
    int8_cautions,
    is_int8,
    prediction_record,
    prediction_table,
    trtexec_line,
    verdict,
    write_compiled,
)
from detlite.convert.targets.tensorrt.engine import FACTS
from detlite.convert.targets.tensorrt.export import OnnxFile, TensorRtOptions, onnx_for
from detlite.convert.targets.tensorrt.predict import INT8, ImportPrediction, predict
from detlite.devices.deploy.deploy import deploy
from detlite.devices.deploy.device_lock import Hold, hold
from detlite.devices.deploy.files import device_file
from detlite.devices.inventory import Device
from detlite.devices.kind import kind_called
from detlite.devices.remote.engine_build import EngineOrder, built_engine, version_on
from detlite.devices.survey.measured import Standing, standing_before
from detlite.devices.transport.connect import connect
from detlite.devices.transport.run import run
from detlite.runtime.counts import counted
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.records import to_record
from detlite.runtime.runners.engine_layers import EngineLayerInfo, read_layers
from detlite.runtime.runners.tensorrt_versions import LAYERS_NAMED, parse_version

ENGINE, LOG, LAYERS = "model.engine", "trtexec.log", "layers.json"
CONVERSION = "Reformat"
"""TensorRT's type of a layer that only copies to another layout or type."""

FETCH_S = 600.0
UNTOLD = "the device does not tell what the engine's layers compute in: the table is what was predicted"
STANDS_IN = "the device is emulated ({}): the engine is a stand-in, which no GPU runs"

Record = dict[str, Any]


@dataclass(frozen=True, eq=False)
class CompiledEngine:
    """An engine that was built on a device, brought here.

    Attributes:
        made: the .onnx that it was built of.
        prediction: what was predicted of that.
        facts: of the engine, as `built_engine` returns them.
        files: the engine, trtexec's log, and the layers if the version tells them, by their names here.
        layers: in order of execution; empty if the version does not tell.
    """

    made: OnnxFile
    prediction: ImportPrediction
    facts: Record
    files: dict[str, bytes]
    layers: tuple[EngineLayerInfo, ...]


def compile_on(device: Device, request: TargetRequest, out: Path, *, force: bool) -> TargetAnswer:
    """Build the engine of the one model of *request* on *device*, and bring it to the folder *out* with its .onnx.

    Raises:
        InputError: the device's kind has no TensorRT, the model cannot be written for it, or trtexec does not take it.
        MissingToolError: trtexec, or the package `onnx` here, is not there.
        FindingError: the device is not in the power mode that the inventory insists on.
        DeviceError: the device was lost, or trtexec failed.
    """
    kind = kind_called(device.kind)
    if "trtexec" not in kind.runtimes:
        raise InputError(f"{device.name} is {kind.title}: TensorRT's engines are built on a jetson")
    prepare_output(out, force=force)
    with connect(device) as transport, hold(transport, device.folder, "compile") as held:
        before = standing_before(transport, device)
        found = _compiled(held, request, _options(held, request, before), before)
    files = {**found.files, FACTS: (json.dumps(found.facts, indent=2) + "\n").encode()}
    write_compiled(out, found.made, {"engine": found.facts}, files, force=force)
    return _answer(device, found, out)


def _options(held: Hold, request: TargetRequest, before: Standing) -> TensorRtOptions:
    """Return what *request* asks of the device's version."""
    given, version = request.options, version_on(held, before)
    asked = given["tensorrt"]
    if version is None and asked is None:
        raise DeviceError(f"{held.transport.name} does not say which TensorRT it has: give --tensorrt VERSION")
    known = parse_version(asked if version is None else version)
    if asked is not None and parse_version(asked) != known:
        raise InputError(f"{held.transport.name} has TensorRT {version}, not {asked}: leave out --tensorrt")
    return TensorRtOptions(known, given["precision"], given["nms"], given["batch"])


def _compiled(held: Hold, request: TargetRequest, asked: TensorRtOptions, before: Standing) -> CompiledEngine:
    """Return the engine for what is *asked*, built on the device or kept there from before."""
    (path,), name = request.models, held.transport.name
    made = onnx_for(path, asked)
    prediction = predict(load_onnx().load_from_string(made.data), asked.version)
    with tempfile.TemporaryDirectory(prefix="detlite-") as scratch:
        onnx = Path(scratch) / MODEL
        onnx.write_bytes(made.data)
        sent = deploy(held, [device_file(onnx)], progress=request.progress)
        request.progress(f"{name}: engine", 0, 1)
        order = EngineOrder(onnx, sent.paths[onnx], asked.flag, is_int8(prediction))
        try:
            facts = built_engine(held, order, before) | {"emulator": sent.emulator}
        except InputError as error:
            raise InputError(f"{error}; {verdict(prediction)}" if prediction.refused else str(error)) from error
        request.progress(f"{name}: engine", 1, 1)
    files = _brought(held, facts)
    return CompiledEngine(made, prediction, facts, files, _layers(name, facts, files))


def _brought(held: Hold, facts: Record) -> dict[str, bytes]:
    """Return the engine's files by their names here."""
    places = {ENGINE: facts["path"], LOG: f"{facts['path']}.log", LAYERS: f"{facts['path']}.layers"}
    names = [name for name in places if name != LAYERS or LAYERS_NAMED in facts["options"]]
    done = {name: run(held.transport, ["cat", places[name]], timeout_s=FETCH_S) for name in names}
    found = {name: one.out for name, one in done.items() if one.status == 0}
    if digest(found.get(ENGINE, b"")) != facts["sha256"]:
        raise DeviceError(f"{held.transport.name}: the engine did not arrive whole")
    return found


def _layers(device: str, facts: Record, files: dict[str, bytes]) -> tuple[EngineLayerInfo, ...]:
    """Return the layers in *files*; none if the device does not tell them."""
    if LAYERS not in files:
        return ()
    try:
        return read_layers(files[LAYERS].decode(errors="replace"))
    except InputError as error:
        path = facts["path"]
        raise DeviceError(f"{device}: {path}.layers is damaged: {error}; remove {path} there, and try again") from error


def _answer(device: Device, found: CompiledEngine, out: Path) -> TargetAnswer:
    facts, prediction = found.facts, found.prediction
    record = {
        **prediction_record(prediction),
        "out": str(out),
        "onnx_sha256": facts["onnx_sha256"],
        "command": trtexec_line(facts["options"]),
        "device": device.name,
        "engine": facts,
        "layers": [to_record(layer) for layer in found.layers],
    }
    how = "kept from before" if facts["kept"] else f"built in {facts.get('build_s') or 'unknown'} s"
    computing = [layer for layer in found.layers if layer.kind != CONVERSION]
    counts = (
        f"; {sum(one.precision == INT8 for one in computing)} of {counted(len(computing), 'layer')} compute in int8"
    )
    line = (
        f"{out}: {device.name}'s engine for TensorRT {facts['tensorrt']} on {facts['gpu']}, {how}"
        f"{counts if computing else ''}"
    )
    table = _table(found.layers) if found.layers else prediction_table(prediction)
    cautions = (*prediction.notes, *(() if found.layers else (UNTOLD,)))
    cautions += int8_cautions(facts["precision"], is_int8=is_int8(prediction))
    cautions += (STANDS_IN.format(facts["emulator"]),) if facts["emulator"] else ()
    return TargetAnswer("compile_tensorrt", record, (table, line), cautions)


def _table(layers: Sequence[EngineLayerInfo]) -> AnswerTable:
    """Return the table of *layers*, with one row for each type and precision."""
    counts = Counter((layer.kind or "not told", layer.precision or "-") for layer in layers)
    rows = tuple((kind, count, precision) for (kind, precision), count in sorted(counts.items()))
    return AnswerTable(("layer", "count", "computes in"), rows)
