"""Writing the quantized model: the float file edited in place, so that nothing but numbers changes.

Its own writer, and not TensorFlow's quantizer: it needs no TensorFlow, takes a tenth of a second, gives the same bytes
for the same ranges, and every scale in the file is one that was decided here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.kernels import Kernel, Parameters, source_place
from detlite.calibration.numbers.operators import Rule
from detlite.calibration.numbers.scales import Plan
from detlite.convert.tflite.edit import DEQUANTIZE, QUANTIZE, TYPES, Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.runtime.tensors import Quantization

SUMS = {"ADD": "AddOptions", "SUB": "SubOptions"}
"""Operators whose options say that scales are powers of two, and the schema's name of these options."""


def write_integers(network: Network, plan: Plan, parameters: Parameters) -> TfliteFile:
    """Return the model of *network* in integers, from its input to its outputs, but for the operators left float."""
    writer = _Writer(network, plan, parameters)
    writer.write()
    return writer.finish()


class _Writer:
    """One model being written. A tensor is stored as its producer makes it, and converted where one reads it otherwise.

    How a tensor is stored is its `Quantization`, None for float32.
    """

    def __init__(self, network: Network, plan: Plan, parameters: Parameters) -> None:
        self._network, self._plan, self._parameters = network, plan, parameters
        self._numbers = plan.numbers
        self._file = network.file.copy()
        self._model, self._subgraph = self._file.edit(), self._file.subgraph
        self._edit = Edit(self._model, self._subgraph)
        self._stored: dict[int, Quantization | None] = {}
        self._converted: dict[tuple[int, Quantization | None], int] = {}
        self._kernels: dict[bytes, int] = {}

    def write(self) -> None:
        """Write every operator, in the order in which they run."""
        raw_operators, self._subgraph.operators = self._subgraph.operators, []
        self._store(self._network.image)
        for operator, raw in zip(self._network.operators, raw_operators, strict=True):
            rule = None if operator.name in self._plan.floating else self._numbers.rules[operator.kind]
            self._write_operator(operator, raw, rule)

    def finish(self) -> TfliteFile:
        """Return the file: its outputs integers, what nothing reads any longer left out."""
        ends = {index: self._as(index, self._plan.scales[index]) for index in self._network.outputs}
        self._subgraph.outputs = [ends[index] for index in self._network.outputs]
        for signature in self._model.signatureDefs:
            for entry in signature.outputs:
                entry.tensorIndex = ends.get(entry.tensorIndex, entry.tensorIndex)
        drop_unused(self._model)
        return self._file

    def _write_operator(self, operator: Operator, raw: Any, rule: Rule | None) -> None:
        raw.inputs = [self._input(operator, place, rule) for place in range(len(operator.inputs))]
        if rule is not None:
            if rule.weights is not None:
                self._write_parameters(operator, raw, rule)
            self._raise_version(raw, rule.version)
            if self._numbers.dtype == "int16" and operator.kind in SUMS:
                _allow_any_scale(raw, operator.kind)
            for index in operator.outputs:
                self._store(index)
        self._subgraph.operators.append(raw)

    def _input(self, operator: Operator, place: int, rule: Rule | None) -> int:
        index = operator.inputs[place]
        if not self._network.is_real(index):
            return index
        if rule is None:
            return index if self._network.is_constant(index) else self._as(index, None)
        if rule.weights is not None and place in (rule.weights.weights, rule.weights.bias):
            return index
        wanted = self._plan.scales[operator.outputs[0] if rule.same_scale else index]
        return self._constant(index, wanted) if self._network.is_constant(index) else self._as(index, wanted)

    def _store(self, index: int) -> None:
        """Make the tensor *index* one of integers in place."""
        quantization = self._plan.scales.get(index)
        if quantization is not None:  # a shape or an index that an operator computes stays what it is
            tensor = self._subgraph.tensors[index]
            tensor.type, tensor.quantization = TYPES[self._numbers.dtype], _quantization(quantization)
            self._stored[index] = quantization

    def _as(self, index: int, wanted: Quantization | None) -> int:
        """Return a tensor that holds what *index* does, stored as *wanted*."""
        stored = self._stored.get(index)
        if stored == wanted:
            return index
        if (index, wanted) not in self._converted:
            dtype = "float32" if wanted is None else self._numbers.dtype
            name = f"{self._network.names[index]}_{dtype}"
            made = self._edit.tensor(name, self._network.shape(index), dtype=dtype, quantization=wanted)
            self._edit.operator(DEQUANTIZE if wanted is None else QUANTIZE, [index], [made])
            self._converted[index, wanted] = made
        return self._converted[index, wanted]

    def _constant(self, index: int, wanted: Quantization) -> int:
        if (index, wanted) not in self._converted:
            codes = np.rint(self._network.constant(index).astype(np.float64) / wanted.scale) + wanted.zero_point
            values = np.clip(codes, self._numbers.lowest, self._numbers.highest).astype(self._numbers.dtype)
            made = self._edit.constant(f"{self._network.names[index]}_{self._numbers.dtype}", values)
            self._subgraph.tensors[made].quantization = _quantization(wanted)
            self._converted[index, wanted] = made
        return self._converted[index, wanted]

    def _write_parameters(self, operator: Operator, raw: Any, rule: Rule) -> None:
        assert rule.weights is not None
        kernel, bias = self._parameters.kernels[operator.name], self._parameters.biases[operator.name]
        source = self._plan.scales[operator.inputs[source_place(operator)]]
        raw.inputs[rule.weights.weights] = self._kernel(operator.inputs[rule.weights.weights], kernel)
        while len(raw.inputs) <= rule.weights.bias:
            raw.inputs.append(-1)
        raw.inputs[rule.weights.bias] = self._bias(operator, bias, np.float32(source.scale) * kernel.scales)

    def _kernel(self, index: int, kernel: Kernel) -> int:
        """Return the tensor of *kernel*, the one of another operator that has the very same."""
        key = kernel.key()
        if key not in self._kernels:
            made = self._edit.constant(self._network.names[index], kernel.values)
            self._subgraph.tensors[made].quantization = per_channel(kernel.scales, kernel.axis)
            self._kernels[key] = made
        return self._kernels[key]

    def _bias(self, operator: Operator, bias: NDArray[np.float64], scales: NDArray[np.float32]) -> int:
        most = 2 * self._numbers.bias_limit - 1
        steps = np.clip(np.rint(bias / scales.astype(np.float64)), -most, most)
        made = self._edit.constant(f"{operator.name}_bias", steps.astype(self._numbers.bias_dtype))
        self._subgraph.tensors[made].quantization = per_channel(scales, 0)
        return made

    def _raise_version(self, raw: Any, version: int) -> None:
        code = self._model.operatorCodes[raw.opcodeIndex]
        raw.opcodeIndex = self._edit.code(code.builtinCode, max(version, code.version))


def _allow_any_scale(raw: Any, kind: str) -> None:
    """Tell an operator of int16 that its scales are no powers of two, which it takes them for by default."""
    from ai_edge_litert import schema_py_generated as schema

    if raw.builtinOptions is None:
        raw.builtinOptionsType = getattr(schema.BuiltinOptions, SUMS[kind])
        raw.builtinOptions = getattr(schema, f"{SUMS[kind]}T")()
    raw.builtinOptions.potScaleInt16 = False


def _quantization(quantization: Quantization) -> Any:
    made = per_channel(np.array([quantization.scale], np.float32), 0)
    made.zeroPoint = np.array([quantization.zero_point], np.int64)
    return made


def per_channel(scales: NDArray[np.float32], axis: int) -> Any:
    """Return the schema's object for weights with *scales* along *axis*."""
    from ai_edge_litert.schema_py_generated import QuantizationParametersT

    made = QuantizationParametersT()
    made.scale, made.quantizedDimension = scales, axis
    made.zeroPoint = np.zeros(len(scales), np.int64)
    return made
