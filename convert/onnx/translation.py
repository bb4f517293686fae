"""A TFLite model on its way into an ONNX graph: which of its tensors exist there, and in which layout.

TFLite's maps are NHWC and ONNX's are NCHW. A map keeps the layout in which it was computed; it is transposed, once,
only where an operator reads the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx.graph import OnnxGraph
from detlite.convert.onnx.rounding import Rounding, clip_of
from detlite.convert.tflite.float_weights import real_values
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import (
    constant_of,
    dtype_name,
    is_constant,
    name_of,
    operator_name,
    quantization_of,
    shape_of,
)
from detlite.runtime.errors import InputError

NHWC, NCHW = "NHWC", "NCHW"
LAYOUTS = (NHWC, NCHW)
TO_LAYOUT = {NHWC: (0, 2, 3, 1), NCHW: (0, 3, 1, 2)}
"""The order of a Transpose from the other layout."""

AXES_IN_NCHW = (0, 2, 3, 1)
"""Where each axis of an NHWC map is in NCHW."""

MAP_RANK = 4
QUANTIZED = ("int8", "uint8")


@dataclass(frozen=True, eq=False)
class TfliteOperator:
    """One operator: its kind by TFLite's name, its tensors by number (-1: omitted), its builtin options."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any

    def has(self, place: int) -> bool:
        """Return whether the input at *place* is there."""
        return len(self.inputs) > place and self.inputs[place] >= 0

    def option(self, name: str) -> Any:
        """Return an option's value.

        Raises:
            InputError: the operator has no options.
        """
        if self.options is None:
            raise InputError(f"an operator {self.kind} has no options; want its {name}: the model is damaged")
        return getattr(self.options, name)


def operators_of(model: Any, subgraph: Any) -> tuple[TfliteOperator, ...]:
    """Return the operators of the *subgraph* of a TFLite *model*, in order."""
    return tuple(
        TfliteOperator(
            operator_name(model, raw), tuple(map(int, raw.inputs)), tuple(map(int, raw.outputs)), raw.builtinOptions
        )
        for raw in subgraph.operators
    )


class Translation:
    """What of the TFLite model is in the ONNX graph so far.

    Attributes:
        graph: the ONNX graph.
        rounding: how quantized numbers are written.
        operators: the model's operators, in order.
    """

    def __init__(self, file: TfliteFile, graph: OnnxGraph, rounding: Rounding) -> None:
        """Start with the model *file* and an empty *graph*; errors as `main_subgraph`."""
        self.graph = graph
        self.rounding = rounding
        self._model = file.model
        self._tensors = file.subgraph.tensors
        self.operators = operators_of(file.model, file.subgraph)
        self._values: dict[int, dict[str, str]] = {}
        self._stored: dict[int, int] = {}

    def shape(self, index: int) -> tuple[int, ...]:
        """Return a tensor's shape in the TFLite model."""
        return shape_of(self._tensors[index])

    def is_map(self, index: int) -> bool:
        """Return whether a tensor has four axes, so that its layout matters."""
        return len(self.shape(index)) == MAP_RANK

    def dtype(self, index: int) -> str:
        """Return a tensor's dtype in the TFLite model."""
        return dtype_name(self._tensors[index])

    def dtype_in_onnx(self, index: int) -> str:
        """Return a tensor's dtype in the ONNX graph, where quantized numbers are floats between conversions."""
        return "float32" if self.is_rounded(index) else self.dtype(index)

    def name(self, index: int) -> str:
        """Return a tensor's name; of a fused operator's, the first."""
        return name_of(self._tensors[index]).split(";")[0] or f"tensor_{index}"

    def is_rounded(self, index: int) -> bool:
        """Return whether a tensor holds quantized numbers."""
        return self.dtype(index) in QUANTIZED and self._tensors[index].quantization is not None

    def is_constant(self, index: int) -> bool:
        """Return whether a tensor's values are in the file."""
        return index in self._stored or is_constant(self._model, self._tensors[index])

    def stored(self, index: int) -> NDArray[Any]:
        """Return the values of a constant, as they are in the file.

        Raises:
            InputError: it is computed.
        """
        return constant_of(self._model, self._tensors[self.source(index)])

    def real(self, index: int) -> NDArray[Any]:
        """Return the values of a constant: float32 if it is quantized; errors as `stored`."""
        tensor = self._tensors[self.source(index)]
        values = constant_of(self._model, tensor)
        is_quantized = tensor.quantization is not None and tensor.quantization.scale is not None
        return real_values(values, tensor.quantization) if is_quantized or values.dtype == np.float16 else values

    def source(self, index: int) -> int:
        """Return the constant that a DEQUANTIZE reads to make the tensor *index*; *index* itself for any other."""
        return self._stored.get(index, index)

    def unpacked(self, index: int, constant: int) -> None:
        """Take note that the tensor *index* is the dequantized *constant*."""
        self._stored[index] = constant

    def scales(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
        """Return the scales and zero points of a constant, one or one per channel; None if it is not quantized."""
        stored = self._tensors[self.source(index)].quantization
        if stored is None or stored.scale is None or not len(stored.scale):
            return None
        scales = np.asarray(stored.scale, np.float32)
        zeros = np.zeros(len(scales)) if stored.zeroPoint is None else stored.zeroPoint
        return scales, np.asarray(zeros, np.int64)

    def layouts(self, index: int) -> tuple[str, ...]:
        """Return the layouts in which a computed tensor exists; empty for a constant."""
        return tuple(self._values.get(index, ()))

    def value(self, index: int, layout: str = NHWC) -> str:
        """Return the name of a tensor's real value in ONNX, in *layout* if it is a map.

        Raises:
            InputError: no operator before makes it, and it is no constant.
        """
        if index not in self._values:
            return self._constant(index, layout)
        found = self._values[index]
        if layout in found or not self.is_map(index):
            return found.get(layout) or next(iter(found.values()))
        (source,) = found.values()
        found[layout] = self.graph.transpose(source, TO_LAYOUT[layout], f"{self.name(index)}_{layout.lower()}")
        return found[layout]

    def _constant(self, index: int, layout: str) -> str:
        if index < 0 or not self.is_constant(index):
            raise InputError(f"the tensor {self.name(index)} is read before it is computed: the model is damaged")
        value = self.real(index)
        if layout == NCHW and value.ndim == MAP_RANK:
            value = value.transpose(TO_LAYOUT[NCHW])
        return self.graph.constant(self.name(index), value)

    def common_layout(self, indices: Sequence[int]) -> str:
        """Return the layout for an operator on all of *indices*: NCHW if all are maps and one is in NCHW."""
        computed = [index for index in indices if index in self._values]
        is_nchw = any(NCHW in self._values[index] for index in computed)
        return NCHW if is_nchw and all(map(self.is_map, computed)) else NHWC

    def map_layout(self, index: int) -> str:
        """Return the layout for an operator that exists in both: NCHW for a map."""
        return NCHW if self.is_map(index) else NHWC

    def put(self, index: int, value: str, layout: str = NHWC, *, activation: int = 0) -> None:
        """Set a tensor's *value*, after its fused *activation*; a quantized tensor is rounded."""
        self._values[index] = {layout: self.rounded(index, value, self.name(index), activation=activation)}

    def rounded(self, index: int, value: str, name: str, *, activation: int = 0) -> str:
        """Return *value* as the tensor *index* holds it: after the *activation*, rounded if it is quantized."""
        quantization = quantization_of(self._tensors[index]) if self.is_rounded(index) else None
        value = clip_of(self.graph, value, activation, name, self.rounding.limits(quantization, self.dtype(index)))
        if quantization is None:
            return value
        return self.rounding.pair(self.graph, value, quantization, self.dtype(index), name)

    def share(self, index: int, other: int) -> None:
        """Let the tensor *index* have the values of the tensor *other*, unchanged."""
        self._values[index] = dict(self._values[other])

    def put_moved(self, index: int, value: str) -> None:
        """Set the *value* of a tensor whose numbers only moved: it is not rounded again; in NHWC if it is a map."""
        self._values[index] = {NHWC: value}
