"""TF-Slim's layers, by the names that a TF1 checkpoint gives their variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detlite.convert.graph.trained_ranges import WEIGHTS
from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams
from detlite.convert.rebuild.network.graph import Network, Tensor
from detlite.runtime.arrays import Doubles, Floats

SCALED = BatchNorm(scale=True)
"""The batch norm of slim's own backbones: epsilon 0.001, with gamma and beta."""


@dataclass(frozen=True)
class Style:
    """What follows a convolution.

    Attributes:
        activation: one of `graph.ACTIVATIONS`.
        norm: the batch norm between, or None for a bias.
        explicit_padding: pad by (kernel - 1) and convolve VALID, as `use_explicit_padding` asks, instead of SAME.
        ranged: whether its output has a trained range of its own, in a network that keeps its ranges.
        valid: convolve without any padding.
        biased: whether a convolution has a bias besides its batch norm.
        bare: whether it has neither of them.
    """

    activation: str = "RELU_6"
    norm: BatchNorm | None = SCALED
    explicit_padding: bool = False
    ranged: bool = True
    valid: bool = False
    biased: bool = False
    bare: bool = False


SEPARABLE = "separable_conv2d"
"""Where the depthwise part of a separable convolution has its ranges."""

PLAIN = Style(activation="NONE", norm=None)
"""A convolution with a bias and nothing else."""


def style_of(conv: ConvHyperparams) -> Style:
    """Return the style that a `conv_hyperparams` asks for."""
    return Style(conv.activation, conv.batch_norm)


class Names:
    """How a layer's variables are called, by its scope: here as `tf_slim` calls them."""

    def kernel(self, scope: str) -> str:
        """Return the name of a convolution's weights."""
        return f"{scope}/weights"

    def depthwise(self, scope: str) -> str:
        """Return the name of the weights of a depthwise convolution, or of that part of a separable one."""
        return f"{scope}/depthwise_weights"

    def pointwise(self, scope: str) -> str:
        """Return the name of the weights of a separable convolution's other part."""
        return f"{scope}/pointwise_weights"

    def biases(self, scope: str) -> str:
        """Return the name of its biases."""
        return f"{scope}/biases"

    def norm(self, scope: str) -> str:
        """Return the scope of the batch norm behind it."""
        return f"{scope}/BatchNorm"


SLIM_NAMES = Names()


class Slim:
    """Layers of `tf_slim`, and of Keras under other names: each takes its variables and folds its batch norm."""

    def __init__(self, net: Network, names: Names = SLIM_NAMES) -> None:
        self.net = net
        self.names = names

    def conv(
        self,
        x: Tensor,
        scope: str,
        filters: int,
        kernel: int | tuple[int, int],
        *,
        style: Style,
        stride: int = 1,
        norm_scope: str | None = None,
        op_scope: str | None = None,
    ) -> Tensor:
        """`slim.conv2d`: convolution with a square *kernel* or (rows, columns), batch norm or bias, activation.

        Where layers share their weights, and neither their norms nor their ranges, the batch norm stands at
        *norm_scope* and the trained ranges are of *op_scope*.
        """
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        weights = self.net.variable(self.names.kernel(scope), (*sides, self.net.channels(x), filters))
        folded, bias = self._folded(scope, weights, (filters,), style, norm_scope)
        x, padding = self._padded(x, sides, scope, style)
        kernel_range = op_scope if op_scope and style.norm else scope  # a kernel that is not folded is one for all
        folded = self.net.ranged(folded, kernel_range, WEIGHTS)
        y = self.net.conv(x, folded, bias, stride=stride, padding=padding, name=scope)
        return self._finished(y, scope, op_scope or scope, style)

    def depthwise(
        self, x: Tensor, scope: str, kernel: int, *, style: Style, stride: int = 1, multiplier: int = 1
    ) -> Tensor:
        """`slim.separable_conv2d` without outputs of its own: the depthwise convolution alone."""
        channels = self.net.channels(x)
        weights = self.net.variable(self.names.depthwise(scope), (kernel, kernel, channels, multiplier))
        folded, bias = self._folded(scope, weights, (channels, multiplier), style)
        x, padding = self._padded(x, (kernel, kernel), scope, style)
        folded = self.net.ranged(folded, scope, WEIGHTS)
        y = self.net.depthwise(x, folded, bias, stride=stride, padding=padding, name=scope)
        return self._finished(y, scope, scope, style)

    def separable(
        self,
        x: Tensor,
        scope: str,
        filters: int,
        kernel: int,
        *,
        style: Style,
        stride: int = 1,
        multiplier: int = 1,
        norm_scope: str | None = None,
        op_scope: str | None = None,
    ) -> Tensor:
        """`slim.separable_conv2d`: a depthwise and a pointwise convolution, and one batch norm behind both.

        *norm_scope* and *op_scope* are those of `conv`.
        """
        channels = self.net.channels(x)
        spatial = self.net.variable(self.names.depthwise(scope), (kernel, kernel, channels, multiplier))
        pointwise = self.net.variable(self.names.pointwise(scope), (1, 1, channels * multiplier, filters))
        folded, bias = self._folded(scope, pointwise, (filters,), style, norm_scope)
        x, padding = self._padded(x, (kernel, kernel), scope, style)
        op = op_scope or scope
        spatial = self.net.ranged(spatial, f"{scope}/{SEPARABLE}", WEIGHTS)
        y = self.net.depthwise(x, spatial, None, stride=stride, padding=padding, name=scope)
        y = self.net.ranged(y, f"{op}/{SEPARABLE}")
        folded = self.net.ranged(folded, op if style.norm else scope, WEIGHTS)
        y = self.net.conv(y, folded, bias, name=scope)
        return self._finished(y, scope, op, style)

    def _finished(self, x: Tensor, scope: str, op_scope: str, style: Style) -> Tensor:
        x = self.net.activate(x, style.activation, scope)
        return self.net.ranged(x, op_scope) if style.ranged else x

    def _folded(
        self, scope: str, weights: Floats, outputs: Sequence[int], style: Style, norm_scope: str | None = None
    ) -> tuple[Floats, Floats | None]:
        count = int(np.prod(outputs))
        if style.bare:
            return weights, None
        if style.norm is None:
            return weights, self.net.variable(self.names.biases(scope), (count,))
        bias = self.net.variable(self.names.biases(scope), (count,)) if style.biased else np.zeros(count)
        scale, shift = batch_norm_of(self.net, norm_scope or self.names.norm(scope), count, style.norm)
        shift = shift + bias * scale
        folded = weights.astype(np.float64) * scale.reshape(outputs)
        return folded.astype(np.float32), shift.astype(np.float32)

    def _padded(self, x: Tensor, sides: tuple[int, int], scope: str, style: Style) -> tuple[Tensor, str]:
        if style.valid:
            return x, "VALID"
        if not style.explicit_padding or sides == (1, 1):
            return x, "SAME"
        return self.padded(x, sides, scope), "VALID"

    def padded(self, x: Tensor, kernel: tuple[int, int], scope: str) -> Tensor:
        """Return *x* with as many zeros as `use_explicit_padding` puts around it before a convolution."""
        rows, columns = kernel
        return self.net.pad(x, ((rows - 1) // 2, (columns - 1) // 2), (rows // 2, columns // 2), scope)


def batch_norm_of(net: Network, scope: str, count: int, norm: BatchNorm) -> tuple[Doubles, Doubles]:
    """Return (scale, shift) of an inference batch norm, in float64: y = x * scale + shift.

    scale = gamma / sqrt(variance + epsilon) and shift = beta - mean * scale (Ioffe and Szegedy, 2015).
    """
    gamma = net.variable(f"{scope}/gamma", (count,)) if norm.scale else np.ones(count, np.float32)
    beta = net.variable(f"{scope}/beta", (count,)) if norm.center else np.zeros(count, np.float32)
    mean = net.variable(f"{scope}/moving_mean", (count,), trained=False).astype(np.float64)
    variance = net.variable(f"{scope}/moving_variance", (count,), trained=False).astype(np.float64)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale
