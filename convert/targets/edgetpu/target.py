"""The Edge TPU as a target. What it does is imported when it is asked to: options are listed without it."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.target import COMPARE, COMPILE, PREDICT, Target, TargetAnswer, TargetRequest


def _compile(request: TargetRequest, out: Path, force: bool) -> TargetAnswer:
    from detlite.convert.targets.edgetpu.answers import compile_answer

    return compile_answer(request, out, force=force)


def _predict(request: TargetRequest) -> TargetAnswer:
    from detlite.convert.targets.edgetpu.answers import prediction_answer

    return prediction_answer(request)


EDGE_TPU = Target(
    title="the Edge TPU",
    chips=("edgetpu",),
    suffixes=(".tflite",),
    compile=_compile,
    predict=_predict,
    compiles_together=True,
    steps=(PREDICT, COMPILE, COMPARE),
    runs_float=False,
)
