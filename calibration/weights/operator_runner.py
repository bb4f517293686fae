"""Run a quantized model operator by operator over several samples, so that a bias can be set before it is used.

Each operator becomes a separate model, opened once and run on every sample. Together they take little longer than the
whole model, and only the activations that are still needed are kept.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.calibration.models import Feed
from detlite.convert.tflite.flatbuffer import dump
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import is_constant, operator_name
from detlite.runtime.arrays import Doubles
from detlite.runtime.runners.interpreter import open_interpreter


class OperatorRunner:
    """A model whose operators are run one at a time.

    Attributes:
        operators: the operators of the model, in the order to run them.
        outputs: the indices of its output tensors.
    """

    def __init__(self, file: TfliteFile, samples: Sequence[Feed]) -> None:
        """Prepare a copy of the model *file* to run on *samples*, which have the dtypes of its inputs."""
        copied = file.copy()
        self._model, self._subgraph = copied.edit(), copied.subgraph
        self.operators: tuple[Any, ...] = tuple(self._subgraph.operators)
        fed = zip(*(sample.inputs for sample in samples), strict=True)
        self._values = {int(index): list(values) for index, values in zip(self._subgraph.inputs, fed, strict=True)}
        self._count = len(samples)
        self.outputs = tuple(int(index) for index in self._subgraph.outputs)
        self._waiting = [index for operator in self.operators for index in self._computed(operator.inputs)]
        self._waiting += self.outputs

    def kind(self, operator: Any) -> str:
        """Return the schema's name of *operator*."""
        return operator_name(self._model, operator)

    def run(self, operator: Any) -> None:
        """Run *operator* on the outputs of the operators before it."""
        inputs = list(dict.fromkeys(self._computed(operator.inputs)))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "operator.tflite"
            path.write_bytes(self._alone(operator, inputs))
            opened = open_interpreter(path)
        made: list[list[NDArray[Any]]] = [[] for _ in operator.outputs]
        for number in range(self._count):
            for detail, index in zip(opened.inputs, inputs, strict=True):
                opened.set_input(detail["index"], self._values[index][number])
            opened.invoke()
            for values, detail in zip(made, opened.outputs, strict=True):
                values.append(opened.interpreter.get_tensor(detail["index"]))
        self._values |= {int(index): values for index, values in zip(operator.outputs, made, strict=True)}
        self._forget(operator)

    def channel_means(self, index: int) -> Doubles:
        """Return the dequantized mean of each channel (last axis) of tensor *index*: float64 (samples, channels)."""
        tensor, values = self._subgraph.tensors[index], self._values[index]
        means = np.stack([channel_means(value) for value in values])
        if values[0].dtype == np.float32:
            return means
        return np.asarray((means - int(tensor.quantization.zeroPoint[0])) * float(tensor.quantization.scale[0]))

    def set_bias(self, index: int, bias: Doubles) -> None:
        """Set the constant tensor *index*, which has a scale per channel, to the real numbers *bias*."""
        tensor = self._subgraph.tensors[index]
        stored = self._model.buffers[tensor.buffer].data
        dtype = np.dtype(f"<i{len(stored) // len(bias)}")
        steps = np.rint(bias / np.asarray(tensor.quantization.scale, np.float64))
        limits = np.iinfo(dtype)
        codes = np.clip(steps, float(limits.min), float(limits.max)).astype(dtype)
        self._model.buffers[tensor.buffer].data = np.frombuffer(codes.tobytes(), np.uint8)

    def _computed(self, indices: Sequence[int]) -> list[int]:
        tensors = self._subgraph.tensors
        return [int(i) for i in indices if i >= 0 and not is_constant(self._model, tensors[i])]

    def _alone(self, operator: Any, inputs: Sequence[int]) -> bytes:
        """Return a model with only *operator*, whose inputs are the tensors *inputs*."""
        from ai_edge_litert.schema_py_generated import ModelT, SubGraphT

        used = list(dict.fromkeys(int(i) for i in (*operator.inputs, *operator.outputs) if i >= 0))
        number = {index: place for place, index in enumerate(used)}
        tensors = [copy.copy(self._subgraph.tensors[index]) for index in used]
        part, subgraph, alone = ModelT(), SubGraphT(), copy.copy(operator)
        part.version, part.buffers = self._model.version, [self._model.buffers[0]]
        for tensor in tensors:
            if is_constant(self._model, tensor):
                part.buffers.append(self._model.buffers[tensor.buffer])
                tensor.buffer = len(part.buffers) - 1
            else:
                tensor.buffer = 0
        part.operatorCodes, alone.opcodeIndex = [self._model.operatorCodes[operator.opcodeIndex]], 0
        alone.inputs = [number.get(int(i), -1) for i in operator.inputs]
        alone.outputs = [number[int(i)] for i in operator.outputs]
        subgraph.tensors, subgraph.operators = tensors, [alone]
        subgraph.inputs, subgraph.outputs = [number[i] for i in inputs], list(alone.outputs)
        part.subgraphs, part.signatureDefs, part.metadata = [subgraph], [], []
        return dump(part)

    def _forget(self, operator: Any) -> None:
        """Drop the activations that no later operator reads."""
        for index in self._computed(operator.inputs):
            self._waiting.remove(index)
            if index not in self._waiting:
                self._values.pop(index, None)
        for index in operator.outputs:
            if int(index) not in self._waiting:
                del self._values[int(index)]


def channel_means(value: NDArray[Any]) -> Doubles:
    """Return the mean of each channel (the last axis) of one activation, float64 (channels,)."""
    means: Doubles = value.reshape(-1, value.shape[-1]).mean(axis=0, dtype=np.float64)
    return means
