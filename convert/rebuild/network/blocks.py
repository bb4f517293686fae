"""The residual blocks of TF-Vision, whose layers are attributes of a Keras layer: `_conv1`, `_norm1`, `_shortcut`.

Sources: He et al., Deep Residual Learning, CVPR 2016; Sandler et al., MobileNetV2, CVPR 2018; Bello et al., Revisiting
ResNets, 2021, for the squeeze-and-excite and the pooled shortcut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.graph.trained_ranges import LAYER, NO_RANGE
from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.channel_counts import make_divisible
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.slim import BARE, Slim, Style

WIDENING = 4
GATE = 0.16667  # of Keras's hard_sigmoid as TF-Vision writes it: not 1/6
TRAINED_GATE = 1.6667  # what `projects/qat` writes for it, so that networks were trained with gates of 0 to 10
GATE_SHIFT = 3.0
GATES = ("SIGMOID", "HARD_SIGMOID")
MEANS, SHIFTED, SCALED = "reduce_mean_quantizer_vars", "add_three", "divide_six"
"""The ranges in a squeeze-and-excite that are of no layer."""


@dataclass(frozen=True)
class NormActivation:
    """`norm_activation` of a model: the activation, one of `graph.ACTIVATIONS`, and the epsilon of its batch norms."""

    activation: str
    epsilon: float

    @property
    def style(self) -> Style:
        """A convolution without a bias, its batch norm, and the activation."""
        return Style(self.activation, BatchNorm(self.epsilon, scale=True))

    @property
    def linear(self) -> Style:
        """The same without the activation."""
        return replace(self.style, activation="NONE")


@dataclass(frozen=True)
class Unit:
    """One residual block of a ResNet.

    Attributes:
        filters: of its inner convolutions.
        stride: of its first convolution (of a bottleneck, its 3x3 one).
        dilation: of its 3x3 convolution, in a bottleneck alone.
        projected: whether its shortcut has a convolution.
        bottleneck: whether it widens its output to four times *filters*.
        se_ratio: of its squeeze-and-excite; 0 for none.
        pooled_shortcut: whether the shortcut is pooled instead of strided (ResNet-D).
    """

    filters: int
    stride: int = 1
    dilation: int = 1
    projected: bool = False
    bottleneck: bool = True
    se_ratio: float = 0.0
    pooled_shortcut: bool = False

    @property
    def channels(self) -> int:
        """The number of channels of its output."""
        return self.filters * (WIDENING if self.bottleneck else 1)


@dataclass(frozen=True)
class InvertedUnit:
    """One inverted bottleneck of a MobileNet.

    Attributes:
        channels: of its output.
        expansion: of its inner convolutions.
        stride: of the depthwise convolution.
        kernel: of the depthwise convolution.
        dilation: of the depthwise convolution.
        divisor: what the number of inner channels is a multiple of.
        se_ratio: of its squeeze-and-excite, to the channels of its input; 0 for none.
        residual: whether its input is added where the shapes agree.
    """

    channels: int
    expansion: int
    stride: int = 1
    kernel: int = 3
    dilation: int = 1
    divisor: int = 8
    se_ratio: float = 0.0
    residual: bool = True


class Blocks:
    """Builds blocks of one network, whose convolutions all have the same norm and activation."""

    def __init__(self, net: GraphBuilder, norm: NormActivation) -> None:
        self.net = net
        self.slim = Slim(net, KERAS_NAMES)
        self.norm = norm

    def conv(
        self, x: Tensor, scopes: tuple[str, str], filters: int, kernel: int, *, stride: int = 1, linear: bool = False
    ) -> Tensor:
        """Return a convolution of *x* with its batch norm and the activation; *scopes* are those of the two layers."""
        style = self.norm.linear if linear else self.norm.style
        return self.slim.conv(x, scopes[0], filters, kernel, style=style, stride=stride, norm_scope=scopes[1])

    def separable(
        self,
        x: Tensor,
        scopes: tuple[str, str],
        filters: int,
        kernel: int,
        *,
        style: Style,
        stride: int = 1,
        norm_scope: str | None = None,
    ) -> Tensor:
        """Return a separable convolution of *x* whose two parts are layers of their own, at *scopes*."""
        y = self.slim.depthwise(x, scopes[0], kernel, style=BARE, stride=stride)
        return self.slim.conv(y, scopes[1], filters, 1, style=style, norm_scope=norm_scope)

    def unit(self, x: Tensor, scope: str, unit: Unit) -> Tensor:
        """Return the residual *unit* on *x*."""
        inner = self._bottleneck(x, scope, unit) if unit.bottleneck else self._plain(x, scope, unit)
        if unit.se_ratio > 0:
            inside = max(1, int(unit.channels * unit.se_ratio))
            inner = self.excited(inner, f"{scope}/_squeeze_excitation", inside)
        shortcut = self._shortcut(x, scope, unit) if unit.projected else x
        x = self.net.activate(self.net.add(inner, shortcut, scope), self.norm.activation, scope)
        return self.net.ranged(x, scope)

    def _bottleneck(self, x: Tensor, scope: str, unit: Unit) -> Tensor:
        style, linear = self.norm.style, self.norm.linear
        x = self.slim.conv(x, f"{scope}/_conv1", unit.filters, 1, style=style, norm_scope=f"{scope}/_norm1")
        x = self.slim.conv(
            x,
            f"{scope}/_conv2",
            unit.filters,
            3,
            style=style,
            stride=unit.stride,
            dilation=unit.dilation,
            norm_scope=f"{scope}/_norm2",
        )
        return self.slim.conv(x, f"{scope}/_conv3", unit.channels, 1, style=linear, norm_scope=f"{scope}/_norm3")

    def _plain(self, x: Tensor, scope: str, unit: Unit) -> Tensor:
        x = self.conv(x, (f"{scope}/_conv1", f"{scope}/_norm1"), unit.filters, 3, stride=unit.stride)
        return self.conv(x, (f"{scope}/_conv2", f"{scope}/_norm2"), unit.filters, 3, linear=True)

    def _shortcut(self, x: Tensor, scope: str, unit: Unit) -> Tensor:
        stride, name = unit.stride, "_shortcut"
        if unit.pooled_shortcut:
            x = self.net.average_pool(x, 2, stride, f"{scope}/_shortcut0")
            stride, name = 1, "_shortcut1"
        return self.conv(x, (f"{scope}/{name}", f"{scope}/_norm0"), unit.channels, 1, stride=stride, linear=True)

    def excited(self, x: Tensor, scope: str, inner: int, *, gate: str = "SIGMOID") -> Tensor:
        """Return *x* with each channel times its gate, which two convolutions with *inner* channels make of the means.

        The inner activation is ReLU, whatever the network's is; *gate* is one of `GATES`.
        """
        net = self.net
        means = net.ranged(net.channel_means(x, scope), f"{scope}/{MEANS}", LAYER)
        y = self.slim.conv(means, f"{scope}/_se_reduce", inner, 1, style=Style("RELU", norm=None))
        outer = f"{scope}/_se_expand"
        y = self.slim.conv(y, outer, net.channels(x), 1, style=Style("NONE", norm=None))
        if gate == "SIGMOID":
            y = net.activate(y, gate, outer)
        else:
            shifted = net.ranged(net.add(y, GATE_SHIFT, outer, kind=NO_RANGE), f"{scope}/{SHIFTED}", LAYER)
            cut = net.ranged(net.activate(shifted, "RELU_6", outer), f"{scope}/_relu6", LAYER)
            slope = TRAINED_GATE if net.wrapped else GATE
            y = net.ranged(net.multiply(cut, slope, outer), f"{scope}/{SCALED}", LAYER)
        return net.ranged(net.multiply(x, y, scope), f"{scope}/_multiply", LAYER)

    def inverted(self, x: Tensor, scope: str, unit: InvertedUnit) -> Tensor:
        """Return the inverted bottleneck *unit* on *x*; nothing is activated after it."""
        channels, style = self.net.channels(x), self.norm.style
        y = x
        if unit.expansion > 1:
            inner = channels * unit.expansion
            inner = make_divisible(inner, unit.divisor) if unit.divisor > 1 else inner
            y = self.conv(x, (f"{scope}/_conv0", f"{scope}/_norm0"), inner, 1)
        depthwise = f"{scope}/_conv1"
        y = self.slim.depthwise(
            y,
            depthwise,
            unit.kernel,
            style=style,
            stride=unit.stride,
            dilation=unit.dilation,
            norm_scope=f"{scope}/_norm1",
        )
        if unit.se_ratio > 0:
            inside = max(1, int(channels * unit.se_ratio))
            y = self.excited(y, f"{scope}/_squeeze_excitation", inside, gate="HARD_SIGMOID")
        y = self.conv(y, (f"{scope}/_conv2", f"{scope}/_norm2"), unit.channels, 1, linear=True)
        if unit.residual and channels == unit.channels and unit.stride == 1:
            y = self.net.add(y, x, scope)
        return y


class WeightedLayers:
    """The names of the weighted layers of a sequential Keras model, in its order: `layer_with_weights-0`, ..."""

    def __init__(self, root: str) -> None:
        """Name the layers of the model at the path *root*."""
        self._root = root
        self._count = 0

    def one(self) -> str:
        """Return the name of the next layer."""
        self._count += 1
        return f"{self._root}/layer_with_weights-{self._count - 1}"

    def pair(self) -> tuple[str, str]:
        """Return the names of the next two: a convolution and its batch norm."""
        return self.one(), self.one()
