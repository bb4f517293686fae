"""ONNX: written from the operators of a finished TFLite model, float or int8, with the package `onnx` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from detlite.convert.exporter import INT8, NO_OPTIONS, Exporter, exporter_called
from detlite.convert.float_graph import FloatGraph
from detlite.convert.model import Model, require_tflite, tflite_model
from detlite.convert.onnx.mlperf import PROFILES, with_mlperf_interface
from detlite.convert.onnx.nms_variant import variant_called
from detlite.convert.onnx.options import OnnxOptions, options_of
from detlite.convert.onnx.translation import NCHW
from detlite.convert.onnx.write import write_raw
from detlite.convert.tflite.postprocess import strip_op
from detlite.runtime.errors import InputError
from detlite.runtime.tasks.detection import detection_of, has_raw_heads

TYPES = ("float32", INT8)
NO_NMS, STANDARD = "none", "standard"


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

    TFLite's post-processing op becomes NMS of standard operators, unless `nms` says otherwise.

    Raises:
        InputError: it is not TFLite, or has operators or numbers that the format or the target lacks.
        UnknownNameError: there is no such option.
        MissingToolError: the package `onnx` is not installed.
    """
    require_tflite(model, "exporting to ONNX")
    asked = _in_its_layout(options_of(options))
    is_raw = has_raw_heads(model.contract)
    is_plain = is_raw and asked.interface is None
    variant = variant_called(asked.nms or (NO_NMS if is_plain else STANDARD))
    raw = model if is_raw else _stripped(model, keep=asked.nms != NO_NMS)
    data, contract = write_raw(raw.file, raw.contract, asked)
    made = variant.attach(Model(data, "onnx", contract, model.history), asked)
    return with_mlperf_interface(made, asked.interface) if asked.interface else made


def _in_its_layout(asked: OnnxOptions) -> OnnxOptions:
    """Return the options *asked* for with the layout that the interface of NCHW images has."""
    is_nchw = asked.interface is not None and PROFILES[asked.interface].layout == NCHW
    return replace(asked, layout=NCHW.lower()) if is_nchw else asked


def _stripped(model: Model, *, keep: bool) -> Model:
    """Return *model* without its post-processing op; to *keep* the op's settings is for NMS that replaces it."""
    file = model.file.copy()
    contract = strip_op(file, model.contract)
    if keep:
        contract = contract.with_task(nms=replace(detection_of(model.contract).nms, place="host"))
    return tflite_model(file, contract, model.history)


def with_nms(model: Model) -> Model:
    """Return the ONNX *model*, which has raw heads, with NMS of standard operators; errors as `opened`."""
    return variant_called(STANDARD).attach(model, OnnxOptions())


PLUGIN = Exporter(title="ONNX", suffix=".onnx", from_graph=from_graph, from_tflite=from_tflite, nms=with_nms)
