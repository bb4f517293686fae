"""The .onnx that a version of TensorRT takes of a model: the operator set, the form of NMS, the numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from detlite.convert.artifact import known_artifact
from detlite.convert.exporter import export_model
from detlite.convert.model import TFLITE, Model, model_of
from detlite.convert.onnx.float16 import ROUNDING, SCALES_OPSET, as_float16
from detlite.convert.onnx.options import DEFAULT_OPSET
from detlite.convert.onnx.package import load_onnx
from detlite.convert.onnx_graph.open_file import external_files, open_onnx
from detlite.runtime.artifact import Step
from detlite.runtime.contract import Contract
from detlite.runtime.errors import InputError, unknown_name
from detlite.runtime.model_file import is_model_file
from detlite.runtime.runners.tensorrt_versions import PRECISIONS, row_of

FP16 = "fp16"
DEFAULT_VERSION = (10, 3)
"""The version in JetPack 6.1 and 6.2."""


@dataclass(frozen=True)
class TensorRtOptions:
    """What is asked of TensorRT.

    Attributes:
        version: (major, minor).
        precision: what the engine may compute in; None for the default: int8 where the file rounds to it, else fp16,
            and from 11 on what the file states.
        nms: the form of NMS in the file; None for raw heads.
        batch: number of images that one run takes; None for the file's own, 1 for a file that is written.
    """

    version: tuple[int, int] = DEFAULT_VERSION
    precision: str | None = None
    nms: str | None = None
    batch: int | None = None

    def __post_init__(self) -> None:
        if self.precision is not None and self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)
        row_of(self.version)

    @property
    def flag(self) -> str | None:
        """The precision to ask trtexec for; None where the file states it."""
        return None if row_of(self.version).is_strongly_typed else self.precision


@dataclass(frozen=True)
class OnnxFile:
    """An .onnx for TensorRT: its bytes, and what is known of it; a foreign file has no contract."""

    data: bytes
    contract: Contract | None = None
    history: tuple[Step, ...] = ()


def onnx_for(path: Path, options: TensorRtOptions) -> OnnxFile:
    """Return the model at *path*, an artifact or a model file, as the .onnx that *options* ask for.

    Raises:
        InputError: nothing is there, or it cannot be written as these options say.
        MissingToolError: the package `onnx` is not installed.
    """
    artifact = known_artifact(path)
    if artifact is None:
        return _foreign(path, options)
    model = model_of(artifact)
    if model.format == TFLITE:
        model = _exported(model, options)
    else:
        _refuse_changes(path, options, ", or give the .tflite that it was made of")
    model = _typed(model, options)
    return OnnxFile(model.data, model.contract, model.history)


def is_half(options: TensorRtOptions) -> bool:
    """Return whether the file itself is to have float16 in it."""
    return row_of(options.version).is_strongly_typed and options.precision == FP16


def _exported(model: Model, options: TensorRtOptions) -> Model:
    """Return the TFLite *model* in the oldest operator set that has what it needs."""
    made = {"target": "tensorrt", "nms": options.nms or "none", "batch": options.batch or 1}
    opset = min(DEFAULT_OPSET, row_of(options.version).opset)
    found = export_model(model, "onnx", {**made, "opset": opset})
    if is_half(options) and _rounds(found):
        return export_model(model, "onnx", {**made, "opset": SCALES_OPSET})
    return found


def _rounds(model: Model) -> bool:
    """Return whether the ONNX *model* rounds to int8."""
    return any(node.op_type in ROUNDING for node in load_onnx().load_from_string(model.data).graph.node)


def _typed(model: Model, options: TensorRtOptions) -> Model:
    """Return *model* with the numbers in it that a strongly typed TensorRT is to compute with."""
    if not row_of(options.version).is_strongly_typed or options.precision in (None, "fp32"):
        return model
    if options.precision != FP16:
        raise InputError(
            f"TensorRT {options.version[0]} computes in the types that the .onnx states: for {options.precision}, "
            "leave out --precision, and give a model quantized with --scheme int8-float-bias"
        )
    return replace(model, data=as_float16(model.data))


def _refuse_changes(path: Path, options: TensorRtOptions, instead: str) -> None:
    """Raise `InputError` if *options* ask for another graph of the .onnx at *path*."""
    for name, value in (("--nms", options.nms), ("--batch", options.batch)):
        if value is not None:
            raise InputError(f"{path} is an .onnx already: leave out {name}{instead}")


def _foreign(path: Path, options: TensorRtOptions) -> OnnxFile:
    if not is_model_file(path) or path.suffix != ".onnx":
        raise InputError(f"{path}: want a folder that detlite wrote, a .tflite with the detection op, or an .onnx file")
    _refuse_changes(path, options, "")
    if row_of(options.version).is_strongly_typed and options.precision not in (None, "fp32"):
        raise InputError(
            f"TensorRT {options.version[0]} computes in the types that the .onnx states, and {path} is not detlite's: "
            "leave out --precision, or convert it first (detlite convert)"
        )
    model = open_onnx(path, is_standard=False)
    whole = model.SerializeToString(deterministic=True) if external_files(path) else path.read_bytes()
    return OnnxFile(whole)
