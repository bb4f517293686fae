"""ResNet V2 of Keras, whose batch norms precede its convolutions, and CenterNet's map on it.

Source: He et al., Identity Mappings in Deep Residual Networks, 2016, as `keras.applications` builds it: strides are in
the last unit of a block.
"""

from __future__ import annotations

from dataclasses import dataclass

from detlite.convert.rebuild.center_net_config import CenterNet
from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.center_net import BASE, KERAS_NORM, PYRAMID
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.resnet_v1 import BASE_DEPTHS, STEM, UNITS, WIDENING
from detlite.convert.rebuild.network.slim import PLAIN, Slim, Style

NORM = BatchNorm(1.001e-5, scale=True)
NORMED = Style("RELU", NORM)
UPWARD_DEPTHS = (256, 128, 64)


@dataclass(frozen=True)
class ResNetV2Map:
    """The map at stride 4 of transposed convolutions on a ResNet V2 with 50 or 101 *layers*."""

    layers: int

    def build(self, net: GraphBuilder, image: Tensor, config: CenterNet) -> Tensor:
        """Return the map; *config* changes nothing in it."""
        del config
        slim = Slim(net, KERAS_NAMES)
        x = _backbone(slim, image, self.layers)
        style = Style("RELU", KERAS_NORM, biased=True)
        for step, depth in enumerate(UPWARD_DEPTHS):
            first = 1 + 4 * step
            x = slim.conv(x, f"{PYRAMID}/layer_with_weights-{first}", depth, 3, style=style)
            x = slim.transposed(x, f"{PYRAMID}/layer_with_weights-{first + 2}", depth, 3, style=style)
        return x


def _backbone(slim: Slim, image: Tensor, layers: int) -> Tensor:
    """Return the sum of the last unit, to which the final batch norm of Keras' model is not applied."""
    net = slim.net
    padded = Style("NONE", None, explicit_padding=True)
    x = slim.conv(image, _layer(0), STEM, 7, style=padded, stride=2)
    x = net.max_pool(net.pad(x, (1, 1), (1, 1), f"{BASE}/pool1"), 3, 2, f"{BASE}/pool1", padding="VALID")
    count = 1
    for number, base in enumerate(BASE_DEPTHS):
        units = UNITS[layers][number]
        for unit in range(units):
            strides = unit == units - 1 and number < len(BASE_DEPTHS) - 1
            x = _unit(slim, x, count, base, stride=2 if strides else 1, projected=unit == 0)
            count += 7 if unit == 0 else 6
    net.pass_over(f"{_layer(count)}/gamma", f"{_layer(count)}/beta")
    net.pass_over(f"{_layer(count)}/moving_mean", f"{_layer(count)}/moving_variance")
    return x


def _unit(slim: Slim, x: Tensor, count: int, base: int, *, stride: int, projected: bool) -> Tensor:
    """Return a bottleneck whose first layer has the number *count*."""
    net, wide = slim.net, base * WIDENING
    before = slim.normed(x, _layer(count), style=NORMED)
    y = slim.conv(before, _layer(count + 1), base, 1, style=NORMED)
    middle = Style("RELU", NORM, explicit_padding=stride > 1)
    y = slim.conv(y, _layer(count + 3), base, 3, style=middle, stride=stride)
    if projected:
        x = slim.conv(before, _layer(count + 5), wide, 1, style=PLAIN, stride=stride)
    elif stride > 1:
        x = net.max_pool(x, 1, stride, _layer(count), padding="VALID")
    last = _layer(count + (6 if projected else 5))
    return net.add(x, slim.conv(y, last, wide, 1, style=PLAIN), last)


def _layer(number: int) -> str:
    return f"{BASE}/layer_with_weights-{number}"
