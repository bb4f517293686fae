"""Translate the nodes between an image and two heads to a TensorFlow graph in NHWC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.graph.trim import INPUT
from detlite.convert.onnx_graph.layout import NHWC, Laid, in_order, plain, spread
from detlite.convert.onnx_graph.model_graph import OnnxModel, Shape, attributes
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.errors import InputError


@dataclass(eq=False)
class TensorFlowTranslation:
    """The TensorFlow graph so far; it is being built in the current graph.

    Attributes:
        model: the ONNX graph.
        tf: the module `tensorflow`.
        values: the tensors that were translated, by their ONNX names.
    """

    model: OnnxModel
    tf: Any
    values: dict[str, Laid] = field(default_factory=dict)

    def shape(self, name: str) -> Shape:
        """Return the shape of the tensor *name*; raise `InputError` if ONNX does not tell it."""
        if name not in self.model.shapes:
            raise InputError(f"{self.model.name}: the shape of {name} is not fixed: give --input HEIGHTxWIDTH")
        return self.model.shapes[name]

    def laid(self, name: str) -> Laid:
        """Return the tensor or constant *name*."""
        if name in self.values:
            return self.values[name]
        array = self.model.constants[name]
        return plain(array, array.ndim)

    def plain(self, name: str) -> Any:
        """Return the tensor *name* with its axes in the order of ONNX."""
        laid = self.laid(name)
        return in_order(self.tf, laid, range(len(laid.order)))

    def picture(self, name: str) -> Any:
        """Return the tensor *name* [1, C, H, W] as [1, H, W, C]."""
        return in_order(self.tf, self.laid(name), NHWC)

    def constant(self, node: Any, number: int) -> NDArray[Any] | None:
        """Return the constant that is input *number* of *node*, or None if it has no such input.

        Raises:
            InputError: it is not a constant.
        """
        if number >= len(node.input) or not node.input[number]:
            return None
        name = node.input[number]
        if name not in self.model.constants:
            raise self.refused(node, f"its input {number} is computed, not constant")
        return self.model.constants[name]

    def alike(self, names: Sequence[str]) -> tuple[list[Any], tuple[int, ...]]:
        """Return the tensors *names* with as many axes each, in one order that fits most of them, and that order."""
        rank = max(len(self.laid(name).order) for name in names)
        found = [self._with_rank(self.laid(name), rank) for name in names]
        moving = [laid for laid in found if not laid.is_constant] or found
        order = next((laid.order for laid in moving if laid.order == NHWC), moving[0].order)
        return [in_order(self.tf, laid, order) for laid in found], order

    def _with_rank(self, laid: Laid, rank: int) -> Laid:
        missing = rank - len(laid.order)
        if not missing:
            return laid
        if laid.is_constant:
            return spread(in_order(self.tf, laid, range(len(laid.order))), rank)
        value = in_order(self.tf, laid, range(len(laid.order)))
        return plain(self.tf.reshape(value, [1] * missing + value.shape.as_list()), rank)

    def refused(self, node: Any, why: str) -> InputError:
        """Return the error that *node* cannot be translated."""
        return InputError(
            f"{self.model.name}: the {node.op_type} that makes {node.output[0][:80]} is unsupported: {why}"
        )


Operator = Callable[[TensorFlowTranslation, Any, Mapping[str, Any]], Laid | Sequence[Laid]]
"""Returns the outputs of a node with these attributes."""


def translated(
    model: OnnxModel,
    image: str,
    heads: Mapping[str, Callable[[TensorFlowTranslation], Any]],
    operators: Mapping[str, Operator],
) -> Any:
    """Return the `GraphDef` from the placeholder `trim.INPUT` [1, H, W, C] to *heads*.

    Args:
        model: from the tensor *image* on; its batch is 1.
        image: the name of a tensor [1, C, H, W] or [1, H, W, C].
        heads: returns each output by the name that it has in the `GraphDef`, once the nodes are translated.
        operators: what each ONNX operator is in TensorFlow.

    Raises:
        InputError: an operator is unsupported.
    """
    tf = load_tensorflow()
    with tf.Graph().as_default() as graph:
        translation = TensorFlowTranslation(model, tf)
        shape = translation.shape(image)
        is_nchw = is_channels_first(shape)
        sides = tuple(shape[axis] for axis in NHWC) if is_nchw else shape
        placeholder = tf.compat.v1.placeholder(tf.float32, sides, name=INPUT)
        translation.values[image] = Laid(placeholder, NHWC) if is_nchw else plain(placeholder, 4)
        for node in model.nodes:
            _translate(translation, node, operators)
        for name, head in heads.items():
            tf.identity(head(translation), name=name)
        return graph.as_graph_def()


def is_channels_first(shape: Shape) -> bool:
    """Return whether a picture of *shape* is [1, C, H, W]: its second side is 1 or 3, and its last is not."""
    return shape[1] in (1, 3) and (shape[3] not in (1, 3) or shape[2] not in (1, 3))


def _translate(translation: TensorFlowTranslation, node: Any, operators: Mapping[str, Operator]) -> None:
    if node.domain not in ("", "ai.onnx"):
        raise translation.refused(node, f"it is of the domain {node.domain}")
    if node.op_type not in operators:
        raise translation.refused(node, f"detlite translates {', '.join(sorted(operators))}")
    try:
        made = operators[node.op_type](translation, node, attributes(node))
    except (ValueError, KeyError, IndexError, TypeError, translation.tf.errors.OpError) as error:
        raise translation.refused(node, " ".join(str(error).split())[:200]) from error
    outputs = [made] if isinstance(made, Laid) else list(made)
    translation.values.update(zip(node.output, outputs, strict=False))


def as_float(array: NDArray[Any]) -> NDArray[np.float32]:
    """Return *array* as float32."""
    return np.ascontiguousarray(array, np.float32)
