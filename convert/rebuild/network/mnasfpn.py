"""MnasFPN's pyramid: four identical cells found by architecture search (Chen et al., MnasFPN, CVPR 2020, figure 4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detlite.convert.rebuild.detector_config import BatchNorm
from detlite.convert.rebuild.network.graph import Tensor
from detlite.convert.rebuild.network.slim import Slim, Style

SCOPE = "FeatureExtractor/MnasFPN"
LEVELS = (3, 4, 5, 6)
DEPTH = 48
CELLS = 4
LINEAR = Style("NONE", BatchNorm(epsilon=0.01, scale=True))  # hard-coded in the original, which ignores the config


@dataclass(frozen=True)
class CellBlock:
    """One node of a cell: the sum of *inputs*, ReLU6, a separable convolution.

    Attributes:
        inputs: indices of the maps that it adds: 0 to 3 are the cell's inputs, 4 is the output of the first block.
        level: the level of its output.
        kernel: the side of its kernel.
        expansion: the channels of the sum.
    """

    inputs: tuple[int, int]
    level: int
    kernel: int
    expansion: int


CELL = (
    CellBlock((1, 2), 4, 3, 256),
    CellBlock((0, 4), 3, 3, 128),
    CellBlock((5, 4), 4, 3, 128),
    CellBlock((4, 3), 5, 5, 128),
    CellBlock((4, 3), 6, 3, 96),
)


@dataclass(frozen=True)
class MnasFpn:
    """The pyramid at one width.

    Attributes:
        slim: builds its layers.
        depth_of: scales the paper's number of channels to this width.
        output: the paper's number of channels of its maps: 48.
        explicit_padding: pad with zeros where the original does, instead of SAME.
    """

    slim: Slim
    depth_of: Callable[[int], int]
    output: int = DEPTH
    explicit_padding: bool = False

    def maps(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """Return the maps of levels 3 to 6, finest first, built on the backbone's *taps* of levels 3 to 5."""
        pooled = self._pool(taps[-1], 2, f"{SCOPE}/C6_downsample")
        coarsest = self.slim.conv(pooled, f"{SCOPE}/C6_Conv1x1", self.depth_of(self.output), 1, style=LINEAR)
        maps = [*taps, coarsest]
        for number in range(CELLS):
            maps = self._cell(maps, f"{SCOPE}/cell_{number}")
        return maps

    def _cell(self, maps: Sequence[Tensor], scope: str) -> list[Tensor]:
        """Return the outputs of a cell on *maps*; an output with the shape of its input has a residual connection."""
        nodes, levels = list(maps), list(LEVELS)
        for number, block in enumerate(CELL):
            sources = [(nodes[source], levels[source]) for source in block.inputs]
            nodes.append(self._block(sources, block, f"{scope}/block_{number}"))
            levels.append(block.level)
        net = self.slim.net
        return [
            net.add(made, given, f"{scope}/residual_{level}") if made.shape == given.shape else made
            for level, made, given in zip(LEVELS, nodes[-len(maps) :], maps, strict=True)
        ]

    def _block(self, sources: Sequence[tuple[Tensor, int]], block: CellBlock, scope: str) -> Tensor:
        net = self.slim.net
        first, second = (
            self._resampled(x, level, block, f"{scope}/input_{number}") for number, (x, level) in enumerate(sources)
        )
        x = net.activate(net.add(first, second, scope), "RELU_6", scope)
        return self.slim.separable(x, f"{scope}/SepConv", self.depth_of(self.output), block.kernel, style=LINEAR)

    def _resampled(self, x: Tensor, level: int, block: CellBlock, scope: str) -> Tensor:
        """Return *x* at the level and with the channels of *block*; the convolution runs on the smaller map."""
        net, channels = self.slim.net, self.depth_of(block.expansion)
        if level < block.level:
            x = self._pool(x, 2 ** (block.level - level), f"{scope}/Downsample")
        x = self.slim.conv(x, f"{scope}/Conv1x1", channels, 1, style=LINEAR)
        if level <= block.level:
            return x
        rows, columns = net.size(x)
        times = 2 ** (level - block.level)
        return net.resize_nearest(x, (rows * times, columns * times), scope)

    def _pool(self, x: Tensor, stride: int, scope: str) -> Tensor:
        if not self.explicit_padding:
            return self.slim.net.max_pool(x, 3, stride, scope)
        # unlike SAME, this pads with zeros: the maximum of negative values at an edge becomes 0
        return self.slim.net.max_pool(self.slim.net.pad(x, (1, 1), (1, 1), scope), 3, stride, scope, padding="VALID")
