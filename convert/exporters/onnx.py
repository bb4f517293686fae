"""ONNX: written from the operators of a finished TFLite model, float or int8, with the package `onnx` alone."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.exporter import INT8, NO_OPTIONS, Exporter, exporter_called
from detlite.convert.float_graph import FloatGraph
from detlite.convert.model import Model, require_tflite
from detlite.convert.onnx.options import options_of
from detlite.convert.onnx.write import write_raw
from detlite.runtime.errors import InputError

TYPES = ("float32", INT8)


def from_graph(graph: FloatGraph, kind: str) -> Model:
    """Return *graph* as an ONNX model with raw heads, by way of TFLite.

    Raises:
        InputError: *kind* is none of `TYPES`; or as `from_tflite`.
    """
    if kind not in TYPES:
        raise InputError(f"--type {kind} is one of TFLite's; --to onnx takes {' or '.join(TYPES)}")
    return from_tflite(exporter_called("tflite").from_graph(graph, kind), NO_OPTIONS)


def from_tflite(model: Model, options: Mapping[str, object]) -> Model:
    """Return the TFLite *model* as ONNX, with the *options* of `OnnxOptions`.

    Raises:
        InputError: it is not TFLite, or has operators or numbers that the format or the target lacks.
        UnknownNameError: there is no such option.
        MissingToolError: the package `onnx` is not installed.
    """
    require_tflite(model, "exporting to ONNX")
    data, contract = write_raw(model.file, model.contract, options_of(options))
    return Model(data, "onnx", contract, model.history)


PLUGIN = Exporter(title="ONNX", suffix=".onnx", from_graph=from_graph, from_tflite=from_tflite)
