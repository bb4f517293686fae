"""Hourglass networks: residual blocks that halve the map several times, and double it again beside the halved one.

Source: Newell et al., Stacked Hourglass Networks, 2016, as the OD API's CenterNet builds them in TF2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import KERAS_NAMES
from detlite.convert.rebuild.network.slim import Slim, Style

LAYER = Style("RELU", BatchNorm(epsilon=1e-5, scale=True))
STEM_KERNEL = 7
STEM_STRIDE = 4


@dataclass(frozen=True)
class HourglassShape:
    """The numbers of an hourglass network.

    Attributes:
        stem: the channels after the first convolution.
        channels: of the maps, from the largest to the smallest.
        blocks: the residual blocks for each of these maps.
        count: how many hourglasses follow each other.
    """

    stem: int
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    count: int = 1

    @property
    def multiple(self) -> int:
        """The sides of an image are multiples of this: every map is half of the one before."""
        return STEM_STRIDE << (len(self.channels) - 1)


def hourglass_shape(depth: int, width: int) -> HourglassShape:
    """Return the shape of the hourglass with *depth* layers: 10, 20, 32, 52, 100 or 104; *width* is for all but 104."""
    if depth == 104:
        return HourglassShape(128, (256, 256, 384, 384, 384, 512), (2, 2, 2, 2, 2, 4), count=2)
    factors, blocks = {
        10: ((2, 2), (1, 1)),
        20: ((2, 2, 3), (1, 2, 2)),
        32: ((2, 2, 3, 3), (2, 2, 2, 2)),
        52: ((2, 2, 3, 3, 3, 4), (2, 2, 2, 2, 2, 4)),
        100: ((2, 2, 3, 3, 3, 4), (4, 4, 4, 4, 4, 8)),
    }[depth]
    return HourglassShape(width, tuple(factor * width for factor in factors), blocks)


class Hourglass:
    """An hourglass network whose variables are below one path of a checkpoint."""

    def __init__(self, net: GraphBuilder, scope: str, shape: HourglassShape) -> None:
        """Build with *net* the network of *shape* at the path *scope*."""
        self._net, self._scope, self._shape = net, scope, shape
        self._slim = Slim(net, KERAS_NAMES)

    def features(self, image: Tensor) -> Tensor:
        """Return the map of the last hourglass, at a quarter of the size of *image*."""
        x = self._conv(image, f"{self._scope}/downsample_input/conv_block", self._shape.stem, STEM_KERNEL, stride=2)
        return self._stacked(self._residual(x, f"{self._scope}/downsample_input/residual_block", stride=2))

    def same_size(self, x: Tensor) -> Tensor:
        """Return the map of the last hourglass for the map *x*, at the size of *x*."""
        x = self._conv(x, f"{self._scope}/conv_input/conv_block", self._shape.stem, 3)
        return self._stacked(self._residual(x, f"{self._scope}/conv_input/residual_block"))

    def _stacked(self, x: Tensor) -> Tensor:
        scope, depth = self._scope, self._shape.channels[0]
        for number in range(self._shape.count):
            found = self._hourglass(x, f"{scope}/hourglass_network/{number}", 0)
            found = self._conv(found, f"{scope}/output_conv/{number}", depth, 3)
            if number == self._shape.count - 1:
                return found
            before = self._conv(x, f"{scope}/intermediate_conv1/{number}", depth, 1, activation="NONE")
            after = self._conv(found, f"{scope}/intermediate_conv2/{number}", depth, 1, activation="NONE")
            between = f"{scope}/intermediate_residual/{number}"
            x = self._net.activate(self._net.add(before, after, f"{between}/sum"), "RELU", f"{between}/sum")
            x = self._residual(x, between, depth, skips=False)
        raise AssertionError(self._shape)  # it has at least one hourglass

    def _hourglass(self, x: Tensor, scope: str, stage: int) -> Tensor:
        """Return *x* plus what the smaller maps add to it, from the map number *stage* on."""
        blocks, depth, lower = self._shape.blocks[stage], *self._shape.channels[stage : stage + 2]
        upper, low = x, x
        for number in range(blocks):
            upper = self._residual(upper, f"{scope}/encoder_block1/{number}", depth, skips=False)
            first = number == 0
            low = self._residual(low, f"{scope}/encoder_block2/{number}", lower, stride=2 if first else 1, skips=first)
        if stage + 2 < len(self._shape.channels):
            low = self._hourglass(low, f"{scope}/inner_block/0", stage + 1)
        else:
            for number in range(self._shape.blocks[-1]):
                low = self._residual(low, f"{scope}/inner_block/{number}", lower, skips=False)
        for number in range(blocks):
            wide = depth if number == blocks - 1 else lower
            low = self._residual(low, f"{scope}/decoder_block/{number}", wide, skips=wide != lower)
        return self._net.add(upper, self._net.resize_nearest(low, self._net.size(upper), scope), scope)

    def _residual(self, x: Tensor, scope: str, depth: int = 0, *, stride: int = 1, skips: bool = True) -> Tensor:
        """Return a residual block of *depth* channels, 0 for the largest map's; it *skips* by a convolution or not."""
        depth = depth or self._shape.channels[0]
        y = self._conv(x, f"{scope}/conv_block", depth, 3, stride=stride)
        y = self._conv(y, scope, depth, 3, activation="NONE")
        if skips:
            x = self._conv(x, f"{scope}/skip", depth, 1, stride=stride, activation="NONE")
        return self._net.activate(self._net.add(x, y, scope), "RELU", scope)

    def _conv(
        self, x: Tensor, scope: str, depth: int, kernel: int, *, stride: int = 1, activation: str = "RELU"
    ) -> Tensor:
        style = replace(LAYER, activation=activation, explicit_padding=stride > 1)  # at stride 1 SAME is the same
        return self._slim.conv(
            x, f"{scope}/conv", depth, kernel, style=style, stride=stride, norm_scope=f"{scope}/norm"
        )
