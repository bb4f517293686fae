"""Google Tensor as a target. What it does is imported when it is asked to: options are listed without it."""

from __future__ import annotations

from pathlib import Path

from detlite.convert.target import Target, TargetAnswer, TargetRequest

SOCS = {f"tensor_g{number}": f"Tensor_G{number}" for number in (3, 4, 5, 6)}
"""The chips that ai-edge-litert 2.3 supports: Pixel 8 (G3), 9 (G4), 10 (G5) and newer; and Google's names for them."""


def _compile(request: TargetRequest, out: Path, force: bool) -> TargetAnswer:
    from detlite.convert.targets.google_tensor.compile import compile_answer

    return compile_answer(request, SOCS[request.chip], out, force=force)


GOOGLE_TENSOR = Target(title="a Pixel's TPU", chips=tuple(SOCS), suffixes=(".tflite",), compile=_compile)
