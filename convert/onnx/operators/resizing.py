"""Resizes: each of TensorFlow's three rules has its form in ONNX."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detlite.convert.onnx.operators.writer import Writer
from detlite.convert.onnx.translation import NCHW, TfliteOperator, Translation

EMPTY_IS_OPTIONAL = 13
"""The operator set from which an input of Resize that is not used may be left out."""


def _rule(operator: TfliteOperator) -> str:
    if operator.option("halfPixelCenters"):
        return "half_pixel"
    return "align_corners" if operator.option("alignCorners") else "asymmetric"


def _resize(mode: str) -> Writer:
    def write(t: Translation, operator: TfliteOperator) -> None:
        x, y = operator.inputs[0], operator.outputs[0]
        rule = _rule(operator)
        settings = {"mode": mode, "coordinate_transformation_mode": rule}
        if mode == "nearest":
            settings["nearest_mode"] = "floor" if rule == "asymmetric" else "round_prefer_ceil"
        inputs = [t.value(x, NCHW), *_size(t, t.shape(x), t.shape(y))]
        t.put(y, t.graph.node("Resize", inputs, t.name(y), **settings), NCHW)

    return write


def _size(t: Translation, before: tuple[int, ...], after: tuple[int, ...]) -> list[str]:
    """Return roi and scales, or roi, scales and sizes: scales for whole multiples, which TensorRT prefers."""
    none = "" if t.graph.opset >= EMPTY_IS_OPTIONAL else t.graph.constant("no_values", np.zeros(0, np.float32))
    if all(new % old == 0 for old, new in zip(before[1:3], after[1:3], strict=True)):
        scales = np.array([1, 1, after[1] // before[1], after[2] // before[2]], np.float32)
        return [none, t.graph.constant("scales", scales)]
    return [none, none, t.graph.integers("sizes", [after[0], after[3], *after[1:3]])]


WRITERS: Mapping[str, Writer] = {
    "RESIZE_BILINEAR": _resize("linear"),
    "RESIZE_NEAREST_NEIGHBOR": _resize("nearest"),
}
