"""What each stage does: one call of detlite's own function, and what its record says."""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from detlite.accuracy.classification import RankedVideos
from detlite.accuracy.dataset import DatasetFiles
from detlite.accuracy.evaluation import EvaluationOptions, Scoring, evaluate_by_labels, require_trained
from detlite.accuracy.hosts import ThisMachine
from detlite.accuracy.predictions import Predictions
from detlite.accuracy.video import first_frames
from detlite.accuracy.views import WHOLE, Views
from detlite.calibration.apart import quantize_apart
from detlite.calibration.recipe import QuantizeRequest
from detlite.convert.apart import convert, export
from detlite.convert.find_source import locate
from detlite.convert.model import Model
from detlite.convert.requests import ConvertRequest, ExportRequest, Given
from detlite.convert.target import TargetRequest, target_of
from detlite.convert.zoo.fetch import fetch
from detlite.devices.benchmark_result import BenchmarkResult
from detlite.devices.deploy.device_lock import BusyDeviceError
from detlite.devices.inventory import THIS_MACHINE, Device
from detlite.devices.remote.measure import measure_on
from detlite.devices.remote.request import MeasureRequest
from detlite.runtime.artifact import CONTRACT, HISTORY, Artifact, read_artifact
from detlite.runtime.contract import read_contract
from detlite.runtime.counts import counted
from detlite.runtime.errors import DeviceError, InputError
from detlite.runtime.measure.options import PRESET, MeasureOptions, measure_setup, setup_of
from detlite.runtime.measure.presets import preset_called
from detlite.runtime.measure.results import Measurement
from detlite.runtime.model_file import model_in
from detlite.runtime.records import Record, from_record, to_record
from detlite.runtime.strict_json import load_json
from detlite.studies.sweep.graph import COMPILE, CONVERT, EVALUATE, EXPORT, FETCH, MEASURE, QUANTIZE

PERCENTILES = (50, 90, 99)

BUSY_WAIT_S = 1800.0
"""How long a device is waited for that another machine uses."""

BUSY_RETRY_S = 5.0
"""Between two attempts to have it: a device's lock has no queue."""


Measured = TypeVar("Measured")


@dataclass(frozen=True)
class StageResult:
    """What a stage found.

    Attributes:
        facts: figures for lists, filters and exports.
        result: the whole record, without what is in `data`.
        data: larger parts, by name.
    """

    facts: Mapping[str, Any]
    result: Record = field(default_factory=dict)
    data: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class StageInput:
    """What a stage gets.

    Attributes:
        request: see `Stage.request`.
        before: the artifact of the stage that it needs; None for the first.
        zoo: the name of the fetched model that it needs; None for others.
        out: the folder that it may make.
    """

    request: Record
    before: Path | None
    zoo: str | None
    out: Path


def _fetch(asked: StageInput) -> StageResult:
    found = fetch(asked.request["name"])
    return StageResult({"source": found.source}, {"name": asked.request["name"], **to_record(found)})


def _convert(asked: StageInput) -> StageResult:
    request = from_record(ConvertRequest, asked.request)
    given = request.given
    if asked.zoo is not None:
        given = Given(fetch(asked.zoo).path.absolute())  # there already, unless this is another machine
    elif given.source is not None:
        given = Given(locate(str(given.source)).absolute())
    answer = convert(replace(request, given=given, out=asked.out))
    return StageResult(_model_facts(asked.out), answer)


def _quantize(asked: StageInput) -> StageResult:
    request = from_record(QuantizeRequest, asked.request)
    assert asked.before is not None  # `graph_of` says what it needs
    answer = quantize_apart(replace(request, source=asked.before, out=asked.out))
    return StageResult(_model_facts(asked.out), answer)


def _export(asked: StageInput) -> StageResult:
    request = from_record(ExportRequest, asked.request)
    assert asked.before is not None
    answer = export(replace(request, artifact=asked.before, out=asked.out))
    return StageResult(_model_facts(asked.out), answer)


def _compile(asked: StageInput) -> StageResult:
    target, chip = target_of(asked.request["chip"]), asked.request["chip"]
    assert asked.before is not None
    compiled = asked.out.with_name("compiled")
    answer = target.compile(TargetRequest((asked.before,), chip, asked.request["options"]), compiled, False)
    if answer.failure is not None:
        raise answer.failure
    _one_artifact(compiled, asked)
    return StageResult(_model_facts(asked.out), {**answer.record, "cautions": list(answer.cautions)})


def _one_artifact(compiled: Path, asked: StageInput) -> None:
    """Make the artifact of what was *compiled*, a folder: a compiler may name its files as it likes."""
    if model_in(compiled) is not None:
        compiled.rename(asked.out)
        return
    steps = tuple(load_json(compiled / HISTORY)["steps"])
    names = list(steps[-1].get("outputs", {}))
    if len(names) != 1:
        raise InputError(
            f"the model was compiled to {counted(len(names), 'file')}: a cell has one; compile it to one segment"
        )
    file = compiled / names[0]
    Model(file.read_bytes(), file.suffix[1:], read_contract(compiled / CONTRACT), steps).save(asked.out)


def _measure(asked: StageInput) -> StageResult:
    device = from_record(Device, asked.request["device"])
    options = from_record(MeasureOptions, asked.request["options"])
    images = tuple(map(Path, asked.request["images"]))
    artifact = _artifact(asked)
    found: Measurement | BenchmarkResult
    if device == THIS_MACHINE:
        with _frames(asked.request.get("video"), options) as (frames, decode_ns):
            found = measure_setup(
                setup_of(artifact.model, artifact.contract, options, images=(*images, *frames), decode_ns=decode_ns)
            )
    else:
        model = artifact.model if asked.request["engine"] else artifact
        request = MeasureRequest(model, options, images, precision=asked.request["precision"])
        found = when_free(lambda: measure_on(device, request))
    if found.failure is not None:
        raise DeviceError(found.failure.text)
    return measured(found)


@contextmanager
def _frames(video: str | None, options: MeasureOptions) -> Iterator[tuple[tuple[Path, ...], tuple[int, ...]]]:
    """Give the first frames of *video*, and how long each took to decode; nothing without one."""
    if video is None:
        yield (), ()
        return
    with tempfile.TemporaryDirectory(prefix="detlite-") as folder:
        yield first_frames(Path(video), preset_called(options.preset or PRESET).sample_count, Path(folder))


def when_free(measure: Callable[[], Measured]) -> Measured:
    """Return what *measure* returns, once no other machine uses its device.

    Raises:
        BusyDeviceError: it is in use after `BUSY_WAIT_S`.
    """
    last_s = time.monotonic() + BUSY_WAIT_S
    while True:
        try:
            return measure()
        except BusyDeviceError:
            if time.monotonic() >= last_s:
                raise
        time.sleep(BUSY_RETRY_S)


def measured(found: Measurement | BenchmarkResult) -> StageResult:
    """Return what the record of a measurement says: the samples are apart from the rest."""
    record = found.to_record()
    samples = {name: record.pop(name) for name in ("samples_ns", "profile") if name in record}
    facts: dict[str, Any] = {"valid": not found.reasons, "simulated": found.simulated, "emulated": found.emulated}
    if isinstance(found, Measurement):
        facts |= {"size_bytes": found.size_bytes, "memory_peak_bytes": found.memory_peak_bytes}
        facts |= {found.metric.name: found.metric.value, **_latency_facts(found)}
        facts["energy_mj"] = found.energy and found.energy.energy_per_sample_mj
    facts = {name: value for name, value in facts.items() if value is not None}
    return StageResult(facts, record, {"samples": _json(samples)})


def _latency_facts(found: Measurement) -> dict[str, float | None]:
    facts: dict[str, float | None] = {"invoke_p50_ms": found.invoke.p50_ms}
    for percent in PERCENTILES:
        low, high = found.latency.interval_ms(percent) or (None, None)
        name = f"latency_p{percent}"
        facts |= {f"{name}_ms": found.latency.percentile_ms(percent), f"{name}_low_ms": low, f"{name}_high_ms": high}
    return facts


def _evaluate(asked: StageInput) -> StageResult:
    request = asked.request
    scoring = Scoring(from_record(DatasetFiles, request["dataset"]), request["metric"], request["known_classes"])
    views = from_record(Views, request["views"]) if "views" in request else WHOLE
    options = EvaluationOptions(draws=request["draws"], host=ThisMachine(views))
    found = evaluate_by_labels(require_trained(_artifact(asked)), scoring, options)
    result = found.result
    record = result.to_record()
    apart = {
        name: record.pop(name) for name in ("per_class", f"{result.headline_name}_draws", "draws") if name in record
    }
    record["request"] = request  # for `studies/sweep/verify.py`
    name, interval = result.headline_name, result.headline.interval
    facts: dict[str, Any] = {"metric": result.metric, "images": result.run.images}
    if isinstance(found.found, RankedVideos) and found.found.unread:
        facts["unread_videos"] = len(found.found.unread)
    facts |= {key: value for key, value in result.numbers.items() if value is not None}
    facts |= {} if interval is None else {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return StageResult(facts, record, {"scores": _json(apart), "predictions": _columns(found.found)})


def _artifact(asked: StageInput) -> Artifact:
    assert asked.before is not None  # `graph_of` says what it needs
    return read_artifact(asked.before)


def _model_facts(folder: Path) -> dict[str, Any]:
    artifact = read_artifact(folder)
    return {"model_sha256": artifact.history[-1]["output_sha256"], "size_bytes": artifact.model.stat().st_size}


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _columns(found: Predictions) -> bytes:
    """Return the arrays of *found* as .npz, each once."""
    data = io.BytesIO()
    arrays = {
        name: value for name, value in vars(found).items() if isinstance(value, np.ndarray) and name not in found.unkept
    }
    np.savez_compressed(data, allow_pickle=False, **arrays)
    return data.getvalue()


WORK: Mapping[str, Callable[[StageInput], StageResult]] = {
    FETCH: _fetch,
    CONVERT: _convert,
    QUANTIZE: _quantize,
    EXPORT: _export,
    COMPILE: _compile,
    MEASURE: _measure,
    EVALUATE: _evaluate,
}
ARTIFACTS = (CONVERT, QUANTIZE, EXPORT, COMPILE)
"""The stages that make an artifact."""
