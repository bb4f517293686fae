"""Adding tensors and operators to a loaded model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.tflite.tensors import dtype_name, name_of, shape_of
from detlite.runtime.contract import Quantization

CUSTOM, DEQUANTIZE, LOGISTIC, SOFTMAX, QUANTIZE = 32, 6, 14, 25, 114  # BuiltinOperator of the TFLite schema
CONVERTED = "class_scores_converted"  # the tensor of scores that are made of logits, by which `strip` knows them
TYPES = {"float32": 0, "uint8": 3, "int8": 9}  # TensorType of the same


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

    def constant(self, name: str, value: NDArray[np.float32]) -> int:
        """Add a float32 constant and return its tensor."""
        from ai_edge_litert.schema_py_generated import BufferT

        buffer = BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(value, "<f4").tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self.tensor(name, value.shape, buffer=len(self._model.buffers) - 1)

    def operator(
        self, builtin: int, inputs: list[int], outputs: list[int], *, custom: str | None = None, first: bool = False
    ) -> Any:
        """Add an operator behind the others, or *first*, and return it."""
        from ai_edge_litert.schema_py_generated import OperatorT

        operator = OperatorT()
        operator.opcodeIndex = self._code(builtin, custom)
        operator.inputs, operator.outputs = inputs, outputs
        self._subgraph.operators.insert(0 if first else len(self._subgraph.operators), operator)
        return operator

    def as_float(self, index: int) -> int:
        """Return a float32 tensor of what the tensor *index* holds, dequantized where that is an integer one."""
        tensor = self._subgraph.tensors[index]
        if dtype_name(tensor) == "float32":
            return index
        made = self.tensor(f"{name_of(tensor)}_float32", shape_of(tensor))
        self.operator(DEQUANTIZE, [index], [made])
        return made

    def converted(self, logits: int, converter: str) -> int:
        """Return the scores that *converter* makes of the float32 tensor *logits*."""
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

    def _code(self, builtin: int, custom: str | None) -> int:
        from ai_edge_litert.schema_py_generated import OperatorCodeT

        version = 2 if builtin == DEQUANTIZE else 1  # the second takes int8
        for number, code in enumerate(self._model.operatorCodes):
            if code.builtinCode == builtin and custom is None and code.version >= version:
                return number
        made = OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = builtin
        made.version, made.customCode = version, custom
        self._model.operatorCodes.append(made)
        return len(self._model.operatorCodes) - 1
