"""All operators that are translated, by their ONNX names."""

from __future__ import annotations

from collections.abc import Mapping

from detlite.convert.onnx_graph.operators.elementwise import ELEMENTWISE
from detlite.convert.onnx_graph.operators.moving import MOVING
from detlite.convert.onnx_graph.operators.windows import WINDOWS
from detlite.convert.onnx_graph.translation import Operator

OPERATORS: Mapping[str, Operator] = {**WINDOWS, **ELEMENTWISE, **MOVING}
