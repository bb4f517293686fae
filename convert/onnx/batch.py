"""A TFLite model for one image, changed to take a batch: the first side of every tensor that depends on the image.

Only operators that treat each image alone, whatever the others are, are changed; a model with another one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx.operators.writer import axis_of
from detlite.convert.onnx.translation import TfliteOperator, operators_of
from detlite.convert.tflite.edit import Edit
from detlite.convert.tflite.open_file import TfliteFile
from detlite.convert.tflite.tensors import constant_of, image_of, is_constant, name_of, shape_of
from detlite.runtime.counts import counted
from detlite.runtime.errors import InputError

DATA = {"TRANSPOSE_CONV": 2}
"""The place of the map among the inputs of an operator on one map, where it is not the first."""

ALONG = "works along the axis of the images"


class _Batch:
    """A model that is being changed.

    Attributes:
        batch: number of images.
        operator: the operator that is being looked at.
    """

    def __init__(self, file: TfliteFile, batch: int) -> None:
        self.batch = batch
        self._model = file.edit()
        self._subgraph = file.subgraph
        self._edit = Edit(self._model, self._subgraph)
        self._carried: set[int] = set()

    def run(self) -> None:
        """Change the model; errors as `batched`."""
        inputs = len(self._subgraph.inputs)
        if inputs != 1:
            raise InputError(
                f"a batch of {counted(self.batch, 'image')}: the model has {counted(inputs, 'input')}; export a batch "
                "of 1"
            )
        self._carry(image_of(self._subgraph))
        for operator, raw in zip(operators_of(self._model, self._subgraph), self._subgraph.operators, strict=True):
            if any(map(self.depends, operator.inputs)):
                self._take(operator, raw)
        for index in self._subgraph.outputs:
            if not self.depends(int(index)):
                raise InputError(f"the output {name_of(self._subgraph.tensors[index])} is a constant: no batch is made")

    def _take(self, operator: TfliteOperator, raw: Any) -> None:
        rule, name = RULES.get(operator.kind), name_of(self._subgraph.tensors[operator.outputs[0]])
        mixing = "has no rule that keeps images apart" if rule is None else rule(self, operator, raw)
        if mixing is None and any(self.shape(index)[:1] != (1,) for index in operator.outputs):
            mixing = "has an output without an axis for the images"
        if mixing is not None:
            raise InputError(
                f"a batch of {counted(self.batch, 'image')}: {name} ({operator.kind}) {mixing}; export a batch of 1"
            )
        for index in operator.outputs:
            self._carry(index)

    def _carry(self, index: int) -> None:
        tensor = self._subgraph.tensors[index]
        tensor.shape = np.array((self.batch, *shape_of(tensor)[1:]), np.int32)
        tensor.shapeSignature = None
        self._carried.add(index)

    def depends(self, index: int) -> bool:
        """Return whether a tensor depends on the image."""
        return index in self._carried

    def shape(self, index: int) -> tuple[int, ...]:
        """Return a tensor's shape: for one image until the operator that makes it is changed."""
        return shape_of(self._subgraph.tensors[index])

    def values(self, index: int) -> NDArray[Any] | None:
        """Return the values of a constant; None for a tensor that is computed."""
        tensor = self._subgraph.tensors[index]
        return constant_of(self._model, tensor) if is_constant(self._model, tensor) else None

    def changed(self, index: int, values: NDArray[Any]) -> int:
        """Return a new constant like *index* with other *values*."""
        tensor = self._subgraph.tensors[index]
        made = self._edit.constant(name_of(tensor), values)
        self._subgraph.tensors[made].quantization = tensor.quantization
        return made


Rule = Callable[[_Batch, TfliteOperator, Any], str | None]
"""Changes the constants of an operator, given as it is and raw; returns how it mixes images, None if it does not."""


def batched(file: TfliteFile, batch: int) -> TfliteFile:
    """Return a copy of the model *file* that takes *batch* images.

    Raises:
        InputError: an operator mixes the images, or may; it is named.
    """
    made = file.copy()
    _Batch(made, batch).run()
    return made


def _free(_b: _Batch, _operator: TfliteOperator, _raw: Any) -> str | None:
    """Numbers keep their order, and the images are the first axis before and after."""
    return None


def _map(b: _Batch, operator: TfliteOperator, _raw: Any) -> str | None:
    data = DATA.get(operator.kind, 0)
    computed = any(b.depends(index) for place, index in enumerate(operator.inputs) if place != data)
    return "has weights that depend on the image" if computed else None


def _each(b: _Batch, operator: TfliteOperator, _raw: Any) -> str | None:
    rank = len(b.shape(operator.outputs[0]))
    for index in operator.inputs:
        shape = b.shape(index)
        if b.depends(index):
            if len(shape) != rank:
                return f"has tensors with {len(shape)} and {counted(rank, 'axis', 'axes')}"
        elif len(shape) > rank or (len(shape) == rank and shape[0] != 1):
            return f"has a constant of the shape {shape}"
    return None


def _products(b: _Batch, operator: TfliteOperator, raw: Any) -> str | None:
    ranks = [len(b.shape(index)) for index in operator.inputs if b.depends(index)]
    return "multiplies matrices that are not of one image" if min(ranks) < 3 else _each(b, operator, raw)


def _last(b: _Batch, operator: TfliteOperator, _raw: Any) -> str | None:
    return None if len(b.shape(operator.outputs[0])) > 1 else ALONG


def _not_first(axes: Callable[[_Batch, TfliteOperator], Iterator[int]], place: int = 0) -> Rule:
    """Return the rule of an operator along *axes*, of which the input at *place* has the rank."""

    def rule(b: _Batch, operator: TfliteOperator, _raw: Any) -> str | None:
        rank = len(b.shape(operator.inputs[place]))
        return ALONG if 0 in [axis_of(axis, rank) for axis in axes(b, operator)] else None

    return rule


def _option(name: str) -> Callable[[_Batch, TfliteOperator], Iterator[int]]:
    def axes(_b: _Batch, operator: TfliteOperator) -> Iterator[int]:
        yield int(operator.option(name))

    return axes


def _stored(place: int) -> Callable[[_Batch, TfliteOperator], Iterator[int]]:
    def axes(b: _Batch, operator: TfliteOperator) -> Iterator[int]:
        values = b.values(operator.inputs[place])
        yield from [0] if values is None else map(int, values.ravel())

    return axes


def _joined(b: _Batch, operator: TfliteOperator, raw: Any) -> str | None:
    """Constants are repeated for each image; PACK's have no axis for them yet."""
    pack = operator.kind == "PACK"
    rank = len(b.shape(operator.outputs[0]))
    if axis_of(int(operator.option("axis")), rank) == 0:
        return ALONG
    for place, index in enumerate(operator.inputs):
        if b.depends(index):
            continue
        values = b.values(index)
        if values is None or pack:
            return "joins an operand that does not depend on the image"
        raw.inputs[place] = b.changed(index, np.repeat(values, b.batch, axis=0))
    return None


def _slice(b: _Batch, operator: TfliteOperator, raw: Any) -> str | None:
    begins, sizes = (b.values(index) for index in operator.inputs[1:3])
    if begins is None or sizes is None or begins.ravel()[0] != 0:
        return ALONG
    whole = sizes.copy()
    whole.ravel()[0] = -1
    raw.inputs[2] = b.changed(operator.inputs[2], whole)
    return None


def _strided(b: _Batch, operator: TfliteOperator, raw: Any) -> str | None:
    given = [b.values(index) for index in operator.inputs[1:4]]
    known = [values.ravel() for values in given if values is not None]
    begin_is_first = operator.option("beginMask") & 1 or (len(known) == 3 and known[0][0] == 0)
    if len(known) < 3 or not begin_is_first or known[2][0] != 1 or operator.option("shrinkAxisMask") & 1:
        return ALONG
    raw.builtinOptions.beginMask |= 1
    raw.builtinOptions.endMask |= 1
    return None


def _first_is(value: int) -> Rule:
    """Return the rule of an operator whose second input says for each axis how much: *value* is nothing."""

    def rule(b: _Batch, operator: TfliteOperator, _raw: Any) -> str | None:
        values = b.values(operator.inputs[1])
        rank = len(b.shape(operator.inputs[0]))
        is_same = values is not None and (values.reshape(rank, -1)[0] == value).all()
        return None if is_same else ALONG

    return rule


def _transpose(b: _Batch, operator: TfliteOperator, _raw: Any) -> str | None:
    order = b.values(operator.inputs[1])
    return None if order is not None and order.ravel()[0] == 0 else "moves the axis of the images"


def _gather(b: _Batch, operator: TfliteOperator, raw: Any) -> str | None:
    if b.depends(operator.inputs[1]):
        return "takes places that depend on the image"
    return _not_first(_option("axis"))(b, operator, raw)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "QUANTIZE", "DEQUANTIZE", "CAST"), _free),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"), _map),
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _map),
    **dict.fromkeys(("DEPTH_TO_SPACE", "SPACE_TO_DEPTH"), _map),
    **dict.fromkeys(("LOGISTIC", "TANH", "EXP", "LOG", "SQRT", "RSQRT", "NEG", "ABS", "SQUARE"), _each),
    **dict.fromkeys(("FLOOR", "CEIL", "ROUND", "SIN", "COS", "ELU", "GELU", "HARD_SWISH", "LEAKY_RELU"), _each),
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "PRELU"), _each),
    **dict.fromkeys(("ADD", "SUB", "MUL", "DIV", "POW", "MINIMUM", "MAXIMUM", "ADD_N", "SQUARED_DIFFERENCE"), _each),
    **dict.fromkeys(("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION"), _last),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "ARG_MAX", "ARG_MIN"), _not_first(_stored(1))),
    "BATCH_MATMUL": _products,
    "CONCATENATION": _joined,
    "PACK": _joined,
    "UNPACK": _not_first(_option("axis")),
    "SPLIT": _not_first(_stored(0), place=1),
    "SPLIT_V": _not_first(_stored(2)),
    "SLICE": _slice,
    "STRIDED_SLICE": _strided,
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _first_is(0)),
    "TILE": _first_is(1),
    "TRANSPOSE": _transpose,
    "GATHER": _gather,
}
"""How each operator treats the images of a batch; one that is missing may mix them."""
