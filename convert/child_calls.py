"""Work on graphs in a child process: requests and answers are JSON.

TensorFlow runs only in that child, with its import, its messages, and its crashes on unexpected graphs.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from detlite.convert.artifact import open_artifact
from detlite.convert.detector import DetectorOptions, NmsOptions
from detlite.convert.exporter import INT8, export_model
from detlite.convert.float_graph import FloatGraph
from detlite.convert.load import (
    export,
    load_graph,
    load_rebuilt,
    load_source,
    load_untrained,
    with_heads,
)
from detlite.convert.model import model_of
from detlite.convert.rebuild.checkpoint_source import CheckpointSource
from detlite.convert.rebuild.rebuild import PresetSource
from detlite.convert.rebuild.weights.open import prefix_of
from detlite.convert.source import ARTIFACT, CHECKPOINT, TFLITE, Source, recognize, source_of_checkpoint
from detlite.convert.summary import model_facts
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress
from detlite.runtime.runners.interpreter import Details
from detlite.runtime.runners.opening import open_model

Record = dict[str, Any]


def options_of(record: Record) -> DetectorOptions:
    """Return the options in *record*, their dictionary after a round trip through JSON."""
    size, labels = record.get("input_size"), record.get("labels")
    return DetectorOptions(
        input_size=tuple(size) if size else None,
        labels=Path(labels) if labels else None,
        nms=NmsOptions(**record.get("nms", {})),
        logits=bool(record.get("logits")),
    )


def convert(request: Record, progress: Progress) -> Record:
    """Convert the request's source to an artifact in the folder `out`, with `heads` and weights of `type`.

    It is a `source`; or a `config` and its `checkpoint`; or a `preset` with `seed` and `classes`. `way` says which
    of a source's `graph` and `checkpoint` to use; None means the graph if there is one.

    Returns:
        `model`, `history`, `notices`, `way` (where the graph came from), and the facts of the detector.
    """
    options, out = options_of(request["options"]), Path(request["out"])
    progress("reading", 0, 1)
    given = _given(request)
    notices: tuple[str, ...] = ()
    if isinstance(given, Source) and given.format in (ARTIFACT, TFLITE):
        if request["type"] != "float32":
            raise InputError(
                f"{given.given} is a finished TFLite model: --type {request['type']} needs the trained graph"
            )
        model, way = load_source(given.given, options), given.title
        if request["to"] != model.format:
            model = export_model(model, request["to"])
    else:
        source, graph, notices = _graph(given, options, request)
        progress("reading", 1, 1)
        model, way = export(source, graph, request["type"], to=request["to"], progress=progress), source.title
    model = with_heads(model, request["heads"])
    artifact = model.save(out, force=request["force"])
    answer: Record = {"model": str(artifact.model), "history": list(artifact.history), "way": way}
    return answer | {"notices": list(notices), **model_facts(model.contract)}


def inspect_onnx(request: Record, _progress: Progress) -> Record:
    """Return the `inputs` and `outputs` of the file `model` as ONNX Runtime tells them: each a name, dtype and shape.

    A side whose length the model leaves open is -1.
    """
    runner = open_model(Path(request["model"]))
    return {"inputs": list(map(_tensor, runner.inputs)), "outputs": list(map(_tensor, runner.outputs))}


def _tensor(details: Details) -> list[Any]:
    return [details["name"], details["dtype"].name, list(details["signature"])]


def export_artifact(request: Record, progress: Progress) -> Record:
    """Write the artifact `artifact` in the format `to` as an artifact in the folder `out`.

    Returns:
        `model`, `history`, and the facts of the detector.
    """
    given = model_of(open_artifact(Path(request["artifact"])))
    progress("exporting", 0, 1)
    model = export_model(given, request["to"])
    progress("exporting", 1, 1)
    artifact = model.save(Path(request["out"]), force=request["force"])
    answer: Record = {"model": str(artifact.model), "history": list(artifact.history)}
    return answer | model_facts(model.contract)


def _given(request: Record) -> Source | PresetSource:
    if request.get("preset"):
        return PresetSource(request["preset"], request["seed"], request["classes"])
    if request.get("config"):
        trained = CheckpointSource(Path(request["config"]), prefix_of(Path(request["checkpoint"])))
        return source_of_checkpoint(trained, trained.config)
    source = recognize(Path(request["source"]), rebuild=request.get("way") == CHECKPOINT)
    if request.get("way") == "graph" and source.format == CHECKPOINT:
        raise InputError(f"{source.given} has a checkpoint but no exported graph: leave out --from")
    return source


def _graph(
    given: Source | PresetSource, options: DetectorOptions, request: Record
) -> tuple[Source, FloatGraph, tuple[str, ...]]:
    quantized = request["type"] == INT8
    if isinstance(given, PresetSource):
        rebuilt = load_untrained(given, _exported(options, request))
        return given.source, rebuilt.graph, rebuilt.notices
    if given.format == CHECKPOINT:
        rebuilt = load_rebuilt(given, _exported(options, request), quantized=quantized)
        return given, rebuilt.graph, rebuilt.notices
    if quantized:
        raise InputError(
            f"--type {INT8} needs a quantization-aware checkpoint, but {given.given} is a "
            f"{given.title}: convert it as float32, and use `detlite quantize` with images"
        )
    return given, load_graph(given, options), ()


def _exported(options: DetectorOptions, request: Record) -> DetectorOptions:
    """Return *options* with the NMS settings that the OD API's exporter would write into the model."""
    return replace(options, as_exported=request["heads"] == "postprocess")


def inspect(request: Record, _progress: Progress) -> Record:
    """Return the facts of the graph `source`."""
    source = recognize(Path(request["source"]))
    detector = load_graph(source, options_of(request["options"]))
    repairs = {repaired.name: repaired.count for repaired in detector.repairs}
    return {"repairs": repairs, "nodes": len(detector.graph_def.node), **model_facts(detector.contract)}
