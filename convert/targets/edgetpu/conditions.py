"""The conditions of the mapping rules: each is true of an operator that the Edge TPU does not take."""

from __future__ import annotations

import math

from detlite.convert.targets.edgetpu.graph import EIGHT_BIT, FLOATS, GraphOperator, GraphTensor, real_zeros

MOST_DIMENSIONS = 4
MAPPED_DIMENSIONS = 3  # the innermost ones
LARGEST_SOFTMAX = 16_384  # Coral documents 16,000; a real compiled file maps this many
LARGEST_FACTOR = 16.0  # 33 to 513 with aligned corners is a factor of exactly 16, and stays on the CPU
DEPTH_STEP = 4
PARAMETERS = {
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "FULLY_CONNECTED": (1, 2),
    "PAD": (1,),
    "TRANSPOSE_CONV": (0, 1, 3),
}
"""Inputs that are not activations, even if they are computed."""


def not_8_bit(op: GraphOperator) -> bool:
    """An activation is neither int8 nor uint8; inputs that should be constants have their own rules."""
    numbers = PARAMETERS.get(op.name, ())
    spared = {tensor.index for n in numbers if (tensor := op.input(n)) is not None}
    return any(tensor.dtype not in EIGHT_BIT and tensor.index not in spared for tensor in op.activations)


def float_input(op: GraphOperator) -> bool:
    """The first input is in floating point."""
    first = op.input(0)
    return first is not None and first.dtype in FLOATS


def over_three_sides(op: GraphOperator) -> bool:
    """An activation of over 4 dimensions has more than 3 that differ from 1."""
    return any(
        len(t.shape) > MOST_DIMENSIONS and sum(side != 1 for side in t.shape) > MAPPED_DIMENSIONS
        for t in op.activations
    )


def batched(op: GraphOperator) -> bool:
    """An activation of 4 dimensions has a batch that is not 1: only the 3 innermost may differ from it."""
    return any(len(t.shape) == MOST_DIMENSIONS and t.shape[0] != 1 for t in op.activations)


def over_four_dimensions(op: GraphOperator) -> bool:
    """An activation has over 4 dimensions, whatever their sizes."""
    return any(len(t.shape) > MOST_DIMENSIONS for t in op.activations)


def weights_not_constant(op: GraphOperator) -> bool:
    """Weights or bias are computed; so may not be the output shape of TRANSPOSE_CONV, its first input."""
    params = op.inputs[:2] + op.inputs[3:] if op.name == "TRANSPOSE_CONV" else op.inputs[1:]
    return any(tensor is not None and not tensor.is_constant for tensor in params)


def uneven_dilation(op: GraphOperator) -> bool:
    """Dilation in x and y differs, and the kernel has both."""
    weights = op.input(1)
    sides = (1, 1) if weights is None else weights.shape[1:3]
    return op.option("dilationWFactor") != op.option("dilationHFactor") and min(sides, default=1) > 1


def grouped(op: GraphOperator) -> bool:
    """The filter is less deep than the input."""
    image, weights = op.input(0), op.input(1)
    return image is not None and weights is not None and _depth(image) != _depth(weights)


def shuffled_weights(op: GraphOperator) -> bool:
    """Weights in a format other than the default."""
    return op.option("weightsFormat") != 0


def several_rows(op: GraphOperator) -> bool:
    """The output is more than one row."""
    return any(math.prod(tensor.shape[:-1]) > 1 for tensor in op.outputs)


def fused_activation(op: GraphOperator) -> bool:
    """An activation function is fused into the operator."""
    return op.option("fusedActivationFunction") != 0


def joins_constants(op: GraphOperator) -> bool:
    """A constant is concatenated, other than zeros (padding in disguise) with one other input."""
    constants = [tensor for tensor in op.inputs if tensor is not None and tensor.is_constant]
    return bool(constants) and not (len(op.inputs) == 2 and len(constants) == 1 and real_zeros(constants[0]))


def reduces_batch(op: GraphOperator) -> bool:
    """The reduction is over the first axis."""
    return 0 in _axes(op, 1)


def mean_over_uneven_depth(op: GraphOperator) -> bool:
    """The mean is over a depth that is not a multiple of 4."""
    image = op.input(0)
    return image is not None and len(image.shape) - 1 in _axes(op, 1) and _depth(image) % DEPTH_STEP != 0


def paddings_not_constant(op: GraphOperator) -> bool:
    """The amount of padding is computed."""
    paddings = op.input(1)
    return paddings is None or not paddings.is_constant


def pads_batch(op: GraphOperator) -> bool:
    """The batch axis is padded."""
    return any((op.numbers(1) or ())[:2])


def packs_batch(op: GraphOperator) -> bool:
    """The new axis is the first, and longer than 1."""
    rank = len(op.outputs[0].shape) if op.outputs else 0
    return len(op.inputs) > 1 and op.option("axis") in (0, -rank)


def alpha_not_constant(op: GraphOperator) -> bool:
    """The slopes are computed."""
    alpha = op.input(1)
    return alpha is None or not alpha.is_constant


def alpha_of_many_dimensions(op: GraphOperator) -> bool:
    """There is neither one slope per channel nor one for all."""
    alpha = op.input(1)
    return alpha is not None and any(side != 1 for side in alpha.shape[:-1])


def resizes_too_far(op: GraphOperator) -> bool:
    """A side grows from 1, or by a factor of 16 or more."""
    image = op.input(0)
    if image is None or len(image.shape) != 4 or not op.outputs or len(op.outputs[0].shape) != 4:
        return False
    aligned = bool(op.option("alignCorners"))
    pairs = zip(image.shape[1:3], op.outputs[0].shape[1:3], strict=True)
    return any(_too_far(old, new, aligned=aligned) for old, new in pairs)


def _too_far(old: int, new: int, *, aligned: bool) -> bool:
    if old == new:
        return False
    if old <= 1:
        return True
    factor = (new - 1) / (old - 1) if aligned else new / old
    return factor >= LARGEST_FACTOR


def strided(op: GraphOperator) -> bool:
    """A stride is not 1, or the slice makes dimensions."""
    masks = op.option("ellipsisMask") or op.option("newAxisMask")
    return bool(masks) or any(stride != 1 for stride in op.numbers(3) or ())


def softmax_of_rows(op: GraphOperator) -> bool:
    """More than one row, in at most 3 dimensions; in 4, real logs (YOLOv8's) show it mapped."""
    return any(len(t.shape) < MOST_DIMENSIONS and math.prod(t.shape[:-1]) > 1 for t in op.outputs)


def softmax_too_long(op: GraphOperator) -> bool:
    """More values than were ever seen mapped."""
    return any(_depth(tensor) > LARGEST_SOFTMAX for tensor in op.outputs)


def splits_batch(op: GraphOperator) -> bool:
    """The split is along the first axis into several parts; into one part (YAMNet's) it does nothing, and maps."""
    image = op.input(1)
    rank = 0 if image is None else len(image.shape)
    return len(op.outputs) > 1 and any(axis in (0, -rank) for axis in op.numbers(0) or ())


def slices_batch(op: GraphOperator) -> bool:
    """Less than the whole first axis is taken."""
    image = op.input(0)
    begin, size = op.numbers(1) or (0,), op.numbers(2) or (-1,)
    return image is not None and bool(image.shape) and (begin[0] != 0 or size[0] not in (-1, image.shape[0]))


def squeezes_batch(op: GraphOperator) -> bool:
    """The first axis is squeezed away."""
    image, dims = op.input(0), getattr(op.stored.builtinOptions, "squeezeDims", None)
    rank = 0 if image is None else len(image.shape)
    return dims is not None and any(int(axis) in (0, -rank) for axis in dims)


def expands_batch(op: GraphOperator) -> bool:
    """The new axis is the first."""
    rank = len(op.outputs[0].shape) if op.outputs else 0
    return any(axis in (0, -rank) for axis in op.numbers(1) or ())


def transposes_batch(op: GraphOperator) -> bool:
    """The first axis does not stay the first."""
    order = op.numbers(1)
    return order is not None and order[:1] not in ((), (0,))


def _axes(op: GraphOperator, number: int) -> set[int]:
    """Return the axes in a constant input, counted from 0."""
    image = op.input(0)
    rank = 0 if image is None else len(image.shape)
    return {axis + rank if axis < 0 else axis for axis in op.numbers(number) or ()}


def _depth(tensor: GraphTensor) -> int:
    return tensor.shape[-1] if tensor.shape else 1
