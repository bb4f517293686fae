"""A network with the ranges of TensorFlow Model Optimization, as TF-Vision's `projects/qat` trains them.

There the kernel of a convolution has a symmetric range for each output channel, before its batch norm is folded in; a
depthwise or dense kernel has one for all. An activation's range is a variable of the layer that is the last before it.
Before another activation than ReLU, the batch norm or sum has a range of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from detlite.convert.graph.trained_ranges import ACTIVATION, LAYER, MIN_WIDTH, NO_RANGE, RESIDUAL, WEIGHTS
from detlite.convert.rebuild.network.graph import ACTIVATIONS, QUANTIZED_ACTIVATIONS, GraphBuilder, Tensor
from detlite.convert.rebuild.weights.weights import Weights
from detlite.convert.rebuild.weights.wrapped import NUMBERED, THEN
from detlite.runtime.arrays import Floats
from detlite.runtime.errors import InputError

KERNELS = ("kernel", "depthwise_kernel")

LAST_LAYERS: Mapping[str, tuple[str, ...]] = {
    "_conv0": ("_activation_layer",),
    "_conv1": ("_depthwise_activation_layer", "_activation1"),
    "_conv2": ("_activation2", "_norm2"),
    "_conv3": ("_norm3",),
    "_shortcut": ("_norm0",),
    "_shortcut1": ("_norm0",),
    "_se_reduce": ("_activation_layer",),
}
"""By the convolution of a block, the layer whose range its output has: the first that there is."""

OF_KIND = {RESIDUAL: ("_add",), ACTIVATION: ("_activation3",)}
"""The same for a whole block: of its sum, and of what becomes of that."""

OUTPUTS = ("output", "post_activation", "quantize_layer", *(f"quantize_layer_{number}" for number in range(1, 4)))
"""The names of a range that is not a kernel's; the image's range has its layer's name."""

IMAGE = "wrapper-0"
"""Of a backbone: the layer that rounds the image."""

HIGH_INPUT = 2
"""The place of the high end among the inputs of a fake quantization."""

STEPS = 255
"""The steps of int8 in a range."""

LEVELS = 127
"""The steps of int8 on either side of 0."""


class WrappedRangeBuilder(GraphBuilder):
    """Builds a network whose weights are those of a `WrappedWeights`, with all its trained ranges."""

    kept_activations = ACTIVATIONS

    def __init__(self, weights: Weights, shape: tuple[int, ...]) -> None:
        """Begin a network of images of *shape*."""
        super().__init__(weights, shape, quantized=True, wrapped=True)

    def ranged(self, x: Any, scope: str, kind: str = ACTIVATION) -> Tensor:
        """Return *x* rounded to the trained range of the layer at *scope*, see `GraphBuilder.ranged`."""
        if kind == NO_RANGE:
            return x
        if kind == WEIGHTS:
            return self._on_grid(np.asarray(x), scope)
        layers = (scope,) if kind == LAYER else self._layers(scope, kind)
        names = [f"{layer}/{end}" for layer in layers for end in OUTPUTS]
        names = [*names, scope] if kind == LAYER else names  # a range that no layer has is an attribute of the block
        low, high = self._bounds(names)
        low, high = self._common(low, high, scope) if kind == ACTIVATION else (low, high)
        return self.fake_quant(x, low, high, narrow=False, name=f"{scope}/range")

    def normed(self, x: Tensor, activation: str, scope: str) -> Tensor:
        """Return *x* rounded to the range of the batch norm or sum at *scope*, if it has one beside *activation*'s.

        ReLU and ReLU6 need none, because TFLite computes them with their convolution.

        Raises:
            InputError: another activation follows a batch norm without a range.
        """
        has = self.has(f"{scope}/output_min") or self.has(f"{scope}/output_max")
        if not has and activation not in QUANTIZED_ACTIVATIONS:
            raise InputError(
                f"the checkpoint has no range for what {activation} takes at {scope}, as none in bottlenecks of a "
                "ResNet has: convert it as float32 and use `detlite quantize` with images"
            )
        return self.ranged(x, scope, LAYER) if has and activation != "NONE" else x

    def again(self, x: Tensor, scope: str) -> Tensor:
        """Return *x*, which is rounded to a range already, rounded again to the range of the layer at *scope*.

        TFLite's converter needs an operator between the two: the upper end of the second range clips *x*.
        """
        _low, high = self._bounds([f"{scope}/output"])
        return self.ranged(self.at_most(x, high, scope), scope, LAYER)

    def _common(self, low: float, high: float, scope: str) -> tuple[float, float]:
        """Return the part of a range that the layer at *scope* keeps, which may have a range of its own after it.

        So has a bottleneck of a ResNet. Both are of one tensor: one rounding to what they have in common clips it as
        two do, and is one operator.
        """
        if not self.has(f"{scope}/output_min"):
            return low, high
        own = self._bounds([f"{scope}/output"])
        return max(low, own[0]), min(high, own[1])

    def joined(self, parts: Sequence[Tensor], scope: str) -> Tensor:
        """Return *parts*, each rounded to a range, concatenated, see `GraphBuilder.joined`.

        TFLite's converter computes the parts in the range of the whole. Where a part's ends lower by more than a step
        of the whole, the part is clipped there by an operator of its own, as it was in training.
        """
        low, high = self._bounds([f"{scope}/{end}" for end in OUTPUTS])
        tops = [float(self._tf.get_static_value(part.op.inputs[HIGH_INPUT])) for part in parts]
        held = [
            part if high - top <= (high - low) / STEPS else self.at_most(part, top, f"{scope}/{number}")
            for number, (part, top) in enumerate(zip(parts, tops, strict=True))
        ]
        return super().joined(held, scope)

    def _bounds(self, names: Sequence[str]) -> tuple[float, float]:
        there = [name for name in names if self.has(f"{name}_min") or self.has(f"{name}_max")] or names
        low, high = (float(self.variable(f"{there[0]}_{end}", (), trained=False)) for end in ("min", "max"))
        if low > high:
            raise InputError(f"the trained range {there[0]} is from {low:g} to {high:g}: the checkpoint is damaged")
        return low, max(high, low + MIN_WIDTH)

    def _layers(self, scope: str, kind: str) -> tuple[str, ...]:
        parent, _slash, last = scope.rpartition("/")
        if last in LAST_LAYERS:
            return tuple(f"{parent}/{layer}" for layer in LAST_LAYERS[last])
        found = (*(f"{scope}/{layer}" for layer in OF_KIND.get(kind, ())), scope)
        match = NUMBERED.fullmatch(last)  # a convolution beside its batch norm: the activation follows that
        norm = "" if match is None else f"{parent}/layer_with_weights-{int(match[1]) + 1}"
        return (*found, f"{norm}/{THEN}", norm) if norm else found

    def _on_grid(self, folded: Floats, scope: str) -> Tensor:
        """Return the kernel *folded*, at *scope*, on its trained grid: one for each output channel.

        The range is of the kernel before folding. What folding did to a channel is what it did to its largest weight.
        A batch norm without a convolution is a depthwise kernel of 1x1, which any grid has that ends at its weight.
        """
        name = next((one for one in KERNELS if self.has(f"{scope}/{one}")), None)
        depthwise = name != KERNELS[0]
        channels = folded[0, 0].size if depthwise else folded.shape[-1]
        columns = folded.reshape(-1, channels)
        largest = np.abs(columns).max(axis=0)
        if name is not None:
            plain = self._of_size(f"{scope}/{name}", folded.shape).reshape(columns.shape)
            gain = largest / np.maximum(np.abs(plain).max(axis=0), np.float32(MIN_WIDTH))
            largest = self._bound(f"{scope}/{name}", channels) * gain
        bound = np.maximum(largest, np.float32(MIN_WIDTH)).astype(np.float32)
        steps = np.clip(np.rint(columns.astype(np.float64) * LEVELS / bound), -LEVELS, LEVELS)
        values = (steps * bound / LEVELS).astype(np.float32)
        shape = (*folded.shape[:2], 1, -1) if depthwise else folded.shape
        rounded = self._tf.quantization.fake_quant_with_min_max_vars_per_channel(
            values.reshape(shape), -bound, bound, num_bits=8, narrow_range=True, name=f"{scope}/kernel_range"
        )
        return self._tf.reshape(rounded, folded.shape) if depthwise else rounded

    def _bound(self, name: str, channels: int) -> Floats:
        """Return the largest weight that the trained range of the kernel *name* has: one, or one for each channel."""
        low, high = (
            self._of_size(f"{name}_{end}", () if self._values(f"{name}_{end}") == 1 else (channels,), trained=False)
            for end in ("min", "max")
        )
        bound: Floats = np.maximum(np.abs(low), np.abs(high)).ravel()
        return bound

    def _of_size(self, name: str, shape: tuple[int, ...], *, trained: bool = True) -> Floats:
        """Return the variable *name* in its own shape if it has as many values as *shape*; otherwise want *shape*."""
        stored = self.shape_of(name)
        fits = stored is not None and self._values(name) == int(np.prod(shape))
        return self.variable(name, stored if stored is not None and fits else shape, trained=trained)

    def _values(self, name: str) -> int:
        """Return how many values the variable *name* has; 1 if there is none."""
        return int(np.prod(self.shape_of(name) or ()))


def builder_of(weights: Weights, shape: tuple[int, ...], *, quantized: bool, wrapped: bool) -> GraphBuilder:
    """Return the builder of a network of images of *shape*: with the ranges of *weights*, or of floats.

    *wrapped* says whether the network was trained with ranges.
    """
    return WrappedRangeBuilder(weights, shape) if quantized else GraphBuilder(weights, shape, wrapped=wrapped)
