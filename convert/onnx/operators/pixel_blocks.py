"""The first convolution of an int8 model for ONNX Runtime: the pixels of a row taken in blocks.

ONNX Runtime's fastest kernel of a quantized convolution (ConvSym in MLAS) reads channels by four. An image has three,
so that every pixel would be gathered by itself. A block of four pixels of a row is one pixel of 12 channels, for no
more than a Reshape: the weights get zeros where a block has pixels that an output does not read, and one output for
each column of a block. The sums are the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detlite.convert.onnx.operators.numbers import dequantized
from detlite.convert.onnx.operators.writer import reshaped
from detlite.convert.onnx.translation import NCHW, NHWC, TO_LAYOUT, TfliteOperator, Translation

CHANNELS_AT_ONCE = 4


@dataclass(frozen=True)
class PixelBlocks:
    """How a convolution takes blocks of pixels.

    Attributes:
        pixels: in a block.
        columns: of the output that a block has.
        stride: of the convolution along a row, in pixels.
        window: its width.
        before: pixels of padding at the start of a row.
    """

    pixels: int
    columns: int
    stride: int
    window: int
    before: int

    @property
    def first(self) -> int:
        """The first block that a block's outputs read, counted from itself."""
        return -self.before // self.pixels

    @property
    def last(self) -> int:
        """The last one."""
        return ((self.columns - 1) * self.stride - self.before + self.window - 1) // self.pixels

    def kernel(self, codes: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the weights *codes*, [outputs, height, width, channels], in NCHW for blocks."""
        outputs, height, width, channels = codes.shape
        made = np.zeros((self.columns, outputs, self.last - self.first + 1, self.pixels, channels, height), np.int8)
        for column in range(self.columns):
            for tap in range(width):
                block, pixel = divmod(column * self.stride - self.before + tap, self.pixels)
                made[column, :, block - self.first, pixel] = codes[:, :, tap].transpose(0, 2, 1)
        shape = (self.columns * outputs, self.last - self.first + 1, self.pixels * channels, height)
        return made.reshape(shape).transpose(0, 2, 3, 1)


def blocks_of(t: Translation, operator: TfliteOperator, before: int) -> PixelBlocks | None:
    """Return how the CONV_2D *operator*, with *before* pixels of padding, takes blocks; None where it is better as is.

    It is better as is if it reads no quantized map of a few channels, or if rows are no whole number of blocks.
    """
    x, kernel, y = operator.inputs[0], operator.inputs[1], operator.outputs[0]
    width, channels = t.shape(x)[2:]
    _outputs, _height, window, depth = t.shape(t.source(kernel))
    stride = int(operator.option("strideW"))
    pixels = CHANNELS_AT_ONCE // gcd(CHANNELS_AT_ONCE, channels)
    fits = depth == channels < CHANNELS_AT_ONCE and not pixels % stride and not width % pixels
    if not fits or int(operator.option("dilationWFactor")) > 1 or t.shape(y)[2] * stride != width:
        return None
    if not (t.rounding.unsigned and t.is_rounded(x) and t.is_rounded(y) and _is_symmetric(t, t.source(kernel))):
        return None
    return PixelBlocks(pixels, pixels // stride, stride, window, before)


def _is_symmetric(t: Translation, kernel: int) -> bool:
    """Return whether the weights are int8 with zero points of 0, as the fast kernel takes them."""
    found = t.scales(kernel) if t.dtype(kernel) == "int8" else None
    return found is not None and not found[1].any()


def write_in_blocks(
    t: Translation, operator: TfliteOperator, blocks: PixelBlocks, *, stride: int, pads: tuple[int, int]
) -> None:
    """Write the CONV_2D *operator* with *blocks*; *stride* and *pads* are those along a column."""
    x, kernel, y = operator.inputs[0], operator.inputs[1], operator.outputs[0]
    batch, height, width, channels = t.shape(x)
    name = t.name(y)
    cells = (batch, height, width // blocks.pixels, blocks.pixels * channels)
    value = t.graph.transpose(reshaped(t, t.value(x, NHWC), cells, f"{name}_blocks"), TO_LAYOUT[NCHW], f"{name}_cells")
    inputs = [value, _weights(t, kernel, blocks), *_bias(t, operator, blocks)]
    made = t.graph.node(
        "Conv",
        inputs,
        f"{name}_columns",
        group=1,
        kernel_shape=[t.shape(t.source(kernel))[1], blocks.last - blocks.first + 1],
        strides=[stride, 1],
        pads=[pads[0], -blocks.first, pads[1], blocks.last],
    )
    rounded = t.rounded(y, made, f"{name}_columns", activation=operator.option("fusedActivationFunction"))
    in_rows = t.graph.transpose(rounded, TO_LAYOUT[NHWC], f"{name}_in_rows")
    t.put_moved(y, reshaped(t, in_rows, t.shape(y), name))


def _weights(t: Translation, index: int, blocks: PixelBlocks) -> str:
    source = t.source(index)
    found = t.scales(source)
    assert found is not None  # `blocks_of` asks for quantized weights
    scales, zeros = found
    return dequantized(
        t,
        t.name(source),
        blocks.kernel(t.stored(index)),
        _for_columns(scales, blocks),
        _for_columns(zeros, blocks),
    )


def _bias(t: Translation, operator: TfliteOperator, blocks: PixelBlocks) -> list[str]:
    if not operator.has(2):
        return []
    index = operator.inputs[2]
    name, found = t.name(index), t.scales(index)
    if found is None:
        return [t.graph.constant(name, np.tile(t.real(index), blocks.columns))]
    scales, zeros = found
    codes = np.tile(t.stored(index), blocks.columns)
    return [dequantized(t, name, codes, _for_columns(scales, blocks), _for_columns(zeros, blocks))]


def _for_columns(values: NDArray[Any], blocks: PixelBlocks) -> NDArray[Any]:
    """Return *values* of the outputs for every column of a block; one value is for all."""
    return np.tile(values, blocks.columns) if len(values) > 1 else values
