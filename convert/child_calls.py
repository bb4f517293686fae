"""Work on graphs in a child process: requests and answers are JSON.

TensorFlow runs only in that child, with its import, its messages, and its crashes on unexpected graphs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from detlite.convert.artifact import open_artifact
from detlite.convert.exported_graph.run import run_exported
from detlite.convert.exporter import INT8, export_model
from detlite.convert.float_graph import FloatGraph
from detlite.convert.graph.describe import describe_graph
from detlite.convert.load import (
    export,
    load_graph,
    load_rebuilt,
    load_source,
    load_untrained,
    read_graph,
    source_given,
    whole_graph,
    with_heads,
)
from detlite.convert.model import model_of
from detlite.convert.options import DetectorOptions
from detlite.convert.ranged_graph import RANGES, ranged_graph
from detlite.convert.rebuild.rebuild import PresetSource
from detlite.convert.requests import (
    CONVERT,
    EXPORT,
    READ,
    WRITE,
    ConvertRequest,
    ExportedRunRequest,
    ExportRequest,
    InspectRequest,
    WholeGraphRequest,
)
from detlite.convert.source import ARTIFACT, CHECKPOINT, TFLITE, TORCH, Source, recognize
from detlite.convert.summary import model_facts
from detlite.convert.whole_graph.export import export_whole
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress, begin
from detlite.runtime.records import Record, from_record

OF_DETECTOR = ("operators", "operator_names", "parameter_bytes", "nodes")
"""What is told of a detector's graph; its inputs and outputs are in the contract."""


def convert(request: Record, progress: Progress) -> Record:
    """Do what the `ConvertRequest` says.

    Returns:
        `model`, `history`, `notices`, `way` (where the graph came from), and the facts of the detector.
    """
    asked = from_record(ConvertRequest, request)
    begin(progress, READ)
    given = source_given(asked.given)
    notices: tuple[str, ...] = ()
    if isinstance(given, Source) and given.format in (ARTIFACT, TFLITE):
        if asked.weights != "float32":
            raise InputError(
                f"{given.given} is a finished TFLite model: --type {asked.weights} needs the trained graph"
            )
        model, way = load_source(given.given, asked.options), given.title
        begin(progress, CONVERT)
        if asked.to != model.format:
            model = export_model(model, asked.to)
    else:
        source, graph, notices = _graph(given, asked)
        begin(progress, CONVERT)
        model, way = export(source, graph, asked.weights, to=asked.to, progress=progress), source.title
        notices += tuple(told for key, told in model.contract.origin.items() if key == RANGES)
    model = with_heads(model, asked.heads)
    begin(progress, WRITE)
    artifact = model.save(asked.out, force=asked.force)
    answer: Record = {"model": str(artifact.model), "history": list(artifact.history), "way": way}
    return answer | {"notices": list(notices), **model_facts(model.contract)}


def export_artifact(request: Record, progress: Progress) -> Record:
    """Do what the `ExportRequest` says.

    Returns:
        `model`, `history`, and the facts of the detector.
    """
    asked = from_record(ExportRequest, request)
    begin(progress, READ)
    given = model_of(open_artifact(asked.artifact))
    begin(progress, EXPORT)
    model = export_model(given, asked.to, asked.options)
    begin(progress, WRITE)
    artifact = model.save(asked.out, force=asked.force)
    answer: Record = {"model": str(artifact.model), "history": list(artifact.history)}
    return answer | model_facts(model.contract)


def export_whole_graph(request: Record, progress: Progress) -> Record:
    """Do what the `WholeGraphRequest` says; see `export_whole`."""
    asked = from_record(WholeGraphRequest, request)
    source = recognize(asked.source)
    begin(progress, READ)
    whole = whole_graph(source)
    return export_whole(source, whole, asked.options, asked.out, force=asked.force, progress=progress)


def run_exported_graph(request: Record, progress: Progress) -> Record:
    """Do what the `ExportedRunRequest` says; see `run_exported`."""
    asked = from_record(ExportedRunRequest, request)
    found = run_exported(whole_graph(recognize(asked.source)), asked.images, progress=progress)
    for number, values in enumerate(found):
        arrays: Record = dict(values)
        np.savez(asked.out / f"{number}.npz", **arrays)
    return {}


def _graph(given: Source | PresetSource, asked: ConvertRequest) -> tuple[Source, FloatGraph, tuple[str, ...]]:
    quantized = asked.weights == INT8
    if isinstance(given, PresetSource):
        rebuilt = load_untrained(given, _exported(asked))
        return given.source, rebuilt.graph, rebuilt.notices
    if given.format == CHECKPOINT or (given.format == TORCH and not quantized):
        rebuilt = load_rebuilt(given, _exported(asked), quantized=quantized, to=asked.to)
        return given, rebuilt.graph, rebuilt.notices
    graph = load_graph(given, asked.options)
    return given, ranged_graph(graph, str(given.given)) if quantized else graph, ()


def _exported(asked: ConvertRequest) -> DetectorOptions:
    """Return the options with the NMS settings that the OD API's exporter would write into the model."""
    return replace(asked.options, as_exported=asked.heads == "postprocess")


def inspect(request: Record, _progress: Progress) -> Record:
    """Return the facts of the graph that the `InspectRequest` names.

    A graph that is no detector has `unknown`, why, and its own inputs and outputs.
    """
    asked = from_record(InspectRequest, request)
    source = recognize(asked.source)
    try:
        detector = load_graph(source, asked.options)
    except InputError as error:
        if source.format in (CHECKPOINT, TORCH) or asked.options != DetectorOptions():
            raise
        return {"unknown": str(error), **describe_graph(read_graph(source).graph_def)}
    facts = describe_graph(detector.graph_def)
    repairs = {repaired.name: repaired.count for repaired in detector.repairs}
    return {"repairs": repairs, **{name: facts[name] for name in OF_DETECTOR}, **model_facts(detector.contract)}
