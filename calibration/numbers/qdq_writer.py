"""Writer of explicit quantization: a float graph in which QUANTIZE and DEQUANTIZE pairs define the rounding.

TensorRT runs the operators between such pairs in int8. It rejects zero points other than 0 and integer biases, so it
cannot read TFLite's int8 form (tried with the ONNX importer of TensorRT-RTX 1.7). The pairs are placed where its
quantized operators read: before convolutions and average pools, and on the residual input of an addition; the other
input is the preceding convolution, which adds in its accumulator.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.kernels import Kernel, LayerParameters, source_place
from detlite.calibration.numbers.operators import INT8_RULES, WeightInputs
from detlite.calibration.numbers.scales import ScalePlan
from detlite.calibration.numbers.writer import per_channel
from detlite.convert.tflite.edit import DEQUANTIZE, QUANTIZE, Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.runtime.errors import FindingError

POOL, SUM = "AVERAGE_POOL_2D", "ADD"


def write_explicit(network: Network, plan: ScalePlan, parameters: LayerParameters) -> TfliteFile:
    """Return the model of *network* with explicit quantization, except for the operators left in float.

    Raises:
        FindingError: there is no operator to quantize.
    """
    return _ExplicitWriter(network, plan, parameters).written()


class _ExplicitWriter:
    """The state of writing one model."""

    def __init__(self, network: Network, plan: ScalePlan, parameters: LayerParameters) -> None:
        self._network, self._plan, self._parameters = network, plan, parameters
        self._file = network.file.copy()
        self._model, self._subgraph = self._file.edit(), self._file.subgraph
        self._edit = Edit(self._model, self._subgraph)
        self._readers = network.readers()
        self._rounded: dict[int, int] = {}
        self._kernels: dict[bytes, int] = {}

    def written(self) -> TfliteFile:
        """Return the written file; errors as in `write_explicit`."""
        raw_operators, self._subgraph.operators = self._subgraph.operators, []
        for operator, raw in zip(self._network.operators, raw_operators, strict=True):
            if operator.name not in self._plan.floating:
                self._write(operator, raw)
            self._subgraph.operators.append(raw)
        if not self._rounded:
            raise FindingError(
                "nothing was quantized: no convolution, pool or addition remains that is not left in float"
            )
        drop_unused(self._model)
        return self._file

    def _write(self, operator: Operator, raw: Any) -> None:
        rule = INT8_RULES.get(operator.kind)
        weights = None if rule is None else rule.weights
        for place in self._places(operator, weights):
            raw.inputs[place] = self._pair(operator.inputs[place])
        if weights is not None:
            self._write_parameters(operator, raw, weights)

    def _places(self, operator: Operator, weights: WeightInputs | None) -> list[int]:
        """Return the positions of the inputs of *operator* to round."""
        if weights is not None:
            return [source_place(operator)]
        if operator.kind == POOL:
            return [0]
        if operator.kind != SUM:
            return []
        computed = [place for place, index in enumerate(operator.inputs) if not self._network.is_constant(index)]
        fused = self._fused(operator)
        return [place for place in computed if operator.inputs[place] != fused] if len(computed) > 1 else []

    def _fused(self, operator: Operator) -> int | None:
        """Return the operand that the last convolution before the sum computes for it alone, or None."""
        found = None
        for maker in self._network.operators:
            rule = INT8_RULES.get(maker.kind)
            made = maker.outputs[0]
            alone = self._readers.get(made) == [operator] and made not in self._network.outputs
            if rule is not None and rule.weights is not None and made in operator.inputs and alone:
                found = made
        return found

    def _pair(self, index: int) -> int:
        """Return the index of the rounded form of the tensor *index*."""
        if index not in self._rounded:
            name, shape, scale = self._network.names[index], self._network.shape(index), self._plan.scales[index]
            codes = self._edit.tensor(f"{name}_int8", shape, dtype="int8", quantization=scale)
            made = self._edit.tensor(f"{name}_rounded", shape)
            self._edit.operator(QUANTIZE, [index], [codes])
            self._edit.operator(DEQUANTIZE, [codes], [made])
            self._rounded[index] = made
        return self._rounded[index]

    def _write_parameters(self, operator: Operator, raw: Any, places: WeightInputs) -> None:
        index = operator.inputs[places.weights]
        raw.inputs[places.weights] = self._weights(index, self._parameters.kernels[operator.name])
        while len(raw.inputs) <= places.bias:
            raw.inputs.append(-1)
        bias = self._parameters.biases[operator.name].astype(np.float32)
        raw.inputs[places.bias] = self._edit.constant(f"{operator.name}_bias", bias)

    def _weights(self, index: int, kernel: Kernel) -> int:
        """Return the float tensor of *kernel*; operators with identical kernels share one."""
        key = kernel.key()
        if key not in self._kernels:
            name = self._network.names[index]
            codes = self._edit.constant(f"{name}_int8", kernel.values)
            self._subgraph.tensors[codes].quantization = per_channel(kernel.scales, kernel.axis)
            made = self._edit.tensor(f"{name}_rounded", kernel.values.shape)
            self._edit.operator(DEQUANTIZE, [codes], [made])
            self._kernels[key] = made
        return self._kernels[key]
