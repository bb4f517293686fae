"""Adding tensors and operators to a loaded model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.tflite.tensors import dtype_name, name_of, quantization_of, shape_of
from detlite.runtime.tensors import Quantization

ADD, MUL = 0, 18  # BuiltinOperator of the TFLite schema, like the next line
CUSTOM, DEQUANTIZE, LOGISTIC, SOFTMAX, SLICE, QUANTIZE = 32, 6, 14, 25, 65, 114
CONCATENATION, RESHAPE, GATHER, SUB, EXP, MAXIMUM, MINIMUM, LOG = 2, 22, 36, 41, 47, 55, 57, 73
CONVERTED = "class_scores_converted"  # name of the scores tensor computed from logits, by which `strip` finds it
TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "int16": 7, "int8": 9}  # its TensorType
ONE_BYTE_CODES = (
    127  # the older field for an operator's code has no room for more: larger codes are only in the newer field
)


class Edit:
    """Changes to the main subgraph of a model, in place."""

    def __init__(self, model: Any, subgraph: Any) -> None:
        self._model, self._subgraph = model, subgraph

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        *,
        dtype: str = "float32",
        quantization: Quantization | None = None,
        buffer: int = 0,
    ) -> int:
        """Add a tensor and return its index."""
        from ai_edge_litert.schema_py_generated import QuantizationParametersT, TensorT

        tensor = TensorT()
        tensor.name, tensor.type, tensor.buffer = name, TYPES[dtype], buffer
        tensor.shape, tensor.hasRank = np.array(shape, np.int32), True
        if quantization is not None:
            tensor.quantization = QuantizationParametersT()
            tensor.quantization.scale = np.array([quantization.scale], np.float32)
            tensor.quantization.zeroPoint = np.array([quantization.zero_point], np.int64)
        self._subgraph.tensors.append(tensor)
        return len(self._subgraph.tensors) - 1

    def constant(self, name: str, value: NDArray[Any]) -> int:
        """Add a constant of one of the dtypes in `TYPES` and return its tensor."""
        from ai_edge_litert.schema_py_generated import BufferT

        buffer = BufferT()
        little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
        buffer.data = np.frombuffer(little.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self.tensor(name, value.shape, dtype=value.dtype.name, buffer=len(self._model.buffers) - 1)

    def operator(
        self, builtin: int, inputs: list[int], outputs: list[int], *, custom: str | None = None, first: bool = False
    ) -> Any:
        """Add an operator after the others, or *first*, and return it."""
        from ai_edge_litert.schema_py_generated import OperatorT

        operator = OperatorT()
        operator.opcodeIndex = self.code(builtin, self._version(builtin, [*inputs, *outputs]), custom=custom)
        operator.inputs, operator.outputs = inputs, outputs
        self._subgraph.operators.insert(0 if first else len(self._subgraph.operators), operator)
        return operator

    def _version(self, builtin: int, tensors: list[int]) -> int:
        """Return the first version of the operator *builtin* that converts between *tensors*; 1 for other operators.

        From `tools/versioning/op_version.cc` of TensorFlow.
        """
        if builtin == GATHER:  # of one-byte integers from 2 on
            return 1 if dtype_name(self._subgraph.tensors[tensors[0]]) == "float32" else 2
        if builtin not in (DEQUANTIZE, QUANTIZE):
            return 1
        found = [self._subgraph.tensors[index] for index in tensors]
        if {dtype_name(tensor) for tensor in found} & {"int16", "float16"}:
            return 3 if builtin == DEQUANTIZE else 2
        if builtin == QUANTIZE:
            return 1
        stored = found[0].quantization
        return 5 if stored is not None and stored.scale is not None and len(stored.scale) > 1 else 2

    def as_float(self, index: int) -> int:
        """Return a float32 tensor with the values of the tensor *index*, dequantized if it is an integer tensor."""
        tensor = self._subgraph.tensors[index]
        if dtype_name(tensor) == "float32":
            return index
        if (before := self._quantized_of(index)) is not None:
            return before
        made = self.tensor(f"{name_of(tensor)}_float32", shape_of(tensor))
        self.operator(DEQUANTIZE, [index], [made])
        return made

    def _quantized_of(self, index: int) -> int | None:
        """Return the float32 input of the QUANTIZE that makes the tensor *index*; drop the operator if it is unused."""
        for operator in self._subgraph.operators:
            code = self._model.operatorCodes[operator.opcodeIndex].builtinCode
            if code == QUANTIZE and operator.outputs[0] == index:
                source = int(operator.inputs[0])
                if dtype_name(self._subgraph.tensors[source]) == "float32" and source not in self._subgraph.inputs:
                    ends = [int(end) for end in self._subgraph.outputs]
                    if ends.count(index) < 2 and not any(index in other.inputs for other in self._subgraph.operators):
                        self._subgraph.operators.remove(operator)
                    return source
        return None

    def converted(self, logits: int, converter: str) -> int:
        """Return the scores tensor that *converter* computes from the float32 tensor *logits*."""
        from ai_edge_litert import schema_py_generated as schema

        if converter == "IDENTITY":
            return logits
        made = self.tensor(CONVERTED, shape_of(self._subgraph.tensors[logits]))
        operator = self.operator(LOGISTIC if converter == "SIGMOID" else SOFTMAX, [logits], [made])
        if converter == "SOFTMAX":
            operator.builtinOptionsType = schema.BuiltinOptions.SoftmaxOptions
            operator.builtinOptions = schema.SoftmaxOptionsT()
            operator.builtinOptions.beta = 1.0
        return made

    def reshaped(self, index: int, shape: tuple[int, ...]) -> int:
        """Return a tensor of *shape* with the numbers of the tensor *index*, in their order."""
        from ai_edge_litert import schema_py_generated as schema

        made = self._like(index, shape)
        sides = np.array(shape, np.int32)
        operator = self.operator(RESHAPE, [index, self.constant("shape", sides)], [made])
        operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = schema.ReshapeOptionsT()
        operator.builtinOptions.newShape = sides
        return made

    def concatenated(self, parts: list[int]) -> int:
        """Return the float32 tensor [1, n + m + ..., C] of *parts*, float32 tensors [1, n, C], [1, m, C] and so on."""
        from ai_edge_litert import schema_py_generated as schema

        shapes = [shape_of(self._subgraph.tensors[index]) for index in parts]
        made = self.tensor("joined", (1, sum(shape[1] for shape in shapes), shapes[0][2]))
        operator = self.operator(CONCATENATION, parts, [made])
        operator.builtinOptionsType = schema.BuiltinOptions.ConcatenationOptions
        operator.builtinOptions = schema.ConcatenationOptionsT()
        operator.builtinOptions.axis = 1
        return made

    def gathered(self, index: int, columns: tuple[int, ...]) -> int:
        """Return the tensor [1, n, len(columns)] of these *columns* of the tensor *index*, [1, n, C]."""
        from ai_edge_litert import schema_py_generated as schema

        made = self._like(index, (*shape_of(self._subgraph.tensors[index])[:2], len(columns)))
        operator = self.operator(GATHER, [index, self.constant("columns", np.array(columns, np.int32))], [made])
        operator.builtinOptionsType = schema.BuiltinOptions.GatherOptions
        operator.builtinOptions = schema.GatherOptionsT()
        operator.builtinOptions.axis = 2
        return made

    def _like(self, index: int, shape: tuple[int, ...]) -> int:
        """Add a tensor of *shape* with the dtype and the scale of the tensor *index* and return its index."""
        tensor = self._subgraph.tensors[index]
        dtype, name = dtype_name(tensor), f"{name_of(tensor)}_moved"
        return self.tensor(name, shape, dtype=dtype, quantization=quantization_of(tensor))

    def code(self, builtin: int, version: int, *, custom: str | None = None) -> int:
        """Return the number of the operator code for *builtin* of at least *version*, adding it if missing."""
        from ai_edge_litert.schema_py_generated import OperatorCodeT

        for number, code in enumerate(self._model.operatorCodes):
            if code.builtinCode == builtin and custom is None and code.version >= version:
                return number
        made = OperatorCodeT()
        made.builtinCode, made.deprecatedBuiltinCode = builtin, min(builtin, ONE_BYTE_CODES)
        made.version, made.customCode = version, custom
        self._model.operatorCodes.append(made)
        return len(self._model.operatorCodes) - 1
