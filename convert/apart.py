"""Conversion, inspection and export, each in a child process: TensorFlow is imported there alone."""

from __future__ import annotations

from detlite.convert.requests import (
    ConvertRequest,
    ExportedRunRequest,
    ExportRequest,
    InspectRequest,
    WholeGraphRequest,
)
from detlite.runtime.child import blaming_the_model, run_in_child
from detlite.runtime.progress import Progress, silent
from detlite.runtime.records import Record, to_record

CHILD = "detlite.convert.child_calls"


def convert(request: ConvertRequest, *, progress: Progress = silent) -> Record:
    """Return what `detlite.convert.child_calls.convert` answers to *request*.

    Raises:
        InputError: detlite cannot read the source, or as `prepare_output` for the folder.
        MissingToolError: TensorFlow is needed and not installed.
    """
    return _in_child("convert", request, progress)


def export(request: ExportRequest, *, progress: Progress = silent) -> Record:
    """Return what `detlite.convert.child_calls.export_artifact` answers to *request*.

    Raises:
        InputError: the model is in that format already, or has operators that the format lacks.
        MissingToolError: the packages that write the format are not installed.
    """
    return _in_child("export_artifact", request, progress)


def export_whole_graph(request: WholeGraphRequest, *, progress: Progress = silent) -> Record:
    """Return what `detlite.convert.child_calls.export_whole_graph` answers to *request*.

    Raises:
        InputError: the source is no TensorFlow graph, or tf2onnx cannot convert it.
        FindingError: the .onnx computes something else than TensorFlow.
        MissingToolError: TensorFlow, tf2onnx or ONNX Runtime is not installed.
    """
    return _in_child("export_whole_graph", request, progress)


def run_exported_graph(request: ExportedRunRequest, *, progress: Progress = silent) -> None:
    """Write what the exported graph of *request* computes of images; see `detlite.convert.exported_graph.run`.

    Raises:
        InputError: the source is no graph of the OD API's exporter, or TensorFlow cannot run it.
        MissingToolError: TensorFlow is not installed.
    """
    _in_child("run_exported_graph", request, progress)


def inspect_graph(request: InspectRequest, *, progress: Progress = silent) -> Record:
    """Return what `detlite.convert.child_calls.inspect` answers to *request*.

    Raises:
        InputError: the file is no detector's graph, or detlite cannot read it.
        MissingToolError: TensorFlow is not installed.
    """
    return _in_child("inspect", request, progress)


def _in_child(name: str, request: object, progress: Progress) -> Record:
    with blaming_the_model():
        return run_in_child(f"{CHILD}:{name}", to_record(request), progress=progress)
