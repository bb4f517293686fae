"""TensorRT as a target. What it does is imported when it is asked to: options are listed without it."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.target import Target, TargetAnswer, TargetRequest


def _compile(request: TargetRequest, out: Path, force: bool) -> TargetAnswer:
    from detlite.convert.targets.tensorrt.answers import compile_answer

    return compile_answer(request, out, force=force)


def _predict(request: TargetRequest) -> TargetAnswer:
    from detlite.convert.targets.tensorrt.answers import prediction_answer

    return prediction_answer(request)


TENSORRT = Target(
    title="TensorRT",
    chips=("tensorrt",),
    suffixes=(".onnx", ".tflite"),
    compile=_compile,
    predict=_predict,
    steps=(),
)
