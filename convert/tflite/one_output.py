"""What a finished .tflite with one output is: a classifier or a segmenter, by the operator that it ends with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detlite.convert.tflite.tensors import dtype_name, operator_name, quantization_of, shape_of, text_of
from detlite.runtime.boxes.scores import SCORES
from detlite.runtime.tasks.segmentation import CLASSES
from detlite.runtime.tensors import DTYPES, INDEX_DTYPES, Output

PASSING = ("RESHAPE", "SQUEEZE", "DEQUANTIZE", "QUANTIZE", "CAST")
"""Operators that move or convert numbers, and leave their meaning."""

SCORING = {"SOFTMAX": "SOFTMAX", "LOGISTIC": "SIGMOID"}
"""The score converter that an operator is."""

IMAGENET = (1000, 1001)
ARG_MAX, GROWING = "ARG_MAX", ("RESIZE_BILINEAR", "SOFTMAX")


@dataclass(frozen=True)
class OneOutput:
    """The one output of a classifier or a segmenter.

    Attributes:
        output: with the role that its task gives it.
        columns: the number of classes, with a background.
        converter: the score converter; SOFTMAX where the model leaves it to the host.
        in_model: whether the model has applied it.
        said: what it is, for the contract.
    """

    output: Output
    columns: int
    converter: str
    in_model: bool
    said: str

    @property
    def is_of_pixels(self) -> bool:
        """Whether each pixel has a class."""
        return len(self.output.shape) > 2  # [1, classes] of a classifier


def find_one_output(model: Any, subgraph: Any) -> OneOutput | None:
    """Return the one output of a classifier or a segmenter; None for any other model."""
    if len(subgraph.outputs) != 1 or len(subgraph.inputs) != 1:
        return None
    tensor = subgraph.tensors[subgraph.outputs[0]]
    shape, dtype = shape_of(tensor), dtype_name(tensor)
    last = last_operator(model, subgraph, subgraph.outputs[0])
    if last is None or shape[:1] != (1,) or dtype not in (*DTYPES, *INDEX_DTYPES):
        return None
    name = operator_name(model, last)
    quantization = None if dtype in ("float32", *INDEX_DTYPES) else quantization_of(tensor)
    if name == ARG_MAX and len(shape) == 3:  # [1, height, width]
        columns = shape_of(subgraph.tensors[last.inputs[0]])[-1]
        output = Output(CLASSES, text_of(tensor.name), 0, shape, dtype, quantization)
        return OneOutput(output, columns, "SOFTMAX", in_model=True, said="the best class of each pixel (ARG_MAX)")
    if dtype in INDEX_DTYPES:
        return None
    output = Output(SCORES, text_of(tensor.name), 0, shape, dtype, quantization)
    converter, in_model = SCORING.get(name, "SOFTMAX"), name in SCORING
    said = f"scores ({name})" if in_model else f"numbers that {name} makes, taken for logits"
    if len(shape) == 2 and shape[1] > 1 and (in_model or shape[1] in IMAGENET):  # [1, classes]
        return OneOutput(output, shape[1], converter, in_model, said)
    if len(shape) == 4 and min(shape[1:]) > 1 and name in GROWING:  # [1, height, width, classes]
        return OneOutput(output, shape[3], converter, in_model, f"{said} of each pixel")
    return None


def last_operator(model: Any, subgraph: Any, output: int) -> Any:
    """Return the operator that makes the tensor *output*, before those that only pass it on; None if nothing does."""
    makers = {tensor: operator for operator in subgraph.operators for tensor in operator.outputs}
    for _ in subgraph.operators:  # a damaged file may go round in a circle
        operator = makers.get(output)
        if operator is None or operator_name(model, operator) not in PASSING or not len(operator.inputs):
            return operator
        output = operator.inputs[0]
    return None
