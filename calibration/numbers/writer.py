"""Writer of the quantized model: the float file is edited in place, so that only number formats change.

It replaces TensorFlow's quantizer: it does not need TensorFlow, takes a tenth of a second, writes the same bytes for
the same ranges, and uses exactly the scales of the plan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.network import Network, Operator
from detlite.calibration.numbers.kernels import Kernel, LayerParameters, source_place
from detlite.calibration.numbers.operators import OperatorRule
from detlite.calibration.numbers.scales import ScalePlan
from detlite.convert.tflite.edit import DEQUANTIZE, QUANTIZE, TYPES, Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.prune import drop_unused
from detlite.runtime.tensors import Quantization

SUMS = {"ADD": "AddOptions", "SUB": "SubOptions"}
"""Operators whose options state whether scales are powers of two, and the schema's name of these options."""


def write_integers(network: Network, plan: ScalePlan, parameters: LayerParameters) -> TfliteFile:
    """Return the model of *network* in integers, input and outputs included, except for the operators left in float."""
    writer = _IntegerWriter(network, plan, parameters)
    writer.write()
    return writer.finish()


class _IntegerWriter:
    """The state of writing one model.

    A tensor is stored as its producer writes it, and converted for a consumer that reads another format. The format of
    a tensor is its `Quantization`, or None for float32.
    """

    def __init__(self, network: Network, plan: ScalePlan, parameters: LayerParameters) -> None:
        self._network, self._plan, self._parameters = network, plan, parameters
        self._numbers = plan.numbers
        self._file = network.file.copy()
        self._model, self._subgraph = self._file.edit(), self._file.subgraph
        self._edit = Edit(self._model, self._subgraph)
        self._stored: dict[int, Quantization | None] = {}
        self._converted: dict[tuple[int, Quantization | None], int] = {}
        self._kernels: dict[bytes, int] = {}

    def write(self) -> None:
        """Write every operator, in execution order."""
        raw_operators, self._subgraph.operators = self._subgraph.operators, []
        for index in self._network.inputs:
            if index not in self._plan.as_given:
                self._store(index)
        for operator, raw in zip(self._network.operators, raw_operators, strict=True):
            rule = None if operator.name in self._plan.floating else self._numbers.rules[operator.kind]
            self._write_operator(operator, raw, rule)

    def finish(self) -> TfliteFile:
        """Return the file, with integer outputs, unless the plan keeps float ones, and without unused tensors."""
        ends = {index: self._as(index, self._output_format(index)) for index in self._network.outputs}
        self._subgraph.outputs = [ends[index] for index in self._network.outputs]
        for signature in self._model.signatureDefs:
            for entry in signature.outputs:
                entry.tensorIndex = ends.get(entry.tensorIndex, entry.tensorIndex)
        drop_unused(self._model)
        return self._file

    def _output_format(self, index: int) -> Quantization | None:
        is_float = self._plan.float_outputs and index not in self._stored
        return None if is_float or index in self._plan.as_given else self._plan.scales[index]

    def _write_operator(self, operator: Operator, raw: Any, rule: OperatorRule | None) -> None:
        raw.inputs = [self._input(operator, place, rule) for place in range(len(operator.inputs))]
        if rule is not None:
            if rule.weights is not None:
                self._write_parameters(operator, raw, rule)
            self._raise_version(raw, rule.version)
            if self._numbers.dtype == "int16" and operator.kind in SUMS:
                _allow_any_scale(raw, operator.kind)
            for index in operator.outputs:
                self._store(index)
        elif operator.name in self._parameters.float_biases:
            self._write_float_bias(operator, raw)
        self._subgraph.operators.append(raw)

    def _input(self, operator: Operator, place: int, rule: OperatorRule | None) -> int:
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
        """Change the tensor *index* to integers in place."""
        quantization = self._plan.scales.get(index)
        if quantization is not None:  # computed shapes and indices are not quantized
            tensor = self._subgraph.tensors[index]
            tensor.type, tensor.quantization = TYPES[self._numbers.dtype], _quantization(quantization)
            self._stored[index] = quantization

    def _as(self, index: int, wanted: Quantization | None) -> int:
        """Return a tensor with the values of *index* in the format *wanted*."""
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

    def _write_parameters(self, operator: Operator, raw: Any, rule: OperatorRule) -> None:
        assert rule.weights is not None
        kernel, bias = self._parameters.kernels[operator.name], self._parameters.biases[operator.name]
        source = self._plan.scales[operator.inputs[source_place(operator)]]
        raw.inputs[rule.weights.weights] = self._kernel(operator.inputs[rule.weights.weights], kernel)
        while len(raw.inputs) <= rule.weights.bias:
            raw.inputs.append(-1)
        raw.inputs[rule.weights.bias] = self._bias(operator, bias, np.float32(source.scale) * kernel.scales)

    def _write_float_bias(self, operator: Operator, raw: Any) -> None:
        """Give a layer that stays float the bias for the means of the quantized model's input."""
        rule = self._numbers.rules[operator.kind]
        assert rule.weights is not None
        if len(raw.inputs) <= rule.weights.bias:
            self._raise_version(raw, rule.version)  # TRANSPOSE_CONV takes a bias from its third version on
        while len(raw.inputs) <= rule.weights.bias:
            raw.inputs.append(-1)
        bias = self._parameters.float_biases[operator.name].astype(np.float32)
        raw.inputs[rule.weights.bias] = self._edit.constant(f"{operator.name}_float_bias", bias)

    def _kernel(self, index: int, kernel: Kernel) -> int:
        """Return the tensor of *kernel*; operators with identical kernels share one."""
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
    """Tell an int16 operator that its scales are not powers of two, which it assumes by default."""
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
    """Return the schema's quantization parameters for weights with *scales* along *axis*."""
    from ai_edge_litert.schema_py_generated import QuantizationParametersT

    made = QuantizationParametersT()
    made.scale, made.quantizedDimension = scales, axis
    made.zeroPoint = np.zeros(len(scales), np.int64)
    return made
