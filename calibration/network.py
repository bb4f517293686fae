"""A float TFLite model for quantization: operators in order, activations, constants, names."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from detlite.convert.tflite.describe import INTEGERS
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import (
    constant_of,
    dtype_name,
    is_constant,
    name_of,
    operator_name,
    shape_of,
)
from detlite.runtime.errors import InputError


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator.

    Attributes:
        kind: its name in the TFLite schema, or the custom operator's name.
        name: its first output's name.
        inputs, outputs: tensors by number; -1 for an omitted input.
        options: the schema's object of its builtin options; None if it has none.
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


class Network:
    """A float model, read once.

    Attributes:
        file: the file, to read, or to copy before a change.
        operators: in execution order.
        inputs: the numbers of the input tensors.
        image: the first of them, the image or the clip.
        outputs: the numbers of the output tensors.
        activations: the float32 inputs and the computed float32 tensors, in the order of the operators.
        names: a unique name for each tensor.
    """

    def __init__(self, file: TfliteFile) -> None:
        """Read the .tflite *file*.

        Raises:
            InputError: it is damaged, has no input, or is quantized already.
        """
        self.file = file
        self._model, self._subgraph = file.model, file.subgraph
        self._tensors = self._subgraph.tensors
        self.names = _unique([name_of(tensor) for tensor in self._tensors])
        self.operators = tuple(self._operator(raw) for raw in self._subgraph.operators)
        self.inputs = tuple(int(index) for index in self._subgraph.inputs)
        if not self.inputs:
            raise InputError("the model has no inputs; want an image or a clip first")
        self.image = self.inputs[0]
        self.outputs = tuple(int(index) for index in self._subgraph.outputs)
        computed = [index for operator in self.operators for index in operator.outputs]
        self.activations = tuple(index for index in (*self.inputs, *computed) if self.dtype(index) == "float32")
        self._refuse_integers()

    def dtype(self, index: int) -> str:
        """Return the dtype of a tensor, such as `float32`."""
        return dtype_name(self._tensors[index])

    def shape(self, index: int) -> tuple[int, ...]:
        """Return the static shape of a tensor."""
        return shape_of(self._tensors[index])

    def is_constant(self, index: int) -> bool:
        """Return whether the values of a tensor are in the file."""
        return is_constant(self._model, self._tensors[index])

    def is_real(self, index: int) -> bool:
        """Return whether the input exists and is float32: a value, not a shape or an axis."""
        return index >= 0 and self.dtype(index) == "float32"

    def constant(self, index: int) -> NDArray[Any]:
        """Return the values of a constant tensor, in its dtype and shape."""
        return constant_of(self._model, self._tensors[index])

    def readers(self) -> dict[int, list[Operator]]:
        """Return the operators that read each tensor."""
        found: dict[int, list[Operator]] = {}
        for operator in self.operators:
            for index in dict.fromkeys(operator.inputs):
                found.setdefault(index, []).append(operator)
        return found

    def _operator(self, raw: Any) -> Operator:
        outputs = tuple(int(index) for index in raw.outputs)
        if not outputs:
            raise InputError(f"an operator {operator_name(self._model, raw)} has no output")
        kind, inputs = operator_name(self._model, raw), tuple(int(index) for index in raw.inputs)
        return Operator(kind, self.names[outputs[0]], inputs, outputs, raw.builtinOptions)

    def _refuse_integers(self) -> None:
        computed = [index for operator in self.operators for index in operator.outputs]
        found = [index for index in (*self.inputs, *computed) if self.dtype(index) in INTEGERS]
        if found:
            raise InputError(
                f"the model is quantized already: its tensor {self.names[found[0]]} is {self.dtype(found[0])}; want a "
                "float32 model"
            )
        weights = [index for operator in self.operators for index in operator.inputs if index >= 0]
        packed = [index for index in weights if self.is_constant(index) and self.dtype(index) in INTEGERS]
        if packed:
            raise InputError(
                f"the weights {self.names[packed[0]]} are {self.dtype(packed[0])} already: want a float32 model"
            )


def _unique(names: list[str]) -> tuple[str, ...]:
    """Return *names*; duplicates are followed by the tensor's number."""
    count = Counter(names)
    return tuple(name if name and count[name] == 1 else f"{name}#{index}" for index, name in enumerate(names))
