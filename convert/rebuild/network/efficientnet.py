"""EfficientNet of the TensorFlow Model Garden, the backbone of EfficientDet in TF2 checkpoints."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.channel_counts import make_divisible
from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.keras import EXTRACTOR, CountedNames
from detlite.convert.rebuild.network.slim import Slim, Style

MODEL = f"{EXTRACTOR}/_efficientnet"
STEM = 32
STACKS = (
    (3, 1, 16, 1, 1),
    (3, 6, 24, 2, 2),
    (5, 6, 40, 2, 2),
    (3, 6, 80, 3, 2),
    (5, 6, 112, 3, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)
"""(kernel, expansion, channels, blocks, stride) of each stack of B0 (Tan and Le, EfficientNet, 2019, table 1)."""

SQUEEZE_RATIO = 4
"""The squeeze has a quarter of the block's input channels."""

LEVELS = {1: (0, 0), 2: (1, 1), 3: (2, 1), 4: (4, 2), 5: (6, 0)}
"""(stack, block) that the OD API taps for each level: the last blocks of B0, and the same numbers in all others."""

STYLE = Style("SWISH", BatchNorm(epsilon=0.001, scale=True))
LINEAR = replace(STYLE, activation="NONE")


@dataclass(frozen=True)
class EfficientNet:
    """An EfficientNet, described by its width and depth relative to B0."""

    width: float
    depth: float

    def levels(self, net: GraphBuilder, image: Tensor) -> dict[int, Tensor]:
        """Return the features of levels 1 to 5; the later layers in the checkpoint are not built."""
        slim = Slim(net, CountedNames(MODEL))
        taps = {place: level for level, place in LEVELS.items()}
        x = slim.conv(image, "efficientnet/stem", self._channels(STEM), 3, style=STYLE, stride=2)
        found: dict[int, Tensor] = {}
        for stack, (kernel, expansion, channels, blocks, stride) in enumerate(STACKS):
            for block in range(math.ceil(blocks * self.depth)):
                step = stride if block == 0 else 1
                scope = f"efficientnet/stack_{stack}/block_{block}"
                x = _block(slim, x, scope, (kernel, expansion, self._channels(channels), step))
                if (stack, block) in taps:
                    found[taps[stack, block]] = x
                if len(found) == len(LEVELS):
                    return found
        return found

    def _channels(self, channels: int) -> int:
        return make_divisible(channels * self.width)


def _block(slim: Slim, x: Tensor, scope: str, row: tuple[int, int, int, int]) -> Tensor:
    net, (kernel, expansion, channels, stride) = slim.net, row
    before = net.channels(x)
    y = x
    if expansion > 1:
        y = slim.conv(y, f"{scope}/expand", before * expansion, 1, style=STYLE)
    y = slim.depthwise(y, f"{scope}/depthwise", kernel, style=STYLE, stride=stride)
    y = net.multiply(y, _gate(slim, y, f"{scope}/squeeze_excite", max(1, before // SQUEEZE_RATIO)), f"{scope}/gate")
    y = slim.conv(y, f"{scope}/project", channels, 1, style=LINEAR)
    return net.add(y, x, scope) if stride == 1 and before == channels else y


def _gate(slim: Slim, x: Tensor, scope: str, squeezed: int) -> Tensor:
    """Return the gate of each channel (Hu et al., Squeeze-and-Excitation Networks, 2018)."""
    y = slim.net.channel_means(x, scope)
    y = slim.conv(y, f"{scope}/reduce", squeezed, 1, style=Style("SWISH", norm=None))
    return slim.conv(y, f"{scope}/expand", slim.net.channels(x), 1, style=Style("SIGMOID", norm=None))
