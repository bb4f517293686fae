"""The command lines of detlite that make one cell, to copy."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from detlite.accuracy.dataset import load_dataset
from detlite.calibration.models import DEFAULT_ESTIMATOR
from detlite.calibration.weights.method import DEFAULT_METHOD
from detlite.devices.inventory import HOST
from detlite.runtime.measure.options import PRESET
from detlite.studies.sweep.axes import AXES
from detlite.studies.sweep.cells import Cell
from detlite.studies.sweep.graph import (
    COMPILE,
    CONVERT,
    EVALUATE,
    EXPORT,
    FETCH,
    MEASURE,
    QUANTIZE,
    Stage,
    SweepGraph,
)
from detlite.studies.sweep.plan_file import PlanFile

FOLDERS: Mapping[str, str] = {
    CONVERT: "out/float",
    QUANTIZE: "out/quantized",
    EXPORT: "out/exported",
    COMPILE: "out/compiled",
}
NMS = (("kind", "--nms"), ("score_threshold", "--score-threshold"), ("iou_threshold", "--iou"),
       ("max_detections", "--max-detections"))  # fmt: skip


def command_lines(plan: PlanFile, graph: SweepGraph, cell: Cell, *, inventory: Path | None = None) -> tuple[str, ...]:
    """Return the command lines that make *cell*, one for each of its stages, in order.

    Args:
        plan: of the sweep.
        graph: its stages.
        cell: one of its cells.
        inventory: the file of the devices; None for the user's own.
    """
    lines, models = [], dict[str | None, str]()
    for stage in (graph.stages[key] for key in graph.of_cell[cell.key]):
        model = models.get(stage.needs, "")
        words = list(_WORDS[stage.kind](stage, model, plan))
        if stage.kind == MEASURE and stage.device != HOST and inventory is not None:
            words += ["--inventory", str(inventory)]
        lines.append(shlex.join(["detlite", *words]))
        models[stage.key] = FOLDERS.get(stage.kind) or str(stage.request.get("name", ""))
    return tuple(lines)


def _fetch(stage: Stage, _model: str, _plan: PlanFile) -> Iterator[str]:
    yield from ("zoo", "fetch", stage.request["name"])


def _convert(stage: Stage, model: str, _plan: PlanFile) -> Iterator[str]:
    request = stage.request
    given, options = request["given"], request["options"]
    yield "convert"
    if given["config"] is not None:
        yield from ("--config", given["config"], "--checkpoint", given["checkpoint"])
    else:
        yield model or given["source"]
    if options["labels"] is not None:
        yield from ("--labels", options["labels"])
    if options["input_size"] is not None:
        yield from ("--input", "x".join(map(str, options["input_size"])))
    for key, option in NMS:
        if options["nms"][key] is not None:
            yield from (option, str(options["nms"][key]))
    yield from _changed("--heads", request["heads"], AXES["heads"].default)
    yield from ("-o", FOLDERS[CONVERT])


def _quantize(stage: Stage, model: str, plan: PlanFile) -> Iterator[str]:
    recipe = stage.request["recipe"]
    yield from ("quantize", model, "--scheme", recipe["scheme"])
    yield from _changed("--method", recipe["method"], DEFAULT_METHOD)
    yield from _changed("--estimator", recipe["estimator"], DEFAULT_ESTIMATOR)
    yield from _changed("--io", recipe["io"], None)
    yield from _changed("--heads", recipe["heads"], "raw")
    if stage.request["images"]:
        folder = plan.path.absolute().parent / str(stage.facts["calibration"])
        yield from ("--images", str(folder), "--choice", "random")
        yield from ("--count", str(stage.facts["count"]), "--seed", str(stage.facts["seed"]))
    elif (videos := stage.request["videos"]) is not None:
        yield from (f"--{videos['source']}", *map(str, videos["paths"]))
        yield from ("--count", str(stage.facts["count"]), "--seed", str(stage.facts["seed"]))
    yield from ("-o", FOLDERS[QUANTIZE])


def _export(stage: Stage, model: str, plan: PlanFile) -> Iterator[str]:
    yield from ("export", model, "--to", stage.request["to"])
    yield from (*plan.tools.formats[str(stage.facts["format"])].words, "-o", FOLDERS[EXPORT])


def _compile(stage: Stage, model: str, plan: PlanFile) -> Iterator[str]:
    yield from ("compile", model, "--target", stage.request["chip"])
    yield from (*plan.tools.targets[str(stage.facts["target"])].words, "-o", FOLDERS[COMPILE])


def _measure(stage: Stage, model: str, plan: PlanFile) -> Iterator[str]:
    options = stage.request["options"]
    engine = stage.request["engine"]
    yield from ("measure", f"{model}/model.onnx" if engine else model, "--scenario", options["scenario"])
    yield from _changed("--precision", stage.request["precision"], None)
    yield from _changed("--preset", options["preset"], PRESET)
    yield from _changed("--backend", options["backend"], None)
    yield from _changed("--threads", options["threads"], 1)
    yield from _changed("--streams", options["streams"], None)
    yield from _changed("--target-qps", options["per_second"], None)
    yield from _changed("--fps", options["fps"], None)
    yield from _changed("--processes", options["processes"], None)
    yield from _changed("--queries", options["queries"], None)
    yield from _changed("--min-seconds", options["min_duration_s"], None)
    if plan.measuring.images is not None and not engine:
        yield from ("--images", str(plan.path.absolute().parent / plan.measuring.images))
    elif "video" in stage.request:
        yield from ("--video", stage.request["video"])
    elif stage.device == HOST:
        yield "--noise"
    if stage.device != HOST:
        yield from ("--device", str(stage.device))


def _evaluate(stage: Stage, model: str, plan: PlanFile) -> Iterator[str]:
    dataset = stage.request["dataset"]
    option = load_dataset(dataset["name"]).option or dataset["name"].replace("_", "-")
    yield from ("evaluate", model, f"--{option}", *map(str, dataset["paths"]))
    for key, value in dataset["further"].items():
        yield from (f"--{key}", str(value))
    yield from _changed("--limit", dataset["limit"], None)
    yield from _changed("--metric", stage.request["metric"], None)
    for key, value in stage.request.get("views", {}).items():
        yield from _changed(f"--{key if key.startswith('c') else f'clip-{key}'}", value, None)
    yield from ("--known-classes",) if stage.request["known_classes"] else ()
    yield from _changed("--bootstrap", plan.draws, 0)


def _changed(option: str, value: Any, default: Any) -> tuple[str, ...]:
    return () if value == default or value is None else (option, str(value))


_WORDS = {
    FETCH: _fetch,
    CONVERT: _convert,
    QUANTIZE: _quantize,
    EXPORT: _export,
    COMPILE: _compile,
    MEASURE: _measure,
    EVALUATE: _evaluate,
}
