"""Work on graphs as it is asked of a child process: a request and an answer that JSON can carry.

TensorFlow lives and dies in that child: its import, its messages, and its crashes on graphs that nobody foresaw.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detlite.convert.artifact import write_artifact
from detlite.convert.detector import DetectorOptions, NmsOptions
from detlite.convert.source import ARTIFACT, TFLITE, recognize
from detlite.convert.stage import export, load_detector, load_source, with_heads
from detlite.convert.summary import detector_facts
from detlite.runtime.errors import InputError
from detlite.runtime.progress import Progress

Record = dict[str, Any]


def options_of(record: Record) -> DetectorOptions:
    """Return the options that *record*, the options' own dictionary after a way through JSON, holds."""
    size, labels = record.get("input_size"), record.get("labels")
    return DetectorOptions(
        input_size=tuple(size) if size else None,
        labels=Path(labels) if labels else None,
        nms=NmsOptions(**record.get("nms", {})),
        logits=bool(record.get("logits")),
    )


def convert(request: Record, progress: Progress) -> Record:
    """Convert `source` to an artifact in the folder `out`, with `heads` and weights of `type`.

    Returns:
        `model`, `repairs`, and the facts of the detector.
    """
    options, out = options_of(request["options"]), Path(request["out"])
    progress("reading", 0, 1)
    source = recognize(Path(request["source"]))
    if source.format in (ARTIFACT, TFLITE):
        if request["type"] != "float32":
            raise InputError(
                f"{source.given} is a finished TFLite model: --type {request['type']} wants the trained graph"
            )
        model = load_source(source.given, options)
    else:
        detector = load_detector(source, options)
        progress("reading", 1, 1)
        model = export(source, detector, request["type"], progress=progress)
    model = with_heads(model, request["heads"])
    artifact = write_artifact(out, model.data, model.contract, model.history, force=request["force"])
    return {"model": str(artifact.model), "history": list(artifact.history), **detector_facts(model.contract)}


def inspect(request: Record, _progress: Progress) -> Record:
    """Return the facts of the graph `source`."""
    source = recognize(Path(request["source"]))
    detector = load_detector(source, options_of(request["options"]))
    repairs = {repaired.name: repaired.count for repaired in detector.repairs}
    return {"repairs": repairs, "nodes": len(detector.graph_def.node), **detector_facts(detector.contract)}
