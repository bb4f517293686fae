"""NASNet-A large in two parts: the first for the whole image, the last cells for each of its regions.

Source: Zoph et al., Learning Transferable Architectures for Scalable Image Recognition, CVPR 2018, figure 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detlite.convert.rebuild.network.graph import GraphBuilder, Tensor
from detlite.convert.rebuild.network.slim import SCALED, Slim, Style, batch_norm_of

STYLE = Style("NONE", SCALED)
"""Activations come before the convolutions of a cell; the config's hyperparameters do not reach this backbone."""

STEM = 96
FILTERS = 168
STEM_CELLS = (FILTERS // 4, FILTERS // 2)
REGIONS_FROM, CELLS = 12, 18
REDUCED = (6, 12)
"""The cells that a reduction cell comes before, which doubles the filters."""

TAPS = 2
"""The map for regions is the last two cells' side by side."""


@dataclass(frozen=True)
class Sum:
    """Two operations whose results are added, each on a state: 0 is the cell's input, 1 the one before it."""

    left: tuple[str, int]
    right: tuple[str, int]


@dataclass(frozen=True)
class CellKind:
    """A kind of cell: its sums, each a new state, and the states that it returns side by side."""

    sums: tuple[Sum, ...]
    returned: tuple[int, ...]
    stride: int = 1


NORMAL = CellKind(
    sums=(
        Sum(("separable_5x5_2", 0), ("separable_3x3_2", 1)),
        Sum(("separable_5x5_2", 1), ("separable_3x3_2", 1)),
        Sum(("avg_pool_3x3", 0), ("none", 1)),
        Sum(("avg_pool_3x3", 1), ("avg_pool_3x3", 1)),
        Sum(("separable_3x3_2", 0), ("none", 0)),
    ),
    returned=(1, 2, 3, 4, 5, 6),
)
REDUCTION = CellKind(
    sums=(
        Sum(("separable_5x5_2", 0), ("separable_7x7_2", 1)),
        Sum(("max_pool_3x3", 0), ("separable_7x7_2", 1)),
        Sum(("avg_pool_3x3", 0), ("separable_5x5_2", 1)),
        Sum(("none", 3), ("avg_pool_3x3", 2)),
        Sum(("separable_3x3_2", 2), ("max_pool_3x3", 0)),
    ),
    returned=(3, 4, 5, 6),
    stride=2,
)


class TwoStageNasNet:
    """The backbone, with 6 cells for regions and 12, after two of the stem, for the whole image."""

    def image_features(self, net: GraphBuilder, image: Tensor, stride: int) -> Tensor:
        """Return the map of the whole image, with cells 16 pixels apart."""
        del stride  # there is no other
        cells = _Cells(net, "FirstStageFeatureExtractor")
        before, x = None, cells.stem(image)
        for number, filters in enumerate(STEM_CELLS):
            before, x = x, cells.cell(x, before, REDUCTION, filters, f"cell_stem_{number}")
        before, x = cells.normal_cells(before, x, range(REGIONS_FROM), FILTERS)
        return net.concat((before, x), 3, "first_stage/taps")

    def region_features(self, net: GraphBuilder, regions: Tensor) -> Tensor:
        """Return the maps of *regions* [count, rows, columns, channels], at half their size."""
        half = net.channels(regions) // TAPS
        before, x = (net.channel_slice(regions, half * part, half, f"second_stage/part_{part}") for part in range(TAPS))
        cells = _Cells(net, "SecondStageFeatureExtractor")
        _before, x = cells.normal_cells(before, x, range(REGIONS_FROM, CELLS), 2 * FILTERS)
        return net.activate(x, "RELU", "second_stage/final_layer")


class _Cells:
    """Cells under *scope*."""

    def __init__(self, net: GraphBuilder, scope: str) -> None:
        self._net, self._slim, self._scope = net, Slim(net), scope

    def stem(self, image: Tensor) -> Tensor:
        """Return the first convolution of *image*, which is not padded."""
        style = Style("NONE", SCALED, valid=True)
        scope = f"{self._scope}/conv0"
        return self._slim.conv(image, scope, STEM, 3, style=style, stride=2, norm_scope=f"{scope}_bn")

    def normal_cells(self, before: Tensor, x: Tensor, numbers: range, filters: int) -> tuple[Tensor, Tensor]:
        """Return the outputs of the last two of the cells with these *numbers*; *before* is the map before *x*."""
        for number in numbers:
            skipped = before
            if number in REDUCED:
                filters *= 2
                name = f"reduction_cell_{REDUCED.index(number)}"
                before, x = x, self.cell(x, before, REDUCTION, filters, name)
                before, x = x, self.cell(x, skipped, NORMAL, filters, f"cell_{number}")
            else:
                before, x = x, self.cell(x, before, NORMAL, filters, f"cell_{number}")
        return before, x

    def cell(self, x: Tensor, before: Tensor | None, kind: CellKind, filters: int, name: str) -> Tensor:
        """Return the output of the cell *name* on *x* and on the map *before* it; None for the first cell."""
        scope = f"{self._scope}/{name}"
        previous = x if before is None else self._fitted(before, x, filters, scope)
        states = [self._conv(x, f"{scope}/1x1", f"{scope}/beginning_bn", filters), previous]
        for number, summed in enumerate(kind.sums):
            place = f"{scope}/comb_iter_{number}"
            left, right = (
                self._operation(states[state], operation, kind.stride if state < 2 else 1, filters, f"{place}/{side}")
                for side, (operation, state) in (("left", summed.left), ("right", summed.right))
            )
            states.append(self._net.add(left, right, place))
        return self._net.concat([states[number] for number in kind.returned], 3, f"{scope}/concat")

    def _fitted(self, before: Tensor, x: Tensor, filters: int, scope: str) -> Tensor:
        """Return the map *before* with the size of *x* and as many *filters*."""
        if self._net.size(before) != self._net.size(x):
            return self._halved(before, filters, scope)
        if self._net.channels(before) == filters:
            return before
        return self._conv(before, f"{scope}/prev_1x1", f"{scope}/prev_bn", filters)

    def _halved(self, x: Tensor, filters: int, scope: str) -> Tensor:
        """Return *x* at half its size: two convolutions, on every second cell and on the cells between."""
        x = self._net.activate(x, "RELU", scope)
        shifted = self._net.pad(x, (0, 0), (1, 1), f"{scope}/shifted")
        bare = Style("NONE", norm=None, bare=True)
        halves = [
            self._slim.conv(
                self._net.every_second(source, first, f"{scope}/path{first + 1}"),
                f"{scope}/path{first + 1}_conv",
                filters // 2,
                1,
                style=bare,
            )
            for first, source in enumerate((x, shifted))
        ]
        return self._normed(self._net.concat(halves, 3, f"{scope}/paths"), f"{scope}/final_path_bn")

    def _normed(self, x: Tensor, scope: str) -> Tensor:
        """Return *x* after the batch norm *scope*, which no single convolution comes before."""
        scale, shift = batch_norm_of(self._net, scope, self._net.channels(x), SCALED)
        return self._net.bias(self._net.multiply(x, scale.astype(np.float32), scope), shift.astype(np.float32), scope)

    def _conv(self, x: Tensor, scope: str, norm: str, filters: int, stride: int = 1) -> Tensor:
        rectified = self._net.activate(x, "RELU", scope)
        return self._slim.conv(rectified, scope, filters, 1, style=STYLE, stride=stride, norm_scope=norm)

    def _operation(self, x: Tensor, operation: str, stride: int, filters: int, scope: str) -> Tensor:
        """Return *operation* of *x*: nothing, a pooling, or separable convolutions, the first with the stride."""
        if operation.startswith("separable"):
            side = int(operation.split("_")[1].split("x")[0])
            for number in (1, 2):
                name = f"{side}x{side}_{number}"
                x = self._slim.separable(
                    self._net.activate(x, "RELU", f"{scope}/separable_{name}"),
                    f"{scope}/separable_{name}",
                    filters,
                    side,
                    style=STYLE,
                    stride=stride if number == 1 else 1,
                    norm_scope=f"{scope}/bn_sep_{name}",
                )
            return x
        if operation == "none":
            if stride == 1 and self._net.channels(x) == filters:
                return x
            return self._conv(x, f"{scope}/1x1", f"{scope}/bn_1", filters, stride)
        pool = self._net.max_pool if operation.startswith("max") else self._net.average_pool
        return pool(x, 3, stride, scope)
