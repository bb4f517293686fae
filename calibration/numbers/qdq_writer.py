"""Writing explicit quantization: a float graph in which QUANTIZE and DEQUANTIZE say what is to be rounded, and how.

TensorRT runs the operators between such pairs in int8. It refuses a zero point other than 0 and a bias that is not
float, so that the int8 form of TFLite cannot be handed to it (tried with TensorRT-RTX 1.7's ONNX importer). The pairs
stand where its quantized operators read: before convolutions and average pools, and on the branch that joins an
addition from afar; its other operand is the convolution before, which adds in its accumulator.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.kernels import Kernel, Parameters, source_place
from detlite.calibration.numbers.operators import INT8_RULES, Weights
from detlite.calibration.numbers.scales import Plan
from detlite.calibration.numbers.writer import per_channel
from detlite.convert.tflite.edit import DEQUANTIZE, QUANTIZE, Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.runtime.errors import FindingError

POOL, SUM = "AVERAGE_POOL_2D", "ADD"


def write_explicit(network: Network, plan: Plan, parameters: Parameters) -> TfliteFile:
    """Return the model of *network* with explicit quantization, but for the operators left float.

    Raises:
        FindingError: there is no operator to quantize.
    """
    return _Writer(network, plan, parameters).written()


class _Writer:
    """One model being written."""

    def __init__(self, network: Network, plan: Plan, parameters: Parameters) -> None:
        self._network, self._plan, self._parameters = network, plan, parameters
        self._file = network.file.copy()
        self._model, self._subgraph = self._file.edit(), self._file.subgraph
        self._edit = Edit(self._model, self._subgraph)
        self._readers = network.readers()
        self._rounded: dict[int, int] = {}
        self._kernels: dict[bytes, int] = {}

    def written(self) -> TfliteFile:
        """Return the file; errors as `write_explicit`."""
        raw_operators, self._subgraph.operators = self._subgraph.operators, []
        for operator, raw in zip(self._network.operators, raw_operators, strict=True):
            if operator.name not in self._plan.floating:
                self._write(operator, raw)
            self._subgraph.operators.append(raw)
        if not self._rounded:
            raise FindingError(
                "nothing was quantized: there is no convolution, pool or addition that is not left float"
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

    def _places(self, operator: Operator, weights: Weights | None) -> list[int]:
        """Return which inputs of *operator* are rounded."""
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
        """Return the operand of a sum that the last convolution before makes for it alone; None where none does."""
        found = None
        for maker in self._network.operators:
            rule = INT8_RULES.get(maker.kind)
            made = maker.outputs[0]
            alone = self._readers.get(made) == [operator] and made not in self._network.outputs
            if rule is not None and rule.weights is not None and made in operator.inputs and alone:
                found = made
        return found

    def _pair(self, index: int) -> int:
        """Return what the tensor *index* holds, rounded."""
        if index not in self._rounded:
            name, shape, scale = self._network.names[index], self._network.shape(index), self._plan.scales[index]
            codes = self._edit.tensor(f"{name}_int8", shape, dtype="int8", quantization=scale)
            made = self._edit.tensor(f"{name}_rounded", shape)
            self._edit.operator(QUANTIZE, [index], [codes])
            self._edit.operator(DEQUANTIZE, [codes], [made])
            self._rounded[index] = made
        return self._rounded[index]

    def _write_parameters(self, operator: Operator, raw: Any, places: Weights) -> None:
        index = operator.inputs[places.weights]
        raw.inputs[places.weights] = self._weights(index, self._parameters.kernels[operator.name])
        while len(raw.inputs) <= places.bias:
            raw.inputs.append(-1)
        bias = self._parameters.biases[operator.name].astype(np.float32)
        raw.inputs[places.bias] = self._edit.constant(f"{operator.name}_bias", bias)

    def _weights(self, index: int, kernel: Kernel) -> int:
        """Return the float tensor of *kernel*, the one of another operator that has the very same."""
        key = kernel.key()
        if key not in self._kernels:
            name = self._network.names[index]
            codes = self._edit.constant(f"{name}_int8", kernel.values)
            self._subgraph.tensors[codes].quantization = per_channel(kernel.scales, kernel.axis)
            made = self._edit.tensor(f"{name}_rounded", kernel.values.shape)
            self._edit.operator(DEQUANTIZE, [codes], [made])
            self._kernels[key] = made
        return self._kernels[key]
