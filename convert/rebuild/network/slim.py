"""TF-Slim's layers with folded batch norms, reading variables by their names in a TF1 checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detlite.convert.graph.trained_ranges import NO_RANGE, WEIGHTS
from detlite.convert.rebuild.detector_config import BatchNorm, ConvHyperparams
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.runtime.arrays import Doubles, Floats

SCALED = BatchNorm(scale=True)
"""The batch norm of TF-Slim's backbones: epsilon 0.001, with gamma and beta."""


@dataclass(frozen=True)
class Style:
    """The padding of a convolution, and what follows it.

    Attributes:
        activation: one of `graph.ACTIVATIONS`.
        norm: the batch norm between convolution and activation, or None for a bias.
        explicit_padding: pad by (kernel - 1) and convolve VALID (`use_explicit_padding`), instead of SAME.
        ranged: whether its output has its own trained range, in a network that keeps its ranges.
        valid: convolve without any padding.
        biased: whether it has a bias as well as a batch norm.
        bare: whether it has neither a bias nor a batch norm.
    """

    activation: str = "RELU_6"
    norm: BatchNorm | None = SCALED
    explicit_padding: bool = False
    ranged: bool = True
    valid: bool = False
    biased: bool = False
    bare: bool = False


@dataclass(frozen=True)
class Projection:
    """The variables of a fully connected layer with a batch norm.

    Attributes:
        scope: names its operators.
        kernel: the variable of its weights, [in, out].
        norm: the scope of its batch norm.
        bias: the variable of its bias; None if it has none.
    """

    scope: str
    kernel: str
    norm: str
    bias: str | None = None


SEPARABLE = "separable_conv2d"
"""The scope of the ranges of a separable convolution's depthwise part."""

PLAIN = Style(activation="NONE", norm=None)
"""A convolution with only a bias."""


BARE = Style(activation="NONE", norm=None, bare=True)
"""A convolution and nothing else."""


def style_of(conv: ConvHyperparams) -> Style:
    """Return the style that `conv_hyperparams` describes."""
    return Style(conv.activation, conv.batch_norm)


class Names:
    """The names of a layer's variables in the scope of the layer, as `tf_slim` names them."""

    def kernel(self, scope: str) -> str:
        """Return the name of a convolution's weights."""
        return f"{scope}/weights"

    def depthwise(self, scope: str) -> str:
        """Return the name of the weights of a depthwise convolution, alone or in a separable one."""
        return f"{scope}/depthwise_weights"

    def pointwise(self, scope: str) -> str:
        """Return the name of the pointwise weights of a separable convolution."""
        return f"{scope}/pointwise_weights"

    def biases(self, scope: str) -> str:
        """Return the name of the biases."""
        return f"{scope}/biases"

    def norm(self, scope: str) -> str:
        """Return the scope of the batch norm after the layer."""
        return f"{scope}/BatchNorm"


SLIM_NAMES = Names()


class Slim:
    """Layers of `tf_slim`, or of Keras with other *names*; each reads its variables and folds its batch norm."""

    def __init__(self, net: GraphBuilder, names: Names = SLIM_NAMES) -> None:
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
        dilation: int = 1,
        norm_scope: str | None = None,
        op_scope: str | None = None,
    ) -> Tensor:
        """Return `slim.conv2d` of *x*: convolution, batch norm or bias, activation.

        Args:
            x: the input.
            scope: the scope of its variables.
            filters: number of output channels.
            kernel: a square kernel's side, or (rows, columns).
            style: padding, batch norm and activation.
            stride: in both directions.
            dilation: in both directions; with a stride of 1.
            norm_scope: the scope of the batch norm, where layers share their weights but not their norms.
            op_scope: the scope of the trained ranges, where layers share their weights but not their ranges.
        """
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        weights = self.net.variable(self.names.kernel(scope), (*sides, self.net.channels(x), filters))
        folded, bias = self._folded(scope, weights, (filters,), style, norm_scope)
        x, padding = self._padded(x, sides, scope, style)
        # without a batch norm to fold, all levels share one kernel and so one range
        kernel_range = op_scope if op_scope and style.norm else scope
        folded = self.net.ranged(folded, kernel_range, WEIGHTS)
        y = self.net.conv(x, folded, bias, stride=stride, padding=padding, dilation=dilation, name=scope)
        return self._finished(self._normed(y, norm_scope, style), scope, op_scope or scope, style)

    def transposed(self, x: Tensor, scope: str, filters: int, kernel: int, *, style: Style, stride: int = 2) -> Tensor:
        """Return Keras' `Conv2DTranspose` of *x*, padded SAME: *stride* times as large, with batch norm and bias."""
        weights = self.net.variable(self.names.kernel(scope), (kernel, kernel, filters, self.net.channels(x)))
        folded, bias = self._folded(scope, weights, (filters, 1), style)
        return self._finished(self.net.transposed_conv(x, folded, bias, stride, scope), scope, scope, style)

    def normed(self, x: Tensor, scope: str, *, style: Style) -> Tensor:
        """Return *x* after the batch norm at *scope* that no convolution precedes, and the activation of *style*."""
        assert style.norm is not None
        scale, shift = batch_norm_of(self.net, scope, self.net.channels(x), style.norm)
        x = self.net.multiply(x, scale.astype(np.float32), scope)
        return self._finished(self.net.add(x, shift.astype(np.float32), scope, kind=NO_RANGE), scope, scope, style)

    def fully_connected(self, x: Tensor, scope: str, outputs: int) -> Tensor:
        """Return the fully connected layer *scope*, with a bias, of *x* [count, 1, 1, channels], as a convolution."""
        weights = self.net.variable(self.names.kernel(scope), (self.net.channels(x), outputs))
        bias = self.net.variable(self.names.biases(scope), (outputs,))
        return self.net.conv(x, weights[None, None], bias, name=scope)

    def projected(self, x: Tensor, layer: Projection, outputs: int) -> Tensor:
        """Return the fully connected *layer* of *x* [count, 1, 1, channels], with its batch norm and a ReLU6."""
        weights = self.net.variable(layer.kernel, (self.net.channels(x), outputs))
        bias = np.zeros(outputs) if layer.bias is None else self.net.variable(layer.bias, (outputs,))
        scale, shift = batch_norm_of(self.net, layer.norm, outputs, SCALED)
        folded = (weights.astype(np.float64) * scale)[None, None].astype(np.float32)
        y = self.net.conv(x, folded, (shift + bias * scale).astype(np.float32), name=layer.scope)
        return self.net.activate(y, "RELU_6", layer.scope)

    def depthwise(
        self,
        x: Tensor,
        scope: str,
        kernel: int,
        *,
        style: Style,
        stride: int = 1,
        dilation: int = 1,
        multiplier: int = 1,
        norm_scope: str | None = None,
    ) -> Tensor:
        """Return `slim.separable_conv2d` of *x* with no outputs: the depthwise convolution alone; see `conv`."""
        channels = self.net.channels(x)
        weights = self.net.variable(self.names.depthwise(scope), (kernel, kernel, channels, multiplier))
        folded, bias = self._folded(scope, weights, (channels, multiplier), style, norm_scope)
        x, padding = self._padded(x, (kernel, kernel), scope, style)
        folded = self.net.ranged(folded, scope, WEIGHTS)
        y = self.net.depthwise(x, folded, bias, stride=stride, dilation=dilation, padding=padding, name=scope)
        return self._finished(self._normed(y, norm_scope, style), scope, scope, style)

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
        """Return `slim.separable_conv2d` of *x*: depthwise and pointwise convolution, then one batch norm.

        *norm_scope* and *op_scope* are described in `conv`; *multiplier* is the depthwise outputs per channel.
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

    def _normed(self, x: Tensor, norm_scope: str | None, style: Style) -> Tensor:
        return x if norm_scope is None or style.norm is None else self.net.normed(x, style.activation, norm_scope)

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
        """Return *x* padded with zeros as `use_explicit_padding` pads it before a convolution."""
        rows, columns = kernel
        return self.net.pad(x, ((rows - 1) // 2, (columns - 1) // 2), (rows // 2, columns // 2), scope)


def batch_norm_of(net: GraphBuilder, scope: str, count: int, norm: BatchNorm) -> tuple[Doubles, Doubles]:
    """Return (scale, shift) of an inference batch norm, in float64: y = x * scale + shift.

    scale = gamma / sqrt(variance + epsilon) and shift = beta - mean * scale (Ioffe and Szegedy, 2015).
    """
    gamma = net.variable(f"{scope}/gamma", (count,)) if norm.scale else np.ones(count, np.float32)
    beta = net.variable(f"{scope}/beta", (count,)) if norm.center else np.zeros(count, np.float32)
    mean = net.variable(f"{scope}/moving_mean", (count,), trained=False).astype(np.float64)
    variance = net.variable(f"{scope}/moving_variance", (count,), trained=False).astype(np.float64)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale
