"""The builder of a TensorFlow graph with fixed shapes and constant weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from detlite.convert.graph.trained_ranges import ACTIVATION, MIN_WIDTH, NO_RANGE, RESIDUAL, WEIGHTS, range_names
from detlite.convert.graph.trim import INPUT
from detlite.convert.rebuild.weights.weights import Weights, names_of
from detlite.convert.tensorflow import load_tensorflow
from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError

Tensor = Any
"""A symbolic float32 tensor [1, H, W, C] of the graph, or a clip's [frames, H, W, C]; TensorFlow has no stubs."""

ACTIVATIONS = ("NONE", "RELU", "RELU_6", "SWISH", "HARD_SWISH", "SIGMOID")
QUANTIZED_ACTIVATIONS = ("NONE", "RELU", "RELU_6")
"""The activations that `contrib.quantize` fuses with their convolution."""

SIXTH = np.float32(1 / 6)


class GraphBuilder:
    """The operators that detectors are built from; use it as a context manager.

    Attributes:
        image: the placeholder, float32 [1, height, width, channels], or a clip's [1, frames, height, width, channels].
        parameters: number of trained parameters so far, without moving statistics.
        macs: multiply-accumulates of the convolutions so far.
        quantized: whether trained ranges are kept in the graph, as `FakeQuantWithMinMaxVars`.
        wrapped: whether its layers were wrapped for training aware of quantization, as TF-Vision's `projects/qat` does.
    """

    kept_activations: ClassVar[Sequence[str]] = QUANTIZED_ACTIVATIONS
    """The activations of a quantized network."""

    def __init__(
        self, weights: Weights, shape: tuple[int, ...], *, quantized: bool = False, wrapped: bool = False
    ) -> None:
        self._tf = load_tensorflow()
        self._weights = weights
        self._graph = self._tf.Graph()
        self._entered = self._graph.as_default()
        self._counted: set[str] = set()
        self.parameters = 0
        self.macs = 0
        self.quantized = quantized
        self.wrapped = wrapped
        with self._graph.as_default():
            self.image = self._tf.compat.v1.placeholder(self._tf.float32, (1, *shape), name=INPUT)

    def __enter__(self) -> Self:
        self._entered.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._entered.__exit__(*exception)

    @property
    def graph_def(self) -> Any:
        """The graph built so far, a `tensorflow.GraphDef`."""
        return self._graph.as_graph_def()

    def placeholder(self, name: str, shape: Sequence[int], dtype: str = "float32") -> Tensor:
        """Return one more input of the network: a tensor of the contract, by its *name*, shape and dtype."""
        return self._tf.compat.v1.placeholder(dtype, list(shape), name=name)

    def has(self, name: str) -> bool:
        """Return whether the checkpoint holds the variable *name*."""
        return self._weights.has(name)

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of the variable *name* in the checkpoint; None if it does not hold it."""
        return self._weights.shape_of(name)

    def pass_over(self, *names: str) -> None:
        """Mark the variables *names* that exist as used: the original builds their layers, but never runs them."""
        for name in names:
            shape = self._weights.shape_of(name)
            if shape is not None:
                self._weights.take(name, shape)

    def variable(self, name: str | tuple[str, ...], shape: Sequence[int], *, trained: bool = True) -> Floats:
        """Return the weights *name* (or the first of several names that exists), float32 of *shape*.

        Shared weights may be requested more than once; they are counted once.
        """
        first = names_of(name)[0]
        if trained and first not in self._counted:
            self._counted.add(first)
            self.parameters += int(np.prod(shape))
        return self._weights.take(name, shape)

    def conv(
        self,
        x: Tensor,
        kernel: Any,
        bias: Floats | None,
        *,
        stride: int | tuple[int, int] = 1,
        padding: str = "SAME",
        dilation: int = 1,
        name: str,
    ) -> Tensor:
        """Return the convolution of *x* with *kernel* [kh, kw, in, out] (an array or a tensor), plus *bias* [out]."""
        y = self._tf.nn.conv2d(x, kernel, strides=stride, padding=padding, dilations=dilation, name=f"{name}/Conv2D")
        count, rows, columns = (int(side) for side in y.shape[:3])
        self.macs += count * rows * columns * int(np.prod(kernel.shape))
        return self.bias(y, bias, name)

    def depthwise(
        self,
        x: Tensor,
        kernel: Any,
        bias: Floats | None,
        *,
        stride: int = 1,
        dilation: int = 1,
        padding: str = "SAME",
        name: str,
    ) -> Tensor:
        """Return the convolution of each channel of *x* with *kernel* [kh, kw, channels, multiplier]."""
        y = self._tf.raw_ops.DepthwiseConv2dNative(  # `tf.nn` would write a dilation as three operators
            input=x,
            filter=kernel,
            strides=(1, stride, stride, 1),
            padding=padding,
            dilations=(1, dilation, dilation, 1),
            name=f"{name}/depthwise",
        )
        count, rows, columns = (int(side) for side in y.shape[:3])
        self.macs += count * rows * columns * int(np.prod(kernel.shape))
        return self.bias(y, bias, name)

    def transposed_conv(self, x: Tensor, kernel: Floats, bias: Floats | None, stride: int, name: str) -> Tensor:
        """Return the SAME transposed convolution of *x* with *kernel* [kh, kw, out, in]: *stride* times as large."""
        count, rows, columns = (int(side) for side in x.shape[:3])
        self.macs += count * rows * columns * int(np.prod(kernel.shape))
        shape = (count, stride * rows, stride * columns, kernel.shape[2])
        return self.bias(self._tf.nn.conv2d_transpose(x, kernel, shape, stride, name=f"{name}/transposed"), bias, name)

    def dense(self, x: Tensor, kernel: Floats, bias: Floats, name: str) -> Tensor:
        """Return *x* [N, in] times *kernel* [in, out], plus *bias* [out]."""
        self.macs += int(x.shape[0]) * int(np.prod(kernel.shape))
        return self.bias(self._tf.matmul(x, kernel, name=f"{name}/MatMul"), bias, name)

    def bias(self, x: Tensor, bias: Floats | None, name: str) -> Tensor:
        """Return *x* with *bias* added to each channel; *x* itself if *bias* is None."""
        return x if bias is None else self._tf.nn.bias_add(x, bias, name=f"{name}/BiasAdd")

    def activate(self, x: Tensor, activation: str, name: str) -> Tensor:
        """Return *activation*, one of `ACTIVATIONS`, applied to *x*."""
        nn = self._tf.nn
        if activation == "NONE":
            return x
        if self.quantized and activation not in self.kept_activations:
            raise InputError(
                f"cannot keep the trained ranges of the {activation} at {name}: convert the checkpoint as float32 and "
                "use `detlite quantize` with images"
            )
        if activation == "RELU":
            return nn.relu(x, name=f"{name}/Relu")
        if activation == "RELU_6":
            return nn.relu6(x, name=f"{name}/Relu6")
        if activation == "SIGMOID":
            return self._tf.sigmoid(x, name=f"{name}/Sigmoid")
        if activation == "SWISH":
            return self.multiply(x, self._tf.sigmoid(x, name=f"{name}/Sigmoid"), name)
        if activation == "HARD_SWISH":
            # in this order the converter recognizes one HARD_SWISH
            gate = nn.relu6(x + np.float32(3), name=f"{name}/Relu6")
            return self._tf.multiply(x * gate, SIXTH, name=f"{name}/hard_swish")
        raise InputError(f"no activation is called {activation!r}; there are: {', '.join(ACTIVATIONS)}")

    def normed(self, x: Tensor, activation: str, scope: str) -> Tensor:
        """Return *x*, which the batch norm or the sum at *scope* made, as the *activation* takes it: here as it is."""
        del activation, scope
        return x

    def again(self, x: Tensor, scope: str) -> Tensor:
        """Return *x* rounded to one more trained range, of the layer at *scope*: here as it is."""
        del scope
        return x

    def add(self, x: Tensor, y: Tensor, name: str, *, kind: str = RESIDUAL) -> Tensor:
        """Return x + y rounded to the range *kind* of the scope *name*, see `ranged`."""
        return self.ranged(self._tf.add(x, y, name=f"{name}/add"), name, kind)

    def multiply(self, x: Tensor, y: Any, name: str) -> Tensor:
        """Return x * y, element-wise; *y* may be a tensor or an array."""
        return self._tf.multiply(x, y, name=f"{name}/mul")

    def concat(self, parts: Sequence[Tensor], axis: int, name: str) -> Tensor:
        """Return *parts* concatenated along *axis*; a single part unchanged."""
        return parts[0] if len(parts) == 1 else self._tf.concat(list(parts), axis, name=name)

    def joined(self, parts: Sequence[Tensor], scope: str) -> Tensor:
        """Return *parts* concatenated by channels, rounded to the trained range of the layer at *scope*."""
        return self.ranged(self.concat(parts, 3, f"{scope}/concat"), scope)

    def reshape(self, x: Tensor, shape: Sequence[int], name: str) -> Tensor:
        """Return *x* reshaped to the fixed *shape*."""
        return self._tf.reshape(x, list(shape), name=name)

    def max_pool(
        self,
        x: Tensor,
        size: int | tuple[int, int],
        stride: int | tuple[int, int],
        name: str,
        *,
        padding: str = "SAME",
    ) -> Tensor:
        """Return the maximum in windows of *size* x *size* or (rows, columns)."""
        return self._tf.nn.max_pool2d(x, size, stride, padding, name=f"{name}/MaxPool")

    def average_pool(
        self,
        x: Tensor,
        size: int | tuple[int, int],
        stride: int | tuple[int, int],
        name: str,
        *,
        padding: str = "SAME",
    ) -> Tensor:
        """Return the mean in windows of *size* x *size* or (rows, columns); padding is not counted."""
        return self._tf.nn.avg_pool2d(x, size, stride, padding, name=f"{name}/AvgPool")

    def channel_means(self, x: Tensor, name: str) -> Tensor:
        """Return the mean of each channel over the whole map, [count, 1, 1, C]."""
        return self._tf.reduce_mean(x, (1, 2), keepdims=True, name=f"{name}/Mean")

    def mean_of(self, parts: Sequence[Tensor], name: str) -> Tensor:
        """Return the mean of *parts*, element by element."""
        return self.multiply(self._tf.add_n(list(parts), name=f"{name}/AddN"), np.float32(1 / len(parts)), name)

    def resize_nearest(self, x: Tensor, size: tuple[int, int], name: str) -> Tensor:
        """Return *x* resized to (rows, columns) by repeating pixels, as one native operator."""
        return self._tf.compat.v1.image.resize_nearest_neighbor(x, size, name=f"{name}/ResizeNearestNeighbor")

    def resize_bilinear(self, x: Tensor, size: tuple[int, int], name: str, *, align_corners: bool = False) -> Tensor:
        """Return *x* resized to (rows, columns) bilinearly: half-pixel centres, as in Keras, or aligned corners."""
        return self._tf.raw_ops.ResizeBilinear(
            images=x,
            size=size,
            half_pixel_centers=not align_corners,
            align_corners=align_corners,
            name=f"{name}/ResizeBilinear",
        )

    def crop(self, x: Tensor, size: tuple[int, int], name: str) -> Tensor:
        """Return *x* cropped to (rows, columns), keeping the top left."""
        if self.size(x) == size:
            return x
        return self._tf.slice(x, (0, 0, 0, 0), (1, *size, self.channels(x)), name=f"{name}/crop")

    def frames(self, x: Tensor, begin: int, count: int, rows: tuple[int, int], name: str) -> Tensor:
        """Return *count* frames of the clip *x* from *begin* on, of each the *rows* (first, number).

        *x* itself if that is all.
        """
        whole, columns, channels = (int(x.shape[axis]) for axis in (0, 2, 3))
        if (begin, count, *rows) == (0, whole, 0, int(x.shape[1])):
            return x
        first, number = rows
        return self._tf.slice(x, (begin, first, 0, 0), (count, number, columns, channels), name=f"{name}/frames")

    def pad_frames(self, x: Tensor, before: int, after: int, name: str) -> Tensor:
        """Return the clip *x* with so many empty frames before and after it."""
        if before == after == 0:
            return x
        return self._tf.pad(x, ((before, after), (0, 0), (0, 0), (0, 0)), name=f"{name}/pad_frames")

    def channel_slice(self, x: Tensor, begin: int, count: int, name: str) -> Tensor:
        """Return *count* channels of *x*, starting at *begin*."""
        whole, rows, columns = (int(side) for side in x.shape[:3])
        return self._tf.slice(x, (0, 0, 0, begin), (whole, rows, columns, count), name=f"{name}/slice")

    def every_second(self, x: Tensor, first: int, name: str) -> Tensor:
        """Return every second row and column of *x*, from number *first* on."""
        ends = (0, *self.size(x), 0)
        return self._tf.strided_slice(
            x, (0, first, first, 0), ends, (1, 2, 2, 1), begin_mask=0b1001, end_mask=0b1001, name=f"{name}/every_second"
        )

    def pad(self, x: Tensor, before: tuple[int, int], after: tuple[int, int], name: str) -> Tensor:
        """Return *x* padded with zeros: *before* (top, left) and *after* (bottom, right)."""
        if not any((*before, *after)):
            return x
        edges = ((0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0))
        return self._tf.pad(x, edges, name=f"{name}/Pad")

    def clip(self, x: Tensor, low: float, high: float, name: str) -> Tensor:
        """Return *x* clipped to low..high."""
        floor = self._tf.maximum(x, np.float32(low), name=f"{name}/Maximum")
        return self.at_most(floor, high, name)

    def at_most(self, x: Tensor, high: float, name: str) -> Tensor:
        """Return *x* clipped from above at *high*."""
        return self._tf.minimum(x, np.float32(high), name=f"{name}/Minimum")

    def snapped(self, x: Tensor, scale: float, name: str) -> Tensor:
        """Return *x* rounded half up to multiples of *scale*: the rounding of fake quantization in float operators."""
        steps = self._tf.multiply(x, np.float32(1) / np.float32(scale), name=f"{name}/steps")
        whole = self._tf.floor(self._tf.add(steps, np.float32(0.5), name=f"{name}/half"), name=f"{name}/Floor")
        return self._tf.multiply(whole, np.float32(scale), name=f"{name}/snapped")

    def convert_scores(self, logits: Tensor, converter: str, scale: float, name: str) -> Tensor:
        """Return the scores [1, N, C] of *logits* / *scale*; *converter* is IDENTITY, SIGMOID or SOFTMAX (over C)."""
        x = logits if scale == 1 else self.multiply(logits, np.float32(1 / scale), f"{name}/scale")
        if converter == "SIGMOID":
            return self._tf.sigmoid(x, name=name)
        if converter == "SOFTMAX":
            return self._tf.nn.softmax(x, name=name)
        return self._tf.identity(x, name=name)

    def identity(self, x: Tensor, name: str) -> Tensor:
        """Return *x* under the name *name*."""
        return self._tf.identity(x, name=name)

    def fake_quant(self, x: Any, low: float, high: float, *, narrow: bool, name: str) -> Tensor:
        """Return *x* rounded to 8 bits in low..high (`FakeQuantWithMinMaxVars`: Jacob et al., CVPR 2018)."""
        return self._tf.quantization.fake_quant_with_min_max_vars(
            x, np.float32(low), np.float32(high), num_bits=8, narrow_range=narrow, name=f"{name}/FakeQuant"
        )

    def ranged(self, x: Any, scope: str, kind: str = ACTIVATION) -> Tensor:
        """Return *x* rounded to the trained range of the operator at *scope*; *x* itself in a float network.

        Args:
            x: a tensor, or an array of weights.
            scope: the scope of the operator; `range_names` lists the possible names of its range.
            kind: `ACTIVATION`, `WEIGHTS`, `RESIDUAL`, `SUM` or `LAYER` of `trained_ranges`; `NO_RANGE` if it has none.
        """
        if not self.quantized or kind == NO_RANGE:
            return x
        low, high = self.trained_range(scope, kind)
        return self.fake_quant(x, low, high, narrow=kind == WEIGHTS, name=f"{scope}/{kind}")

    def trained_range(self, scope: str, kind: str) -> tuple[float, float]:
        """Return (low, high) of a trained range as real numbers.

        Raises:
            InputError: low is greater than high.
        """
        names = range_names(scope, kind)
        low, high = (
            float(self.variable(tuple(f"{name}/{end}" for name in names), (), trained=False)) for end in ("min", "max")
        )
        if low > high:
            raise InputError(f"the trained range {names[0]} is from {low:g} to {high:g}: the checkpoint is damaged")
        return low, max(high, low + MIN_WIDTH)

    @staticmethod
    def size(x: Tensor) -> tuple[int, int]:
        """Return the (rows, columns) of *x*."""
        return int(x.shape[1]), int(x.shape[2])

    @staticmethod
    def channels(x: Tensor) -> int:
        """Return the number of channels of *x*."""
        return int(x.shape[-1])
